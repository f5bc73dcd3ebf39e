{{
    config(
        materialized="incremental",
        incremental_strategy="rewrite_window",
        on_schema_change="fail",
        meta={"window_column": "trade_week"},
    )
}}

-- Published weights are those of the newest list known; what has joined an index since
-- then has none yet and is left out. Without a list, or with an old one only, the
-- members count alike.
with complete_week as (
    select trade_week,
    from {{ ref("int_trading_day") }}
    where
        is_week_end
        and is_week_complete
        and is_loaded
        and {{ in_build_window("trade_week") }}
),

scored_index as (
    select
        index_code,
        name as index_name,
        index_class,
    from {{ ref("stg_market_index") }}
    where
        index_class in (
            {%- for index_class in var("score_index_classes") %}
            '{{ index_class }}'{{ "," if not loop.last }}
            {%- endfor %}
        )
        or index_code in (
            select enhancement.index_code,
            from {{ ref("int_enhancement") }} as enhancement
        )
),

index_member as (
    select
        scored_index.index_class,
        scored_index.index_name,
        index_range.index_code,
        index_range.security_code,
        complete_week.trade_week,
    from {{ ref("int_index_member") }} as index_range
    inner join scored_index on index_range.index_code = scored_index.index_code
    inner join complete_week
        on
            index_range.valid_from <= complete_week.trade_week
            and coalesce(index_range.valid_to, date '9999-12-31')
            > complete_week.trade_week
    group by
        scored_index.index_class,
        scored_index.index_name,
        index_range.index_code,
        index_range.security_code,
        complete_week.trade_week
),

index_weight as (
    select
        index_weight.index_code,
        index_weight.security_code,
        index_weight.trade_date,
        index_weight.weight,
    from {{ ref("stg_index_weight") }} as index_weight
    semi join scored_index on index_weight.index_code = scored_index.index_code
),

weight_list as (
    select
        index_code,
        trade_date,
    from index_weight
    group by index_code, trade_date
),

newest_list as (
    select
        weight_list.index_code,
        complete_week.trade_week,
        max(weight_list.trade_date) as list_date,
    from weight_list
    inner join complete_week
        -- Made from the close of its own day, a list is published after it.
        on
            weight_list.trade_date < complete_week.trade_week
            and weight_list.trade_date
            > complete_week.trade_week - {{ var("score_weight_age_days") }}
    group by weight_list.index_code, complete_week.trade_week
)

select
    index_member.index_class,
    index_member.index_code,
    index_member.index_name,
    index_member.trade_week,
    index_member.security_code,
    case when newest_list.list_date is null then 1 else index_weight.weight end
        as weight,
    newest_list.list_date,
    case when newest_list.list_date is null then 'equal' else 'published' end
        as weight_source,
from index_member
left join newest_list
    on
        index_member.index_code = newest_list.index_code
        and index_member.trade_week = newest_list.trade_week
left join index_weight
    on
        index_member.index_code = index_weight.index_code
        and index_member.security_code = index_weight.security_code
        and newest_list.list_date = index_weight.trade_date
where
    newest_list.list_date is null
    or index_weight.weight > 0
