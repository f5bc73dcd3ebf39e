-- Lists of the runs with a rule off. Most rules act on the trades of the same lists;
-- without the rules on special treatment and delisting, other stocks stand to choice.
with rule as (
    select
        strategy_code,
        rule_off,
        asset_pool,
        top_n,
        layer_count,
        score_source,
    from {{ ref("int_ledger_rule") }}
    where has_own_run
),

selection as (
    select
        strategy_code,
        signal_date,
        asset_code,
        target_weight,
    from {{ ref("int_strategy_selection") }}
),

signal_date as (
    select
        strategy_code,
        signal_date,
    from selection
    group by strategy_code, signal_date
),

other_member as (
    select
        'st' as rule_off,
        index_code,
        trade_date,
        security_code,
    from {{ ref("int_ledger_member") }}
    union all
    select
        'delisting' as rule_off,
        index_code,
        trade_date,
        security_code,
    from {{ ref("int_hindsight_member") }}
),

other_member_at_signal as (
    select other_member.*,
    from other_member
    semi join signal_date on other_member.trade_date = signal_date.signal_date
),

scored as (
    {{ low_volatility_score("other_member_at_signal", ["rule_off", "index_code"]) }}
),

ranked as (
    select
        rule.strategy_code,
        rule.rule_off,
        scored.trade_date as signal_date,
        scored.security_code as asset_code,
        rule.top_n,
        rule.layer_count,
        row_number() over (
            partition by rule.strategy_code, rule.rule_off, scored.trade_date
            order by scored.score asc, scored.security_code asc
        ) as asset_rank,
        count(*) over (
            partition by rule.strategy_code, rule.rule_off, scored.trade_date
        ) as eligible_count,
    from rule
    inner join
        scored
        on
            rule.rule_off = scored.rule_off
            and rule.asset_pool = scored.index_code
    inner join
        signal_date
        on
            rule.strategy_code = signal_date.strategy_code
            and scored.trade_date = signal_date.signal_date
    where rule.score_source = 'low_volatility'
),

seated as (
    select
        *,
        coalesce(top_n, (eligible_count + layer_count - 1) // layer_count)
            as seat_count,
    from ranked
)

select
    rule.strategy_code,
    rule.rule_off,
    selection.signal_date,
    selection.asset_code,
    selection.target_weight,
from rule
inner join selection on rule.strategy_code = selection.strategy_code
where rule.rule_off not in ('st', 'delisting')
union all
select
    strategy_code,
    rule_off,
    signal_date,
    asset_code,
    1 / seat_count as target_weight,
from seated
where
    asset_rank <= seat_count
    and eligible_count >= coalesce(top_n, layer_count)
