"""Reconciliation with the published figures, on made-up own figures of known answers.

No own figure here is a result: each is the published value plus a made-up error, so
that what the tables must say is known beforehand. Add a case when a way of comparing is
added; keep what the warehouse really computes out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from warehouse.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from tests.integration.rotation.conftest import DbtFile, WriteTradingDays

SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
FIGURE_COUNT = 1139
METRIC_COUNT = 97
NOT_AIMED_AT = {4.6, 5.78, 6.21}
FACTOR_OF_UNIT = {"pct": 0.01, "cny_100m": 1e8, "ratio": 1.0, "ic": 1.0, "score": 1.0}
BASIS = "made up"


def read_figures() -> pd.DataFrame:
    """Read the published figures as they are printed."""
    figures = pd.read_csv(
        SEEDS / "published_figure.csv", dtype={"as_of_date": "string"}
    )
    return figures.set_index("figure_id")


FIGURES = read_figures()
METRICS = sorted(set(FIGURES["metric"]))
SYSTEM_METRICS = sorted(set(zip(FIGURES["system"], FIGURES["metric"], strict=True)))


def open_days(first: dt.date, last: dt.date) -> list[dt.date]:
    """Return the weekdays less the holidays that the reports' weeks depend on."""
    holidays = {
        dt.date(2025, 5, 1),
        dt.date(2025, 5, 2),
        dt.date(2025, 5, 5),
        dt.date(2025, 6, 2),
        *(dt.date(2025, 10, day) for day in range(1, 9)),
    }
    days = [first + dt.timedelta(days=i) for i in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < 5 and day not in holidays]


DAYS = open_days(dt.date(2021, 1, 1), dt.date(2026, 1, 30))


def last_week_end(report_date: dt.date, days: list[dt.date]) -> dt.date:
    """Return the last day of the last exchange week that had ended by the report."""
    ends = {day.isocalendar()[:2]: day for day in days}
    return max(day for day in ends.values() if day <= report_date)


@dataclass(frozen=True)
class Reconciled:
    """What the models made, and the made-up figures they were given."""

    figures: pd.DataFrame
    reconciliation: pd.DataFrame
    summary: pd.DataFrame
    own: pd.DataFrame


def name_stock(file: DbtFile, name: str) -> None:
    """Put one stock of that name into the file."""
    with file.connect() as con:
        con.execute("create schema if not exists staging")
        con.execute(
            "create or replace table staging.stg_security as select ? as name", [name]
        )


def set_own_figures(file: DbtFile, own: pd.DataFrame) -> None:
    """Put made-up figures where the warehouse's own would stand."""
    with file.connect() as con:
        con.register("own", own)
        con.execute(
            """
            create or replace table meta.meta_own_figure as
            select
                cast(system as varchar) as system,
                cast(metric as varchar) as metric,
                cast(subject_code as varchar) as subject_code,
                cast(as_of_date as date) as as_of_date,
                cast(own_value as double) as own_value,
                cast(is_signal as boolean) as is_signal,
                cast(basis as varchar) as basis
            from own
            """
        )


def make_own_figures(published: pd.DataFrame) -> pd.DataFrame:
    """Make up a figure for every published one that can have one.

    Errors change with the figure's place within its metric, in sign too, so that ranks,
    signs and lists differ. Where two printed figures are the same figure of ours, the
    first one's error stands.
    """
    own = published[published["subject_code"].notna()].copy()
    place = own.groupby(["system", "metric"]).cumcount()
    step = own["published_value"].abs().groupby([own["system"], own["metric"]])
    spread = step.transform("mean") + 1e-4
    own["own_value"] = own["published_value"] + spread * 0.3 * np.sin(2.0 * place + 1)
    # A printed zero has no sign, even where ours is zero too.
    own.loc[own["published_value"] == 0, "own_value"] = 0.0
    own["is_signal"] = np.where(own["is_signal"], place % 2 == 0, None)
    own["basis"] = BASIS
    own = own.drop_duplicates(["system", "metric", "subject_code", "as_of_date"])
    columns = [
        *("system", "metric", "subject_code", "as_of_date"),
        *("own_value", "is_signal", "basis"),
    ]
    rivals = []
    # Subjects that no list prints, above and below all: one seat of each list is lost.
    lists = own[own["list_side"].notna()]
    for (system, metric, as_of_date), rows in lists.groupby(
        ["system", "metric", "as_of_date"]
    ):
        for code, value in (
            ("above_all", rows["own_value"].max() + 1),
            ("below_all", rows["own_value"].min() - 1),
        ):
            rivals.append((system, metric, code, as_of_date, value, None, BASIS))
    return pd.concat(
        [own[columns], pd.DataFrame(rivals, columns=columns)], ignore_index=True
    )


