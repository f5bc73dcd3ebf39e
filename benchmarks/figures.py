"""Figures of the warehouse on real data, each a query with its question.

Add a figure as a function that returns a table of plain rows; keep printing and
measuring out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from benchmarks.reference import industry_reference
from models_ml.config import HIGH_FREQUENCY

CITIC_PAIRS = Path(__file__).with_name("citic_pairs.csv")
CITIC_FILE = "citic_level1_index_2017_2022.parquet"
SCHEME_2021 = date(2021, 7, 30)

# Needs a view own_return (industry_code, trade_date, float_cap_return, weight). A pair
# of several industries is weighted by their float caps.
CITIC_CORRELATION = """
    with pair as (
        select citic_name, unnest(string_split(shenwan_codes, '|')) as industry_code
        from read_csv($pairs, header = true)
    ),

    own as (
        select
            pair.citic_name,
            daily.trade_date,
            sum(daily.float_cap_return * daily.weight) / sum(daily.weight) as own_return
        from own_return as daily
        inner join pair on daily.industry_code = pair.industry_code
        group by pair.citic_name, daily.trade_date
    ),

    citic as (
        select
            industry as citic_name,
            date as trade_date,
            close / lag(close) over (partition by industry order by date) - 1
                as citic_return
        from read_parquet($citic)
    )

    select
        citic.citic_name,
        corr(own.own_return, citic.citic_return) as correlation,
        count(*) as day_count
    from citic
    inner join own using (citic_name, trade_date)
    where citic.citic_return is not null and own.own_return is not null
    group by citic.citic_name
"""


@dataclass(frozen=True)
class Correlation:
    """Correlation of the daily returns of an industry with its CITIC index.

    Attributes
    ----------
    of_the_day : float
        With the members of the day.
    hindsight : float
        With the scheme of 2021 put on all years before it.
    """

    citic_name: str
    of_the_day: float
    hindsight: float
    day_count: int


def citic_correlations(
    con: duckdb.DuckDBPyConnection, folder: Path
) -> list[Correlation]:
    """Compare float-cap industry returns with CITIC level-1 closes, by pair.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Connection to a builder's file.
    folder : Path
        Folder of the real files.

    Notes
    -----
    The hindsight figures label every stock with the first industry that it has in the
    scheme of 2021, whatever it was at the time. They are computed here only.
    """
    bound = {"pairs": str(CITIC_PAIRS), "citic": str(folder / CITIC_FILE)}
    con.execute(
        """
        create or replace temp view own_return as
        select
            industry_code,
            trade_date,
            float_cap_return,
            previous_float_cap_cny as weight
        from industry.fct_industry_return_daily
        where industry_system = 'shenwan1'
        """
    )
    of_the_day = con.execute(CITIC_CORRELATION, bound).fetchall()
    con.execute(
        f"""
        create or replace temp view own_return as
        with label as (
            select
                security_code,
                arg_min(industry_code, valid_from) as industry_code
            from core.dim_industry_member
            where
                industry_system = 'shenwan1'
                and (valid_to is null or valid_to > date '{SCHEME_2021}')
            group by security_code
        )

        select
            label.industry_code,
            day.trade_date,
            sum(day.daily_return * day.previous_float_cap_cny)
            / sum(day.previous_float_cap_cny) as float_cap_return,
            sum(day.previous_float_cap_cny) as weight
        from intermediate.int_security_day as day
        inner join label on day.security_code = label.security_code
        where
            day.daily_return is not null
            and day.previous_float_cap_cny is not null
            and day.trade_date between date '2017-01-01' and date '2022-12-31'
        group by label.industry_code, day.trade_date
        """
    )
    hindsight = {
        row[0]: float(row[1])
        for row in con.execute(CITIC_CORRELATION, bound).fetchall()
    }
    return sorted(
        (
            Correlation(name, float(value), hindsight[name], int(days))
            for name, value, days in of_the_day
        ),
        key=lambda item: -item.of_the_day,
    )


@dataclass(frozen=True)
class ReferenceComparison:
    """Published figures against the numpy reference.

    Attributes
    ----------
    row_count : int
        Figures compared, all industries and days.
    only_one_side : int
        Figures that only one of the two has.
    largest_difference : float
        Largest absolute difference.
    """

    measure: str
    row_count: int
    only_one_side: int
    largest_difference: float


def reference_comparisons(
    con: duckdb.DuckDBPyConnection, industry_system: str
) -> list[ReferenceComparison]:
    """Compare the whole history of diffusion index and float-cap return with numpy."""
    row = con.execute(
        """
        select min(trade_date), max(trade_date)
        from diffusion.fct_diffusion_index_daily
        where industry_system = $system and variant = 'default'
        """,
        {"system": industry_system},
    ).fetchone()
    if row is None or row[1] is None:
        raise ValueError(f"no diffusion index of {industry_system} is built")
    reference = industry_reference(con, industry_system, np.datetime64(row[1], "D"))
    wide = (
        (
            "diffusion index",
            reference.diffusion_index,
            """
            select industry_code, trade_date, diffusion_index
            from diffusion.fct_diffusion_index_daily
            where
                industry_system = $system
                and variant = 'default'
                and diffusion_index is not null
            """,
        ),
        (
            "float-cap return",
            reference.float_cap_return,
            """
            select industry_code, trade_date, float_cap_return
            from industry.fct_industry_return_daily
            where industry_system = $system and float_cap_return is not null
            """,
        ),
    )
    comparisons = []
    for measure, expected, query in wide:
        built = np.full_like(expected, np.nan)
        read = con.execute(query, {"system": industry_system}).fetchnumpy()
        code, day, value = (np.ma.getdata(column) for column in read.values())
        at = np.searchsorted(reference.days, day.astype("datetime64[D]"))
        built[at, np.searchsorted(reference.industries, code.astype(str))] = value
        one_side = np.isnan(built) != np.isnan(expected)
        difference = np.abs(built - expected)
        comparisons.append(
            ReferenceComparison(
                measure,
                int((~np.isnan(built)).sum()),
                int(one_side.sum()),
                float(np.nanmax(difference)),
            )
        )
    return comparisons


@dataclass(frozen=True)
class Grid:
    """Rows of a figure with their headings."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[object, ...]]


