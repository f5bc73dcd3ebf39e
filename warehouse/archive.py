"""What the small tables said in every publication, kept as versions of their rows.

A row is stored once, with the first and the last publication that showed it, so that
the archive grows by what changed and not by what was published. Add a table here when
"what did it say that evening" is asked of it; keep daily panels by stock out, they
would double the published file.
"""

# ruff: noqa: S608 - text is formatted into SQL as quoted identifiers only

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import duckdb

from warehouse.store import quote_identifier, quote_literal

ARCHIVE_SCHEMA = "archive"

ARCHIVED_TABLES: tuple[tuple[str, str], ...] = (
    ("diffusion", "fct_diffusion_index_weekly"),
    ("diffusion", "fct_diffusion_index_monthly"),
    ("factors", "fct_factor_ic_weekly"),
    ("microcap", "fct_microcap_signal"),
    ("rotation", "fct_rotation_holding"),
    ("scores", "fct_industry_score_weekly"),
    ("scores", "fct_index_score_weekly"),
)

FIRST_SHOWN = "publication_id"
LAST_SHOWN = "last_publication_id"

_FIRST_SHOWN_COMMENT = "First publication that showed the row as it stands."
_LAST_SHOWN_COMMENT = (
    "Last publication that showed the row as it stands; NULL while it is still shown."
)

_NUMBERS = frozenset(
    {
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL",
    }
)


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    comment: str | None


def as_published_macro(table: str) -> str:
    """Return the name of the table macro that reads ``table`` as of an evening."""
    return f"{table.removeprefix('fct_')}_as_published"


def write_archive(
    connection: duckdb.DuckDBPyConnection,
    *,
    target: str,
    previous: str | None,
    publication_id: int,
    previous_publication_id: int | None,
) -> None:
    """Fill the archive of a new publication from its tables and the former archive.

    A row that the former publication showed and the new one still shows stays open; one
    that is gone or changed is closed with the former publication; one that is new opens
    with this publication. Rows are compared over all columns, NULL equal to NULL. A
    column that came or went makes the rows differ, because the table then said
    something else; one whose type changed is kept in a type that holds both. Tables
    that are archived but no longer published are carried over, closed.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Connection with both catalogues attached, ``target`` in use, its archive schema
        and macros made.
    target : str
        Catalogue of the new publication, its tables already filled.
    previous : str or None
        Catalogue of the former publication; None for the first.
    publication_id, previous_publication_id : int
        The new publication and the former one.
    """
    former = _archived_names(connection, previous) if previous else []
    declared = {name: schema for schema, name in ARCHIVED_TABLES}
    for name in sorted({*former, *declared}):
        shown = _columns(connection, target, declared.get(name), name)
        kept = _columns(connection, previous, ARCHIVE_SCHEMA, name)
        columns = _merged(connection, shown, kept)
        if not columns:
            continue
        _create_archive_table(connection, name, columns)
        _create_macro(connection, name, columns)
        _view(connection, "shown", columns, shown, (target, declared.get(name), name))
        _view(connection, "kept", columns, kept, (previous, ARCHIVE_SCHEMA, name))
        _insert_versions(
            connection,
            archived=_relation(target, ARCHIVE_SCHEMA, name),
            columns=columns,
            publication_id=publication_id,
            previous_publication_id=previous_publication_id,
        )
    connection.execute("drop view if exists temp.shown; drop view if exists temp.kept")


def _insert_versions(
    connection: duckdb.DuckDBPyConnection,
    *,
    archived: str,
    columns: Sequence[_Column],
    publication_id: int,
    previous_publication_id: int | None,
) -> None:
    """Merge the views ``kept`` (former archive) and ``shown`` into ``archived``."""
    names = ", ".join(quote_identifier(column.name) for column in columns)
    same = " and ".join(
        f"kept.{quote_identifier(column.name)} is not distinct from "
        f"shown.{quote_identifier(column.name)}"
        for column in columns
    )
    open_rows = f"(select * from temp.kept where {LAST_SHOWN} is null)"
    connection.execute(
        f"insert into {archived} select {FIRST_SHOWN}, {LAST_SHOWN}, {names} "
        f"from temp.kept where {LAST_SHOWN} is not null"
    )
    connection.execute(
        f"insert into {archived} select {FIRST_SHOWN}, null, {names} "
        f"from {open_rows} as kept semi join temp.shown as shown on {same}"
    )
    connection.execute(
        f"insert into {archived} select {FIRST_SHOWN}, ?, {names} "
        f"from {open_rows} as kept anti join temp.shown as shown on {same}",
        [previous_publication_id],
    )
    connection.execute(
        f"insert into {archived} select ?, null, {names} "
        f"from temp.shown as shown anti join {open_rows} as kept on {same}",
        [publication_id],
    )