def read_table(file: DbtFile, name: str) -> pd.DataFrame:
    with file.connect() as con:
        frame = con.execute(f"from meta.{name} order by all").df()
    for column in frame.columns:
        if column.endswith("_date"):
            frame[column] = [
                None if pd.isna(value) else pd.Timestamp(value).date()
                for value in frame[column]
            ]
    return frame


PUBLISHED_SEEDS = (
    "published_figure",
    "published_metric",
    "published_subject",
    "published_exception",
)


@pytest.fixture(scope="module")
def file(
    make_dbt_file: Callable[[], DbtFile], write_calendar: WriteTradingDays
) -> DbtFile:
    made = make_dbt_file()
    name_stock(made, "浦发银行")
    with made.connect() as con:
        write_calendar(con, DAYS, DAYS[-1])
    made.dbt("seed", *PUBLISHED_SEEDS)
    made.dbt("run", "int_loaded_market", "meta_published_figure")
    return made


@pytest.fixture(scope="module")
def reconciled(file: DbtFile) -> Reconciled:
    figures = read_table(file, "meta_published_figure")
    own = make_own_figures(figures)
    # A metric counts as computed here whatever the project computes so far.
    with file.connect() as con:
        con.execute("update seeds.published_metric set is_built = true")
    set_own_figures(file, own)
    file.dbt("run", "meta_reconciliation", "meta_reconciliation_summary")
    return Reconciled(
        figures=figures.set_index("figure_id"),
        reconciliation=read_table(file, "meta_reconciliation").set_index("figure_id"),
        summary=read_table(file, "meta_reconciliation_summary").set_index(
            ["system", "metric"]
        ),
        own=own,
    )


def expected_pairs(reconciled: Reconciled, metric: str) -> pd.DataFrame:
    """Match published and made-up values of a metric with pandas alone."""
    printed = FIGURES[FIGURES["metric"] == metric].copy()
    aimed = ~(
        (printed["system"] == "diffusion_index_rotation")
        & (printed["metric"] == "ytd_excess_return")
        & printed["value"].isin(NOT_AIMED_AT)
    )
    printed["published"] = printed["value"] * printed["unit"].map(FACTOR_OF_UNIT)
    used = reconciled.figures[["subject_code", "as_of_date", "list_side"]]
    keyed = printed[aimed].drop(columns="as_of_date").join(used)
    keys = ["system", "metric", "subject_code", "as_of_date"]
    own = {
        tuple(map(str, key)): value
        for *key, value in reconciled.own[[*keys, "own_value"]].itertuples(index=False)
    }
    keyed["ours"] = [
        own.get(tuple(map(str, key))) for key in keyed[keys].itertuples(index=False)
    ]
    return keyed.dropna(subset="ours")


def test_every_published_figure_is_a_row(reconciled: Reconciled) -> None:
    assert len(FIGURES) == FIGURE_COUNT
    assert len(METRICS) == METRIC_COUNT
    assert sorted(reconciled.reconciliation.index) == sorted(FIGURES.index)
    assert reconciled.summary["figure_count"].sum() == FIGURE_COUNT
    assert set(reconciled.summary.index) == set(SYSTEM_METRICS)


