"""The analysts' library of named queries, and read-only SQL on the published warehouse.

Reading a query's header, binding its parameters, answering it and printing the answer
stand here; the queries themselves are ``sql/queries/*.sql``. Add a file there for a new
question, an output format here; keep numbers out, a query may only join and pick.
"""

from __future__ import annotations

import csv
import difflib
import io
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, get_args

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table
from rich.text import Text

from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_published

QUERIES = PROJECT_ROOT / "sql" / "queries"
OutputFormat = Literal["table", "csv", "json", "parquet"]
OUTPUT_FORMATS: tuple[OutputFormat, ...] = get_args(OutputFormat)

# Values listed where none is near the one asked for.
SHOWN_VALUES = 8

# More rows than anyone reads on a screen; the other formats give all.
TABLE_ROWS = 1000


class QueryError(ValueError):
    """The question cannot be answered; the message says why and what to do."""


@dataclass(frozen=True)
class _Type:
    """A type of the headers: how a text is read, and what DuckDB calls it."""

    read: Callable[[str], Any]
    sql: str
    python: tuple[type, ...]
    example: str


def _read_boolean(text: str) -> bool:
    try:
        return {"true": True, "false": False}[text.lower()]
    except KeyError:
        raise ValueError(text) from None


_TYPES: dict[str, _Type] = {
    "date": _Type(date.fromisoformat, "DATE", (date,), "2024-06-21"),
    "timestamp": _Type(
        datetime.fromisoformat, "TIMESTAMP", (datetime, date), "2024-06-21 20:00"
    ),
    "text": _Type(str, "VARCHAR", (str,), "citic1"),
    "integer": _Type(int, "BIGINT", (int,), "6"),
    "number": _Type(float, "DOUBLE", (float, int), "0.5"),
    "boolean": _Type(_read_boolean, "BOOLEAN", (bool,), "true"),
}


@dataclass(frozen=True)
class Known:
    """The values that a parameter can take, from the tables that it is looked up in.

    Attributes
    ----------
    expression : str
        What is looked up, in SQL: the parameter itself, or what is made of it.
    sql : str
        Query for the values, of one column; it may name other parameters.
    """

    expression: str
    sql: str


@dataclass(frozen=True)
class Parameter:
    """A parameter of a named query.

    ``default`` is an SQL expression evaluated on the published warehouse; a parameter
    without one must be given. ``known`` says which values there are.
    """

    name: str
    type: str
    default: str | None
    description: str
    known: Known | None = None


@dataclass(frozen=True)
class ResultColumn:
    """A column that a named query returns."""

    name: str
    type: str
    description: str


@dataclass(frozen=True)
class Query:
    """A named query: a file of ``sql/queries``.

    Attributes
    ----------
    question : str
        What an analyst asks.
    rows : str
        How many rows are expected: ``any``, ``some`` (at least one once the tables are
        filled), or a number.
    sql : str
        The statement, with ``$name`` for each parameter.
    """

    name: str
    question: str
    parameters: tuple[Parameter, ...]
    columns: tuple[ResultColumn, ...]
    rows: str
    sql: str


_PARAMETER = re.compile(r"(\w+) \((\w+)\)(?: = (.+?))?: (.+)")
_KNOWN = re.compile(r"(\w+)(?: as (.+?))?: (select .+)")
_COLUMN = re.compile(r"(\w+) \((\w+)\): (.+)")
_NAMED = re.compile(r"\$(\w+)")
_ROWS = re.compile(r"any|some|\d+")


def list_queries() -> list[Query]:
    """Return every named query, in order of its name."""
    return [_parse(path) for path in sorted(QUERIES.glob("*.sql"))]


def read_query(name: str) -> Query:
    """Return a named query.

    Raises
    ------
    QueryError
        There is none of that name; the message names the nearest.
    """
    names = sorted(path.stem for path in QUERIES.glob("*.sql"))
    if name not in names:
        raise QueryError(_unknown("query", name, names, "see `lundong query --list`"))
    return _parse(QUERIES / f"{name}.sql")


def run_query(
    settings: Settings, name: str, parameters: Mapping[str, Any] | None = None
) -> pa.Table:
    """Answer a named query from the current publication.

    Parameters
    ----------
    parameters : mapping, optional
        Values by name, as text or as the parameter's type; those left out take their
        default, such as the latest complete week.

    Returns
    -------
    pyarrow.Table
        The columns of the query's header, in their order.

    Raises
    ------
    QueryError
        Unknown query or parameter, a value that cannot be read or that the tables do
        not have, or a parameter without a default that is not given.
    StoreError
        Nothing has been published.

    Notes
    -----
    Every call opens the pointer anew and so answers from the newest publication, whole.
    A program that keeps its connection keeps the publication it opened: compare (inode,
    modification time) of the file with those at opening, and when they differ close all
    connections to it before connecting again.
    """
    query = read_query(name)
    given = dict(parameters or {})
    names = [parameter.name for parameter in query.parameters]
    for key in given:
        if key not in names:
            offered = f"{name} takes {', '.join(names) or 'none'}"
            raise QueryError(_unknown("parameter", key, names, offered))
    with _reader(settings) as connection:
        values = {
            parameter.name: (
                _convert(parameter, given[parameter.name])
                if parameter.name in given
                else _default(connection, query, parameter)
            )
            for parameter in query.parameters
        }
        # Those that others are looked up with come first.
        for parameter in sorted(query.parameters, key=_is_looked_up_with_others):
            if parameter.name in given:
                _check_known(connection, parameter, values)
        return _answer(connection, query.sql, values)


