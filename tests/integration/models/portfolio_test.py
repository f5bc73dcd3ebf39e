"""Index enhancements: bounds kept by the tables' own numbers, made once, no look-ahead.

The small store was refreshed by the real job. What a portfolio is held against is
computed here from prices, lists and members with pandas, neither by the solver nor by
the view that it read.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from functools import partialmethod
from pathlib import Path
from typing import Any

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest

from dagster_defs.models import ModelError
from dagster_defs.portfolios import drift, make_portfolios
from tests.dbt_process import run_dbt
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_build

TOLERANCE = 1e-6
BOUNDS = pd.read_csv(PROJECT_ROOT / "dbt_project/seeds/enhancement.csv").set_index(
    "strategy_code"
)
INDEX = {"csi500": "000905.SH", "csi1000": "000852.SH"}
# Deviations from the median beyond which a style is winsorised; size is not.
WINSOR, SIZE = 5, "log_market_cap"


def say_nothing(label: str, done: int, total: int) -> None:
    pass


def fetch(settings: Settings, sql: str) -> pd.DataFrame:
    with connect_build(settings, read_only=True) as con:
        frame = con.execute(sql).df()
    for name in frame:
        if str(frame[name].dtype).startswith("datetime") and name != "decision_time":
            frame[name] = frame[name].dt.date
    return frame


def change(settings: Settings, *statements: str) -> None:
    with connect_build(settings) as con:
        for statement in statements:
            con.execute(statement)


def forget(settings: Settings, condition: str = "true") -> None:
    """Delete portfolios; the loader would know a file of the same ones again."""
    change(
        settings,
        f"delete from raw.portfolio_weight where {condition}",
        "update raw.load set file_sha256 = '' where table_name = 'portfolio_weight'",
    )


def portfolios(settings: Settings) -> dict[tuple[str, date], pd.Series]:
    """Return the weights by security, of every strategy and signal date."""
    rows = fetch(
        settings,
        "from raw.portfolio_weight order by strategy_code, signal_date, security_code",
    )
    return {
        key: group.set_index("security_code")["target_weight"]
        for key, group in rows.groupby(["strategy_code", "signal_date"])
    }


class Known:
    """What the tables tell of a signal date, as plain frames."""

    def __init__(self, settings: Settings) -> None:
        prices = fetch(
            settings,
            "select trade_date, security_code, adjusted_open, adjusted_close "
            "from intermediate.int_security_day",
        )
        self.close = prices.pivot(
            index="trade_date", columns="security_code", values="adjusted_close"
        )
        opens = prices.pivot(
            index="trade_date", columns="security_code", values="adjusted_open"
        )
        self.entry = opens.fillna(self.close)
        self.lists = fetch(settings, "from raw.index_weight")
        self.members = fetch(settings, "from raw.index_member")
        self.industries = fetch(
            settings, "from raw.industry_member where industry_system = 'citic1'"
        )
        self.styles = fetch(
            settings,
            "select style.*, universe.is_in_all "
            "from intermediate.int_style_factor_weekly as style "
            "inner join intermediate.int_factor_universe_weekly as universe "
            "using (trade_week, security_code)",
        )
        self.blocked = fetch(
            settings,
            "select trade_date, security_code from intermediate.int_tradability_day "
            "where is_suspended or closes_at_limit_up or closes_at_limit_down",
        )

    def index_weight(self, index_code: str, day: date) -> pd.Series:
        """Return the newest list of a day before, moved with prices."""
        known = self.lists[
            (self.lists["index_code"] == index_code) & (self.lists["trade_date"] < day)
        ]
        last = known["trade_date"].max()
        listed = known[known["trade_date"] == last].set_index("security_code")["weight"]
        held = self.members[
            (self.members["index_code"] == index_code)
            & (self.members["valid_from"] <= day)
            & (self.members["valid_to"].isna() | (self.members["valid_to"] > day))
        ]["security_code"]
        listed = listed[listed.index.isin(held) & (listed > 0)]
        moved = (
            listed
            * self.close.loc[day, listed.index]
            / (self.close.loc[last, listed.index])
        )
        return moved / moved.sum()

    def industry(self, day: date) -> pd.Series:
        """Return the industries of a day."""
        ranges = self.industries
        holds = (ranges["valid_from"] <= day) & (
            ranges["valid_to"].isna() | (ranges["valid_to"] > day)
        )
        return ranges[holds].set_index("security_code")["industry_code"]

    def style(self, name: str, day: date) -> pd.Series:
        """Return the standard scores of a style among the stocks that count."""
        rows = self.styles[self.styles["trade_week"] == day].set_index("security_code")
        counted = rows.loc[rows["is_in_all"], name].dropna()
        value = rows[name]
        if name != SIZE and len(counted):
            middle = counted.median()
            reach = WINSOR * (counted - middle).abs().median()
            value, counted = (
                part.clip(middle - reach, middle + reach) for part in (value, counted)
            )
        return ((value - counted.mean()) / counted.std(ddof=1)).fillna(0.0)

    def drifted(self, weights: pd.Series, made: date, now: date) -> pd.Series:
        """Return former weights, traded at the next open, at the close of a day."""
        days = self.close.index
        entry = self.entry.loc[days[list(days).index(made) + 1], weights.index]
        value = (weights * self.close.loc[now, weights.index] / entry).dropna()
        return value / value.sum()


@pytest.fixture(scope="module")
def known(small_settings: Settings) -> Known:
    return Known(small_settings)


def test_every_portfolio_keeps_its_bounds(
    small_settings: Settings, known: Known
) -> None:
    made = portfolios(small_settings)
    assert {code for code, _ in made} == set(BOUNDS.index)
    outcomes = fetch(
        small_settings, "from rotation.fct_enhancement_portfolio"
    ).set_index(["strategy_code", "signal_date"])
    assert len(outcomes) == len(made)
    assert set(outcomes["outcome"]) == {"kept"}
    models = outcomes.reset_index().groupby("strategy_code")["model_code"].unique()
    strategies = pd.read_csv(PROJECT_ROOT / "dbt_project/seeds/strategy.csv")
    variant = strategies.set_index("strategy_code")["variant"]
    assert models.explode().to_dict() == variant[models.index].to_dict()
    turned = 0
    for code in BOUNDS.index:
        bounds = BOUNDS.loc[code]
        index_code = INDEX[next(name for name in INDEX if f"{name}_" in f"{code}_")]
        former: tuple[date, pd.Series] | None = None
        for day in sorted(day for other, day in made if other == code):
            weights = made[code, day]
            assert outcomes.loc[(code, day), "index_code"] == index_code
            index = known.index_weight(index_code, day)
            assert weights.sum() == pytest.approx(1, abs=TOLERANCE)
            assert weights.min() > 0
            strayed = weights.sub(index, fill_value=0)
            blocked = set(
                known.blocked[known.blocked["trade_date"] == day]["security_code"]
            )
            free = strayed[~strayed.index.isin(blocked)]
            assert free.abs().max() <= bounds["stock_deviation"] + TOLERANCE
            inside = weights[weights.index.isin(index.index)].sum()
            assert inside >= bounds["minimum_member_share"] - TOLERANCE
            industry = known.industry(day).reindex(strayed.index)
            gaps = strayed.groupby(industry).sum()
            assert gaps.abs().max() <= bounds["industry_deviation"] + TOLERANCE
            for style in bounds["styles"].split("|"):
                exposure = known.style(style, day).reindex(strayed.index, fill_value=0)
                gap = abs(float(exposure @ strayed))
                assert gap <= bounds["style_deviation"] + TOLERANCE, style
            before = (
                pd.Series(dtype=float)
                if former is None
                else known.drifted(former[1], former[0], day)
            )
            stuck = sorted(blocked & {*weights.index, *before.index})
            np.testing.assert_allclose(
                weights.reindex(stuck, fill_value=0),
                before.reindex(stuck, fill_value=0),
                atol=TOLERANCE,
            )
            if former is not None:
                turnover = weights.sub(before, fill_value=0).abs().sum()
                assert turnover <= bounds["two_way_turnover"] + 1e-5
                turned += 1
            former = day, weights
    assert turned > 10


def test_portfolios_have_higher_scores_than_their_index(
    small_settings: Settings, known: Known
) -> None:
    scores = fetch(
        small_settings,
        "select trade_week, security_code, z_score "
        "from scores.fct_stock_score_weekly where model_code = 'fused'",
    )
    for (code, day), weights in portfolios(small_settings).items():
        if not code.startswith("index_"):
            continue
        week = scores[scores["trade_week"] == day]
        score = week.set_index("security_code")["z_score"]
        index = known.index_weight(
            INDEX["csi500" if "csi500" in code else "csi1000"], day
        )
        reached, alone = (
            float(score.reindex(part.index).fillna(0) @ part)
            for part in (weights, index)
        )
        assert reached > alone + 0.1, (code, day)


def rows(settings: Settings, condition: str = "true") -> list[tuple[Any, ...]]:
    with connect_build(settings, read_only=True) as con:
        return con.execute(
            "select strategy_code, signal_date, security_code, target_weight, outcome, "
            f"bounds from raw.portfolio_weight where {condition} order by all"
        ).fetchall()


def test_a_portfolio_is_made_once(home_copy: Settings) -> None:
    before = rows(home_copy)
    assert make_portfolios(home_copy, say_nothing) == (0, 0)
    # What was decided stays, whatever the scores and weights are today.
    change(
        home_copy,
        "update raw.model_score set score = -score",
        "update intermediate.int_index_weight_weekly set weight = weight * weight",
    )
    assert make_portfolios(home_copy, say_nothing) == (0, 0)
    assert rows(home_copy) == before


def test_a_portfolio_follows_the_stored_one_as_the_one_just_made(
    home_copy: Settings,
) -> None:
    before = rows(home_copy)
    last = max(row[1] for row in before)
    forget(home_copy, f"signal_date = '{last}'")
    made, weights = make_portfolios(home_copy, say_nothing)
    assert made == len({row[0] for row in before if row[1] == last})
    assert weights == sum(row[1] == last for row in before)
    assert rows(home_copy) == before


def test_a_hole_behind_a_stored_portfolio_stays(home_copy: Settings) -> None:
    strategy = "index_enhanced_csi500"
    middle = sorted(day for code, day in portfolios(home_copy) if code == strategy)[1]
    change(
        home_copy,
        f"delete from raw.portfolio_weight where strategy_code = '{strategy}' "
        f"and signal_date = '{middle}'",
    )
    before = rows(home_copy)
    assert make_portfolios(home_copy, say_nothing) == (0, 0)
    assert rows(home_copy) == before


def test_a_list_that_is_loaded_late_makes_no_portfolio_of_the_past(
    home_copy: Settings,
) -> None:
    own = "strategy_code like 'index_enhanced_csi500%'"
    days = sorted({row[1] for row in rows(home_copy, own)})
    late = f"where index_code = '000905.SH' and trade_week < date '{days[2]}'"
    table = "intermediate.int_index_weight_weekly"
    change(
        home_copy,
        f"delete from raw.portfolio_weight where {own}",
        f"update {table} set weight_source = 'equal' {late}",
    )
    make_portfolios(home_copy, say_nothing)
    before = rows(home_copy)
    assert min(row[1] for row in rows(home_copy, own)) == days[2]
    change(home_copy, f"update {table} set weight_source = 'published' {late}")
    assert make_portfolios(home_copy, say_nothing) == (0, 0)
    assert rows(home_copy) == before


# What changes each input on the days after a cut and leaves those before alone.
POISON = {
    "prices": "update intermediate.int_security_price_day set "
    "adjusted_close = adjusted_close * (1 + hash(security_code) % 7), "
    "open_cny = open_cny * (1 + hash(security_code) % 5) where trade_date > $cut",
    "scores": "update raw.model_score set score = -score where trade_week > $cut",
    "weights": "update intermediate.int_index_weight_weekly "
    "set weight = weight * (1 + hash(security_code) % 7) where trade_week > $cut",
    "members": "delete from intermediate.int_index_weight_weekly "
    "where trade_week > $cut and hash(security_code) % 7 = 0",
    # Members and others alone differ in size: its bound is narrower than theirs.
    "styles": "update intermediate.int_style_factor_weekly set log_market_cap = "
    "security_code in (select security_code from intermediate.int_index_weight_weekly "
    "where index_code = '000905.SH') where trade_week > $cut",
    "tradability": "update intermediate.int_tradability_day set is_suspended = "
    "not is_suspended where trade_date > $cut and hash(security_code) % 3 = 0",
    "industries": "update intermediate.int_industry_member "
    "set valid_to = $cut + 1 where coalesce(valid_to > $cut, true) "
    "and valid_from <= $cut and hash(security_code) % 2 = 0",
}


@pytest.mark.parametrize("poison", POISON)
def test_what_comes_later_leaves_a_portfolio_as_it_was(
    home_copy: Settings, poison: str
) -> None:
    strategy = "strategy_code = 'index_enhanced_csi500'"
    before = rows(home_copy, strategy)
    cut = sorted({row[1] for row in before})[-3]
    change(
        home_copy,
        "delete from raw.portfolio_weight",
        f"delete from seeds.enhancement where not {strategy}",
        POISON[poison].replace("$cut", f"date '{cut}'"),
    )
    make_portfolios(home_copy, say_nothing)
    after = rows(home_copy)
    assert [row for row in before if row[1] <= cut]
    assert [row for row in after if row[1] <= cut] == [
        row for row in before if row[1] <= cut
    ]
    # The poison is one: what follows is another portfolio.
    assert [row for row in after if row[1] > cut] != [
        row for row in before if row[1] > cut
    ]


@pytest.mark.parametrize(
    ("bound", "value", "outcome", "reason"),
    [
        ("two_way_turnover", 0.0, "turnover_exceeded", "beyond 0.0: other bounds"),
        ("minimum_member_share", 1.5, "no_trade", "the bounds contradict each other"),
    ],
)
def test_what_is_given_up_is_told(
    home_copy: Settings, bound: str, value: float, outcome: str, reason: str
) -> None:
    strategy = "index_enhanced_csi500"
    own = portfolios(home_copy)
    last = max(day for code, day in own if code == strategy)
    change(
        home_copy,
        f"delete from raw.portfolio_weight where strategy_code = '{strategy}' "
        f"and signal_date = '{last}'",
        f"update seeds.enhancement set {bound} = {value} "
        f"where strategy_code = '{strategy}'",
    )
    assert make_portfolios(home_copy, say_nothing)[0] == 1
    found = fetch(
        home_copy,
        f"select distinct outcome, reason, bounds ->> '$.{bound}' as bound "
        f"from raw.portfolio_weight where strategy_code = '{strategy}' "
        f"and signal_date = '{last}'",
    )
    assert found["outcome"].tolist() == [outcome]
    assert reason in found["reason"].item()
    assert float(found["bound"].item()) == value
    if outcome == "no_trade":
        dates = sorted(day for code, day in own if code == strategy)
        kept = Known(home_copy).drifted(own[strategy, dates[-2]], dates[-2], last)
        np.testing.assert_allclose(
            portfolios(home_copy)[strategy, last].reindex(kept.index), kept, atol=1e-9
        )


def test_an_index_without_weights_has_no_portfolio(home_copy: Settings) -> None:
    forget(home_copy)
    change(
        home_copy,
        "update intermediate.int_index_weight_weekly set weight_source = 'equal' "
        "where index_code = '000905.SH'",
    )
    make_portfolios(home_copy, say_nothing)
    codes = {code for code, _ in portfolios(home_copy)}
    assert codes == {code for code in BOUNDS.index if "csi1000" in code}


def test_own_figures_are_those_of_the_level_of_turnover(
    small_settings: Settings,
) -> None:
    own = fetch(
        small_settings,
        "from meta.meta_own_figure_model where system = 'index_enhanced_csi1000'",
    )
    performance = fetch(
        small_settings, "from rotation.fct_rotation_performance where period = 'all'"
    ).set_index("strategy_code")
    daily = fetch(small_settings, "from rotation.fct_rotation_return_daily")
    for cap, suffix in {"30": "", "40": "_turnover40", "50": "_turnover50"}.items():
        code = f"index_enhanced_csi1000{suffix}"
        figures = own[own["subject_code"] == f"turnover_cap_{cap}"]
        value = figures.set_index("metric")["own_value"]
        assert value["max_drawdown"] == performance.loc[code, "max_drawdown"]
        assert (
            value["two_way_turnover_per_rebalance"] == performance.loc[code, "turnover"]
        )
        days = daily[daily["strategy_code"] == code]
        month = pd.to_datetime(days["trade_date"]).dt.to_period("M")
        grown = (
            (1 + days[["strategy_return", "benchmark_return"]]).groupby(month).prod()
        )
        won = (grown["strategy_return"] > grown["benchmark_return"]).mean()
        assert value["monthly_win_rate"] == won


def test_a_style_that_is_none_is_named(home_copy: Settings) -> None:
    change(
        home_copy,
        "delete from raw.portfolio_weight",
        "update seeds.enhancement set styles = 'bp|sise' "
        "where strategy_code = 'index_enhanced_csi500'",
    )
    message = r"enhancement.csv: styles of index_enhanced_csi500 names sise: .* bp, "
    with pytest.raises(ModelError, match=message):
        make_portfolios(home_copy, say_nothing)
    assert rows(home_copy, "strategy_code = 'index_enhanced_csi500'") == []


def test_a_solver_that_stops_early_is_told_and_stored_as_nothing(
    home_copy: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = max(row[1] for row in rows(home_copy))
    change(home_copy, f"delete from raw.portfolio_weight where signal_date = '{last}'")
    before = rows(home_copy)
    stopped = partialmethod(cp.Problem.solve, time_limit=0.0)
    monkeypatch.setattr(cp.Problem, "solve", stopped)
    with pytest.raises(
        ModelError, match=rf"\w+ of {last}: the solver ended with \w+, "
    ):
        make_portfolios(home_copy, say_nothing)
    assert rows(home_copy) == before


def test_an_interruption_keeps_the_strategies_that_are_done(
    home_copy: Settings,
) -> None:
    before = rows(home_copy)
    last = max(row[0] for row in before)

    def interrupt(label: str, *_: int) -> None:
        if last in label:
            raise KeyboardInterrupt

    forget(home_copy)
    with pytest.raises(KeyboardInterrupt):
        make_portfolios(home_copy, interrupt)
    assert rows(home_copy) == [row for row in before if row[0] != last]
    assert make_portfolios(home_copy, say_nothing)[1] == sum(
        row[0] == last for row in before
    )
    assert rows(home_copy) == before


def test_weights_drift_with_prices() -> None:
    """A doubles, B stays, C has no price and keeps its value, D is gone."""
    weights = pd.Series({"A": 0.4, "B": 0.3, "C": 0.1, "D": 0.2})
    growth = pd.Series({"A": 2.0, "B": 1.0, "C": np.nan, "E": 5.0})
    np.testing.assert_allclose(
        drift(weights, growth).reindex(list("ABC")), np.array([0.8, 0.3, 0.1]) / 1.2
    )


def test_the_solver_is_loaded_only_when_something_is_due(home_copy: Settings) -> None:
    code = (
        "import sys; from pathlib import Path; "
        "from dagster_defs.portfolios import make_portfolios; "
        "from warehouse.settings import Settings; "
        "made = make_portfolios(Settings(home=Path(sys.argv[1])), lambda *_: None); "
        "print(made[0], 'cvxpy' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(home_copy.home)],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.split() == ["0", "False"]


def test_every_scored_week_has_a_portfolio(small_settings: Settings) -> None:
    weeks = fetch(
        small_settings,
        "select distinct trade_week from scores.fct_stock_score_weekly "
        "where model_code = 'fused' and z_score is not null",
    )["trade_week"]
    made = portfolios(small_settings)
    for code in BOUNDS.index[BOUNDS.index.str.startswith("index_")]:
        assert {day for other, day in made if other == code} == set(weeks), code
    assert len(weeks) > 3


def test_a_strategy_that_is_given_up_is_published_no_more(
    home_copy: Settings, tmp_path: Path
) -> None:
    gone = "index_enhanced_csi500"
    change(
        home_copy,
        *(
            f"delete from {table} where strategy_code = '{gone}'"
            for table in ("seeds.strategy", "seeds.enhancement")
        ),
    )
    arguments = ["build", "--select", "fct_enhancement_portfolio"]
    arguments += ["--target-path", str(tmp_path), "--log-path", str(tmp_path)]
    done = run_dbt(arguments, {"LUNDONG_BUILD_PATH": str(home_copy.build_path)})
    assert done.returncode == 0, done.stdout[-4000:]
    left = fetch(home_copy, "from rotation.fct_enhancement_portfolio")
    assert set(left["strategy_code"]) == set(BOUNDS.index) - {gone}
    assert gone in {code for code, _ in portfolios(home_copy)}
