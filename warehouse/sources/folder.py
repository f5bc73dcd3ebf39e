"""Folders of Parquet and CSV files, read through a TOML mapping.

The mapping's schema, the choice of files and the SQL that turns one file into rows of a
raw table stand here. Add what concerns reading a file (an encoding, a format); keep the
contract of the raw tables and their versions out, they are ``load``'s.
"""

# ruff: noqa: S608 - identifiers and paths pass the quoting helpers of ``store``.

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import duckdb
import pyarrow.parquet as pq
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from warehouse.raw_tables import RAW_TABLE_BY_NAME, RAW_TABLES, RawTable
from warehouse.store import quote_identifier, quote_literal

if TYPE_CHECKING:
    from collections.abc import Sequence

SUFFIXES = (".parquet", ".csv")
NO_FAILURE = "cast(null as struct(name varchar, value varchar))"
INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"})
NUMBERS = INTEGERS | {"FLOAT", "DOUBLE"}
# A time with the offset of its zone; what the database cannot read of it is refused.
ZONED = r":\d\d(\.\d+)?\s*([Zz]|UTC|GMT|[+-]\d\d(:?\d\d)*)\s*$"
MAPPING_ERRORS = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ConversionException,
    duckdb.OutOfRangeException,
    duckdb.ParserException,
)
# A mapping is read before its tables: these come first, whatever its order.
LOADED_FIRST = ("trading_calendar", "security", "corporate_action")


