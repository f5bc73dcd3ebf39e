"""What the text models need of the store and leave in it: reports, runs, scores.

Small questions and writes around ``raw.text_score`` and its log. Add a log of the text
models here together with its table in ``store``; keep vectors and training out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.load import load_folder
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
select
    encoder_code,
    report_id,
    arg_max(run_id, load_id) as run_id,
    arg_max_null(text_hash, load_id) as text_hash,
    arg_max_null(corpus_cutoff_date, load_id) as corpus_cutoff_date
from raw.text_score
group by encoder_code, report_id
"""


class TextRunError(RuntimeError):
    """A training's file cannot be read; the message names it and what to do."""


@dataclass(frozen=True)
class TextRun:
    """A finished training of a text model, a row of ``meta.meta_text_run``."""

    run_id: str
    encoder_code: str
    encoder_name: str
    encoder_revision: str
    corpus_cutoff_date: date | None
    corpus_report_count: int | None
    dimension_count: int
    config_sha256: str
    config_json: str
    train_first_date: date
    train_last_date: date
    max_label_end_date: date
    first_scored_date: date
    period_end_date: date
    train_report_count: int
    low_threshold: float
    high_threshold: float
    code_version: str
    seconds: float
    checkpoint_path: str
    classifier_sha256: str
    trained_at: datetime

    def save(self, path: Path) -> None:
        """Write it beside the trees, so that a store made anew can hear of it."""
        content = json.dumps(asdict(self), indent=1, default=str)
        partial = path.with_suffix(".partial")
        partial.write_text(content, encoding="utf-8")
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> TextRun:
        """Read it back.

        Raises
        ------
        TextRunError
            The file is damaged, or an earlier version wrote it.
        """
        advice = "delete its folder and refresh to train again"
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
            missing = {field.name for field in fields(cls)} - run.keys()
            if missing:
                raise TextRunError(
                    f"{path} lacks {', '.join(sorted(missing))}, as an earlier version "
                    f"wrote it: {advice}"
                )
            days = {
                name: date.fromisoformat(value)
                for name, value in run.items()
                if name.endswith("_date") and value is not None
            }
            ended = datetime.fromisoformat(run["trained_at"])
            return cls(**run | days | {"trained_at": ended})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise TextRunError(f"{path} is damaged: {advice}") from error


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


def scored_reports(
    con: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str], tuple[str, str | None, date | None]]:
    """Return run, hash of the words and corpus cut-off of the newest scores.

    The keys are encoder and report. Of scores that were loaded before words were kept
    the hash is None; a cut-off that nobody has said is None.
    """
    return {
        (encoder, report_id): (run_id, text_hash, cutoff)
        for encoder, report_id, run_id, text_hash, cutoff in con.execute(
            SCORED
        ).fetchall()
    }


def recorded_runs(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the trainings that the store knows."""
    rows = con.execute("select run_id from raw.text_run").fetchall()
    return {run_id for (run_id,) in rows}


def record_text_run(con: duckdb.DuckDBPyConnection, run: TextRun) -> None:
    """Write down a finished training; one that came to the same trees is that one.

    Raises
    ------
    duckdb.ConstraintException
        A label of the training reaches the first scored day.
    """
    insert_row(con, "text_run", asdict(run), replace=True)


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
