"""The strategy engine against a portfolio that is walked day by day in numpy.

Add a strategy to ``STRATEGIES`` when the engine learns a new rule; keep the reference
free of anything that the SQL does: it knows positions, opens and closes, no logarithms.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from tests.integration.rotation.conftest import DbtFile, WriteTradingDays

FIRST = dt.date(2021, 11, 1)
LAST_LOADED = dt.date(2023, 8, 16)  # a Wednesday: week and month are incomplete
LAST_CALENDAR = dt.date(2023, 12, 31)
POOLS = {"citic1": 9, "shenwan1": 7}
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Strategy:
    """A row of the seed, as far as the engine reads it."""

    strategy_code: str
    asset_pool: str = "citic1"
    frequency: str = "weekly"
    direction: int = 1
    top_n: int = 3
    buffer_rank: int | None = None
    excluded_assets: str | None = None
    execution: str = "next_open"
    two_way_cost: float = 0.0
    variant: str = "default"
    fills: str = "assumed"


STRATEGIES = (
    Strategy("weekly_open", two_way_cost=0.004),
    Strategy("weekly_close", execution="next_close", two_way_cost=0.004),
    Strategy("weekly_paper", execution="signal_close"),
    Strategy("monthly_open", frequency="monthly", two_way_cost=0.01),
    Strategy("monthly_paper", frequency="monthly", execution="signal_close"),
    Strategy("daily_open", frequency="daily", two_way_cost=0.002),
    Strategy("buffered", buffer_rank=6, two_way_cost=0.004),
    Strategy("buffered_daily", frequency="daily", buffer_rank=4, top_n=2),
    Strategy("excluding", excluded_assets="A01|A04", buffer_rank=5),
    Strategy("lowest", direction=-1, asset_pool="shenwan1", two_way_cost=0.004),
    Strategy("other_pool", asset_pool="shenwan1", execution="next_close", top_n=5),
    Strategy("filled_open", two_way_cost=0.004, fills="checked"),
    Strategy(
        "filled_close", execution="next_close", frequency="monthly", fills="checked"
    ),
    Strategy("not_loaded", asset_pool="pool32"),
    Strategy("no_score", variant="absent"),
)


@dataclass
class Market:
    """A random market: returns with gaps, scores with ties and missing ones."""

    days: list[dt.date]
    returns: pd.DataFrame
    scores: pd.DataFrame
    stocks: pd.DataFrame

    @property
    def loaded(self) -> list[dt.date]:
        """Days with bars."""
        return [day for day in self.days if day <= LAST_LOADED]


FLAGS = (
    "is_suspended",
    "opens_at_limit_up",
    "opens_at_limit_down",
    "closes_at_limit_up",
    "closes_at_limit_down",
)


def make_stocks(rng: np.random.Generator, days: list[dt.date]) -> pd.DataFrame:
    """Make four stocks an industry, each with its cap and what cannot be traded."""
    rows = [
        (pool, f"A{number:02d}", f"60{i}{number:02d}{k}.SH", day)
        for i, (pool, count) in enumerate(POOLS.items())
        for number, k, day in itertools.product(range(1, count + 1), range(4), days)
    ]
    stocks = pd.DataFrame(
        rows,
        columns=["industry_system", "industry_code", "security_code", "trade_date"],
    )
    # Whole hundreds, so that sums of doubles are exact in any order.
    stocks["previous_float_cap_cny"] = rng.integers(1, 1000, len(rows)) * 100.0
    stocks.loc[rng.random(len(rows)) < 0.1, "previous_float_cap_cny"] = None
    for flag in FLAGS:
        stocks[flag] = rng.random(len(rows)) < 0.1
    return stocks


def make_market() -> Market:
    rng = np.random.default_rng(20231117)
    calendar = [
        FIRST + dt.timedelta(days=i) for i in range((LAST_CALENDAR - FIRST).days + 1)
    ]
    closed = {
        day
        for day in calendar
        if day.weekday() >= 5
        or (day.month == 10 and day.day <= 7)
        or dt.date(2022, 1, 31) <= day <= dt.date(2022, 2, 4)
        or dt.date(2023, 1, 21) <= day <= dt.date(2023, 1, 27)
        or day in {dt.date(2022, 5, 2), dt.date(2022, 5, 3), dt.date(2022, 5, 4)}
    }
    days = [day for day in calendar if day not in closed]
    returns, scores = [], []
    for pool, count in POOLS.items():
        for number, day in itertools.product(range(1, count + 1), days):
            if day > LAST_LOADED or (number == 2 and day < dt.date(2022, 6, 15)):
                continue
            asset = f"A{number:02d}"
            overnight = rng.normal(0.0, 0.008)
            close = (1 + overnight) * (1 + rng.normal(0.0, 0.015)) - 1
            gone = rng.random()
            returns.append(
                (
                    pool,
                    asset,
                    day,
                    None if gone < 0.02 else close,
                    None if gone < 0.05 else overnight,
                )
            )
            if gone < 0.01:
                returns.pop()
            # Ties on purpose; none at all in the first weeks.
            score = round(rng.random(), 1) if day >= dt.date(2021, 12, 20) else None
            if rng.random() < 0.25:
                score = None
            scores.append((pool, asset, day, "default", score))
    return Market(
        days=days,
        stocks=make_stocks(rng, [day for day in days if day <= LAST_LOADED]),
        returns=pd.DataFrame(
            returns,
            columns=[
                "industry_system",
                "industry_code",
                "trade_date",
                "float_cap_return",
                "overnight_return",
            ],
        ),
        scores=pd.DataFrame(
            scores,
            columns=[
                "industry_system",
                "industry_code",
                "trade_date",
                "variant",
                "diffusion_index",
            ],
        ),
    )


def signal_days(market: Market, frequency: str) -> list[dt.date]:
    """Last days of complete periods, from the days alone."""
    if frequency == "daily":
        return market.loaded
    key = {
        "weekly": lambda day: day.isocalendar()[:2],
        "monthly": lambda day: (day.year, day.month),
    }[frequency]
    ends = {key(day): day for day in market.days}
    return [day for day in sorted(ends.values()) if day <= LAST_LOADED]


def choose_lists(strategy: Strategy, market: Market) -> dict[dt.date, list[str]]:
    """Choose the list of each signal date: what is kept, then the best of the rest."""
    priced = market.returns[market.returns["industry_system"] == strategy.asset_pool]
    first = priced.dropna(subset="float_cap_return")
    first_day = first.groupby("industry_code")["trade_date"].min().to_dict()
    scores = market.scores[
        (market.scores["industry_system"] == strategy.asset_pool)
        & (market.scores["variant"] == strategy.variant)
    ].dropna()
    by_day = dict(iter(scores.groupby("trade_date")))
    excluded = (strategy.excluded_assets or "").split("|")
    lists: dict[dt.date, list[str]] = {}
    held: list[str] = []
    for day in signal_days(market, strategy.frequency):
        rows = by_day.get(day)
        if rows is None:
            continue
        ranked = sorted(
            (-score * strategy.direction, asset)
            for asset, score in zip(
                rows["industry_code"], rows["diffusion_index"], strict=True
            )
            if asset not in excluded and first_day.get(asset, LAST_CALENDAR) <= day
        )
        order = [asset for _, asset in ranked]
        if len(order) < strategy.top_n:
            continue
        limit = strategy.buffer_rank or 0
        kept = [asset for asset in order[:limit] if asset in held]
        filled = [asset for asset in order if asset not in kept]
        held = kept + filled[: strategy.top_n - len(kept)]
        lists[day] = held
    return lists


def untradable_shares(
    strategy: Strategy, market: Market
) -> dict[str, dict[tuple[str, dt.date], float]]:
    """Share of an industry's caps that cannot be bought, or sold, at the execution."""
    stocks = market.stocks[market.stocks["industry_system"] == strategy.asset_pool]
    moment = "opens" if strategy.execution == "next_open" else "closes"
    keys = [stocks["industry_code"], stocks["trade_date"]]
    caps = stocks["previous_float_cap_cny"]
    total = caps.groupby(keys).sum()
    return {
        action: (
            (caps.where(stocks["is_suspended"] | stocks[flag]).groupby(keys).sum())
            / total.where(total > 0)
        ).to_dict()
        for action, flag in (
            ("in", f"{moment}_at_limit_up"),
            ("out", f"{moment}_at_limit_down"),
        )
    }