class LoadError(Exception):
    """A file or mapping that is refused whole.

    The message is one line: where (file, line, column), what was found, what was
    expected, and what to do next.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path,
        expected: str,
        next_step: str,
        line: int | None = None,
        column: str | None = None,
        value: object = None,
    ) -> None:
        self.problem = problem
        self.file = str(file)
        self.line = line
        self.column = column
        self.value = value
        self.expected = expected
        self.next_step = next_step
        where = [self.file]
        if line is not None:
            where.append(f"line {line}")
        if column is not None:
            where.append(f"column {column}")
        found = "" if value is None else f" {value!r}"
        text = (
            f"{', '.join(where)}: {problem}{found}; expected {expected}; {next_step}; "
            "nothing of this file was loaded"
        )
        super().__init__(" ".join(text.split()))

    def tell(self, more: str) -> None:
        """Add to the message, such as what became of the files beside this one."""
        self.args = (f"{self.args[0]}; {more}",)


def one_query(text: str) -> str:
    """Return SQL that is one query and changes nothing; ValueError for other SQL."""
    try:
        kinds = [statement.type for statement in duckdb.extract_statements(text)]
    except duckdb.Error as error:
        raise ValueError(str(error).splitlines()[0]) from error
    if kinds != [duckdb.StatementType.SELECT]:
        raise ValueError("a query must be one SELECT")
    return text


class Finding(BaseModel):
    """Something to count in rows that are taken.

    ``query`` reads the view ``source`` (the file's columns) and returns one row: the
    count and an example as text.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    query: Annotated[str, AfterValidator(one_query)]


class Part(BaseModel):
    """One group of files of a table that is put together from several.

    ``query`` reads the view ``source`` (the files' columns, united); the parts' results
    are united by column name as the view ``parts``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    columns: dict[str, str]
    query: Annotated[str, AfterValidator(one_query)]


class Entry(BaseModel):
    """How one group of files becomes rows of one raw table.

    Attributes
    ----------
    raw : str
        Raw table.
    files, exclude : tuple of str
        Patterns of files, relative to the folder; every file is a load of its own.
    columns : dict of str to str
        The file's columns that are used, with DuckDB types. Empty: the raw table's own.
    optional : tuple of str
        Columns of ``columns`` that a file may lack; they are NULL then.
    derive : dict of str to str
        Name to SQL expression over the file's columns and the names before it, for use
        in what follows.
    select : dict of str to str
        Raw column to SQL expression over the file's columns. Empty: by name.
    set_aside : dict of str to str
        Reason to SQL condition: rows for which it is true are rejected for that reason.
    findings : tuple of Finding
        Counts to record beside the load.
    parts, combine
        In place of ``files``: groups of files, and the query over ``parts`` (and
        ``stored``, the table's current rows) that gives the raw columns in one load.
    encoding, delimiter : str
        Of CSV files.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    raw: str
    files: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    columns: dict[str, str] = Field(default_factory=dict)
    optional: tuple[str, ...] = ()
    derive: dict[str, str] = Field(default_factory=dict)
    select: dict[str, str] = Field(default_factory=dict)
    set_aside: dict[str, str] = Field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    parts: tuple[Part, ...] = ()
    combine: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.raw not in RAW_TABLE_BY_NAME:
            raise ValueError(f"raw table {self.raw!r} is not declared")
        if bool(self.parts) == bool(self.files):
            raise ValueError("give either files or parts")
        if bool(self.parts) != (self.combine is not None):
            raise ValueError("parts need combine, and combine needs parts")
        declared = {column.name for column in self.table.columns}
        unknown = sorted(set(self.select) - declared)
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a column of {self.raw}")
        if bool(self.select) != bool(self.columns):
            raise ValueError("columns and select go together")
        required = {column.name for column in self.table.columns if column.required}
        missing = sorted(required - set(self.select))
        if self.select and missing:
            raise ValueError(f"select gives no {missing[0]}, which {self.raw} requires")
        return self

    @property
    def table(self) -> RawTable:
        """The declaration of the raw table."""
        return RAW_TABLE_BY_NAME[self.raw]

    @property
    def is_identity(self) -> bool:
        """Whether the files have the raw table's own columns."""
        return not self.select and not self.parts

    def source_types(self) -> dict[str, str]:
        """Return the file's columns with their DuckDB types."""
        if self.is_identity:
            return {column.name: column.type for column in self.table.columns}
        return dict(self.columns)

    def may_lack(self) -> frozenset[str]:
        """Return the columns that a file need not have."""
        if self.is_identity:
            columns = self.table.columns
            return frozenset(column.name for column in columns if not column.required)
        return frozenset(self.optional)

    def fingerprint(self) -> str:
        """Hash the entry and the contract it is checked against."""
        contract = self.table.model_dump_json(exclude={"description"})
        return hashlib.sha256((self.model_dump_json() + contract).encode()).hexdigest()


class Mapping(BaseModel):
    """A TOML mapping: entries, and the files that are left alone with the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    identity: bool = False
    ignored: dict[str, str] = Field(default_factory=dict)
    table: tuple[Entry, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.identity == bool(self.table):
            raise ValueError("give either identity = true or [[table]] entries")
        return self

    def entries(self) -> list[Entry]:
        """Return the entries in the order in which they must be loaded."""
        entries = list(self.table)
        if self.identity:
            entries = [
                Entry(
                    raw=table.name,
                    files=tuple(
                        f"{table.name}{middle}{suffix}"
                        for middle in ("", "-*", "/*")
                        for suffix in SUFFIXES
                    ),
                )
                for table in RAW_TABLES
            ]
        rank = {name: position for position, name in enumerate(LOADED_FIRST)}
        return sorted(entries, key=lambda entry: rank.get(entry.raw, len(rank)))


@dataclass(frozen=True)
class SourceFile:
    """A file, or the files of all parts, that one load takes."""

    label: str
    paths: tuple[tuple[Path, ...], ...]
    sha256: str

    @property
    def path(self) -> Path:
        """The first file."""
        return next(path for group in self.paths for path in group)


def read_mapping(path: Path) -> Mapping:
    """Read a mapping.

    Raises
    ------
    LoadError
        The file is not TOML, or not a mapping.
    """
    try:
        with path.open("rb") as stream:
            return Mapping.model_validate(tomllib.load(stream))
    except FileNotFoundError as error:
        raise LoadError(
            "no such file",
            file=path,
            expected="a mapping, or the name of one in warehouse/mappings",
            next_step="correct the path",
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise LoadError(
            f"not readable as TOML ({error})",
            file=path,
            expected="a mapping such as warehouse/mappings/real.toml",
            next_step="correct the file",
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        told = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            told = "unknown key"
        raise LoadError(
            f"{place}: {told}" if place else told,
            file=path,
            expected="[[table]] entries with raw, files, columns and select",
            next_step="correct the file",
        ) from error


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def match_files(
    directory: Path, files: Sequence[str], exclude: Sequence[str]
) -> tuple[Path, ...]:
    """Return the folder's files that a pattern names and none excludes, by name."""
    found = {path for pattern in files for path in directory.glob(pattern)}
    left_out = {path for pattern in exclude for path in directory.glob(pattern)}
    return tuple(sorted(path for path in found - left_out if path.is_file()))


def find_sources(entry: Entry, directory: Path) -> list[SourceFile]:
    """Return what each load of an entry takes: a file, or all files of its parts."""
    if not entry.parts:
        return [
            SourceFile(str(path.relative_to(directory)), ((path,),), hash_file(path))
            for path in match_files(directory, entry.files, entry.exclude)
        ]
    groups = tuple(
        match_files(directory, part.files, part.exclude) for part in entry.parts
    )
    paths = sorted({path for group in groups for path in group})
    if not paths:
        return []
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hash_file(path).encode())
    label = " + ".join(pattern for part in entry.parts for pattern in part.files)
    return [SourceFile(label, groups, digest.hexdigest())]


def _check_encoding(path: Path, entry: Entry) -> None:
    header: list[str] = []
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                text = line.decode(entry.encoding)
            except UnicodeDecodeError as error:
                before = line[: error.start].decode(entry.encoding)
                position = before.count(entry.delimiter)
                name = header[position] if position < len(header) else position + 1
                raise LoadError(
                    f"bytes that are not {entry.encoding}",
                    file=path,
                    line=number,
                    column=str(name),
                    value=line[error.start : error.start + 8],
                    expected=f"text in {entry.encoding}",
                    next_step=(
                        "set encoding = 'gb18030' in the mapping's entry, or convert "
                        "the file to UTF-8"
                    ),
                ) from error
            if number == 1:
                header = text.strip().split(entry.delimiter)


def _transcoded(path: Path, entry: Entry, folder: Path) -> Path:
    """Return the file itself, or a copy in UTF-8."""
    _check_encoding(path, entry)
    encoding = entry.encoding
    if encoding.lower().replace("-", "") in ("utf8", "utf8sig"):
        return path
    copy = folder / f"{path.stem}.utf8.csv"
    with (
        path.open(encoding=encoding, newline="") as stream,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        for block in iter(lambda: stream.read(1 << 20), ""):
            target.write(block)
    return copy


def _empty(path: Path) -> LoadError:
    return LoadError(
        "no rows",
        file=path,
        value=f"{path.stat().st_size} bytes",
        expected="at least one row",
        next_step="fetch the file again",
    )


def _columns_of(path: Path, entry: Entry) -> dict[str, str | None]:
    """Return the file's columns, with types where the file has types."""
    if path.stat().st_size == 0:
        raise _empty(path)
    if path.suffix == ".parquet":
        try:
            if pq.ParquetFile(path).metadata.num_rows == 0:
                raise _empty(path)
            rows = duckdb.execute(
                "select name, duckdb_type from parquet_schema(?) "
                "where num_children is null",
                [str(path)],
            ).fetchall()
        except (OSError, ValueError, duckdb.Error) as error:
            raise unreadable(path, error) from error
        return {str(name): str(kind) for name, kind in rows}
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header = next(csv.reader(stream, delimiter=entry.delimiter), [])
    return dict.fromkeys(header)


def unreadable(path: Path, error: Exception) -> LoadError:
    """Return the refusal of a file that its reader could not read."""
    text = str(error).strip()
    line = re.search(r"CSV Error on Line: (\d+)", text)
    return LoadError(
        "unreadable",
        file=path,
        line=int(line.group(1)) if line else None,
        value=" ".join(text.split())[:300],
        expected=f"a whole {path.suffix.lstrip('.')} file",
        next_step="fetch the file again",
    )


def refusal(path: Path, entry: Entry, error: duckdb.Error) -> LoadError:
    """Return the refusal of a file on which a statement of the load failed."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return LoadError(
            "not enough memory",
            file=path,
            expected="a file that can be checked within LUNDONG_MEMORY_LIMIT",
            next_step="raise the limit or split the file",
        )
    if isinstance(error, MAPPING_ERRORS):
        return LoadError(
            f"the mapping of raw.{entry.raw} does not fit the file:",
            file=path,
            value=" ".join(str(error).split())[:300],
            expected="SQL over the file's columns",
            next_step="correct the entry in the mapping",
        )
    return unreadable(path, error)


def _typed(name: str, wanted: str, given: str | None) -> tuple[str, str | None]:
    """Return a column's typed expression and the condition under which it failed."""
    quoted = quote_identifier(name)
    if given == wanted:
        return quoted, None
    typed = f"try_cast({quoted} as {wanted})"
    if given in (None, "VARCHAR") and wanted == "TIMESTAMP":
        # Cast at once, a time keeps its digits and loses its zone.
        typed = (
            f"if(regexp_matches({quoted}, {quote_literal(ZONED)}), "
            f"cast(try_cast(trim({quoted}) as timestamptz) as timestamp), {typed})"
        )
    if given in NUMBERS and wanted in ("FLOAT", "DOUBLE"):
        return typed, None
    failed = f"{quoted} is not null and {typed} is null"
    if wanted in INTEGERS and given not in INTEGERS:
        # '12.7' as an integer is 13 in DuckDB, without a word.
        failed = f"({failed} or try_cast({quoted} as double) <> {typed})"
    return typed, failed


def _check_columns(
    path: Path, present: dict[str, str | None], entry: Entry, types: dict[str, str]
) -> None:
    folded = {name.lower() for name in present}
    needed = (name for name in types if name not in entry.may_lack())
    missing = [name for name in needed if name.lower() not in folded]
    if missing:
        raise LoadError(
            f"missing column for raw.{entry.raw}; the file has",
            file=path,
            line=1 if path.suffix == ".csv" else None,
            column=missing[0],
            value=", ".join(present),
            expected=f"the columns {', '.join(types)}",
            next_step="add the column or correct the mapping",
        )
    unknown = [name for name in present if name.lower() not in map(str.lower, types)]
    if entry.is_identity and unknown:
        raise LoadError(
            f"unknown column for raw.{entry.raw}",
            file=path,
            line=1 if path.suffix == ".csv" else None,
            column=unknown[0],
            expected=f"the columns {', '.join(types)}",
            next_step="rename or drop the column",
        )


def _scan(path: Path, entry: Entry, types: dict[str, str], folder: Path) -> str:
    """Return the query for one file: row number, typed columns, first failed cast."""
    readable = path
    if path.suffix == ".csv" and path.stat().st_size > 0:
        readable = _transcoded(path, entry, folder)
    present = _columns_of(readable, entry)
    _check_columns(path, present, entry, types)
    by_folded_name = {name.lower(): kind for name, kind in present.items()}
    selected = []
    failures = []
    for name, wanted in types.items():
        if name.lower() not in by_folded_name:
            selected.append(f"cast(null as {wanted}) as {quote_identifier(name)}")
            continue
        typed, failed = _typed(name, wanted, by_folded_name[name.lower()])
        selected.append(f"{typed} as {quote_identifier(name)}")
        if failed is not None:
            value = f"cast({quote_identifier(name)} as varchar)"
            label = quote_literal(name)
            failures.append(f"when {failed} then {{name: {label}, value: {value}}}")
    cast_failure = f"case {' '.join(failures)} end" if failures else NO_FAILURE
    literal = quote_literal(str(readable))
    if path.suffix == ".parquet":
        number = "file_row_number + 1"
        scan = f"read_parquet({literal}, file_row_number = true, "
        scan += "hive_partitioning = false)"
    else:
        number = "row_number() over ()"
        columns = ", ".join(f"{quote_literal(name)}: 'VARCHAR'" for name in present)
        scan = f"read_csv({literal}, auto_detect = false, header = true, "
        scan += f"columns = {{{columns}}}, delim = {quote_literal(entry.delimiter)}, "
        scan += "quote = '\"', escape = '\"', strict_mode = true)"
    return f"""
        select
            {number} as source_row,
            {", ".join(selected)},
            {cast_failure} as cast_failure
        from {scan}
    """


def _create_part(
    con: duckdb.DuckDBPyConnection,
    entry: Entry,
    part: Part,
    files: Sequence[Path],
    folder: Path,
) -> str:
    """Return the query of one part over its files, which must be of their types."""
    scans = [_scan(path, entry, part.columns, folder) for path in files]
    for path, scan in zip(files, scans, strict=True):
        failure = con.execute(
            f"select source_row, cast_failure from ({scan}) "
            "where cast_failure is not null limit 1"
        ).fetchone()
        if failure is not None:
            column, value = failure[1].values()
            raise LoadError(
                f"not a {part.columns[column]}",
                file=path,
                line=int(failure[0]),
                column=column,
                value=value,
                expected=f"values of type {part.columns[column]}",
                next_step="correct the file or the mapping",
            )
    names = ", ".join(quote_identifier(name) for name in part.columns)
    # Without a file the part is empty, but its columns are there for ``combine``.
    nothing = ", ".join(
        f"cast(null as {kind}) as {quote_identifier(name)}"
        for name, kind in part.columns.items()
    )
    united = " union all ".join(
        [
            f"select {nothing} where false",
            *(f"select {names} from ({scan})" for scan in scans),
        ]
    )
    return f"with source as ({united}) select * from ({part.query})"


def create_source(
    con: duckdb.DuckDBPyConnection, entry: Entry, source: SourceFile, folder: Path
) -> None:
    """Create the temporary view ``source`` over a file, or over the combined parts.

    Its columns are ``source_row`` (number of the record in the file; of the result for
    parts), the columns of the entry, and ``cast_failure`` (name and text of the first
    value that is not of its column's type, or NULL). ``folder`` takes the copy in UTF-8
    of a file in another encoding.

    Raises
    ------
    LoadError
        The file is empty, unreadable, in another encoding, or lacks a column.
    """
    if not entry.parts:
        scan = _scan(source.path, entry, entry.source_types(), folder)
        derived = "".join(
            f", {expression} as {quote_identifier(name)}"
            for name, expression in entry.derive.items()
        )
        con.execute(
            f"create or replace temp view source as select *{derived} from ({scan})"
        )
        return
    queries = [
        _create_part(con, entry, part, files, folder)
        for part, files in zip(entry.parts, source.paths, strict=True)
    ]
    united = " union all by name ".join(f"({query})" for query in queries)
    con.execute(f"create or replace temp view parts as {united}")
    con.execute(
        "create or replace temp view source as "
        f"select row_number() over () as source_row, combined.*, "
        f"{NO_FAILURE} as cast_failure from ({entry.combine}) as combined"
    )


def raw_expressions(
    con: duckdb.DuckDBPyConnection, entry: Entry
) -> list[tuple[str, str]]:
    """Return each raw column with its expression over the view ``source``."""
    given = {row[0] for row in con.execute("describe source").fetchall()}
    expressions = []
    for column in entry.table.columns:
        expression = entry.select.get(column.name)
        if expression is None:
            by_name = not entry.select and column.name in given
            expression = quote_identifier(column.name) if by_name else "null"
        expressions.append((column.name, expression))
    return expressions


def line_numbers(path: Path, entry: Entry, rows: Sequence[int]) -> dict[int, int]:
    """Return the line of each record of a CSV file, given the records' numbers.

    Records may span lines (a quoted text with line breaks) and blank lines are not
    records, so the file is read; only files with rejected rows are.
    """
    wanted = set(rows)
    lines: dict[int, int] = {}
    with path.open(encoding=entry.encoding, newline="") as stream:
        reader = csv.reader(stream, delimiter=entry.delimiter)
        next(reader)
        start = reader.line_num + 1
        record = 0
        for fields in reader:
            if fields:
                record += 1
                if record in wanted:
                    lines[record] = start
            start = reader.line_num + 1
    return lines
