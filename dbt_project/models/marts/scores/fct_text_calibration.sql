-- Scored reports whose return has come, with the class it fell into.
with judged as (
    select
        score.encoder_code,
        year(score.known_date) as year,
        score.down_probability,
        score.middle_probability,
        score.up_probability,
        case
            when label.abnormal_return < score.low_threshold then 'down'
            when label.abnormal_return > score.high_threshold then 'up'
            else 'middle'
        end as actual_class,
        case
            when
                score.up_probability
                > greatest(score.middle_probability, score.down_probability)
                then 'up'
            when score.down_probability > score.middle_probability then 'down'
            else 'middle'
        end as predicted_class,
        label.abnormal_return,
        label.label_end_date,
    from {{ ref("int_text_score") }} as score
    inner join {{ ref("int_report_forward_return") }} as label
        on score.report_id = label.report_id
),

class_name as (
    select unnest(['down', 'middle', 'up']) as class,
),

-- Each report once for each class, with what was said of it.
by_class as (
    select
        judged.encoder_code,
        judged.year,
        class_name.class,
        case class_name.class
            when 'down' then judged.down_probability
            when 'middle' then judged.middle_probability
            else judged.up_probability
        end as probability,
        judged.actual_class,
        judged.predicted_class,
        judged.abnormal_return,
        judged.label_end_date,
    from judged
    cross join class_name
)

select
    cast(encoder_code as varchar) as encoder_code,
    cast(year as integer) as year,
    cast(class as varchar) as class,
    cast(count(*) as integer) as report_count,
    cast({{ exact_mean("probability", 12) }} as double) as mean_probability,
    cast(count(*) filter (where actual_class = class) / count(*) as double)
        as actual_share,
    cast(
        {{
            exact_mean(
                "power(probability - cast(actual_class = class as integer), 2)", 12
            )
        }} as double
    ) as brier_score,
    cast(count(*) filter (where predicted_class = class) as integer)
        as predicted_count,
    cast(
        count(*) filter (where predicted_class = class and actual_class = 'down')
        as integer
    ) as actual_down_count,
    cast(
        count(*) filter (where predicted_class = class and actual_class = 'middle')
        as integer
    ) as actual_middle_count,
    cast(
        count(*) filter (where predicted_class = class and actual_class = 'up')
        as integer
    ) as actual_up_count,
    cast(
        {{ exact_sum("abnormal_return", 12, "predicted_class = class") }}
        / nullif(count(*) filter (where predicted_class = class), 0) as double
    ) as mean_abnormal_return,
    cast(max(label_end_date) as date) as last_label_date,
from by_class
group by encoder_code, year, class
