"""What models need of the store and leave in it: weeks, runs, epochs, scores.

Small questions and writes around ``raw.model_score`` and its logs. Add a log of the
models here together with its table in ``store``; keep tensors and training out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.load import SAMPLE, load_folder
from warehouse.lock import EXCHANGE_TIME
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import quote_identifier

MAPPING = PROJECT_ROOT / "warehouse" / "mappings" / "sample.toml"
# A generated market of so many stocks or fewer is the small one.
SMALL_STOCKS = 300
# A score is known once the week's last session has closed.
CLOSE = time(15)
ALL, NONE = "all", "none"

Profile = Literal["full", "sample", "small"]


@dataclass(frozen=True)
class ScoredWeek:
    """Scores of one week by one checkpoint; none where it has too few stocks."""

    model_code: str
    trade_week: date
    run_id: str
    codes: Sequence[str]
    scores: Sequence[float]


def market_profile(con: duckdb.DuckDBPyConnection) -> Profile:
    """Return which size of the configurations the store's market needs."""
    row = con.execute(
        """
        select
            (select bool_or(source = ?) from raw.load where row_count_accepted > 0),
            (select count(distinct security_code) from raw.security)
        """,
        [SAMPLE],
    ).fetchone()
    if row is None or not row[0]:
        return "full"
    return "small" if row[1] <= SMALL_STOCKS else "sample"


def wanted_models(
    settings: Settings,
    codes: Sequence[str],
    profile: Profile,
    *,
    unasked: Sequence[str] = (),
) -> list[str]:
    """Return the models that a refresh trains and scores.

    Without ``LUNDONG_MODELS`` those are all but ``unasked`` in the generated market and
    none elsewhere: years of walk-forward training take hours on a CPU, and nobody
    should wait for them unasked.

    Raises
    ------
    ValueError
        The setting names a model that does not exist.
    """
    if not settings.models and profile != "full":
        return [code for code in codes if code not in unasked]
    wanted = settings.models or NONE
    if wanted == ALL:
        return list(codes)
    if wanted == NONE:
        return []
    named = [code.strip() for code in wanted.split(",")]
    unknown = sorted(set(named) - set(codes))
    if unknown:
        raise ValueError(
            f"LUNDONG_MODELS names {', '.join(unknown)}: the models are "
            f"{', '.join(codes)}"
        )
    return named


def complete_weeks(con: duckdb.DuckDBPyConnection) -> list[date]:
    """Return the last trading days of the complete weeks, in order."""
    rows = con.execute(
        """
        select trade_week
        from intermediate.int_trading_day
        where
            is_week_end
            and is_week_complete
            and trade_week >= (select min(trade_date) from raw.daily_bar)
        order by trade_week
        """
    ).fetchall()
    return [row[0] for row in rows]


def scored_weeks(con: duckdb.DuckDBPyConnection) -> dict[str, set[date]]:
    """Return the weeks that each model has been asked for, scored or found empty."""
    weeks: dict[str, set[date]] = {}
    for code, week in con.execute(
        "select model_code, trade_week from raw.model_week"
    ).fetchall():
        weeks.setdefault(code, set()).add(week)
    return weeks


def record_run(
    con: duckdb.DuckDBPyConnection,
    run: Mapping[str, Any],
    epochs: Sequence[Mapping[str, Any]],
) -> None:
    """Write down a finished training and its epochs, in one transaction.

    A training that came to the same checkpoint as an earlier one is that one.

    Raises
    ------
    duckdb.ConstraintException
        A label of the training reaches the first scored day.
    """
    con.begin()
    try:
        for table in ("model_training_epoch", "model_run"):
            con.execute(
                f"delete from raw.{table} where run_id = ?",  # noqa: S608
                [run["run_id"]],
            )
        insert_row(con, "model_run", {**run, "trained_at": datetime.now(EXCHANGE_TIME)})
        for epoch in epochs:
            insert_row(con, "model_training_epoch", {**epoch, "run_id": run["run_id"]})
        con.commit()
    except BaseException:
        con.rollback()
        raise


def insert_row(
    con: duckdb.DuckDBPyConnection,
    table: str,
    row: Mapping[str, Any],
    *,
    replace: bool = False,
) -> None:
    """Add a row to a log, given by the names of its columns.

    With ``replace`` it takes the place of the row of its key; what the table refuses
    leaves that row.
    """
    names = ", ".join(quote_identifier(name) for name in row)
    marks = ", ".join("?" * len(row))
    verb = "insert or replace" if replace else "insert"
    con.execute(
        f"{verb} into raw.{table} ({names}) values ({marks})",
        list(row.values()),
    )


def record_absences(
    con: duckdb.DuckDBPyConnection, reasons: Mapping[str, str], codes: Sequence[str]
) -> None:
    """Write down why models have no scores, in place of what was said of ``codes``."""
    con.execute(
        "delete from raw.model_absence where list_contains(?, model_code)",
        [list(codes)],
    )
    for code, reason in sorted(reasons.items()):
        con.execute("insert into raw.model_absence values (?, ?)", [code, reason])


def write_scores(settings: Settings, weeks: Sequence[ScoredWeek]) -> int:
    """Load scores as one file, through the loader's contract and versions.

    Parameters
    ----------
    weeks : sequence of ScoredWeek
        Any number of weeks and models.

    Returns
    -------
    int
        Scores stored: new ones and new versions.
    """
    scored = sorted(
        (week for week in weeks if len(week.codes)),
        key=lambda week: (week.model_code, week.trade_week),
    )
    if not scored:
        return 0
    table = pa.concat_tables([_score_table(week) for week in scored])
    first = min(week.trade_week for week in scored)
    last = max(week.trade_week for week in scored)
    content = str(table.select(["run_id", "score"]).to_pydict()).encode()
    # Named by what is in it, so that a folder holds one file and is loaded alone.
    digest = hashlib.sha256(content).hexdigest()[:12]
    folder = settings.scores / f"{first}_{last}_{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model_score.parquet"
    partial = path.with_suffix(".partial")
    pq.write_table(table, partial)
    partial.replace(path)
    [result] = load_folder(settings, MAPPING, folder)
    return result.accepted


def _score_table(week: ScoredWeek) -> pa.Table:
    count = len(week.codes)
    # Exchange time without a zone, as the raw tables have it.
    decided = datetime.combine(week.trade_week, CLOSE)
    return pa.table(
        {
            "model_code": [week.model_code] * count,
            "security_code": list(week.codes),
            "trade_week": [week.trade_week] * count,
            "score": pa.array(week.scores, pa.float64()),
            "decision_time": [decided] * count,
            "run_id": [week.run_id] * count,
        }
    )


def note_weeks(con: duckdb.DuckDBPyConnection, weeks: Sequence[ScoredWeek]) -> None:
    """Write down which weeks were scored, by which run, and how many stocks."""
    for week in weeks:
        con.execute(
            "insert into raw.model_week values (?, ?, ?, ?)",
            [week.model_code, week.trade_week, week.run_id, len(week.codes)],
        )