def is_made_up(settings: Settings) -> bool:
    """Return whether the publication was built from the generated sample market."""
    with _reader(settings) as connection:
        row = connection.execute(
            "select bool_or(source = 'sample') from meta.meta_load"
        ).fetchone()
    return bool(row and row[0])


def run_sql(settings: Settings, sql: str) -> pa.Table:
    """Answer one statement that reads the current publication.

    The connection is read-only and cannot reach files, extensions or settings, so that
    whatever the statement says, nothing is changed.

    Raises
    ------
    QueryError
        Not exactly one statement, not a query, or DuckDB's own message.
    StoreError
        Nothing has been published.
    """
    with _reader(settings) as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            raise QueryError(_first_line(error)) from error
        if len(statements) != 1:
            raise QueryError(f"{len(statements)} statements given: give exactly one")
        kind = statements[0].type
        if kind not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
            message = f"{kind.name} is refused: the published warehouse is only read"
            raise QueryError(message)
        return _answer(connection, sql, {})


def format_result(table: pa.Table, output_format: OutputFormat = "table") -> bytes:
    """Write an answer as ``table``, ``csv``, ``json`` or ``parquet``.

    Text is UTF-8. ``csv`` and ``json`` (a list of objects) give every number in full,
    dates as ISO; NULL, NaN and infinities are empty or null. ``table`` is for reading:
    six digits, at most 1,000 rows.

    Raises
    ------
    QueryError
        The format is not one of the four.
    """
    if output_format == "table":
        return _as_text(table).encode()
    if output_format == "csv":
        return _as_csv(table).encode()
    if output_format == "json":
        rows = [
            {name: _plain(value) for name, value in row.items()} for row in _rows(table)
        ]
        return (json.dumps(rows, ensure_ascii=False, indent=1) + "\n").encode()
    if output_format == "parquet":
        sink = io.BytesIO()
        pq.write_table(table, sink)
        return sink.getvalue()
    raise QueryError(
        _unknown("format", output_format, list(OUTPUT_FORMATS), "", every=True)
    )


def _parse(path: Path) -> Query:
    """Read a query file: its header of comments, then one statement.

    Raises
    ------
    QueryError
        The header breaks the rules; the message names the file and the line.
    """
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    header: list[str] = []
    for line in lines:
        if not line.startswith("--"):
            break
        if line.startswith("--   ") and header:
            header[-1] += " " + line[2:].strip()
        else:
            header.append(line[2:].strip())
    question, rows = "", "any"
    parameters: list[Parameter] = []
    columns: list[ResultColumn] = []
    known: dict[str, Known] = {}
    for entry in header:
        key, _, value = entry.partition(": ")
        match: re.Match[str] | None
        if key == "question" and not question:
            question = value
        elif key == "parameter" and (match := _PARAMETER.fullmatch(value)):
            name, kind, default, description = match.groups()
            parameters.append(Parameter(name, kind, default, description))
        elif key == "known" and (match := _KNOWN.fullmatch(value)):
            name, expression, sql = match.groups()
            known[name] = Known(expression or f"${name}", sql)
        elif key == "column" and (match := _COLUMN.fullmatch(value)):
            columns.append(ResultColumn(*match.groups()))
        elif key == "rows" and _ROWS.fullmatch(value):
            rows = value
        else:
            raise QueryError(f"{path.name}: header line not understood: {entry}")
    if strange := known.keys() - {parameter.name for parameter in parameters}:
        message = f"{path.name}: no parameter {', '.join(sorted(strange))} to be known"
        raise QueryError(message)
    types = {p.type for p in parameters} | {c.type for c in columns}
    if unknown := types - _TYPES.keys():
        message = f"{path.name}: unknown type {', '.join(sorted(unknown))}"
        raise QueryError(f"{message}: use one of {', '.join(_TYPES)}")
    if not question or not columns:
        raise QueryError(f"{path.name}: the header needs a question and its columns")
    return Query(
        name=path.stem,
        question=question,
        parameters=tuple(replace(p, known=known.get(p.name)) for p in parameters),
        columns=tuple(columns),
        rows=rows,
        sql=text,
    )