def _grid(con: duckdb.DuckDBPyConnection, title: str, query: str) -> Grid:
    result = con.execute(query)
    headings = tuple(item[0] for item in result.description or ())
    return Grid(title, headings, result.fetchall())


def strategy_years(con: duckdb.DuckDBPyConnection) -> Grid:
    """Return and excess of ``diffusion_monthly`` on Shenwan industries by year."""
    return _grid(
        con,
        "diffusion_monthly on Shenwan level 1: net return and excess by year",
        """
        select
            period,
            max(total_return) filter (where not is_paper) as "return",
            max(benchmark_return) filter (where not is_paper) as benchmark,
            max(excess_return) filter (where not is_paper) as excess,
            max(total_return) filter (where is_paper) as paper_return,
            max(excess_return) filter (where is_paper) as paper_excess
        from rotation.fct_rotation_performance
        inner join core.dim_strategy using (strategy_code)
        where
            strategy_code in (
                'diffusion_monthly_shenwan1', 'diffusion_monthly_paper_shenwan1'
            )
            and try_cast(period as integer) between 2016 and 2023
        group by period
        order by period
        """,
    )


def rule_ledger(con: duckdb.DuckDBPyConnection) -> Grid:
    """Annualised return with each market rule off, over all years and some of them."""
    return _grid(
        con,
        "what each market rule is worth: annualised return without it, and difference",
        """
        select
            strategy_code,
            rule_off,
            max(annualised_return) filter (where period = 'all') as annualised,
            max(annualised_excess) filter (where period = 'all') as excess,
            max(difference) filter (where period = 'all') as "difference",
            max(difference) filter (where period = '2015') as "2015",
            max(difference) filter (where period = '2018') as "2018",
            max(difference) filter (where period = '2021') as "2021",
            max(difference) filter (where period = '2023') as "2023",
            max(day_count) filter (where period = 'all') as days
        from rotation.fct_rule_ledger
        where
            strategy_code in (
                'microcap400',
                'low_volatility_50',
                'diffusion_weekly_filled_shenwan1',
                'all:log_market_cap:10',
                'all:volatility_1y:10'
            )
            and reason is null
        group by strategy_code, rule_off
        order by strategy_code, rule_off <> 'none', rule_off
        """,
    )


