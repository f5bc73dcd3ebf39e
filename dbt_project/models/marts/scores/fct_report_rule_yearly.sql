with report as (
    select
        report_id,
        year(published_at) as year,
        coalesce(excluded_reason, 'used') as outcome,
        adjustment,
        adjustment_source,
        says_raised,
        says_lowered,
        says_first,
    from {{ ref("int_report") }}
),

text_score as (
    select
        encoder_code,
        report_id,
    from {{ ref("int_text_score") }}
),

encoder as (
    select encoder_code,
    from text_score
    group by encoder_code
),

-- An outcome is one of each report; what its words say and what its forecasts show are
-- counted of all reports.
hit as (
    select
        year,
        'outcome' as rule_group,
        outcome as rule,
        true as is_hit,
    from report
    {% for rule, condition in {
        "says_raised_or_lowered": "says_raised or says_lowered",
        "says_raised": "says_raised",
        "says_lowered": "says_lowered",
        "says_first": "says_first",
    }.items() -%}
    union all
    select
        year,
        'wording' as rule_group,
        '{{ rule }}' as rule,
        {{ condition }} as is_hit,
    from report
    {% endfor -%}
    union all
    select
        year,
        adjustment_source as rule_group,
        adjustment_source || '_' || adjustment as rule,
        true as is_hit,
    from report
    union all
    select
        report.year,
        'score' as rule_group,
        encoder.encoder_code || '_not_scored' as rule,
        report.outcome = 'used' and text_score.report_id is null as is_hit,
    from report
    cross join encoder
    left join text_score
        on
            report.report_id = text_score.report_id
            and encoder.encoder_code = text_score.encoder_code
),

total as (
    select
        year,
        count(*) as report_count,
    from report
    group by year
)

select
    cast(hit.year as integer) as year,
    cast(hit.rule_group as varchar) as rule_group,
    cast(hit.rule as varchar) as rule,
    cast(count(*) filter (where hit.is_hit) as integer) as hit_count,
    cast(total.report_count as integer) as report_count,
    cast(
        count(*) filter (where hit.is_hit) / total.report_count as double
    ) as hit_share,
from hit
inner join total on hit.year = total.year
group by
    hit.year,
    hit.rule_group,
    hit.rule,
    total.report_count