@contextmanager
def _reader(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the publication so that a statement can do nothing but read it."""
    with connect_published(settings) as connection:
        # Refused only where another connection of this process has locked them before.
        with suppress(duckdb.InvalidInputException):
            connection.execute("set enable_external_access = false")
            connection.execute("set lock_configuration = true")
        yield connection


def _answer(
    connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]
) -> pa.Table:
    try:
        return connection.execute(sql, dict(values)).to_arrow_table()
    except duckdb.Error as error:
        raise QueryError(_first_line(error)) from error


def _default(
    connection: duckdb.DuckDBPyConnection, query: Query, parameter: Parameter
) -> Any:
    if parameter.default is None:
        message = f"{query.name} needs {parameter.name}: {parameter.description}"
        raise QueryError(message)
    row = connection.execute(
        # The default stands in a file of the project.
        f"select cast({parameter.default} as {_TYPES[parameter.type].sql})"
    ).fetchone()
    return row[0] if row else None


def _is_looked_up_with_others(parameter: Parameter) -> bool:
    return parameter.known is not None and bool(_NAMED.search(parameter.known.sql))


def _check_known(
    connection: duckdb.DuckDBPyConnection,
    parameter: Parameter,
    values: Mapping[str, Any],
) -> None:
    """Refuse a value that no row has, where an empty answer would hide the mistake.

    Raises
    ------
    QueryError
        The message names the nearest values.
    """
    known, value = parameter.known, values[parameter.name]
    if known is None or value is None:
        return

    def ask(sql: str) -> list[Any]:
        named = set(_NAMED.findall(sql))
        bound = {name: given for name, given in values.items() if name in named}
        return [row[0] for row in connection.execute(sql, bound).fetchall()]

    [is_known] = ask(f"select ({known.expression}) in ({known.sql})")
    if is_known:
        return
    there = {item for item in ask(known.sql) if item is not None}
    if not there:
        message = f"there is no {parameter.name} {value}: the tables have none yet"
        raise QueryError(message)
    if parameter.type == "text":
        texts = sorted(map(str, there))
        near = difflib.get_close_matches(str(value), texts, n=3, cutoff=0.5)
        shown, what = (near, "nearest") if near else (texts[:SHOWN_VALUES], "there are")
        more = "" if near or len(texts) <= SHOWN_VALUES else ", ..."
    else:
        # A day and a time cannot be subtracted from each other.
        is_time = any(isinstance(item, datetime) for item in there)
        is_day = isinstance(value, datetime) and not is_time
        wanted = value.date() if is_day else value
        shown = sorted(sorted(there, key=lambda item: abs(item - wanted))[:3])
        what, more = "nearest", ""
    listed = ", ".join(str(item) for item in shown)
    raise QueryError(
        f"there is no {parameter.name} {str(value)!r}; {what}: {listed}{more}"
    )


def _convert(parameter: Parameter, value: Any) -> Any:
    kind = _TYPES[parameter.type]
    if value is None or (isinstance(value, kind.python) and not isinstance(value, str)):
        return value
    try:
        return kind.read(str(value))
    except ValueError as error:
        message = (
            f"{parameter.name} is {value!r}, which is no {parameter.type}: write it "
            f"like {kind.example}"
        )
        raise QueryError(message) from error


def _unknown(
    what: str, name: str, known: list[str], advice: str, *, every: bool = False
) -> str:
    near = known if every else difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hints = [f"did you mean {' or '.join(near)}?"] if near else []
    hints += [advice] if advice else []
    return f"there is no {what} {name!r}: {'; '.join(hints)}"


def _first_line(error: duckdb.Error) -> str:
    """DuckDB's message without its drawing of the statement, candidates included."""
    text = str(error).split("\n\nLINE")[0]
    return " ".join(text.split())


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=65_536):
        yield from batch.to_pylist()


def _plain(value: Any) -> Any:
    """Turn a value into one that JSON can carry."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, (bool, int, str, type(None))) else str(value)


def _as_csv(table: pa.Table) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(table.column_names)
    for row in _rows(table):
        plain = (_plain(value) for value in row.values())
        writer.writerow(
            json.dumps(item, ensure_ascii=False)
            if isinstance(item, (bool, dict, list))
            else item
            for item in plain
        )
    return sink.getvalue()


def _as_text(table: pa.Table) -> str:
    shown = Table(box=None, header_style="bold", pad_edge=False)
    numeric = [
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        for kind in table.schema.types
    ]
    for name, is_number in zip(table.column_names, numeric, strict=True):
        shown.add_column(
            Text(name), justify="right" if is_number else "left", no_wrap=True
        )
    for row in _rows(table.slice(0, TABLE_ROWS)):
        shown.add_row(*(Text(_cell(value)) for value in row.values()))
    sink = io.StringIO()
    console = Console(file=sink, width=10_000, force_terminal=False)
    console.print(shown)
    text = "\n".join(line.rstrip() for line in sink.getvalue().splitlines())
    rest = table.num_rows - TABLE_ROWS
    if rest > 0:
        text += f"\n... and {rest} more rows: choose another format to see all"
    return text + "\n"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        # Amounts are read by their thousands; six digits are shown of the others.
        return f"{value:,.0f}" if 1e5 <= abs(value) < 1e18 else f"{value:.6g}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return str(value)
