{{ config(tags=["model_input"]) }}

{%- set rule = var("report_rules") %}

-- What a report says in words. Both directions at once are an adjustment too: of this
-- year's forecast up and of the next one's down.
with worded as (
    select
        report.report_id,
        report.security_code,
        report.published_at,
        report.has_time,
        report.broker,
        -- 1 is the best.
        case
            {% for names in rule.ratings -%}
            when
                regexp_full_match(
                    lower(trim(report.rating)), '({{ names }})([-\x{ff0d}][ab])?'
                )
                then {{ loop.index }}
            {% endfor -%}
        end as rating_rank,
        -- A title alone is common: it is the same report on the same day only.
        case
            when text.abstract = ''
                then
                    report.security_code || ' '
                    || cast(cast(report.published_at as date) as varchar)
            else ''
        end as title_scope,
        md5(text.title || chr(10) || text.abstract) as text_hash,
        length(text.title) + length(text.abstract) as character_count,
        length(
            regexp_replace(text.title || text.abstract, '[^\p{Han}]', '', 'g')
        ) as chinese_count,
        regexp_matches(text.title || ' ' || text.abstract, '{{ rule.raised_words }}')
            as says_raised,
        regexp_matches(text.title || ' ' || text.abstract, '{{ rule.lowered_words }}')
            as says_lowered,
        regexp_matches(text.title || ' ' || text.abstract, '{{ rule.first_words }}')
            as says_first,
        -- Without a time it may have come after the close.
        cast(report.published_at as date)
        + case
            when
                not report.has_time
                or cast(report.published_at as time) > time '15:00:00'
                then 1
            else 0
        end as usable_from,
    from {{ ref("stg_analyst_report") }} as report
    inner join {{ ref("int_report_text") }} as text
        on report.report_id = text.report_id
),

trading_day as (
    select trade_date,
    from {{ ref("int_trading_day") }}
),

-- A company is known from its listing on until it leaves; a code that nobody lists is
-- nobody's.
dated as (
    select
        worded.*,
        trading_day.trade_date as known_date,
        coalesce(
            security.list_date <= cast(worded.published_at as date), false
        )
        and cast(worded.published_at as date)
        < coalesce(security.delist_date, date '9999-12-31') as is_listed,
    from worded
    asof left join trading_day on worded.usable_from <= trading_day.trade_date
    left join {{ ref("stg_security") }} as security
        on worded.security_code = security.security_code
),

-- The same words of the same broker once more: the first posting that can be used
-- counts, so one of a company that is not listed is none.
posted as (
    select
        *,
        lag(published_at) over by_text as previous_posted_at,
        lag(security_code) over by_text as previous_code,
    from dated
    window by_text as (
        partition by text_hash, coalesce(broker, ''), is_listed, title_scope
        order by published_at, report_id
    )
),

-- A forecast against the same broker's last one before it of the same year. Of two at
-- once that differ, as on a day without times, none is the last: nothing is compared
-- with them.
forecast as (
    select
        report_id,
        security_code,
        broker,
        fiscal_year,
        published_at,
        net_profit_cny,
    from {{ ref("stg_forecast") }}
    where
        net_profit_cny is not null
        and broker is not null
),

sole_forecast as (
    select
        security_code,
        broker,
        fiscal_year,
        published_at,
        any_value(net_profit_cny) as net_profit_cny,
    from forecast
    group by security_code, broker, fiscal_year, published_at
    having min(net_profit_cny) = max(net_profit_cny)
),

forecast_pair as (
    select
        forecast.report_id,
        forecast.net_profit_cny,
        previous.net_profit_cny as previous_profit_cny,
    from forecast
    asof inner join sole_forecast as previous
        on
            forecast.security_code = previous.security_code
            and forecast.broker = previous.broker
            and forecast.fiscal_year = previous.fiscal_year
            and forecast.published_at > previous.published_at
    where
        forecast.published_at
        <= previous.published_at + interval {{ rule.forecast_age_days }} day
),

forecast_change as (
    select
        report_id,
        {{
            exact_mean(
                "(net_profit_cny - previous_profit_cny) / abs(previous_profit_cny)", 9
            )
        }} as forecast_change,
    from forecast_pair
    where
        previous_profit_cny <> 0
        and abs(net_profit_cny / previous_profit_cny) < 1e6
    group by report_id
),

-- A rating likewise; one without a rank is none.
rating as (
    select
        report_id,
        security_code,
        broker,
        published_at,
        rating_rank,
    from worded
    where
        rating_rank is not null
        and broker is not null
),

sole_rating as (
    select
        security_code,
        broker,
        published_at,
        any_value(rating_rank) as rating_rank,
    from rating
    group by security_code, broker, published_at
    having min(rating_rank) = max(rating_rank)
),

rating_change as (
    select
        rating.report_id,
        previous.rating_rank - rating.rating_rank as rating_change,
    from rating
    asof inner join sole_rating as previous
        on
            rating.security_code = previous.security_code
            and rating.broker = previous.broker
            and rating.published_at > previous.published_at
    where
        rating.rating_rank <> previous.rating_rank
        and rating.published_at
        <= previous.published_at + interval {{ rule.forecast_age_days }} day
),

changed as (
    select
        posted.*,
        forecast_change.forecast_change,
        rating_change.rating_change,
        case
            when
                abs(forecast_change.forecast_change) >= {{ rule.minimum_change }}
                then 'forecast'
            when rating_change.rating_change is not null then 'rating'
            when forecast_change.forecast_change is not null then 'forecast'
            else 'wording'
        end as adjustment_source,
    from posted
    left join forecast_change on posted.report_id = forecast_change.report_id
    left join rating_change on posted.report_id = rating_change.report_id
),

judged as (
    select
        *,
        case
            when adjustment_source = 'rating'
                then if(rating_change > 0, 'raised', 'lowered')
            when adjustment_source = 'forecast'
                then
                    case
                        when forecast_change >= {{ rule.minimum_change }} then 'raised'
                        when forecast_change <= -{{ rule.minimum_change }}
                            then 'lowered'
                        else 'unchanged'
                    end
            when says_first then 'first_coverage'
            when says_raised and says_lowered then 'both'
            when says_raised then 'raised'
            when says_lowered then 'lowered'
            else 'unchanged'
        end as adjustment,
    from changed
)

select
    report_id,
    security_code,
    published_at,
    known_date,
    broker,
    text_hash,
    character_count,
    says_raised,
    says_lowered,
    says_first,
    forecast_change,
    rating_change,
    adjustment_source,
    adjustment,
    case
        when not is_listed then 'unknown_security'
        when character_count < {{ rule.minimum_characters }} then 'empty_text'
        when
            chinese_count < {{ rule.minimum_chinese_share }} * character_count
            then 'not_chinese'
        when
            published_at
            <= previous_posted_at + interval {{ rule.repost_days }} day
            then
                case
                    when security_code = previous_code then 'reposted'
                    else 'reposted_other_code'
                end
        when known_date is null then 'calendar_ends'
        when adjustment in ('first_coverage', 'unchanged') then adjustment
    end as excluded_reason,
from judged