def test_every_row_has_a_status_and_a_reason_where_it_is_not_compared(
    reconciled: Reconciled,
) -> None:
    rows = reconciled.reconciliation
    compared = rows["status"] == "compared"
    assert (rows.loc[~compared, "status"] == "not_comparable").all()
    assert rows.loc[compared, "reason"].isna().all()
    assert (rows.loc[~compared, "reason"].str.len() > 0).all()
    assert rows.loc[~compared, ["our_value", "difference"]].isna().all().all()
    # Four values that are not aimed at, and ETFs printed by a name that many bear.
    reasons = rows.loc[~compared, "reason"].str.split(":").str[0]
    assert set(reasons.str.replace(r" single .*", " single", regex=True)) == {
        "definition differs",
        "the printed subject names no single",
    }
    assert reasons.str.startswith("definition differs").sum() == 4


@pytest.mark.parametrize("metric", METRICS)
def test_values_are_converted_and_subtracted(
    reconciled: Reconciled, metric: str
) -> None:
    pairs = expected_pairs(reconciled, metric)
    assert len(pairs) > 0
    got = reconciled.reconciliation.loc[pairs.index]
    np.testing.assert_allclose(
        got["published_value"], pairs["published"], rtol=1e-15, atol=0
    )
    np.testing.assert_allclose(got["our_value"], pairs["ours"], rtol=1e-15, atol=0)
    levels = pairs["unit"] != "score"
    np.testing.assert_allclose(
        got.loc[levels, "difference"],
        (pairs["ours"] - pairs["published"])[levels],
        rtol=1e-12,
        atol=1e-15,
    )
    assert got.loc[~levels, "difference"].isna().all()
    assert (got["basis"] == BASIS).all()
    assert (got["status"] == "compared").all()


@pytest.mark.parametrize("metric", METRICS)
def test_summaries_equal_pandas_and_scipy(reconciled: Reconciled, metric: str) -> None:
    pairs = expected_pairs(reconciled, metric)
    for system in sorted(set(FIGURES.loc[FIGURES["metric"] == metric, "system"])):
        rows = pairs[pairs["system"] == system]
        got = reconciled.summary.loc[(system, metric)]
        assert got["compared_count"] == len(rows)
        levels = rows[rows["unit"] != "score"]
        errors = (levels["ours"] - levels["published"]).abs()
        np.testing.assert_allclose(
            got["mean_absolute_error"],
            errors.mean() if len(errors) else np.nan,
            rtol=1e-11,
            atol=1e-15,
        )
        varied = rows["ours"].nunique() > 1 and rows["published"].nunique() > 1
        correlation = np.nan
        if len(rows) >= 3 and varied:
            correlation = stats.spearmanr(rows["published"], rows["ours"]).statistic
        np.testing.assert_allclose(
            got["rank_correlation"], correlation, rtol=0, atol=1e-12
        )
        signed = rows[rows["published"] != 0]
        agreement = (np.sign(signed["published"]) == np.sign(signed["ours"])).mean()
        np.testing.assert_allclose(
            got["sign_agreement"],
            agreement if len(signed) else np.nan,
            rtol=0,
            atol=1e-15,
        )


def overlap_of(rows: pd.DataFrame, own: pd.DataFrame) -> list[bool]:
    """Tell for each subject of a printed list whether our list of its length has it."""
    top = rows["list_side"].iloc[0] == "top"
    values = own.set_index("subject_code")["own_value"].sort_values(ascending=not top)
    return [
        bool(
            (values > value).sum() < len(rows)
            if top
            else (values < value).sum() < len(rows)
        )
        for value in rows["ours"]
    ]


LISTED = [
    "diffusion_index_value",
    "diffusion_index_weekly_change",
    "etf_category_weekly_net_inflow",
    "etf_weekly_net_inflow",
    "gru_factor_score",
    "margin_balance_weekly_change",
    "period_return_0929_1010",
    "rank_ic_week",
    "weekly_return",
]


