{%- set timing = var("diffusion_timing") %}

with diffusion as (
    select
        index_code,
        trade_date,
        diffusion_index,
        previous_diffusion_index,
        fast_average,
        slow_average,
        valid_index,
        diffusion_total,
    from {{ ref("int_basket_diffusion_daily") }}
    where diffusion_index is not null
),

-- What each machine says on a day: full, empty, or nothing.
judged as (
    select
        index_code,
        'first_threshold' as method,
        trade_date,
        case
            when diffusion_index > {{ timing.exit_threshold }} then false
            when diffusion_index < {{ timing.entry_threshold }} then true
        end as verdict,
    from diffusion
    union all
    select
        index_code,
        'delayed_threshold' as method,
        trade_date,
        case
            when
                previous_diffusion_index >= {{ timing.exit_threshold }}
                and diffusion_index < {{ timing.exit_threshold }}
                then false
            when
                previous_diffusion_index <= {{ timing.entry_threshold }}
                and diffusion_index > {{ timing.entry_threshold }}
                then true
        end as verdict,
    from diffusion
    union all
    select
        index_code,
        'dual_moving_average' as method,
        trade_date,
        {{ is_above("fast_average", "slow_average") }} as verdict,
    from diffusion
),

-- A machine repeats itself without effect, so its state is its last verdict; before the
-- first one it is full.
stated as (
    select
        index_code,
        method,
        trade_date,
        coalesce(last_value(verdict ignore nulls) over so_far, true) as is_full,
        coalesce(last_value(verdict ignore nulls) over until_yesterday, true)
            as was_full,
    from judged
    window
        so_far as (
            partition by index_code, method
            order by trade_date
            rows between unbounded preceding and current row
        ),
        until_yesterday as (
            partition by index_code, method
            order by trade_date
            rows between unbounded preceding and 1 preceding
        )
)

select
    stated.index_code,
    stated.method,
    stated.trade_date,
    stated.is_full,
    case
        when stated.is_full and not stated.was_full then 'enter'
        when stated.was_full and not stated.is_full then 'exit'
    end as action,
    diffusion.diffusion_index,
    diffusion.fast_average,
    diffusion.slow_average,
    diffusion.valid_index,
    diffusion.diffusion_total,
from stated
inner join diffusion
    on
        stated.index_code = diffusion.index_code
        and stated.trade_date = diffusion.trade_date
