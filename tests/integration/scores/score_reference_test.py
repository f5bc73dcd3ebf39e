"""Score tables in SQL against numpy on a random market, and against themselves.

The scores are made up, with all that upsets a rank: ties, gaps, values that are no
number, a constant week, a week of few stocks, suspensions, delistings, moves between
industries and indices, weeks of one day. Formulas are in ``reference``.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
from itertools import pairwise
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from models_ml.config import HIGH_FREQUENCY
from tests.dbt_process import run_dbt
from tests.integration.factors.reference import newey_west
from tests.integration.scores.reference import (
    PANEL,
    blend_scores,
    blend_weights,
    correlations,
    factor_ics,
    five_day_ics,
    index_scores,
    industry_scores,
    stock_scores,
)

MODELS = (
    *("int_high_frequency_ic_weekly", "int_factor_blend_weight_weekly"),
    *("fct_factor_blend_weight_weekly", "int_factor_blend_weekly"),
    *("int_stock_score_weekly", "fct_stock_score_weekly"),
    *("int_industry_score_weekly", "fct_industry_score_weekly"),
    *(
        "int_index_member",
        "int_index_weight_weekly",
        "int_index_score_weekly",
        "fct_index_score_weekly",
    ),
    *("int_stock_forward_return", "fct_model_ic_weekly", "fct_model_ic_summary"),
    *("fct_score_correlation_weekly", "int_score_factor_weekly"),
)
KEYS = {
    "intermediate.int_high_frequency_ic_weekly": ["factor_code", "trade_week"],
    "scores.fct_factor_blend_weight_weekly": [
        *("model_code", "trade_week", "factor_code")
    ],
    "scores.fct_stock_score_weekly": ["model_code", "trade_week", "security_code"],
    "scores.fct_industry_score_weekly": [
        *("model_code", "industry_system", "industry_code", "trade_week")
    ],
    "scores.fct_index_score_weekly": ["model_code", "index_code", "trade_week"],
    "scores.fct_model_ic_weekly": ["model_code", "trade_week"],
    "scores.fct_model_ic_summary": ["model_code", "period"],
    "scores.fct_score_correlation_weekly": [
        *("model_code", "other_model_code", "trade_week")
    ],
}
FUSIONS = {
    "fused": {"gru_high_frequency": 1.0, "gru_low_frequency": 3.0},
    "fused_equal": {"gru_high_frequency": 1.0, "gru_low_frequency": 1.0},
    "fused_linear": {"linear_high_frequency": 1.0, "linear_low_frequency": 3.0},
}
PAIRS = [
    ("gru_high_frequency", "gru_low_frequency"),
    ("linear_high_frequency", "linear_low_frequency"),
]
STOCKS = 90
WEEKS = 24
# Weeks of ICs behind a weight by ICIR, fewer than the project's, and the least of them.
ICIR_WEEKS, ICIR_MINIMUM = 8, 4
TOLERANCE = 1e-9


def make_days(rng: np.random.Generator) -> pd.DataFrame:
    """Make trading days with holidays, a week without and a week of one day."""
    days = pd.bdate_range("2023-11-06", periods=5 * WEEKS)
    monday = days - pd.to_timedelta(days.day_of_week, unit="D")
    mondays = monday.unique()
    keep = rng.random(len(days)) > 0.07
    keep &= monday != mondays[8]
    keep[monday == mondays[15]] = [False, False, True, False, False]
    frame = pd.DataFrame({"trade_date": days[keep], "monday": monday[keep]})
    frame["day_index"] = np.arange(1, len(frame) + 1)
    frame["trade_week"] = frame.groupby("monday")["trade_date"].transform("max")
    ends = list(frame["trade_week"].unique())
    before = {later: former for former, later in pairwise(ends)}
    frame["previous_trade_week"] = frame["trade_week"].map(before)
    frame["is_week_end"] = frame["trade_date"] == frame["trade_week"]
    frame["is_week_complete"] = frame["trade_week"] < ends[-1]
    frame["is_loaded"] = frame["trade_week"] < ends[-1]
    return frame.drop(columns="monday")


def make_bars(rng: np.random.Generator, days: pd.DataFrame) -> pd.DataFrame:
    """Make prices and states of stocks that come, pause and go."""
    loaded = days[days["is_loaded"]]
    rows = []
    for number in range(STOCKS):
        first = 0 if number % 5 else int(rng.integers(0, 40))
        last = len(loaded) if number % 8 else int(rng.integers(50, len(loaded) - 2))
        price, halted = 10.0, -1
        for place in range(first, last):
            halted = place + int(rng.integers(1, 9)) if rng.random() < 0.02 else halted
            suspended = first < place <= halted
            price = price if suspended else round(price * (1 + rng.normal(0, 0.02)), 1)
            rows.append(
                {
                    "trade_date": loaded["trade_date"].iloc[place],
                    "day_index": loaded["day_index"].iloc[place],
                    "security_code": f"{600000 + number}.SH",
                    "adjusted_close": price,
                    "float_cap_cny": price * 1e8 * (1 + number % 7)
                    if number % 11 else None,
                    "float_source": "total" if number % 3 else "reported",
                    "is_suspended": suspended,
                    "closes_at_limit_up": not suspended and rng.random() < 0.04,
                    "is_in_all": number % 13 > 0,
                    "is_traded": not suspended,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def make_scores(rng: np.random.Generator, bars: pd.DataFrame) -> pd.DataFrame:
    """Make scores on several scales with ties, gaps and lapses."""
    ends = bars.rename(columns={"trade_date": "trade_week"})
    ends = ends[ends["is_week_end"]][["trade_week", "security_code"]]
    weeks = sorted(ends["trade_week"].unique())
    common = rng.normal(size=len(ends))
    parts = []
    models = [part for weights in FUSIONS.values() for part in weights]
    for number, model in enumerate(dict.fromkeys([*models, "gru_daily"])):
        score = common + rng.normal(size=len(ends))
        score = np.round(score, 1) if number % 2 else 1e-4 * score
        part = ends.assign(model_code=model, score=score)
        part = part[rng.random(len(part)) > 0.15]
        week = part["trade_week"]
        if number == 0:
            part = part[
                (week != weeks[5]) & ((week != weeks[7]) | (part.index % 4 == 0))
            ]
        if number == 1:
            part.loc[week == weeks[9], "score"] = 0.25
        if number == 2:
            part.loc[part.index % 50 == 0, "score"] = np.nan
            part.loc[part.index % 50 == 1, "score"] = np.inf
        parts.append(part)
    scores = pd.concat(parts, ignore_index=True)
    late = scores["trade_week"] + pd.Timedelta(hours=17)
    scores["decision_time"] = late.where(scores.index % 3 == 0)
    stray = scores.iloc[[0]].assign(trade_week=weeks[0] - pd.Timedelta(days=40))
    unknown = scores.iloc[[0]].assign(security_code="999999.SH")
    return pd.concat([scores, stray, unknown], ignore_index=True)


def make_factors(rng: np.random.Generator, bars: pd.DataFrame) -> pd.DataFrame:
    """Make the weekly panel of the 27 factors with gaps, ties and lapses."""
    ends = bars[bars["is_week_end"] & bars["is_in_all"]]
    weeks = sorted(ends["trade_date"].unique())[2:]
    ends = ends[ends["trade_date"].isin(weeks)].reset_index(drop=True)
    panel = ends[["security_code"]].assign(trade_week=ends["trade_date"])
    for number, factor in enumerate(HIGH_FREQUENCY):
        value = np.round(rng.normal(size=len(panel)), 1 if number % 3 else 6)
        panel[factor] = np.where(rng.random(len(panel)) > 0.2, value, np.nan)
    week = panel["trade_week"]
    # One begins late, one pauses, one is the same for all, stocks lack most of them.
    panel.loc[week < weeks[12], HIGH_FREQUENCY[0]] = np.nan
    panel.loc[week.isin(weeks[4:12]), HIGH_FREQUENCY[1]] = np.nan
    panel[HIGH_FREQUENCY[2]] = 0.5
    panel.loc[panel.index % 7 == 0, list(HIGH_FREQUENCY[:15])] = np.nan
    return panel


def make_returns(days: pd.DataFrame, bars: pd.DataFrame) -> pd.DataFrame:
    """Make the returns of complete weeks, of all stocks and of another universe."""
    ends = bars[bars["is_week_end"]]
    last = ends[["trade_date", "security_code", "adjusted_close"]]
    pairs = days.loc[days["is_week_end"] & days["is_week_complete"]]
    pairs = pairs[["trade_week", "previous_trade_week"]].dropna()
    before = ends[ends["is_in_all"] & ends["is_traded"]]
    before = before[["trade_date", "security_code", "adjusted_close"]].rename(
        columns={"trade_date": "previous_trade_week", "adjusted_close": "start"}
    )
    held = before.merge(pairs, on="previous_trade_week")
    held = held.merge(last.rename(columns={"trade_date": "trade_week"}))
    held["paper_return"] = held["adjusted_close"] / held["start"] - 1
    held = held.rename(columns={"previous_trade_week": "factor_week"})
    held = held[["trade_week", "factor_week", "security_code", "paper_return"]]
    return pd.concat(
        [held.assign(universe="all"), held.iloc[::3].assign(universe="csi300")],
        ignore_index=True,
    )


def make_text_factors(rng: np.random.Generator, bars: pd.DataFrame) -> pd.DataFrame:
    """Make text factors of all days, of some stocks, one of them not listed."""
    columns = ["trade_date", "is_week_end", "security_code"]
    parts = [
        bars.loc[rng.random(len(bars)) > 0.3, columns].assign(encoder_code=encoder)
        for encoder in ("bert", "word_count")
    ]
    factors = pd.concat(parts, ignore_index=True)
    factors["text_score"] = rng.normal(size=len(factors))
    ends = factors[factors["is_week_end"]]
    unknown = ends.iloc[[0]].assign(security_code="999999.SH")
    return pd.concat([factors, unknown], ignore_index=True)


def make_ranges(
    rng: np.random.Generator, days: pd.DataFrame, groups: dict[str, tuple[str, int]]
) -> pd.DataFrame:
    """Put each stock in one group of each pool, and move some of them once."""
    start, middle = days["trade_date"].iloc[0], days["trade_date"].iloc[50]
    rows = []
    for pool, (letter, count) in groups.items():
        codes = [f"{letter}{number}" for number in range(count)]
        for number in range(STOCKS):
            security = f"{600000 + number}.SH"
            here, there = rng.choice(codes, 2, replace=False)
            if number % 6:
                rows.append((security, pool, here, start, pd.NaT))
            else:
                rows.append((security, pool, here, start, middle))
                rows.append((security, pool, there, middle, pd.NaT))
    columns = ["security_code", "pool", "code", "valid_from", "valid_to"]
    return pd.DataFrame(rows, columns=columns)


def make_market(seed: int = 7) -> dict[str, pd.DataFrame]:
    """Return the tables that the models read, as random as a market can be."""
    rng = np.random.default_rng(seed)
    days = make_days(rng)
    bars = make_bars(rng, days)
    week_end = days.loc[days["is_week_end"], "trade_date"]
    bars["is_week_end"] = bars["trade_date"].isin(week_end)
    universe = bars[bars["is_week_end"]].rename(columns={"trade_date": "trade_week"})
    groups = {"citic1": ("CI", 12), "pool32": ("P", 20)}
    industries = make_ranges(rng, days, groups)
    groups = {"theme": ("T", 9), "concept": ("C", 30), "broad": ("B", 2)}
    indices = make_ranges(rng, days, groups)
    members = indices.rename(columns={"code": "index_code"}).drop(columns="pool")
    classes = indices[["code", "pool"]].drop_duplicates()
    # Two lists of the even indices: members that joined later have no weight.
    listed = members[members["index_code"].str[-1].isin(list("02468"))]
    lists = [
        listed[
            (listed["valid_from"] <= day) & ~(listed["valid_to"] <= day)
        ].assign(trade_date=day)
        for day in (days["trade_date"].iloc[2], days["trade_date"].iloc[30])
    ]  # fmt: skip
    weights = pd.concat(lists, ignore_index=True)
    weights["weight"] = np.round(rng.random(len(weights)), 3)
    weights.loc[weights.index % 17 == 0, "weight"] = 0.0
    last_bar = bars.groupby("security_code")["trade_date"].max()
    end = days.loc[days["is_loaded"], "trade_date"].max()
    gone = last_bar[last_bar < end] + pd.Timedelta(days=1)
    securities = pd.DataFrame({"security_code": sorted(last_bar.index)})
    securities["delist_date"] = securities["security_code"].map(gone)
    columns = ["trade_week", "security_code", "is_in_all", "is_traded"]
    return {
        "intermediate.int_trading_day": days,
        "intermediate.int_security_day": bars,
        "intermediate.int_tradability_day": bars,
        "intermediate.int_factor_universe_weekly": universe[columns],
        "intermediate.int_industry_member": industries.rename(
            columns={"pool": "industry_system", "code": "industry_code"}
        ),
        "staging.stg_model_score": make_scores(rng, bars),
        "staging.stg_market_index": classes.rename(
            columns={"code": "index_code", "pool": "index_class"}
        ).assign(name="made up"),
        "staging.stg_index_member": members,
        "staging.stg_index_weight": weights,
        "staging.stg_security": securities,
        "seeds.score_fusion": pd.DataFrame(
            [
                (code, part, weight)
                for code, parts in FUSIONS.items()
                for part, weight in parts.items()
            ],
            columns=["model_code", "part_code", "weight"],
        ),
        "intermediate.int_text_factor": make_text_factors(rng, bars),
        PANEL: make_factors(rng, bars),
        "intermediate.int_universe_return_weekly": make_returns(days, bars),
        "seeds.factor": pd.DataFrame(
            {
                "factor_code": HIGH_FREQUENCY,
                "factor_group": "high_frequency",
                "sign": [1 - 2 * (n % 2) for n in range(len(HIGH_FREQUENCY))],
            }
        ),
        "intermediate.int_enhancement": pd.DataFrame({"index_code": ["ENHANCED"]}),
    }


def write_market(
    path: Path, tables: dict[str, pd.DataFrame], *, shuffled: bool = False
) -> None:
    """Write the tables as dbt would find them."""
    with duckdb.connect(str(path)) as con:
        con.execute("create schema staging; create schema intermediate")
        con.execute("create schema seeds")
        for name, table in tables.items():
            frame = table.sample(frac=1, random_state=4) if shuffled else table
            con.register("frame", frame)
            dates = [
                column
                for column in frame
                if str(frame[column].dtype).startswith("datetime")
                and column != "decision_time"
            ]
            replaced = ", ".join(f"cast({d} as date) as {d}" for d in dates)
            con.execute(
                f"create table {name} as select * "
                f"{f'replace ({replaced})' if replaced else ''} from frame"
            )
            con.unregister("frame")


def build(path: Path, *, build_from: dt.date | None = None, threads: int = 2) -> None:
    """Build the score tables of a file, whole or by a window."""
    icir = {
        "factor_icir_weeks": ICIR_WEEKS,
        "factor_icir_minimum_weeks": ICIR_MINIMUM,
    }
    arguments = ["run", "--select", *MODELS, "--vars", json.dumps(icir)]
    arguments += ["--target-path", str(path.parent / "target")]
    arguments += ["--log-path", str(path.parent / "logs")]
    variables = {
        "LUNDONG_BUILD_PATH": str(path),
        "LUNDONG_MEMORY_LIMIT": "2GB",
        "LUNDONG_THREADS": str(threads),
        "LUNDONG_BUILD_FROM": build_from.isoformat() if build_from else "",
    }
    done = run_dbt(arguments, variables)
    assert done.returncode == 0, done.stdout[-4000:]


def fetch(path: Path, table: str) -> pd.DataFrame:
    """Return a table in a total order."""
    with duckdb.connect(str(path), read_only=True) as con:
        query = f"select * from {table} order by {', '.join(KEYS[table])}"
        return con.execute(query).df()


def assert_equal(path: Path, table: str, expected: pd.DataFrame) -> pd.DataFrame:
    """Compare all columns of a table that the reference has; return both joined."""
    keys = KEYS[table]
    found = fetch(path, table)
    both = found.merge(
        expected, on=keys, how="outer", suffixes=("", "_x"), indicator=True
    )
    assert set(both["_merge"]) == {"both"}, both[both["_merge"] != "both"].head()
    for column in found.columns.intersection(expected.columns).difference(keys):
        ours, theirs = both[column], both[f"{column}_x"]
        if not pd.api.types.is_numeric_dtype(ours) or ours.dtype == bool:
            same = (ours == theirs) | (ours.isna() & theirs.isna())
        else:
            allowed = TOLERANCE * theirs.abs().clip(lower=1.0)
            same = ((ours - theirs).abs() <= allowed) | (ours.isna() & theirs.isna())
        assert same.all(), (table, column, both[~same].iloc[0].to_dict())
    return both


def assert_ranked(table: pd.DataFrame, pool: str) -> None:
    """Compare ranks with those of the table's own scores: a last bit parts a tie."""
    groups = table.groupby(["model_code", pool, "trade_week"])["score"]
    expected = groups.rank(method="min", ascending=False)
    pd.testing.assert_series_equal(
        table["score_rank"], expected, check_names=False, check_dtype=False
    )