def fill_order(
    weights: dict[str, float],
    target: dict[str, float],
    cannot: dict[str, dict[str, float]],
) -> dict[str, float]:
    """Sell what can be sold, then buy with the money there is what can be bought."""
    kept = {
        asset: weight
        - max(weight - target.get(asset, 0.0), 0.0)
        * (1 - cannot["out"].get(asset, 0.0))
        for asset, weight in weights.items()
    }
    wants = {a: max(t - kept.get(a, 0.0), 0.0) for a, t in target.items()}
    money, needed = 1 - sum(kept.values()), sum(wants.values())
    scale = 1.0 if money >= needed - 1e-15 else money / needed
    return {
        asset: kept.get(asset, 0.0)
        + wants.get(asset, 0.0) * (1 - cannot["in"].get(asset, 0.0)) * scale
        for asset in {*kept, *wants}
    }


def simulate(strategy: Strategy, market: Market) -> pd.DataFrame:
    """Walk the portfolio through opens and closes, from the first trade on."""
    lists = choose_lists(strategy, market)
    shares = untradable_shares(strategy, market)
    rows = market.returns[market.returns["industry_system"] == strategy.asset_pool]
    rows = rows.dropna(subset="float_cap_return")
    close = {
        (asset, day): value
        for asset, day, value in zip(
            rows["industry_code"],
            rows["trade_date"],
            rows["float_cap_return"],
            strict=True,
        )
    }
    overnight = {
        (asset, day): 0.0 if pd.isna(value) else value
        for asset, day, value in zip(
            rows["industry_code"],
            rows["trade_date"],
            rows["overnight_return"],
            strict=True,
        )
    }
    intraday_mean = {}
    close_mean = {}
    for day, group in rows.groupby("trade_date"):
        close_mean[day] = group["float_cap_return"].mean()
        both = group.dropna()
        intraday_mean[day] = (
            (1 + both["float_cap_return"]) / (1 + both["overnight_return"]) - 1
        ).mean()

    values: dict[str, float] = {}
    cash = 0.0
    total = 1.0
    gross_total = 1.0
    pending: dt.date | None = None
    out = []

    def trade(signal: dt.date, today: dt.date) -> tuple[float, float]:
        nonlocal values, cash, total
        target = dict.fromkeys(lists[signal], 1 / strategy.top_n)
        weights = {asset: value / total for asset, value in values.items()}
        if strategy.fills == "checked":
            cannot = {
                side: {
                    asset: 0.0 if pd.isna(share) else share
                    for (asset, day), share in by_day.items()
                    if day == today
                }
                for side, by_day in shares.items()
            }
            target = fill_order(weights, target, cannot)
        turnover = sum(
            abs(target.get(asset, 0.0) - weights.get(asset, 0.0))
            for asset in {*target, *weights}
        )
        cost = strategy.two_way_cost / 2 * turnover
        total *= 1 - cost
        values = {asset: weight * total for asset, weight in target.items()}
        cash = total * (1 - sum(target.values()))
        return turnover, cost

    for day in market.loaded:
        before, gross_before = total, gross_total
        was_invested = bool(values)
        turnover = cost = 0.0
        values = {a: v * (1 + overnight.get((a, day), 0.0)) for a, v in values.items()}
        if values:
            gross_total *= (cash + sum(values.values())) / total
            total = cash + sum(values.values())
        if pending is not None and strategy.execution == "next_open":
            turnover, cost = trade(pending, day)
            pending = None
        values = {
            a: v * (1 + close.get((a, day), 0.0)) / (1 + overnight.get((a, day), 0.0))
            for a, v in values.items()
        }
        if values:
            gross_total *= (cash + sum(values.values())) / total
            total = cash + sum(values.values())
        if pending is not None and strategy.execution == "next_close":
            turnover, cost = trade(pending, day)
            pending = None
        if day in lists:
            if strategy.execution == "signal_close":
                turnover, cost = trade(day, day)
            else:
                pending = day
        if not values:
            continue
        if was_invested:
            benchmark = close_mean[day]
        elif strategy.execution == "next_open":
            benchmark = intraday_mean[day]
        else:
            benchmark = 0.0
        out.append(
            {
                "trade_date": day,
                "strategy_return": total / before - 1,
                "gross_return": gross_total / gross_before - 1,
                "benchmark_return": benchmark,
                "excess_return": total / before - 1 - benchmark,
                "cost": cost,
                "turnover": turnover,
            }
        )
    return pd.DataFrame(out)


