"""What the text models need of the store and leave in it: reports, runs, scores.

Small questions and writes around ``raw.text_score`` and its log. Add a log of the text
models here together with its table in ``store``; keep vectors and training out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.load import load_folder
from warehouse.lock import EXCHANGE_TIME
from warehouse.model_runs import MAPPING, insert_row
from warehouse.settings import Settings

REPORTS = """
select
    report.report_id,
    report.security_code,
    report.known_date,
    report.text_hash,
    report.excluded_reason is null as is_used,
    coalesce(report.excluded_reason in ('first_coverage', 'unchanged'), true)
        as is_corpus,
    label.abnormal_return,
    label.label_end_date
from intermediate.int_report as report
left join intermediate.int_report_forward_return as label
    on report.report_id = label.report_id
where report.known_date is not null
order by report.known_date, report.published_at, report.report_id
"""

TEXTS = """
select text.report_id, text.title, text.abstract
from intermediate.int_report_text as text
semi join wanted on text.report_id = wanted.report_id
"""

SCORED = """
select encoder_code, report_id, arg_max(run_id, load_id) as run_id
from raw.text_score
group by encoder_code, report_id
"""


def read_reports(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return the reports that are known on some day, with their labels, without texts.

    ``is_used`` are those that are scored, ``is_corpus`` those that an encoder may read;
    ``abnormal_return`` is NaN where no label is known yet.
    """
    frame = con.execute(REPORTS).df()
    for column in ("known_date", "label_end_date"):
        frame[column] = pd.to_datetime(frame[column])
    return frame


def read_texts(
    con: duckdb.DuckDBPyConnection, report_ids: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """Return title and abstract of reports, without mark-up, by report."""
    wanted = pa.table({"report_id": pa.array(report_ids, pa.string())})
    con.register("wanted", wanted)
    try:
        rows = con.execute(TEXTS).fetchall()
    finally:
        con.unregister("wanted")
    return {report_id: (title, abstract) for report_id, title, abstract in rows}


def scored_reports(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Return the run that gave the newest score of each encoder and report."""
    return {
        (encoder, report_id): run_id
        for encoder, report_id, run_id in con.execute(SCORED).fetchall()
    }


def record_text_run(con: duckdb.DuckDBPyConnection, run: Mapping[str, Any]) -> None:
    """Write down a finished training; one that came to the same trees is that one.

    Raises
    ------
    duckdb.ConstraintException
        A label of the training reaches the first scored day.
    """
    con.execute("delete from raw.text_run where run_id = ?", [run["run_id"]])
    insert_row(con, "text_run", {**run, "trained_at": datetime.now(EXCHANGE_TIME)})


def load_rows(settings: Settings, table: str, frame: pd.DataFrame) -> int:
    """Load rows of a raw table as one file, through the loader's contract.

    Returns
    -------
    int
        Rows stored: new ones and new versions.
    """
    if frame.empty:
        return 0
    content = pa.Table.from_pandas(frame, preserve_index=False)
    # Named by what is in it, so that a folder holds one file and loads it alone.
    digest = hashlib.sha256(
        pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()
    ).hexdigest()[:12]
    folder = settings.scores / table / digest
    folder.mkdir(parents=True, exist_ok=True)
    path: Path = folder / f"{table}.parquet"
    partial = path.with_suffix(".partial")
    pq.write_table(content, partial)
    partial.replace(path)
    [result] = load_folder(settings, MAPPING, folder)
    return result.accepted