@pytest.mark.parametrize("metric", LISTED)
def test_overlap_of_lists(reconciled: Reconciled, metric: str) -> None:
    pairs = expected_pairs(reconciled, metric)
    pairs = pairs[pairs["list_side"].notna()]
    hits: dict[str, list[bool]] = {}
    keys = ["report_date", "system", "as_of_date", "list_side"]
    for (_, system, as_of_date, _), rows in pairs.groupby(keys):
        own = reconciled.own[
            (reconciled.own["system"] == system)
            & (reconciled.own["metric"] == metric)
            & (reconciled.own["as_of_date"] == as_of_date)
        ]
        hits.setdefault(system, []).extend(overlap_of(rows, own))
    assert hits
    for system, found in hits.items():
        got = reconciled.summary.loc[(system, metric)]
        assert got["list_count"] == len(found)
        assert got["list_overlap"] == pytest.approx(np.mean(found), abs=1e-15)
        # The rivals take seats, so the measure can tell.
        assert 0 <= got["list_overlap"] < 1


def test_only_lists_and_signals_have_their_measures(reconciled: Reconciled) -> None:
    summary = reconciled.summary.reset_index()
    listed = summary[summary["list_count"] > 0]
    assert set(listed["metric"]) == set(LISTED)
    assert set(listed.loc[listed["metric"] == "weekly_return", "system"]) == {
        "citic_l1_index"
    }
    signal = summary[summary["signal_count"] > 0]
    assert set(signal["metric"]) == {
        f"{method}_signal_value_{action}"
        for method in ("first_threshold", "delayed_threshold")
        for action in ("entry", "exit")
    }
    # Every second made-up signal fired.
    expected = (signal["signal_count"] + 1) // 2
    assert signal["signal_matched_count"].tolist() == expected.tolist()


LISTS = {
    "twelve": ("2025-09-22", "diffusion_index_rotation", "diffusion_index_value", 6, 6),
    "best_only": (
        "2025-08-18",
        "diffusion_index_rotation",
        "diffusion_index_value",
        6,
        0,
    ),
    "changes": (
        "2025-06-23",
        "diffusion_index_rotation",
        "diffusion_index_weekly_change",
        3,
        3,
    ),
    "one_loser": ("2025-06-08", "citic_l1_index", "weekly_return", 4, 1),
    "two_losers": ("2025-03-16", "citic_l1_index", "weekly_return", 3, 2),
    "negative_scores_at_the_top": (
        "2025-07-21",
        "gru_industry_rotation",
        "gru_factor_score",
        6,
        0,
    ),
    "scores": ("2025-06-09", "gru_industry_rotation", "gru_factor_score", 6, 6),
    "outflows_only": (
        "2025-07-20",
        "fund_flow",
        "etf_category_weekly_net_inflow",
        0,
        2,
    ),
}


@pytest.mark.parametrize("name", LISTS)
def test_printed_lists_are_split_where_the_worst_begin(
    reconciled: Reconciled, name: str
) -> None:
    report_date, system, metric, top, bottom = LISTS[name]
    rows = reconciled.figures[
        (reconciled.figures["report_date"] == dt.date.fromisoformat(report_date))
        & (reconciled.figures["system"] == system)
        & (reconciled.figures["metric"] == metric)
    ]
    sides = rows["list_side"].tolist()
    assert sides == ["top"] * top + ["bottom"] * bottom


def test_as_of_dates_follow_the_rule(reconciled: Reconciled) -> None:
    for figure in reconciled.figures.itertuples():
        if figure.date_rule == "none":
            assert figure.as_of_date is None
        elif figure.date_rule == "year":
            assert figure.as_of_date == dt.date(int(figure.metric[-4:]), 12, 31)
        elif figure.date_rule == "month":
            assert figure.as_of_date == dt.date(2024, 10, 31)
        elif figure.stated_date is not None:
            assert figure.as_of_date == figure.stated_date
        else:
            assert figure.as_of_date == last_week_end(figure.report_date, DAYS)