def compound(values: pd.Series) -> float:
    return float(np.prod(1 + values.to_numpy()) - 1)


def drawdown(values: pd.Series) -> float:
    level = np.concatenate([[1.0], np.cumprod(1 + values.to_numpy())])
    return float(np.max(1 - level / np.maximum.accumulate(level)))


def weekly_returns(daily: pd.DataFrame, market: Market) -> pd.DataFrame:
    ends = {day.isocalendar()[:2]: day for day in market.days}
    week = pd.Series([ends[day.isocalendar()[:2]] for day in daily["trade_date"]])
    rows = []
    for trade_week, group in daily.groupby(week):
        if trade_week > LAST_LOADED:
            continue
        until = daily[daily["trade_date"] <= trade_week]
        month = until[
            [
                (day.year, day.month) == (trade_week.year, trade_week.month)
                for day in until["trade_date"]
            ]
        ]
        year = until[[day.year == trade_week.year for day in until["trade_date"]]]
        strategy, benchmark = (
            compound(group["strategy_return"]),
            compound(group["benchmark_return"]),
        )
        rows.append(
            {
                "trade_week": trade_week,
                "strategy_return": strategy,
                "gross_return": compound(group["gross_return"]),
                "benchmark_return": benchmark,
                "excess_return": strategy - benchmark,
                "cost": group["cost"].sum(),
                "turnover": group["turnover"].sum(),
                "month_to_date_return": compound(month["strategy_return"]),
                "month_to_date_excess_return": compound(month["strategy_return"])
                - compound(month["benchmark_return"]),
                "year_to_date_return": compound(year["strategy_return"]),
                "year_to_date_excess_return": compound(year["strategy_return"])
                - compound(year["benchmark_return"]),
                "day_count": len(group),
            }
        )
    return pd.DataFrame(rows)


