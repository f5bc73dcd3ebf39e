"""Stock strategies and the rule ledger against portfolios that are walked day by day.

The market is made up, with suspensions, limits, special treatment and delistings; the
walks know orders, positions and cash, no logarithms and no recursion. Add a strategy to
``STRATEGIES`` when fills learn a new rule, a rule to ``RULES`` when the ledger does.
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
from scipy import stats

if TYPE_CHECKING:
    from tests.integration.rotation.conftest import DbtFile, WriteTradingDays

FIRST = dt.date(2022, 1, 3)
LAST_LOADED = dt.date(2023, 3, 15)  # a Wednesday: week and month are incomplete
LAST_CALENDAR = dt.date(2023, 6, 30)
ORIGIN = dt.date(1990, 12, 17)
STOCKS = 100
MEMBERS = 20
INDEX = "microcap400"
TOLERANCE = 1e-11
FLAGS = (
    "opens_at_limit_up",
    "opens_at_limit_down",
    "closes_at_limit_up",
    "closes_at_limit_down",
)


@dataclass(frozen=True)
class Strategy:
    """A row of the seed, as far as fills depend on it."""

    strategy_code: str
    execution: str = "next_open"
    fills: str = "checked"
    frequency: str = "biweekly"
    top_n: int | None = 6
    layer_count: int | None = None
    two_way_cost: float = 0.003
    is_weighed: bool = False

    def target(self, codes: list[str]) -> dict[str, float]:
        """Weights of a list: alike, or as a solver might have made them."""
        parts = [1 + place * self.is_weighed for place in range(len(codes))]
        return {
            code: part / sum(parts) for code, part in zip(codes, parts, strict=True)
        }


STRATEGIES = (
    Strategy("open"),
    Strategy("close", execution="next_close"),
    Strategy("weekly", frequency="weekly", top_n=4),
    Strategy("monthly", frequency="monthly", top_n=8),
    Strategy("first_layer", frequency="weekly", top_n=None, layer_count=3),
    Strategy("weighed", frequency="weekly", top_n=9, is_weighed=True),
    Strategy("paper", execution="signal_close", fills="assumed", two_way_cost=0.0),
    Strategy("paper_checked", execution="signal_close", two_way_cost=0.0),
)


@dataclass(frozen=True)
class Rules:
    """What holds in a walk."""

    limits: bool = True
    suspension: bool = True


@dataclass
class Market:
    """Made-up stocks by day."""

    days: list[dt.date]
    panel: pd.DataFrame
    delisted: dict[str, dt.date]
    st: dict[str, tuple[dt.date, dt.date]]
    style: pd.DataFrame
    index: pd.DataFrame
    weekly: pd.DataFrame
    rows: dict[tuple[str, dt.date], dict[str, float]] = field(default_factory=dict)

    @property
    def loaded(self) -> list[dt.date]:
        """Days with bars."""
        return [day for day in self.days if day <= LAST_LOADED]

    def can(
        self, side: str, code: str, day: dt.date, moment: str, rules: Rules
    ) -> bool:
        """Tell whether a stock can be bought or sold at the open or the close."""
        row = self.rows.get((code, day))
        if row is None:
            return side == "sell"
        if row["is_suspended"]:
            return not rules.suspension
        flag = f"{moment}s_at_limit_{'up' if side == 'buy' else 'down'}"
        return not (rules.limits and row[flag])

    def growth(self, code: str, day: dt.date, part: str) -> float:
        """Growth over the night, the day, or both; 1 of what does not trade."""
        row = self.rows.get((code, day))
        if row is None or row["is_suspended"]:
            return 1.0
        night = row["adjusted_open"] / row["previous_adjusted_close"]
        whole = row["adjusted_close"] / row["previous_adjusted_close"]
        return {"night": night, "day": whole / night, "whole": whole}[part]


def make_days() -> list[dt.date]:
    closed = (
        (dt.date(2022, 1, 31), dt.date(2022, 2, 4)),
        (dt.date(2022, 10, 3), dt.date(2022, 10, 7)),
        (dt.date(2023, 1, 23), dt.date(2023, 1, 27)),
    )
    span = (LAST_CALENDAR - FIRST).days + 1
    days = [FIRST + dt.timedelta(days=i) for i in range(span)]
    return [
        day
        for day in days
        if day.weekday() < 5 and not any(a <= day <= b for a, b in closed)
    ]


def make_panel(
    rng: np.random.Generator, days: list[dt.date], delisted: dict[str, dt.date]
) -> pd.DataFrame:
    rows = []
    for number in range(STOCKS):
        code = f"60{number:04d}.SH"
        close, cap = 10.0, float(rng.integers(50, 400)) * 1e6
        stuck = 0
        for index, day in enumerate(days, start=1):
            if day > LAST_LOADED or day >= delisted.get(code, LAST_CALENDAR):
                continue
            if stuck == 0 and rng.random() < 0.02:
                stuck = int(rng.integers(1, 30))
            suspended = stuck > 0
            stuck = max(stuck - 1, 0)
            previous = close
            opened = close * (1 + rng.normal(0.0, 0.01))
            if not suspended:
                close = opened * (1 + rng.normal(0.0, 0.02))
                cap *= close / previous
            flags = {flag: rng.random() < 0.08 for flag in FLAGS}
            rows.append(
                {
                    "trade_date": day,
                    "security_code": code,
                    "day_index": index,
                    "board": "main",
                    "listed_days": 500 + index,
                    "is_suspended": suspended,
                    "adjusted_open": None if suspended else opened,
                    "adjusted_close": close,
                    "previous_adjusted_close": previous,
                    "total_cap_cny": round(cap, -4),
                    **{name: value and not suspended for name, value in flags.items()},
                }
            )
    return pd.DataFrame(rows)


def week_ends(days: list[dt.date]) -> list[dt.date]:
    """Last days of the weeks that are over."""
    ends = {day.isocalendar()[:2]: day for day in days}
    return [day for day in sorted(ends.values()) if day <= LAST_LOADED]


def make_weekly(
    rng: np.random.Generator, panel: pd.DataFrame, days: list[dt.date]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make up factors with ties and gaps, and weekly returns of their own."""
    ends = week_ends(days)
    style = panel[panel["trade_date"].isin(ends)][
        ["trade_date", "security_code", "total_cap_cny"]
    ].rename(columns={"trade_date": "trade_week"})
    style["log_market_cap"] = np.log(style.pop("total_cap_cny")).round(1)
    style["volatility_1y"] = rng.integers(1, 12, len(style)) / 100
    style.loc[rng.random(len(style)) < 0.05, "volatility_1y"] = None
    before = dict(zip(ends[1:], ends[:-1], strict=True))
    returns = style[style["trade_week"].isin(before)][["trade_week", "security_code"]]
    returns = returns.assign(
        previous_week=returns["trade_week"].map(before),
        paper_return=rng.normal(0, 0.05, len(returns)),
        tradable_return=rng.normal(0, 0.05, len(returns)),
    )
    returns.loc[rng.random(len(returns)) < 0.05, "tradable_return"] = None
    return style.reset_index(drop=True), returns.reset_index(drop=True)