def _view(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[_Column],
    source: Sequence[_Column],
    relation: tuple[str | None, ...],
) -> None:
    """Show ``relation`` with the archive's columns; without rows if it is absent."""
    present = {column.name.lower() for column in source}
    values = ", ".join(
        (
            f"cast({quote_identifier(column.name)} as {column.type})"
            if column.name.lower() in present
            else f"cast(null as {column.type})"
        )
        + f" as {quote_identifier(column.name)}"
        for column in columns
    )
    own = ""
    if name == "kept":
        own = (
            f"{FIRST_SHOWN}, {LAST_SHOWN}, "
            if source
            else f"cast(null as bigint) as {FIRST_SHOWN}, "
            f"cast(null as bigint) as {LAST_SHOWN}, "
        )
    rows = f"from {_relation(*relation)}" if source else "where false"
    connection.execute(
        f"create or replace temp view {name} as select {own}{values} {rows}"
    )


def _merged(
    connection: duckdb.DuckDBPyConnection,
    shown: Sequence[_Column],
    kept: Sequence[_Column],
) -> list[_Column]:
    """Columns shown now, then those that only the archive still has.

    A column whose type changed has one that holds the values of both.
    """
    present = {column.name.lower() for column in shown}
    former = {column.name.lower(): column.type for column in kept}
    own = {FIRST_SHOWN, LAST_SHOWN}
    return [
        *(
            replace(
                column,
                type=_common_type(
                    connection, column.type, former.get(column.name.lower())
                ),
            )
            for column in shown
        ),
        *(
            column
            for column in kept
            if column.name.lower() not in present and column.name.lower() not in own
        ),
    ]


def _common_type(
    connection: duckdb.DuckDBPyConnection, shown: str, kept: str | None
) -> str:
    """Return a type that holds the values of both: the wider number, or a text."""
    if kept is None or shown == kept:
        return shown
    kinds = (shown.split("(")[0], kept.split("(")[0])
    if not _NUMBERS.issuperset(kinds):
        return "VARCHAR"
    wider = connection.execute(
        f"select cast(null as {shown}) as x union all select cast(null as {kept})"
    )
    return str(wider.description[0][1])


def _create_archive_table(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[_Column]
) -> None:
    table = f"{quote_identifier(ARCHIVE_SCHEMA)}.{quote_identifier(name)}"
    definitions = ", ".join(
        f"{quote_identifier(column.name)} {column.type}" for column in columns
    )
    connection.execute(
        f"create table {table} ({FIRST_SHOWN} bigint not null, "
        f"{LAST_SHOWN} bigint, {definitions})"
    )
    comment_on(
        connection,
        f"table {table}",
        f"Rows of {name} in every publication. One row per key and version: shown by "
        f"publications {FIRST_SHOWN} to {LAST_SHOWN}.",
    )
    comment_on(connection, f"column {table}.{FIRST_SHOWN}", _FIRST_SHOWN_COMMENT)
    comment_on(connection, f"column {table}.{LAST_SHOWN}", _LAST_SHOWN_COMMENT)
    for column in columns:
        comment_on(
            connection,
            f"column {table}.{quote_identifier(column.name)}",
            column.comment,
        )


def _create_macro(
    connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[_Column]
) -> None:
    names = ", ".join(f"archived.{quote_identifier(c.name)}" for c in columns)
    macro = quote_identifier(as_published_macro(name))
    connection.execute(
        f"create macro {ARCHIVE_SCHEMA}.{macro}(evening) as table "
        f"select {names} from {ARCHIVE_SCHEMA}.{quote_identifier(name)} as archived "
        f"inner join {ARCHIVE_SCHEMA}.as_published(evening) as publication "
        f"on archived.{FIRST_SHOWN} <= publication.publication_id "
        f"and coalesce(archived.{LAST_SHOWN}, publication.publication_id) "
        ">= publication.publication_id"
    )


def comment_on(
    connection: duckdb.DuckDBPyConnection, item: str, comment: str | None
) -> None:
    """Comment on ``table x`` or ``column x.y``; an empty text takes a comment away."""
    text = quote_literal(comment) if comment else "null"
    connection.execute(f"comment on {item} is {text}")


def _archived_names(connection: duckdb.DuckDBPyConnection, catalogue: str) -> list[str]:
    rows = connection.execute(
        "select table_name from duckdb_tables() "
        "where database_name = ? and schema_name = ? order by table_name",
        [catalogue, ARCHIVE_SCHEMA],
    ).fetchall()
    return [name for (name,) in rows]


def _columns(
    connection: duckdb.DuckDBPyConnection,
    catalogue: str | None,
    schema: str | None,
    table: str,
) -> list[_Column]:
    """Columns of a table, empty if catalogue, schema or table is absent."""
    rows = connection.execute(
        "select column_name, data_type, comment from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? "
        "order by column_index",
        [catalogue, schema, table],
    ).fetchall()
    return [_Column(*row) for row in rows]


def _relation(*parts: str | None) -> str:
    return ".".join(quote_identifier(part) for part in parts if part is not None)