def performance(rows: pd.DataFrame, weekly: pd.DataFrame) -> dict[str, float]:
    """Compute the performance block of methodology 0 for the days of a period."""
    days = len(rows)
    first, last = rows["trade_date"].min(), rows["trade_date"].max()
    weeks = weekly[(weekly["trade_week"] >= first) & (weekly["trade_week"] <= last)]
    total, benchmark = (
        compound(rows["strategy_return"]),
        compound(rows["benchmark_return"]),
    )
    rebalances = int((rows["turnover"] > 0).sum())
    block = {
        "total_return": total,
        "benchmark_return": benchmark,
        "excess_return": total - benchmark,
        "max_drawdown": drawdown(rows["strategy_return"]),
        "max_drawdown_of_excess": drawdown(rows["excess_return"]),
        "turnover": rows["turnover"].sum() / rebalances if rebalances else np.nan,
        "annual_turnover": rows["turnover"].sum() * 242 / days,
        "cost": rows["cost"].sum(),
        "day_count": days,
        "week_count": len(weeks),
        "rebalance_count": rebalances,
    }
    if len(weeks):
        block |= {
            "weekly_average_return": weeks["strategy_return"].mean(),
            "weekly_average_excess_return": weeks["excess_return"].mean(),
            "win_rate": (weeks["excess_return"] > 0).mean(),
        }
    if days >= 20:
        annual = (1 + total) ** (242 / days) - 1
        annual_benchmark = (1 + benchmark) ** (242 / days) - 1
        volatility = rows["strategy_return"].std(ddof=1) * np.sqrt(242)
        excess_volatility = rows["excess_return"].std(ddof=1) * np.sqrt(242)
        block |= {
            "annualised_return": annual,
            "annualised_benchmark_return": annual_benchmark,
            "annualised_excess": annual - annual_benchmark,
            "volatility": volatility,
            "excess_volatility": excess_volatility,
            "sharpe": annual / volatility,
            "excess_sharpe": (annual - annual_benchmark) / excess_volatility,
            "calmar": annual / block["max_drawdown"],
        }
    return block