@pytest.fixture(scope="module")
def market() -> Market:
    rng = np.random.default_rng(20240207)
    days = make_days()
    codes = [f"60{number:04d}.SH" for number in range(STOCKS)]
    ends = (dt.date(2022, 6, 15), dt.date(2022, 9, 26), dt.date(2022, 12, 3))
    # The last one is a Saturday.
    delisted = {codes[number]: ends[number % 3] for number in range(3, STOCKS, 7)}
    st = {
        codes[i]: (dt.date(2022, 1 + i % 9, 10), dt.date(2022, 3 + i % 9, 20))
        for i in (1, 5, 8, 13, 21)
    }
    panel = make_panel(rng, days, delisted)
    style, weekly = make_weekly(rng, panel, days)
    loaded = [day for day in days if day <= LAST_LOADED]
    index = pd.DataFrame(
        {
            "trade_date": loaded,
            "index_return": rng.normal(0, 0.01, len(loaded)),
            "tradable_return": rng.normal(0, 0.01, len(loaded)),
            "cost": rng.random(len(loaded)) / 1000,
        }
    )
    made = Market(days, panel, delisted, st, style, index, weekly)
    made.rows = {
        (row["security_code"], row["trade_date"]): row
        for row in panel.to_dict("records")
    }
    return made


