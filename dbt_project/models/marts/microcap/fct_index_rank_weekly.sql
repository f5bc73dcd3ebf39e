with trading_day as (
    select
        trade_date,
        trade_week,
        previous_trade_week,
        is_week_end,
        is_week_complete,
        is_loaded,
    from {{ ref("int_trading_day") }}
),

-- The last trading days before the week's month and year, by the date of its last day.
week as (
    select
        this_week.trade_week,
        this_week.previous_trade_week,
        max(day.trade_date) filter (
            where day.trade_date < date_trunc('month', this_week.trade_week)
        ) as month_base_date,
        max(day.trade_date) filter (
            where day.trade_date < date_trunc('year', this_week.trade_week)
        ) as year_base_date,
    from trading_day as this_week
    inner join
        trading_day as day
        on
            this_week.trade_date > day.trade_date
            and this_week.trade_date - 400 < day.trade_date
    where
        this_week.is_week_end
        and this_week.is_week_complete
        and this_week.is_loaded
    group by this_week.trade_week, this_week.previous_trade_week
),

level as (
    select
        index_code,
        index_name,
        trade_date,
        index_level,
        is_microcap,
    from {{ ref("int_broad_index_level") }}
),

measured as (
    select
        week.trade_week,
        this_day.index_code,
        this_day.index_name,
        this_day.is_microcap,
        this_day.index_level / week_base.index_level - 1 as weekly_return,
        this_day.index_level / month_base.index_level - 1 as month_to_date_return,
        this_day.index_level / year_base.index_level - 1 as year_to_date_return,
    from week
    inner join level as this_day on week.trade_week = this_day.trade_date
    inner join
        level as week_base
        on
            this_day.index_code = week_base.index_code
            and week.previous_trade_week = week_base.trade_date
    left join
        level as month_base
        on
            this_day.index_code = month_base.index_code
            and week.month_base_date = month_base.trade_date
    left join
        level as year_base
        on
            this_day.index_code = year_base.index_code
            and week.year_base_date = year_base.trade_date
)

{% set spans = ["weekly", "month_to_date", "year_to_date"] -%}
select
    cast(trade_week as date) as trade_week,
    cast(index_code as varchar) as index_code,
    cast(index_name as varchar) as index_name,
    cast(is_microcap as boolean) as is_microcap,
    cast(weekly_return as double) as weekly_return,
    cast(month_to_date_return as double) as month_to_date_return,
    cast(year_to_date_return as double) as year_to_date_return,
    {%- for span in spans %}
    cast(
        case
            when {{ span }}_return is not null
                then
                    rank() over (
                        partition by trade_week
                        order by {{ span }}_return desc nulls last
                    )
        end as integer
    ) as {{ "return" if span == "weekly" else span }}_rank,
    {%- endfor %}
    cast(count(*) over (partition by trade_week) as integer) as index_count,
from measured