def low_volatility_years(con: duckdb.DuckDBPyConnection) -> Grid:
    """Return of ``low_volatility_50`` by year, beside the index and the paper run."""
    return _grid(
        con,
        "low_volatility_50: net return by year, its benchmark, and the same on paper",
        """
        select
            period,
            max(total_return) filter (where not is_paper) as "return",
            max(benchmark_return) filter (where not is_paper) as benchmark,
            max(excess_return) filter (where not is_paper) as excess,
            max(max_drawdown) filter (where not is_paper) as drawdown,
            max(turnover) filter (where not is_paper) as turnover,
            max(total_return) filter (where is_paper) as paper_return
        from rotation.fct_rotation_performance
        inner join core.dim_strategy using (strategy_code)
        where
            strategy_code in ('low_volatility_50', 'low_volatility_50_paper')
            and regexp_full_match(period, 'all|[0-9]{4}')
        group by period
        order by period
        """,
    )


def weight_sources(con: duckdb.DuckDBPyConnection) -> Grid:
    """Industry days by year and by what weighs them."""
    return _grid(
        con,
        "industry days by what weighs them (weight_source)",
        """
        select
            year(trade_date) as year,
            count(*) filter (where weight_source is null) as "none",
            count(*) filter (where weight_source = 'total') as total,
            count(*) filter (where weight_source = 'mixed') as mixed,
            count(*) filter (where weight_source = 'float') as "float"
        from industry.fct_industry_return_daily
        where industry_system = 'shenwan1'
        group by year
        order by year
        """,
    )


def reconciliation_counts(con: duckdb.DuckDBPyConnection) -> Grid:
    """Count the published figures by status."""
    return _grid(
        con,
        "published figures by status",
        """
        select
            status,
            coalesce(split_part(reason, ':', 1), '') as reason,
            count(*) as figures
        from meta.meta_reconciliation
        group by all
        order by figures desc, reason
        """,
    )


# Differences are shares of the assets at the week's end. ``moved`` is what the price
# did to the money between the day that it came and the week's end.
ETF_IDENTITY = """
    with moved as (
        select
            daily.etf_code,
            weekly.trade_week,
            sum(
                daily.net_inflow_cny * (last_day.price_cny / daily.price_cny - 1)
            ) as moved_cny,
            max(daily.split_ratio) as largest_split
        from flows.fct_etf_flow_weekly as weekly
        inner join core.dim_trade_week as week using (trade_week)
        inner join flows.fct_etf_flow_daily as daily
            on weekly.etf_code = daily.etf_code
            and daily.trade_date between week.first_day and week.last_day
        inner join flows.fct_etf_flow_daily as last_day
            on weekly.etf_code = last_day.etf_code
            and weekly.trade_week = last_day.trade_date
        group by daily.etf_code, weekly.trade_week
    ),

    compared as (
        select
            weekly.etf_code,
            weekly.trade_week,
            weekly.net_inflow_cny / weekly.assets_previous_cny as inflow,
            weekly.weekly_return,
            (weekly.net_inflow_cny - weekly.identity_inflow_cny)
            / weekly.assets_cny as difference,
            moved.moved_cny / weekly.assets_cny as moved
        from flows.fct_etf_flow_weekly as weekly
        inner join moved using (etf_code, trade_week)
        where moved.largest_split = 1
    )
"""


def etf_identity(con: duckdb.DuckDBPyConnection) -> Grid:
    """Sum of the daily ETF inflows against the identity of assets.

    Shares of assets. ``unexplained`` is what is left of the difference after what the
    price moved between the day of a flow and the week's end: nothing but rounding.
    """
    return _grid(
        con,
        "weekly ETF inflow, sum of the days less the identity, as a share of assets",
        f"""
        {ETF_IDENTITY}
        select
            etf_code,
            min(trade_week) as first_week,
            max(trade_week) as last_week,
            count(*) as weeks,
            count(*) filter (where abs(difference) <= 0.005) as within_half_per_cent,
            avg(abs(difference)) as mean,
            max(abs(difference)) as largest,
            max(abs(difference + moved)) as unexplained
        from compared
        group by etf_code
        order by etf_code
        """,
    )