@pytest.mark.parametrize(
    ("report_date", "as_of_date"),
    [
        ("2025-05-19", "2025-05-16"),
        ("2025-06-03", "2025-05-30"),
        ("2025-06-08", "2025-06-06"),
        ("2025-10-13", "2025-10-10"),
        ("2025-11-25", "2025-11-21"),
    ],
)
def test_a_report_speaks_of_the_week_before_it(
    reconciled: Reconciled, report_date: str, as_of_date: str
) -> None:
    rows = reconciled.figures[
        (reconciled.figures["report_date"] == dt.date.fromisoformat(report_date))
        & reconciled.figures["stated_date"].isna()
        & (reconciled.figures["date_rule"] == "week")
    ]
    assert set(rows["as_of_date"]) == {dt.date.fromisoformat(as_of_date)}


@pytest.mark.usefixtures("reconciled")
def test_reasons_say_what_is_missing(file: DbtFile) -> None:
    """Own figures of one industry on one date: what else is missing is said."""
    with file.connect() as con:
        con.execute(
            """
            update seeds.published_metric
            set is_built = system in ('citic_l1_index', 'diffusion_index_rotation')
            """
        )
    columns = [
        *("system", "metric", "subject_code", "as_of_date"),
        *("own_value", "is_signal", "basis"),
    ]
    row = (
        *("diffusion_index_rotation", "diffusion_index_value", "CI005003"),
        *(dt.date(2025, 9, 19), 0.9, None, BASIS),
    )
    set_own_figures(file, pd.DataFrame([row], columns=columns))
    file.dbt("run", "meta_reconciliation", "meta_reconciliation_summary")
    rows = read_table(file, "meta_reconciliation").set_index("figure_id")
    assert (rows["status"] == "compared").sum() == 1
    assert rows.loc["F0030", "difference"] == pytest.approx(0.9 - 0.978)
    assert rows.loc["F0031", "reason"] == "inputs not loaded: nothing of Banking"
    assert rows.loc["F0066", "reason"] == (
        "date not loaded: 2025-08-15, ours run from 2025-09-19 to 2025-09-19"
    )
    assert rows.loc["F0001", "reason"].startswith("inputs not loaded: needs daily bars")
    assert rows.loc["F0004", "reason"].startswith("not built: needs the GRU industry")
    assert rows.loc["F0280", "reason"].startswith("definition differs")
    counts = read_table(file, "meta_reconciliation_summary")
    assert counts["compared_count"].sum() == 1
    assert counts["not_comparable_count"].sum() == FIGURE_COUNT - 1


@pytest.mark.usefixtures("reconciled")
def test_a_calendar_that_ends_early_gives_no_date(
    file: DbtFile, write_calendar: WriteTradingDays
) -> None:
    days = [day for day in DAYS if day <= dt.date(2025, 9, 12)]
    with file.connect() as con:
        write_calendar(con, days, days[-1])
    file.dbt("run", "meta_published_figure", "meta_reconciliation")
    rows = read_table(file, "meta_reconciliation").set_index("figure_id")
    assert rows.loc["F0030", "as_of_date"] is None
    assert rows.loc["F0030", "reason"] == (
        "no as-of date: the loaded calendar does not hold 2025-09-22"
    )
    # A stated day needs no calendar.
    assert rows.loc["F0251", "as_of_date"] == dt.date(2025, 9, 12)


@pytest.mark.usefixtures("reconciled")
def test_a_generated_market_is_compared_with_nothing(
    file: DbtFile, write_calendar: WriteTradingDays
) -> None:
    name_stock(file, "样本0001")
    with file.connect() as con:
        write_calendar(con, DAYS, DAYS[-1])
    file.dbt(
        "run",
        *("int_loaded_market", "meta_published_figure"),
        *("meta_reconciliation", "meta_reconciliation_summary"),
    )
    rows = read_table(file, "meta_reconciliation")
    assert (rows["status"] == "not_comparable").all()
    assert rows["reason"].str.contains("generated|definition differs").all()
    assert read_table(file, "meta_reconciliation_summary")["compared_count"].sum() == 0