def summaries(ics: pd.DataFrame) -> pd.DataFrame:
    """Summarise weekly ICs over all weeks, and over each year of the score."""
    year = ics["trade_week"].dt.year
    periods = {"all": ics, "year_to_date": ics[year == year.max()]}
    periods |= {str(number): ics[year == number] for number in year.unique()}
    rows = []
    for period, weeks in periods.items():
        known = weeks.dropna(subset="rank_ic").sort_values("trade_week")
        for model, series in known.groupby("model_code"):
            ic = series["rank_ic"]
            spread = ic.std() if ic.std() > 1e-7 else np.nan
            rows.append(
                {
                    "model_code": model,
                    "period": period,
                    "mean": ic.mean(),
                    "std": ic.std(),
                    "icir": ic.mean() / spread,
                    "t_value": newey_west(ic.to_numpy()),
                    "positive_share": (ic > 0).mean(),
                    "week_count": len(ic),
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    return make_market()


@pytest.fixture(scope="module")
def market(
    tables: dict[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("scores") / "build.duckdb"
    write_market(path, tables)
    build(path)
    return path


def all_scores(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    weights = blend_weights(tables, weeks=ICIR_WEEKS, minimum=ICIR_MINIMUM)
    return stock_scores(tables, FUSIONS, blend_scores(tables, weights))


def test_weights_of_factors_equal_reference(
    market: Path, tables: dict[str, pd.DataFrame]
) -> None:
    ics = factor_ics(tables).rename_axis("trade_week").reset_index()
    ics = ics.melt("trade_week", var_name="factor_code", value_name="rank_ic")
    found = fetch(market, "intermediate.int_high_frequency_ic_weekly")
    both = found.merge(ics, on=["trade_week", "factor_code"], how="left")
    np.testing.assert_allclose(both["rank_ic_x"], both["rank_ic_y"], atol=1e-12)
    assert both["rank_ic_x"].count() == ics["rank_ic"].count() > 400
    weights = blend_weights(tables, weeks=ICIR_WEEKS, minimum=ICIR_MINIMUM)
    both = assert_equal(market, "scores.fct_factor_blend_weight_weekly", weights)
    assert (both["weight"].isna() == both["reason"].notna()).all()
    of_icir = both[both["model_code"] == "hf_icir_weight"]
    # Weeks without a weight, and with those of all but the constant factor, the one
    # that begins late and the one that pauses.
    known = of_icir.groupby("trade_week")["weight"].count()
    assert set(known) == {0, 24, 25, 26}


def test_random_market_equals_reference(
    market: Path, tables: dict[str, pd.DataFrame]
) -> None:
    scores = all_scores(tables)
    columns = [
        *("model_code", "trade_week", "security_code", "score", "z_score"),
        *("score_rank", "pct_rank", "decision_time", "is_counted"),
    ]
    both = assert_equal(market, "scores.fct_stock_score_weekly", scores[columns])
    # What a rank is upset by is there: ties, gaps, stocks that do not count.
    assert both["z_score"].isna().any()
    assert (both["model_code"] == "fused").sum() > 500
    # Stocks with too few factors have no score of a blend.
    counts = both["model_code"].value_counts()
    assert 300 < counts["hf_icir_weight"] < counts["hf_equal_weight"]
    assert counts["hf_equal_weight"] < len(tables[PANEL])
    assert both.duplicated(["model_code", "trade_week", "score"]).sum() > 500
    name = "scores.fct_industry_score_weekly"
    both = assert_equal(market, name, industry_scores(tables, scores))
    assert_ranked(both, "industry_system")
    assert both["score"].isna().any()
    assert both["change"].notna().sum() > 500
    name = "scores.fct_index_score_weekly"
    both = assert_equal(market, name, index_scores(tables, scores))
    assert_ranked(both, "index_class")
    assert set(both["weight_source"]) == {"published", "equal"}
    assert both["score"].isna().any()
    name = "scores.fct_model_ic_weekly"
    both = assert_equal(market, name, five_day_ics(tables, scores))
    assert both["excluded_count"].sum() > 100
    assert set(both["reason"].dropna()) == {
        "fewer than 30 stocks",
        "the score is constant",
    }
    name = "scores.fct_model_ic_summary"
    assert_equal(market, name, summaries(both))
    name = "scores.fct_score_correlation_weekly"
    both = assert_equal(market, name, correlations(scores, PAIRS))
    assert both["correlation"].mean() > 0.2


def test_scores_become_columns_of_the_factor_panel(
    market: Path, tables: dict[str, pd.DataFrame]
) -> None:
    scores = all_scores(tables)
    texts = tables["intermediate.int_text_factor"]
    texts = texts[texts["is_week_end"] & (texts["security_code"] < "9")]
    texts = texts.rename(columns={"trade_date": "trade_week", "text_score": "score"})
    texts["model_code"] = "text_" + texts["encoder_code"]
    wide = pd.concat([scores, texts]).pivot(
        index=["trade_week", "security_code"], columns="model_code", values="score"
    ).sort_index()  # fmt: skip
    with duckdb.connect(str(market), read_only=True) as con:
        panel = con.execute("from intermediate.int_score_factor_weekly").df()
    panel = panel.set_index(["trade_week", "security_code"]).sort_index()
    assert panel.index.equals(wide.index)
    assert {"text_bert", "text_word_count"} < set(wide)
    for model in wide:
        np.testing.assert_allclose(panel[model], wide[model], atol=1e-12)
    assert panel["gru_open1d"].isna().all()


def test_windows_threads_and_order_give_the_same_bits(
    market: Path, tables: dict[str, pd.DataFrame], tmp_path: Path
) -> None:
    """By a window, of shuffled rows with one thread, and whole: one result."""
    windowed = tmp_path / "build.duckdb"
    shutil.copy(market, windowed)
    weeks = sorted(tables["intermediate.int_factor_universe_weekly"]["trade_week"])
    first = pd.Timestamp(sorted(set(weeks))[-6])
    build_from = (first - pd.Timedelta(days=first.weekday())).date()
    with duckdb.connect(str(windowed)) as con:
        for table in (
            *("intermediate.int_high_frequency_ic_weekly",),
            *("intermediate.int_factor_blend_weekly",),
            *("intermediate.int_stock_score_weekly", "scores.fct_stock_score_weekly"),
            *("intermediate.int_industry_score_weekly",),
            *("intermediate.int_index_weight_weekly",),
            *("intermediate.int_index_score_weekly",),
            *("intermediate.int_score_factor_weekly",),
        ):
            con.execute(f"delete from {table} where trade_week > ?", [build_from])
    build(windowed, build_from=build_from)
    shuffled = tmp_path / "shuffled" / "build.duckdb"
    shuffled.parent.mkdir()
    write_market(shuffled, tables, shuffled=True)
    build(shuffled, threads=1)
    for table in KEYS:
        whole = fetch(market, table)
        for other in (windowed, shuffled):
            pd.testing.assert_frame_equal(fetch(other, table), whole, check_exact=True)