def etf_identity_misses(con: duckdb.DuckDBPyConnection) -> Grid:
    """Weeks in which the two differ by more than half a per cent of assets."""
    return _grid(
        con,
        "of these, the weeks beyond half a per cent (inflow: share of former assets)",
        f"""
        {ETF_IDENTITY}
        select etf_code, trade_week, difference, moved, inflow, weekly_return
        from compared
        where abs(difference) > 0.005
        order by trade_week, etf_code
        """,
    )


def survivorship(con: duckdb.DuckDBPyConnection) -> Grid:
    """Stocks delisted since, by year, and what they do to equal-weight returns."""
    return _grid(
        con,
        "survivorship: stocks delisted later, equal-weight return of the year",
        """
        with stock_day as (
            select
                day.trade_date,
                day.security_code,
                day.daily_return,
                security.delist_date is not null as is_gone
            from intermediate.int_security_day as day
            inner join core.dim_security as security using (security_code)
            where day.daily_return is not null
        ),

        market_day as (
            select
                trade_date,
                avg(daily_return) as all_return,
                avg(daily_return) filter (where not is_gone) as kept_return
            from stock_day
            group by trade_date
        ),

        market_year as (
            select
                year(trade_date) as year,
                exp(sum(ln(1 + all_return))) - 1 as all_return,
                exp(sum(ln(1 + kept_return))) - 1 as kept_return
            from market_day
            group by year
        ),

        stock_year as (
            select
                year(trade_date) as year,
                count(distinct security_code) as stocks,
                count(distinct security_code) filter (where is_gone) as delisted_later
            from stock_day
            group by year
        )

        select
            year,
            stocks,
            delisted_later,
            delisted_later / stocks as share,
            all_return,
            kept_return as return_without_them
        from stock_year
        inner join market_year using (year)
        order by year
        """,
    )


def st_inference(con: duckdb.DuckDBPyConnection, folder: Path) -> Grid:
    """Precision and recall of inferred special treatment against names of a day."""
    return _grid(
        con,
        "inferred special treatment against the names of 2024-06-26",
        f"""
        with named as (
            select code as security_code, contains(name, 'ST') as is_named
            from read_parquet('{folder / "stock_snapshot_2024_06_26.parquet"}')
        ),

        judged as (
            select security.board, named.is_named, tradability.is_st
            from core.fct_tradability_daily as tradability
            inner join core.dim_security as security using (security_code)
            inner join named using (security_code)
            where tradability.trade_date = date '2024-06-26'
        )

        select
            coalesce(board, 'all') as board,
            count(*) as stocks,
            count(*) filter (where is_named) as named_st,
            count(*) filter (where is_st) as inferred_st,
            count(*) filter (where is_st and is_named)
            / nullif(count(*) filter (where is_st), 0) as precision,
            count(*) filter (where is_st and is_named)
            / nullif(count(*) filter (where is_named), 0) as recall
        from judged
        group by rollup (board)
        order by stocks desc, board
        """,
    )


def table_rows(con: duckdb.DuckDBPyConnection) -> Grid:
    """Rows of the raw tables and of the largest published ones."""
    return _grid(
        con,
        "rows of the raw tables and of the published ones",
        """
        select schema_name as schema, table_name as "table", estimated_size as "rows"
        from duckdb_tables()
        where
            database_name = current_database()
            and estimated_size > 0
            and not internal
            and schema_name not in ('seeds')
        order by estimated_size desc
        limit 25
        """,
    )