@dataclass(frozen=True)
class Built:
    """The market and what the models made of it."""

    market: Market
    tables: dict[str, pd.DataFrame]
    walked: dict[str, pd.DataFrame] = field(default_factory=dict)

    def walk(self, strategy: Strategy) -> pd.DataFrame:
        """Simulate a strategy, once."""
        if strategy.strategy_code not in self.walked:
            self.walked[strategy.strategy_code] = simulate(strategy, self.market)
        return self.walked[strategy.strategy_code]

    def rows(self, table: str, strategy: Strategy) -> pd.DataFrame:
        """Rows of a strategy, in the order of the file."""
        frame = self.tables[table]
        return frame[frame["strategy_code"] == strategy.strategy_code].reset_index(
            drop=True
        )


def dates_to_python(frame: pd.DataFrame) -> pd.DataFrame:
    for name in frame.columns:
        if name.endswith("_date") or name == "trade_week":
            frame[name] = [
                None if pd.isna(value) else pd.Timestamp(value).date()
                for value in frame[name]
            ]
    return frame


# What only strategies on stocks, on indices and on model scores read.
NO_STOCK_STRATEGY = """
    create schema if not exists staging;
    create schema if not exists core;
    create table core.dim_model (model_code varchar, unavailable_reason varchar);
    create table staging.stg_security (security_code varchar, delist_date date);
    create table staging.stg_index_bar (
        index_code varchar, trade_date date, open double, close double
    );
    create table staging.stg_market_index (
        index_code varchar, name varchar, index_class varchar
    );
    create table intermediate.int_industry_score_weekly (
        model_code varchar, industry_system varchar, industry_code varchar,
        trade_week date, score double
    );
    create table intermediate.int_index_score_weekly (
        model_code varchar, index_class varchar, index_code varchar,
        trade_week date, score double
    );
    create table intermediate.int_stock_score_weekly (
        model_code varchar, trade_week date, security_code varchar, score double,
        is_counted boolean, is_traded boolean
    );
    create table intermediate.int_text_portfolio_score (
        encoder_code varchar, trade_date date, security_code varchar,
        text_score double, is_in_base_pool boolean, composite_score double
    );
    create table intermediate.int_microcap_member (
        index_code varchar, trade_date date, security_code varchar
    );
    create table staging.stg_portfolio_weight (
        strategy_code varchar, signal_date date, security_code varchar,
        target_weight double
    );
    create table intermediate.int_index_weight_weekly (
        index_code varchar, weight_source varchar
    );
    create table seeds.microcap_index (index_code varchar);
    create table intermediate.int_microcap_index_daily (
        index_code varchar, trade_date date, index_return double
    );
    create table intermediate.int_style_factor_weekly (
        trade_week date, security_code varchar, log_market_cap double,
        volatility_1y double
    );
"""


