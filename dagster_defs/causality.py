"""The causality check: the past must not change when the future is taken away.

The raw data are cut at a date, everything is built anew from them, and each published
table is compared with the full build. Add a rule of comparison here; keep the date on
which the check runs out, that is for ``jobs`` and ``schedules``.
"""

# ruff: noqa: S608 - text is formatted into SQL as quoted identifiers only

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb

from dagster_defs.project import (
    PROJECT_DIR,
    DbtError,
    build_variables,
    call_dbt,
    copy_parsed_project,
    target_path,
)
from warehouse.publish import read_models
from warehouse.raw_tables import RAW_TABLES, RawTable
from warehouse.settings import Settings
from warehouse.store import (
    connect_build,
    create_raw_tables,
    current_rows_sql,
    quote_identifier,
    quote_literal,
)

# A row of a published table is dated by the first of these columns that it has. A table
# with none of them is a summary.
DATING_COLUMNS = (
    "trade_date",
    "signal_date",
    "trade_week",
    "trade_month_end",
    "known_date",
    "valid_from",
    "list_date",
)

# Logs that belong to the raw rows; a report's score counts by the run that gave it.
COPIED_LOGS = ("load", "rejected_row", "load_finding", "text_run")

Comparison = Literal["dated", "summary"]


@dataclass(frozen=True)
class PublishedTable:
    """A published table and how its rows behave in time.

    Attributes
    ----------
    dating_column : str or None
        Column that dates a row; None for a summary.
    event_columns, closing_columns : tuple of str
        Columns that never change once a row's date has passed, and those that may go
        from NULL to a value once.
    """

    schema: str
    name: str
    dating_column: str | None
    event_columns: tuple[str, ...]
    closing_columns: tuple[str, ...]

    @property
    def label(self) -> str:
        """``schema.table``."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class CausalityResult:
    """What the comparison of one table found.

    Attributes
    ----------
    compared : str
        ``dated``: rows up to the cut against the full build; ``summary``: all rows
        against a build with ``as_of_date``.
    row_count : int
        Rows compared, of the build from the cut data.
    difference_count : int
        Dates (``dated``) or rows with an unlawful difference.
    example : str or None
        One difference in words.
    """

    table: str
    compared: Comparison
    row_count: int
    difference_count: int
    example: str | None = None

    @property
    def passed(self) -> bool:
        """Whether no difference was found."""
        return self.difference_count == 0


def check_causality(
    settings: Settings,
    cut: date,
    *,
    project_dir: Path = PROJECT_DIR,
    with_summaries: bool = True,
    scratch: Path | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[CausalityResult]:
    """Cut the raw data at a date, rebuild, and compare every published table.

    Parameters
    ----------
    settings : Settings
        A store with a finished build of ``project_dir``.
    cut : date
        Last day kept.
    project_dir : Path
        The dbt project.
    with_summaries : bool
        Also build everything once more with the variable ``as_of_date`` and compare the
        undated tables with it.
    scratch : Path, optional
        Folder for the builds, removed at the end; in the store by default.
    progress : callable, optional
        Called with a label, the steps done and all steps.

    Returns
    -------
    list of CausalityResult
        One for each published table, in order of their names, run logs left out.

    Raises
    ------
    DbtError
        The cut data cannot be built.

    Notes
    -----
    The data are cut in the raw tables themselves: rows known after the cut are not
    copied and values that close later are NULL, so nothing that the project's own
    ``as_of_date`` does can hide a look-ahead. The summaries then prove that both ways
    of cutting are the same.
    """
    tell = progress or (lambda _label, _done, _total: None)
    steps = 5 if with_summaries else 3
    home = scratch or settings.home / "causality"
    shutil.rmtree(home, ignore_errors=True)
    cut_store = replace(settings, home=home / "cut")
    as_of_store = replace(settings, home=home / "as_of")
    try:
        tell(f"cutting the raw tables at {cut}", 0, steps)
        copy_raw_until(settings, cut_store, cut)
        copy_parsed_project(settings, cut_store)
        tell("building from the cut data", 1, steps)
        manifest = build_whole(cut_store, project_dir=project_dir)
        if with_summaries:
            tell("copying the raw tables", 2, steps)
            copy_raw_until(settings, as_of_store, None)
            copy_parsed_project(settings, as_of_store)
            tell(f"building as of {cut}", 3, steps)
            build_whole(as_of_store, project_dir=project_dir, as_of_date=cut)
        tell("comparing", steps - 1, steps)
        tables = read_tables(manifest)
        with connect_build(cut_store, read_only=True) as con:
            _attach(con, settings.build_path, "full_build")
            results = [
                _compare_dated(con, table, cut)
                for table in tables
                if table.dating_column is not None
            ]
            if with_summaries:
                _attach(con, as_of_store.build_path, "as_of_build")
                results += [
                    _compare_summary(con, table)
                    for table in tables
                    if table.dating_column is None
                ]
    finally:
        shutil.rmtree(home, ignore_errors=True)
    tell("done", steps, steps)
    return sorted(results, key=lambda result: result.table)


def read_tables(manifest_path: Path) -> list[PublishedTable]:
    """Read the published tables of a dbt manifest, run logs left out.

    A column may close later if its meta says ``change: closes_later``, as
    ``meta_column`` shows. A model may name its dating column in its meta
    (``dated_by``).
    """
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    nodes = {
        (node["schema"], node.get("alias") or node["name"]): node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model"
    }
    tables = []
    for model in read_models(manifest_path):
        if model.is_run_log:
            continue
        node = nodes[model.schema, model.name]
        meta: dict[str, Any] = node["config"].get("meta") or {}
        names = [name for name in node["columns"] if name not in model.run_time_columns]
        closing = tuple(
            name
            for name in names
            if _column_meta(node["columns"][name]).get("change") == "closes_later"
        )
        dating = meta.get("dated_by") or next(
            (name for name in DATING_COLUMNS if name in names), None
        )
        tables.append(
            PublishedTable(
                schema=model.schema,
                name=model.name,
                dating_column=dating,
                event_columns=tuple(name for name in names if name not in closing),
                closing_columns=closing,
            )
        )
    return tables


def copy_raw_until(source: Settings, target: Settings, cut: date | None) -> None:
    """Make a builder's file with the raw tables of another store, cut at a date.

    Parameters
    ----------
    cut : date or None
        Last day kept, of the newest version of each row; None copies everything.
    """
    target.home.mkdir(parents=True, exist_ok=True)
    if source.lake.is_dir():
        target.lake.symlink_to(source.lake, target_is_directory=True)
    with connect_build(target) as con:
        _attach(con, source.build_path, "source_build")
        create_raw_tables(con)
        for name in COPIED_LOGS:
            con.execute(f"insert into raw.{name} by name from source_build.raw.{name}")
        kept = "true" if cut is None else f"trade_date <= date '{cut}'"
        con.execute(
            f"insert into raw.lake_file by name from source_build.raw.lake_file "
            f"where {kept}"
        )
        for table in RAW_TABLES:
            if table.storage == "duckdb":
                con.execute(_copy_sql(table, cut))
        con.execute("detach source_build")
        # The views of the lake show the days kept.
        create_raw_tables(con)


def build_whole(
    settings: Settings,
    *,
    project_dir: Path = PROJECT_DIR,
    as_of_date: date | None = None,
) -> Path:
    """Run dbt's seeds and models over the whole of a store; return the manifest.

    Raises
    ------
    DbtError
        A model failed; the message is the end of dbt's output.
    """
    target = target_path(settings)
    output = call_dbt(
        settings,
        *("build", "--full-refresh"),
        *("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test"),
        project_dir=project_dir,
        folder=target,
        variables=build_variables(build_from=None, as_of_date=as_of_date),
    )
    if output is not None:
        raise DbtError(f"dbt cannot build {settings.build_path}: {output[-2000:]}")
    return target / "manifest.json"


def _column_meta(column: dict[str, Any]) -> dict[str, Any]:
    inner = (column.get("config") or {}).get("meta") or {}
    return {**(column.get("meta") or {}), **inner}


def _attach(con: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    con.execute(f"attach {quote_literal(str(path))} as {name} (read_only)")


def _copy_sql(table: RawTable, cut: date | None) -> str:
    name = f"raw.{quote_identifier(table.name)}"
    closing = [column.name for column in table.columns if column.closes_later]
    if cut is None:
        return f"insert into {name} by name from source_build.{name}"
    replaced = ", ".join(
        f"case when {column} <= date '{cut}' then {column} end as {column}"
        for column in map(quote_identifier, closing)
    )
    selected = f"* replace ({replaced})" if replaced else "*"
    known = (
        f"where {quote_identifier(table.known_column)} < date '{cut}' + interval 1 day"
        if table.known_column
        else ""
    )
    # Corrected first and cut then: a version that dates the row before the cut must not
    # come back because the one that dates it after the cut is taken away.
    current = current_rows_sql(table, catalog="source_build")
    return f"insert into {name} by name select {selected} from ({current}) {known}"


def _row_hash(columns: Sequence[str]) -> str:
    names = ", ".join(map(quote_identifier, columns))
    return f"hash(row({names}))"


def _scalar(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return 0 if row is None or row[0] is None else int(row[0])


def _example(con: duckdb.DuckDBPyConnection, query: str) -> str | None:
    result = con.execute(query)
    names = [item[0] for item in result.description or ()]
    row = result.fetchone()
    if row is None:
        return None
    return ", ".join(f"{name}={value}" for name, value in zip(names, row, strict=True))


def _compare_dated(
    con: duckdb.DuckDBPyConnection, table: PublishedTable, cut: date
) -> CausalityResult:
    """Compare the rows dated at or before the cut with the full build.

    Rows are compared as a sum of hashes a day: one scan of each build, in any order.
    """
    relation = f"{quote_identifier(table.schema)}.{quote_identifier(table.name)}"
    dating = quote_identifier(str(table.dating_column))
    until = f"{dating} <= date '{cut}'"
    rows = _scalar(con, f"select count(*) from {relation} where {until}")

    def digest(build: str) -> str:
        return f"""
            select
                {dating} as dated,
                count(*) as row_count,
                sum({_row_hash(table.event_columns)}::hugeint) as digest
            from {build}{relation}
            where {until}
            group by {dating}
        """

    changed = f"""
        select coalesce(own.dated, whole.dated) as dated
        from ({digest("")}) as own
        full join ({digest("full_build.")}) as whole on own.dated = whole.dated
        where
            own.digest is distinct from whole.digest
            or own.row_count is distinct from whole.row_count
    """
    count = _scalar(con, f"select count(*) from ({changed})")
    if count:
        return CausalityResult(
            table.label, "dated", rows, count, _dated_example(con, table, changed)
        )
    closing = _compare_closing(con, table, relation, until)
    return CausalityResult(table.label, "dated", rows, *closing)


def _dated_example(
    con: duckdb.DuckDBPyConnection, table: PublishedTable, changed: str
) -> str | None:
    relation = f"{quote_identifier(table.schema)}.{quote_identifier(table.name)}"
    dating = quote_identifier(str(table.dating_column))
    names = ", ".join(map(quote_identifier, table.event_columns))
    first = f"(select min(dated) from ({changed}))"

    def rows(build: str) -> str:
        return f"select {names} from {build}{relation} where {dating} = {first}"

    pairs = (("", "full_build.", "cut build"), ("full_build.", "", "full build"))
    for own, other, label in pairs:
        example = _example(
            con, f"{rows(own)} except all {rows(other)} order by all limit 1"
        )
        if example is not None:
            return f"only in the {label}: {example}"
    return None


def _compare_closing(
    con: duckdb.DuckDBPyConnection,
    table: PublishedTable,
    relation: str,
    until: str,
) -> tuple[int, str | None]:
    """Count the values that differ and were not NULL in the cut build."""
    if not table.closing_columns:
        return 0, None
    same = " and ".join(
        f"own.{column} is not distinct from whole.{column}"
        for column in map(quote_identifier, table.event_columns)
    )
    changed = " or ".join(
        f"(own.{column} is not null and own.{column} is distinct from whole.{column})"
        for column in map(quote_identifier, table.closing_columns)
    )
    query = f"""
        from (select * from {relation} where {until}) as own
        inner join (select * from full_build.{relation} where {until}) as whole
            on {same}
        where {changed}
    """
    count = _scalar(con, f"select count(*) {query}")
    if not count:
        return 0, None
    shown = [*table.event_columns[:3], *table.closing_columns]
    values = ", ".join(
        [f"own.{quote_identifier(name)}" for name in shown]
        + [
            f"whole.{quote_identifier(name)} as {quote_identifier('later_' + name)}"
            for name in table.closing_columns
        ]
    )
    return count, _example(con, f"select {values} {query} order by all limit 1")


def _compare_summary(
    con: duckdb.DuckDBPyConnection, table: PublishedTable
) -> CausalityResult:
    """Compare all rows with those of the build as of the cut."""
    relation = f"{quote_identifier(table.schema)}.{quote_identifier(table.name)}"
    names = ", ".join(
        map(quote_identifier, (*table.event_columns, *table.closing_columns))
    )
    own = f"select {names} from {relation}"
    other = f"select {names} from as_of_build.{relation}"
    rows = _scalar(con, f"select count(*) from {relation}")
    count, example = 0, None
    pairs = ((own, other, "cut build"), (other, own, "build as of the date"))
    for left, right, label in pairs:
        difference = f"{left} except all {right}"
        count += _scalar(con, f"select count(*) from ({difference})")
        if example is None and count:
            row = _example(con, f"{difference} order by all limit 1")
            example = None if row is None else f"only in the {label}: {row}"
    return CausalityResult(table.label, "summary", rows, count, example)