def is_st(market: Market, code: str, day: dt.date) -> bool:
    first, end = market.st.get(code, (LAST_CALENDAR, LAST_CALENDAR))
    return first <= day < end


def members(market: Market, rule: str = "none") -> dict[dt.date, list[str]]:
    """Return the smallest by day, for the rules that decide who is let in."""
    found: dict[dt.date, list[str]] = {}
    for day, rows in market.panel.groupby("trade_date"):
        allowed = [
            (cap, code)
            for cap, code in zip(
                rows["total_cap_cny"], rows["security_code"], strict=True
            )
            if (rule == "st" or not is_st(market, code, day))
            and not (rule == "delisting" and code in market.delisted)
        ]
        found[day] = [code for _, code in sorted(allowed)[:MEMBERS]]
    return found


def signal_days(market: Market, frequency: str) -> list[dt.date]:
    """Last days of the periods that are over, from the days alone."""
    key = {
        "weekly": lambda day: day.isocalendar()[:2],
        "biweekly": lambda day: (day - ORIGIN).days // 14,
        "monthly": lambda day: (day.year, day.month),
    }[frequency]
    ends = {key(day): day for day in market.days}
    return [day for day in sorted(ends.values()) if day <= LAST_LOADED]


def choose_lists(
    market: Market, strategy: Strategy, rule: str = "none"
) -> dict[dt.date, list[str]]:
    by_day = members(market, rule)
    style = dict(iter(market.style.dropna().groupby("trade_week")))
    lists = {}
    for day in signal_days(market, strategy.frequency):
        if day not in style:
            continue
        rows = style[day]
        rows = rows[rows["security_code"].isin(by_day[day])]
        seats = strategy.top_n or -(-len(rows) // (strategy.layer_count or 1))
        if len(rows) < (strategy.top_n or strategy.layer_count or 1):
            continue
        score = stats.rankdata(rows["log_market_cap"]) + stats.rankdata(
            rows["volatility_1y"]
        )
        order = sorted(zip(score, rows["security_code"], strict=True))
        lists[day] = [code for _, code in order[:seats]]
    return lists


@dataclass
class Walk:
    """What a walk leaves: a row a day, the fills, and what is held at each close."""

    daily: pd.DataFrame
    filled: dict[tuple[dt.date, str], float]
    held: dict[dt.date, set[str]]
    late_sales: int


def simulate(
    market: Market,
    strategy: Strategy,
    lists: dict[dt.date, list[str]],
    rules: Rules,
    execution: str,
) -> Walk:
    """Walk orders, positions and cash through opens and closes."""
    if strategy.fills == "assumed":
        rules = Rules(limits=False, suspension=False)
    index_return = dict(
        zip(market.index["trade_date"], market.index["index_return"], strict=True)
    )
    held: dict[str, float] = {}
    cash = 1.0
    waiting: set[str] = set()
    pending: dt.date | None = None
    begun = False
    filled: dict[tuple[dt.date, str], float] = {}
    held_at: dict[dt.date, set[str]] = {}
    out = []
    late = 0

    def rebalance(day: dt.date, moment: str, signal: dt.date) -> float:
        nonlocal held, cash, waiting
        total = cash + sum(held.values())
        before = {code: value / total for code, value in held.items()}
        target = strategy.target(lists[signal])
        kept = {}
        for code, weight in before.items():
            goal = min(target.get(code, 0.0), weight)
            can_sell = market.can("sell", code, day, moment, rules)
            kept[code] = goal if can_sell else weight
        money = 1 - sum(kept.values())
        wants = {
            code: max(weight - kept.get(code, 0.0), 0.0)
            for code, weight in target.items()
        }
        needed = sum(wants.values())
        scale = 1.0 if money >= needed - 1e-15 else money / needed
        after = dict(kept)
        for code, wish in wants.items():
            if market.can("buy", code, day, moment, rules):
                after[code] = after.get(code, 0.0) + wish * scale
        # What is left of one less the weights that stay is rounding.
        after = {code: weight for code, weight in after.items() if weight > 1e-12}
        for code in {*after, *target}:
            filled[signal, code] = after.get(code, 0.0)
        turnover = sum(
            abs(after.get(code, 0.0) - before.get(code, 0.0))
            for code in {*after, *before}
        )
        waiting = {code for code in after if code not in target}
        held = {code: weight * total for code, weight in after.items()}
        cash = total * (1 - sum(after.values()))
        return turnover

    def sell_late(day: dt.date, moment: str) -> float:
        nonlocal cash
        sold = 0.0
        for code in sorted(waiting):
            if market.can("sell", code, day, moment, rules):
                value = held.pop(code)
                cash += value
                sold += value
                waiting.discard(code)
        return sold

    for day in market.loaded:
        start = cash + sum(held.values())
        turnover = sold = 0.0
        middle: float | None = None
        was_begun = begun
        held = {c: v * market.growth(c, day, "night") for c, v in held.items()}
        if execution == "next_open" and begun and pending is None:
            sold = sell_late(day, "open")
        if execution == "next_open" and pending is not None:
            middle = cash + sum(held.values())
            turnover = rebalance(day, "open", pending)
            pending, begun = None, True
        held = {c: v * market.growth(c, day, "day") for c, v in held.items()}
        if execution != "next_open":
            due = pending if execution == "next_close" else None
            if execution == "signal_close" and day in lists:
                due = day
            if due is not None:
                middle = cash + sum(held.values())
                turnover = rebalance(day, "close", due)
                pending, begun = None, True
            elif begun:
                sold = sell_late(day, "close")
        if execution != "signal_close" and day in lists:
            pending = day
        if not begun:
            continue
        held_at[day] = set(held)
        end = cash + sum(held.values())
        if sold:
            late += 1
            turnover += sold / end
        cost = strategy.two_way_cost / 2 * turnover
        ending = (end if middle is None else middle) / start
        beginning = 1.0 if middle is None else end / middle
        first_day = 0.0 if execution != "next_open" else index_return[day]
        out.append(
            {
                "trade_date": day,
                "strategy_return": ending * (1 - cost) * beginning - 1,
                "gross_return": ending * beginning - 1,
                "benchmark_return": index_return[day] if was_begun else first_day,
                "cost": cost,
                "turnover": turnover,
                "held_count": len(held),
            }
        )
    return Walk(pd.DataFrame(out), filled, held_at, late)


def walk_index(market: Market, rule: str) -> dict[dt.date, float]:
    """Walk the equally weighted basket of the members with one rule off."""
    rules = Rules(limits=rule != "limits", suspension=rule != "suspension")
    moment = "close" if rule == "next_open" else "open"
    by_day = members(market, rule)
    held: set[str] = set()
    returns = {}
    wanted: list[str] = []

    def trade(day: dt.date) -> None:
        for code in sorted({*held, *wanted}):
            if code in wanted and market.can("buy", code, day, moment, rules):
                held.add(code)
            elif code not in wanted and market.can("sell", code, day, moment, rules):
                held.discard(code)

    def mean(day: dt.date, part: str) -> float:
        growths = [market.growth(code, day, part) for code in sorted(held)]
        return float(np.mean(growths)) if growths else 1.0

    for day in market.loaded:
        if moment == "open":
            night = mean(day, "night")
            trade(day)
            returns[day] = night * mean(day, "day") - 1
        else:
            returns[day] = mean(day, "whole") - 1
        wanted = by_day[day]
        if moment == "close":
            trade(day)
    return returns


@dataclass
class Built:
    """The tables that dbt made."""

    tables: dict[str, pd.DataFrame]

    def rows(self, table: str, **values: str) -> pd.DataFrame:
        """Rows of a table with these values."""
        frame = self.tables[table]
        for name, value in values.items():
            frame = frame[frame[name] == value]
        return frame.reset_index(drop=True)


def upstream(market: Market) -> dict[str, pd.DataFrame]:
    """Make the tables that the models read."""
    panel = market.panel
    daily = panel["adjusted_close"] / panel["previous_adjusted_close"] - 1
    night = panel["adjusted_open"].astype(float) / panel["previous_adjusted_close"] - 1
    member = pd.DataFrame(
        [
            (INDEX, day, code)
            for day, codes in members(market).items()
            for code in codes
        ],
        columns=["index_code", "trade_date", "security_code"],
    ).merge(panel[["trade_date", "security_code", "day_index", "total_cap_cny"]])
    strategies = pd.DataFrame([vars(strategy) for strategy in STRATEGIES]).assign(
        name_cn="",
        name_en="",
        definition="",
        inputs="",
        score_source=[
            "enhancement" if strategy.is_weighed else "low_volatility"
            for strategy in STRATEGIES
        ],
        variant="volatility_1y",
        asset_type="stock",
        asset_pool=INDEX,
        direction=-1,
        buffer_rank=None,
        excluded_assets=None,
        benchmark=f"index:{INDEX}",
    )
    return {
        "intermediate.int_security_day": panel.assign(
            daily_return=daily,
            overnight_return=night.fillna(0.0),
            intraday_return=((1 + daily) / (1 + night) - 1).fillna(0.0),
            previous_float_cap_cny=1.0,
        ),
        "intermediate.int_tradability_day": panel.assign(
            is_st=[
                is_st(market, code, day)
                for code, day in zip(
                    panel["security_code"], panel["trade_date"], strict=True
                )
            ],
            is_delisting_period=False,
        ),
        "staging.stg_security": pd.DataFrame(
            {
                "security_code": sorted(set(panel["security_code"])),
                "delist_date": [
                    market.delisted.get(code)
                    for code in sorted(set(panel["security_code"]))
                ],
            }
        ),
        "intermediate.int_st_range": pd.DataFrame(
            [
                (code, first, end, True, False)
                for code, (first, end) in market.st.items()
            ],
            columns=[
                "security_code",
                "valid_from",
                "valid_to",
                "is_st",
                "is_delisting_period",
            ],
        ),
        "intermediate.int_microcap_member": member.rename(
            columns={"total_cap_cny": "market_cap_cny"}
        ),
        "intermediate.int_microcap_index_daily": market.index.assign(index_code=INDEX),
        "intermediate.int_style_factor_weekly": market.style,
        "intermediate.int_stock_return_weekly": market.weekly,
        "staging.stg_portfolio_weight": pd.DataFrame(
            [
                (strategy.strategy_code, day, code, weight)
                for strategy in STRATEGIES
                if strategy.is_weighed
                for day, codes in choose_lists(market, strategy).items()
                for code, weight in strategy.target(codes).items()
            ],
            columns=["strategy_code", "signal_date", "security_code", "target_weight"],
        ),
        "seeds.strategy": strategies.drop(columns="is_weighed"),
        "seeds.microcap_index": pd.DataFrame(
            {
                "index_code": [INDEX],
                "member_count": [MEMBERS],
                "minimum_listed_days": [0],
                "boards": ["main|star"],
            }
        ),
    }


# The portfolio's own table, fct_enhancement_portfolio, is not built.
EMPTY = """
    create table intermediate.int_index_weight_weekly (
        index_code varchar, weight_source varchar
    );
    create schema if not exists core;
    create table core.dim_model (model_code varchar, unavailable_reason varchar);
    create table intermediate.int_diffusion_index_daily (
        industry_system varchar, industry_code varchar, trade_date date,
        variant varchar, diffusion_index double
    );
    create table intermediate.int_industry_return_daily (
        industry_system varchar, industry_code varchar, trade_date date,
        float_cap_return double, overnight_return double
    );
    create table intermediate.int_industry_member (
        industry_system varchar, industry_code varchar, security_code varchar,
        valid_from date, valid_to date
    );
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
"""


@pytest.fixture(scope="module")
def built(
    market: Market,
    make_dbt_file: Callable[[], DbtFile],
    write_calendar: WriteTradingDays,
) -> Built:
    file = make_dbt_file()
    with file.connect() as con:
        write_calendar(con, market.days, LAST_LOADED)
        for name, frame in upstream(market).items():
            con.execute(f"create schema if not exists {name.split('.')[0]}")
            con.register("made_up", frame)
            dates = [
                f"cast({column} as date) as {column}"
                for column in frame.columns
                if column.endswith(("_date", "_week", "valid_from", "valid_to"))
            ]
            replaced = f"* replace ({', '.join(dates)})" if dates else "*"
            con.execute(f"create table {name} as select {replaced} from made_up")
        con.execute(EMPTY)
        for column in ("top_n", "layer_count", "buffer_rank"):
            con.execute(f"alter table seeds.strategy alter {column} type integer")
        con.execute("alter table seeds.strategy alter excluded_assets type varchar")
    file.dbt(
        "run",
        "path:models/intermediate/rotation",
        "path:models/marts/rotation/fct_rotation_*",
        "dim_strategy",
        "path:models/intermediate/ledger",
        "path:models/marts/ledger",
    )
    tables = {
        "holding": "rotation.fct_rotation_holding",
        "daily": "rotation.fct_rotation_return_daily",
        "run": "intermediate.int_ledger_return_daily",
        "index": "intermediate.int_ledger_index_daily",
        "layer": "intermediate.int_hindsight_layer_weekly",
        "ledger": "rotation.fct_rule_ledger",
        "series": "intermediate.int_ledger_series",
    }
    with file.connect() as con:
        frames = {
            name: con.execute(f"from {table} order by all").df()
            for name, table in tables.items()
        }
    for frame in frames.values():
        for name in frame.columns:
            if name.endswith(("_date", "_week")):
                frame[name] = [
                    None if pd.isna(value) else pd.Timestamp(value).date()
                    for value in frame[name]
                ]
    return Built(frames)


each_strategy = pytest.mark.parametrize(
    "strategy", STRATEGIES, ids=lambda strategy: strategy.strategy_code
)


def assert_days_equal(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    got = got.sort_values("trade_date")
    assert got["trade_date"].tolist() == expected["trade_date"].tolist()
    for name in expected.columns.drop("trade_date"):
        np.testing.assert_allclose(
            got[name].astype(float),
            expected[name].astype(float),
            rtol=0,
            atol=TOLERANCE,
            err_msg=name,
        )


@each_strategy
def test_days_and_fills_equal_the_walk(
    market: Market, built: Built, strategy: Strategy
) -> None:
    lists = choose_lists(market, strategy)
    walk = simulate(market, strategy, lists, Rules(), strategy.execution)
    holding = built.rows("holding", strategy_code=strategy.strategy_code)
    got_lists = holding[holding["weight"] > 0].groupby("signal_date")["asset_code"]
    assert {day: sorted(codes) for day, codes in got_lists} == {
        day: sorted(codes) for day, codes in lists.items()
    }
    got = {
        (day, code): weight
        for day, code, weight in zip(
            holding["signal_date"],
            holding["asset_code"],
            holding["filled_weight"],
            strict=True,
        )
        if not np.isnan(weight)
    }
    for key in {*got, *walk.filled}:
        assert got.get(key, 0.0) == pytest.approx(
            walk.filled.get(key, 0.0), abs=TOLERANCE
        ), key
    daily = built.rows("daily", strategy_code=strategy.strategy_code)
    assert_days_equal(daily, walk.daily)


@pytest.mark.parametrize(
    "strategy",
    [each for each in STRATEGIES if each.execution != "signal_close"],
    ids=lambda strategy: strategy.strategy_code,
)
def test_what_is_to_be_sold_is_known_on_the_evening_of_the_list(
    market: Market, built: Built, strategy: Strategy
) -> None:
    """Out is what the list before has and this one has not, and all else still held."""
    lists = choose_lists(market, strategy)
    walk = simulate(market, strategy, lists, Rules(), strategy.execution)
    holding = built.rows("holding", strategy_code=strategy.strategy_code)
    out = holding[holding["action"] == "out"].groupby("signal_date")["asset_code"]
    found = {day: set(codes) for day, codes in out}
    carried = 0
    for before, day in itertools.pairwise(sorted(lists)):
        still = walk.held.get(day, set()) - set(lists[before]) - set(lists[day])
        carried += len(still)
        left = set(lists[before]) - set(lists[day])
        assert found.get(day, set()) == left | still, day
    assert carried > 0 or strategy.frequency == "monthly"


def test_the_market_has_what_the_walk_must_know(market: Market, built: Built) -> None:
    """The walk would prove little where all orders are filled."""
    strategy = STRATEGIES[0]
    walk = simulate(
        market, strategy, choose_lists(market, strategy), Rules(), "next_open"
    )
    assert walk.late_sales > 3
    holding = built.rows("holding", strategy_code="open")
    assert (holding["unfillable_share"] == 1).sum() > 10
    assert holding["late_sale_date"].notna().sum() > 3
    kept = holding[(holding["weight"] == 0) & (holding["filled_weight"] > 0)]
    assert kept.duplicated("asset_code").any()  # over more than one list
    assert set(market.delisted) & set(holding["asset_code"])


@pytest.mark.parametrize(
    "rule", ["limits", "suspension", "st", "delisting", "next_open"]
)
@each_strategy
def test_a_run_without_a_rule_equals_its_walk(
    market: Market, built: Built, strategy: Strategy, rule: str
) -> None:
    got = built.rows("run", strategy_code=strategy.strategy_code, rule_off=rule)
    refuses_nothing = strategy.fills == "assumed" and rule in {"limits", "suspension"}
    if (
        refuses_nothing
        or (rule == "next_open" and strategy.execution == "signal_close")
        or (rule != "next_open" and strategy.is_weighed)
    ):
        assert got.empty
        reasons = built.rows(
            "ledger", strategy_code=strategy.strategy_code, rule_off=rule
        )["reason"]
        assert len(reasons) and reasons.notna().all()
        return
    other = rule if rule in {"st", "delisting"} else "none"
    lists = choose_lists(market, strategy, other)
    rules = Rules(limits=rule != "limits", suspension=rule != "suspension")
    execution = "signal_close" if rule == "next_open" else strategy.execution
    assert_days_equal(got, simulate(market, strategy, lists, rules, execution).daily)


@pytest.mark.parametrize(
    "rule", ["none", "limits", "suspension", "st", "delisting", "next_open"]
)
def test_the_index_without_a_rule_equals_its_walk(
    market: Market, built: Built, rule: str
) -> None:
    expected = walk_index(market, rule)
    got = built.rows("index", rule_off=rule)
    assert len(got) >= len(market.loaded) - 2
    for day, value in zip(got["trade_date"], got["gross_return"], strict=True):
        assert value == pytest.approx(expected[day], abs=TOLERANCE), day


def layer_returns(
    market: Market, factor: str, rule: str
) -> dict[tuple[int, dt.date], float]:
    """Average the first and the last tenth of a factor, one rule off."""
    style = market.style.dropna(subset=factor)
    first_day: dict[dt.date, dt.date] = {}
    ends = {day.isocalendar()[:2]: day for day in market.days}
    for day in reversed(market.days):
        first_day[ends[day.isocalendar()[:2]]] = day
    found = {}
    for week, rows in market.weekly.groupby("trade_week"):
        before = rows["previous_week"].iloc[0]
        pool = style[style["trade_week"] == before]
        pool = pool[pool["security_code"].isin(rows["security_code"])]
        pool = pool[
            [
                not market.rows[code, before]["is_suspended"]
                and (rule == "st" or not is_st(market, code, before))
                and not (rule == "delisting" and code in market.delisted)
                for code in pool["security_code"]
            ]
        ]
        if len(pool) < 50:
            continue
        order = [
            code
            for _, code in sorted(
                zip(-pool[factor], pool["security_code"], strict=True)
            )
        ]
        for layer in (1, 10):
            inside = {
                code
                for place, code in enumerate(order, start=1)
                if 1 + 10 * (place - 1) // len(order) == layer
            }
            values = []
            for row in rows[rows["security_code"].isin(inside)].itertuples():
                opening = market.rows.get((row.security_code, first_day[week]))
                closing = market.rows[row.security_code, before]
                halted = bool(opening and opening["is_suspended"])
                limit = bool(opening and opening["opens_at_limit_up"])
                if rule == "next_open":
                    if not closing["closes_at_limit_up"]:
                        values.append(row.paper_return)
                    continue
                if (halted and rule != "suspension") or (limit and rule != "limits"):
                    continue
                missing = np.isnan(row.tradable_return)
                values.append(row.paper_return if missing else row.tradable_return)
            if values:
                found[layer, week] = float(np.mean(values))
    return found


@pytest.mark.parametrize(
    "rule", ["none", "limits", "suspension", "st", "delisting", "next_open"]
)
@pytest.mark.parametrize("factor", ["log_market_cap", "volatility_1y"])
def test_layers_without_a_rule_equal_their_means(
    market: Market, built: Built, factor: str, rule: str
) -> None:
    expected = layer_returns(market, factor, rule)
    got = {
        (layer, week): value
        for layer in (1, 10)
        for week, value in built.rows(
            "layer", strategy_code=f"all:{factor}:{layer}", rule_off=rule
        )[["trade_week", "layer_return"]].itertuples(index=False)
    }
    assert got.keys() == expected.keys()
    assert len(got) > 50
    for key, value in got.items():
        assert value == pytest.approx(expected[key], abs=TOLERANCE), key


def test_the_ledger_annualises_the_days_in_common(built: Built) -> None:
    series = built.tables["series"]
    ledger = built.tables["ledger"]
    assert set(ledger["kind"]) == {"index", "strategy", "layer"}
    for (code, rule), rows in series.groupby(["strategy_code", "rule_off"]):
        base = series[
            (series["strategy_code"] == code) & (series["rule_off"] == "none")
        ]
        rows = rows[rows["trade_date"].isin(base["trade_date"])]
        for period in ("all", "2022"):
            part = rows
            if period != "all":
                part = rows[[day.year == 2022 for day in rows["trade_date"]]]
            row = ledger[
                (ledger["strategy_code"] == code)
                & (ledger["rule_off"] == rule)
                & (ledger["period"] == period)
            ].iloc[0]
            days = part["day_count"].sum()
            annual = np.prod(1 + part["strategy_return"]) ** (242 / days) - 1
            bench = np.prod(1 + part["benchmark_return"]) ** (242 / days) - 1
            assert row["day_count"] == days
            assert row["annualised_return"] == pytest.approx(annual, abs=1e-9)
            assert row["annualised_excess"] == pytest.approx(annual - bench, abs=1e-9)
            same = base[base["trade_date"].isin(part["trade_date"])]
            ruled = np.prod(1 + same["strategy_return"]) ** (242 / days) - 1
            assert row["difference"] == pytest.approx(annual - ruled, abs=1e-9)