@pytest.fixture(scope="module")
def built(
    make_dbt_file: Callable[[], DbtFile], write_calendar: WriteTradingDays
) -> Built:
    market = make_market()
    file = make_dbt_file()
    strategies = pd.DataFrame([vars(strategy) for strategy in STRATEGIES]).assign(
        name_cn="",
        name_en="",
        definition="",
        inputs="",
        score_source="diffusion_index",
        asset_type="industry",
        layer_count=None,
        benchmark="pool_equal_weight",
    )
    members = market.stocks[
        ["industry_system", "industry_code", "security_code"]
    ].drop_duplicates()
    with file.connect() as con:
        for name, frame in {
            "intermediate.int_industry_member": members.assign(
                valid_from=FIRST, valid_to=pd.Series(dtype="datetime64[us]")
            ),
            "intermediate.int_tradability_day": market.stocks[
                ["trade_date", "security_code", *FLAGS]
            ],
            "intermediate.int_security_day": market.stocks[
                [
                    "trade_date",
                    "security_code",
                    "is_suspended",
                    "previous_float_cap_cny",
                ]
            ].assign(adjusted_open=1.0, adjusted_close=1.0),
            "intermediate.int_industry_return_daily": market.returns,
            "intermediate.int_diffusion_index_daily": market.scores,
            "seeds.strategy": strategies,
        }.items():
            schema = name.split(".")[0]
            con.execute(f"create schema if not exists {schema}")
            con.register("made_up", frame)
            con.execute(f"create table {name} as select * from made_up")
        for table, column in (
            ("intermediate.int_industry_return_daily", "trade_date"),
            ("intermediate.int_diffusion_index_daily", "trade_date"),
            ("intermediate.int_tradability_day", "trade_date"),
            ("intermediate.int_security_day", "trade_date"),
            ("intermediate.int_industry_member", "valid_from"),
            ("intermediate.int_industry_member", "valid_to"),
        ):
            con.execute(f"alter table {table} alter {column} type date")
        write_calendar(con, market.days, LAST_LOADED)
        for column in ("top_n", "layer_count", "buffer_rank"):
            con.execute(f"alter table seeds.strategy alter {column} type integer")
        con.execute(NO_STOCK_STRATEGY)
    file.dbt(
        "run",
        "path:models/intermediate/rotation",
        "path:models/marts/rotation/fct_rotation_*",
        "dim_strategy",
    )
    with file.connect() as con:
        tables = {
            name: dates_to_python(con.execute(query).df())
            for name, query in {
                "holding": "from rotation.fct_rotation_holding order by all",
                "daily": "from rotation.fct_rotation_return_daily order by all",
                "weekly": "from rotation.fct_rotation_return_weekly order by all",
                "performance": "from rotation.fct_rotation_performance order by all",
                "strategy": "from core.dim_strategy order by all",
            }.items()
        }
    return Built(market, tables)


RUNNING = [s for s in STRATEGIES if s.strategy_code not in {"not_loaded", "no_score"}]
running = pytest.mark.parametrize("strategy", RUNNING, ids=lambda s: s.strategy_code)
# What was not sold is on the next lists too, so their rows say more than the lists.
plain = pytest.mark.parametrize(
    "strategy",
    [s for s in RUNNING if s.fills == "assumed"],
    ids=lambda s: s.strategy_code,
)


@running
def test_lists_are_those_of_the_reference(built: Built, strategy: Strategy) -> None:
    expected = choose_lists(strategy, built.market)
    rows = built.rows("holding", strategy)
    got = {
        day: sorted(group.loc[group["weight"] > 0, "asset_code"])
        for day, group in rows.groupby("signal_date")
    }
    assert got == {day: sorted(assets) for day, assets in expected.items()}
    assert len(got) > 15


@plain
def test_actions_follow_from_the_list_before(built: Built, strategy: Strategy) -> None:
    before: set[str] = set()
    for _, group in built.rows("holding", strategy).groupby("signal_date"):
        actions = dict(zip(group["asset_code"], group["action"], strict=True))
        held = set(group.loc[group["weight"] > 0, "asset_code"])
        expected = dict.fromkeys(held - before, "in")
        expected |= dict.fromkeys(held & before, "hold")
        expected |= dict.fromkeys(before - held, "out")
        assert actions == expected
        before = held


@running
def test_execution_is_the_next_loaded_day(built: Built, strategy: Strategy) -> None:
    following = dict(itertools.pairwise(built.market.loaded))
    rows = built.rows("holding", strategy)
    for signal_date, execution_date in zip(
        rows["signal_date"], rows["execution_date"], strict=True
    ):
        if strategy.execution == "signal_close":
            assert execution_date == signal_date
        else:
            assert execution_date == following.get(signal_date)


