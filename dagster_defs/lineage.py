"""Which columns a column of a dbt model comes from.

Read from the SQL that dbt compiled and the columns of the built tables, once of each
state of the project's files. Add nothing else here: it is metadata for the asset pages,
and a model that cannot be read has none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.schema import MappingSchema

# column -> [[schema, table, column], ...]
Sources = dict[str, list[list[str]]]

CACHE = "column_lineage.json"


def column_lineage(
    con: duckdb.DuckDBPyConnection,
    target_path: Path,
    nodes: Sequence[Mapping[str, Any]],
    *,
    project_hash: str,
) -> dict[str, dg.TableColumnLineage]:
    """Return the column lineage of models, by dbt node.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        The built file.
    target_path : Path
        Folder of dbt's artefacts, with the compiled SQL.
    nodes : sequence of mapping
        The manifest's nodes of models that were just built.
    project_hash : str
        What the project's files hash to. A window or a day to cut at filters rows and
        leaves the lineage as it is.
    """
    cache_path = target_path / CACHE
    cached: dict[str, Any] = {}
    if cache_path.exists():
        cached = json.loads(cache_path.read_text(encoding="utf-8"))
    models: dict[str, Sources] = {}
    if cached.get("project_hash") == project_hash:
        models = cached["models"]
    unread = [node for node in nodes if node["unique_id"] not in models]
    schema = _schema(con) if unread else MappingSchema()
    for node in unread:
        compiled = (
            target_path / "compiled" / node["package_name"] / node["original_file_path"]
        )
        models[node["unique_id"]] = trace_columns(
            compiled.read_text(encoding="utf-8"), schema
        )
    if unread:
        # In one step: a process killed while it writes leaves the former cache.
        temporary = cache_path.with_suffix(".new")
        temporary.write_text(
            json.dumps({"project_hash": project_hash, "models": models}),
            encoding="utf-8",
        )
        temporary.replace(cache_path)
    return {
        node_id: dg.TableColumnLineage(
            {
                column: [
                    dg.TableColumnDep(dg.AssetKey([table_schema, table]), source)
                    for table_schema, table, source in sources
                ]
                for column, sources in columns.items()
            }
        )
        for node_id, columns in models.items()
        if columns
    }


def trace_columns(sql: str, schema: MappingSchema) -> Sources:
    """Return the columns of tables that each column of a query comes from.

    Parameters
    ----------
    sql : str
        One select statement in DuckDB's dialect.
    schema : sqlglot.schema.MappingSchema
        Types of the columns of the tables it may read.

    Returns
    -------
    dict
        By column, ``[schema, table, column]`` of each source; empty for a query that
        cannot be traced.
    """
    try:
        # Trimmed selects are for pictures, and copying them is nine tenths of the time.
        roots = lineage(None, sql, schema, dialect="duckdb", trim_selects=False)
    except (SqlglotError, RecursionError):
        return {}
    return {column: _sources(root) for column, root in roots.items()}


def _sources(root: Node) -> list[list[str]]:
    found: set[tuple[str, str, str]] = set()
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        waiting.extend(node.downstream)
        table = node.expression
        if isinstance(table, exp.Table) and table.db:
            found.add((table.db, table.name, node.name.split(".")[-1].strip('"')))
    return [list(source) for source in sorted(found)]


def _schema(con: duckdb.DuckDBPyConnection) -> MappingSchema:
    """Return the types of all columns; made once, as it is read for every model."""
    rows = con.execute("""
        select database_name, schema_name, table_name, column_name, data_type
        from duckdb_columns()
        where not internal
        order by all
    """).fetchall()
    tables: dict[str, Any] = {}
    for database, schema, table, column, data_type in rows:
        columns = tables.setdefault(database, {}).setdefault(schema, {})
        columns.setdefault(table, {})[column] = data_type
    return MappingSchema(tables, dialect="duckdb")
