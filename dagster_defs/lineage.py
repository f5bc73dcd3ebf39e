"""Which columns a column of a dbt model comes from.

Read from the SQL that dbt compiled and the columns of the built tables; models whose
SQL did not change since are read from a cache. Add nothing else here: it is metadata
for the asset pages, and a model that cannot be read has none.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
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

# The day from which a build rewrites differs every week and means nothing here.
DATE = re.compile(r"date '\d{4}-\d{2}-\d{2}'")


def column_lineage(
    con: duckdb.DuckDBPyConnection, target_path: Path, manifest: Mapping[str, Any]
) -> dict[str, dg.TableColumnLineage]:
    """Return the column lineage of every model, by dbt node.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        The built file.
    target_path : Path
        Folder of dbt's artefacts, with the compiled SQL.
    manifest : mapping
        The manifest of the project.
    """
    cache_path = target_path / CACHE
    cached: dict[str, dict[str, Any]] = (
        json.loads(cache_path.read_text(encoding="utf-8"))
        if cache_path.exists()
        else {}
    )
    schema = _schema(con)
    current: dict[str, dict[str, Any]] = {}
    for node_id, node in sorted(manifest["nodes"].items()):
        if node["resource_type"] != "model":
            continue
        compiled = (
            target_path / "compiled" / node["package_name"] / node["original_file_path"]
        )
        if not compiled.exists():
            continue
        sql = compiled.read_text(encoding="utf-8")
        key = hashlib.sha256(DATE.sub("date", sql).encode()).hexdigest()
        former = cached.get(node_id)
        if former is not None and former["key"] == key:
            current[node_id] = former
        else:
            current[node_id] = {"key": key, "columns": trace_columns(sql, schema)}
    cache_path.write_text(json.dumps(current, sort_keys=True), encoding="utf-8")
    return {
        node_id: dg.TableColumnLineage(
            {
                column: [
                    dg.TableColumnDep(dg.AssetKey([table_schema, table]), source)
                    for table_schema, table, source in sources
                ]
                for column, sources in entry["columns"].items()
            }
        )
        for node_id, entry in current.items()
        if entry["columns"]
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