@plain
def test_what_cannot_be_filled_equals_the_caps(
    built: Built, strategy: Strategy
) -> None:
    """Check the share of the caps of members suspended or at the limit of the side."""
    shares = untradable_shares(strategy, built.market)
    rows = built.rows("holding", strategy)
    expected = [
        shares.get(action, {}).get((asset, day), np.nan)
        for action, asset, day in zip(
            rows["action"], rows["asset_code"], rows["execution_date"], strict=True
        )
    ]
    np.testing.assert_allclose(
        rows["unfillable_share"], expected, rtol=0, atol=TOLERANCE
    )
    assert np.nansum(expected) > 0


@running
def test_daily_returns_equal_the_walk(built: Built, strategy: Strategy) -> None:
    expected = built.walk(strategy)
    got = built.rows("daily", strategy)
    assert got["trade_date"].tolist() == expected["trade_date"].tolist()
    for name in expected.columns.drop("trade_date"):
        np.testing.assert_allclose(
            got[name], expected[name], rtol=0, atol=TOLERANCE, err_msg=name
        )


@running
def test_weekly_returns_equal_the_walk(built: Built, strategy: Strategy) -> None:
    expected = weekly_returns(built.walk(strategy), built.market)
    got = built.rows("weekly", strategy)
    assert got["trade_week"].tolist() == expected["trade_week"].tolist()
    for name in expected.columns.drop("trade_week"):
        np.testing.assert_allclose(
            got[name].astype(float),
            expected[name].astype(float),
            rtol=0,
            atol=TOLERANCE,
            err_msg=name,
        )


@running
def test_performance_equals_the_formulas(built: Built, strategy: Strategy) -> None:
    daily = built.walk(strategy)
    weekly = weekly_returns(daily, built.market)
    last_week = weekly["trade_week"].max()
    ends = {day.isocalendar()[:2]: day for day in built.market.days}
    periods = {
        "all": daily,
        "2022": daily[[day.year == 2022 for day in daily["trade_date"]]],
        "2023": daily[[day.year == 2023 for day in daily["trade_date"]]],
        "year_to_date": daily[[day.year == 2023 for day in daily["trade_date"]]],
        "month_to_date": daily[
            [(day.year, day.month) == (2023, 8) for day in daily["trade_date"]]
        ],
        "week": daily[
            [ends[day.isocalendar()[:2]] == last_week for day in daily["trade_date"]]
        ],
    }
    first_year = daily["trade_date"].min().year
    if first_year == 2021:
        periods["2021"] = daily[[day.year == 2021 for day in daily["trade_date"]]]
    got = built.rows("performance", strategy).set_index("period")
    assert set(got.index) == set(periods)
    for period, rows in periods.items():
        expected = performance(rows, weekly)
        for name in got.columns.drop(["strategy_code", "first_date", "last_date"]):
            np.testing.assert_allclose(
                float(got.loc[period, name]),
                expected.get(name, np.nan),
                rtol=1e-11,
                atol=1e-12,
                err_msg=f"{period} {name}",
            )


def test_a_strategy_without_inputs_is_absent_with_a_reason(built: Built) -> None:
    strategy = built.tables["strategy"].set_index("strategy_code")
    assert strategy["is_available"].sum() == len(RUNNING)
    assert strategy.loc["not_loaded", "unavailable_reason"] == (
        "inputs not loaded: no returns of pool32"
    )
    assert strategy.loc["no_score", "unavailable_reason"] == (
        "inputs not loaded: no scores diffusion_index (absent) of citic1"
    )
    for name in ("holding", "daily", "weekly", "performance"):
        absent = set(built.tables[name]["strategy_code"]) & {"not_loaded", "no_score"}
        assert not absent


def test_weights_drift_between_rebalances(built: Built) -> None:
    """The walk would pass with daily equal weights if nothing ever drifted."""
    strategy = next(s for s in RUNNING if s.strategy_code == "monthly_paper")
    rows = built.rows("daily", strategy)
    rebalanced = rows[rows["turnover"] > 0]["turnover"].iloc[1:]
    # Even where a list repeats, drift has to be traded back.
    assert (rebalanced > 0).all()
    assert rows["turnover"].astype(bool).sum() < len(rows) / 10