def microcap_years(con: duckdb.DuckDBPyConnection) -> Grid:
    """Show the returns of the micro-cap indices by year, and of the fall of 2024."""
    return _grid(
        con,
        "micro-cap indices: paper, after cost, tradable, rebalanced monthly",
        """
        with period_return as (
            select
                index_code,
                cast(year(trade_date) as varchar) as period,
                index_return,
                net_return,
                tradable_return,
                monthly_rebalanced_return,
                unfillable_share
            from microcap.fct_microcap_index_daily
            where index_return is not null
            union all
            select
                index_code,
                '2024-01-02 to 02-07' as period,
                index_return,
                net_return,
                tradable_return,
                monthly_rebalanced_return,
                unfillable_share
            from microcap.fct_microcap_index_daily
            where trade_date between date '2024-01-02' and date '2024-02-07'
        )

        select
            index_code,
            period,
            exp(sum(ln(1 + index_return))) - 1 as "return",
            exp(sum(ln(1 + net_return))) - 1 as after_cost,
            exp(sum(ln(1 + tradable_return))) - 1 as tradable,
            exp(sum(ln(1 + monthly_rebalanced_return))) - 1 as monthly,
            avg(unfillable_share) as unfillable
        from period_return
        group by index_code, period
        order by index_code, period
        """,
    )


def microcap_check(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    """Return what ``microcap400_float`` returned by period, for a check."""
    rows = con.execute(
        """
        with span as (
            select *
            from (
                values
                ('2021-01-11 to 12-31', date '2021-01-11', date '2021-12-31'),
                ('2022', date '2022-01-01', date '2022-12-31'),
                ('2023', date '2023-01-01', date '2023-12-31'),
                ('2024-01-02 to 02-07', date '2024-01-02', date '2024-02-07')
            ) as t (period, first_day, last_day)
        )

        select
            span.period,
            exp(sum(ln(1 + daily.index_return))) - 1 as period_return
        from span
        inner join microcap.fct_microcap_index_daily as daily
            on daily.trade_date between span.first_day and span.last_day
        where
            daily.index_code = 'microcap400_float'
            and daily.index_return is not null
        group by span.period
        """
    ).fetchall()
    return {str(period): float(value) for period, value in rows if value is not None}


def microcap_timing(con: duckdb.DuckDBPyConnection) -> Grid:
    """Show the performance of the timing methods beside their index."""
    return _grid(
        con,
        "timing of microcap400 and 000300.SH: whole period, after cost",
        """
        select
            index_code,
            method,
            variant,
            annualised_return,
            volatility,
            sharpe,
            max_drawdown,
            rebalance_count as switches
        from microcap.fct_microcap_timing_performance
        where period = 'all'
        order by index_code, variant desc, method
        """,
    )


def diffusion_timing(con: duckdb.DuckDBPyConnection) -> Grid:
    """Show the returns of the timing by two lines beside their index."""
    return _grid(
        con,
        "timing by two lines of a share of the members: whole period, after cost",
        """
        select
            index_code,
            method,
            min(trade_date) as first_date,
            exp(sum(ln(1 + strategy_return))) - 1 as "return",
            exp(sum(ln(1 + index_return))) - 1 as index_return,
            avg(position) as days_in,
            sum(turnover) as switches
        from diffusion.fct_diffusion_timing_daily
        where strategy_return is not null
        group by index_code, method
        order by index_code, method
        """,
    )


def size_ic(con: duckdb.DuckDBPyConnection) -> Grid:
    """Monthly rank IC of size among the stocks of main board and STAR.

    All of them, and the bottom 400 by float value; size at the last close of a complete
    month as total and as float cap, return of the next month; from 2021 on too, when
    float caps are loaded. Needs the builder's file.
    """
    return _grid(
        con,
        "monthly rank IC of size, main board and STAR, to 2024-06",
        """
        with month_end as (
            select
                trade_date,
                lead(trade_date) over (order by trade_date) as next_month_end
            from intermediate.int_trading_day
            where is_month_end and is_month_complete
        ),

        stock as (
            select
                now.trade_date,
                now.total_cap_cny,
                now.float_cap_cny,
                later.adjusted_close / now.adjusted_close - 1 as next_return,
                held.security_code is not null as is_member
            from month_end
            inner join intermediate.int_security_day as now
                on month_end.trade_date = now.trade_date
            inner join intermediate.int_security_day as later
                on
                    month_end.next_month_end = later.trade_date
                    and now.security_code = later.security_code
            left join intermediate.int_microcap_member as held
                on
                    held.index_code = 'microcap400_float'
                    and now.trade_date = held.trade_date
                    and now.security_code = held.security_code
            where
                now.board in ('main', 'star')
                and now.total_cap_cny is not null
                and now.trade_date between date '2015-04-01' and date '2024-06-30'
        ),

        chosen as (
            select 'main board and STAR' as universe, * from stock
            union all
            select 'microcap400_float' as universe, * from stock where is_member
        ),

        ranked as (
            select
                universe,
                trade_date,
                rank() over by_total + count(*) over by_total as total_rank,
                rank() over by_float + count(*) over by_float as float_rank,
                rank() over by_return + count(*) over by_return as return_rank
            from chosen
            window
                by_total as (
                    partition by universe, trade_date order by total_cap_cny
                    range between unbounded preceding and current row
                ),
                by_float as (
                    partition by universe, trade_date order by float_cap_cny
                    range between unbounded preceding and current row
                ),
                by_return as (
                    partition by universe, trade_date order by next_return
                    range between unbounded preceding and current row
                )
        ),

        monthly as (
            select
                universe,
                trade_date,
                corr(total_rank, return_rank) as total_cap_ic,
                corr(float_rank, return_rank) as float_cap_ic
            from ranked
            group by universe, trade_date
        )

        select
            monthly.universe,
            span.first_month as "from",
            count(*) as months,
            avg(monthly.total_cap_ic) as total_cap_ic,
            avg(monthly.float_cap_ic) as float_cap_ic
        from monthly
        inner join
            (values (date '2015-04-01'), (date '2021-01-01')) as span (first_month)
            on monthly.trade_date >= span.first_month
        group by monthly.universe, span.first_month
        order by monthly.universe, span.first_month
        """,
    )


def factor_ics(con: duckdb.DuckDBPyConnection, universe: str) -> Grid:
    """Weekly rank IC of every factor in a universe over all weeks."""
    return _grid(
        con,
        f"weekly rank IC of the style factors, universe {universe}",
        f"""
        select
            summary.factor_code as factor,
            summary.mean,
            summary.icir,
            summary.t_value,
            summary.positive_share as positive,
            summary.tradable_mean,
            summary.tradable_t_value as tradable_t,
            scorecard.decay_4_ic as fourth_week,
            scorecard.decay_12_ic as twelfth_week,
            scorecard.all_long_short_paper_return as long_short,
            scorecard.all_long_short_tradable_return as tradable_ls,
            summary.week_count as weeks
        from factors.fct_factor_ic_summary as summary
        inner join bi.mart_factor_scorecard as scorecard
            on
                summary.universe = scorecard.universe
                and summary.factor_code = scorecard.factor_code
        where summary.universe = '{universe}' and summary.period = 'all'
        order by summary.mean, summary.factor_code
        """,
    )


def factor_universes(con: duckdb.DuckDBPyConnection) -> Grid:
    """Universes of the factor tests, and why one is absent."""
    return _grid(
        con,
        "universes of the factor tests",
        """
        select
            universe,
            week_count as weeks,
            missing_week_count as missing,
            lowest_stock_count as fewest,
            highest_stock_count as most,
            coalesce(unavailable_reason, '') as reason
        from factors.dim_factor_universe
        order by universe
        """,
    )


def high_frequency_values(con: duckdb.DuckDBPyConnection) -> Grid:
    """Raw high-frequency factors by length of bar, and why they are NULL."""
    return _grid(
        con,
        "high-frequency factors of real bars, raw values of stocks and days",
        f"""
        with long as (
            select bar_minutes, null_reason, factor, reading
            from factors.fct_high_frequency_factor_daily
            unpivot include nulls (reading for factor in ({", ".join(HIGH_FREQUENCY)}))
        )
        select
            bar_minutes as minutes,
            factor,
            count(*) as stock_days,
            count(reading) as with_value,
            avg(reading) as mean,
            stddev_samp(reading) as deviation,
            coalesce(mode(null_reason) filter (reading is null), '') as lacking
        from long
        group by bar_minutes, factor
        order by bar_minutes, factor
        """,
    )
