"""The YAML of the dbt sources and staging models, made from the raw tables.

``make docs`` runs this module; a test fails when what it writes is stale. Add
here what dbt must know of a raw table; keep models and their tests out, they stand
beside their SQL.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from warehouse.raw_tables import RAW_TABLES, Column, RawTable
from warehouse.settings import PROJECT_ROOT
from warehouse.store import LOG_TABLES

STAGING = PROJECT_ROOT / "dbt_project" / "models" / "staging"
HEADER = "# Generated from warehouse/raw_tables.py by `make docs`: do not edit.\n"


def _describe(column: Column) -> str:
    if column.unit is None:
        return column.description
    return f"{column.description} Unit: {column.unit}."


def _columns(table: RawTable) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "description": _describe(column),
            "data_type": column.type.lower(),
        }
        for column in table.columns
    ]


def _source(table: RawTable) -> dict[str, Any]:
    meta = {
        "key": list(table.key),
        "known_column": table.known_column,
        "closes_later": [c.name for c in table.columns if c.closes_later],
        "storage": table.storage,
    }
    return {
        "name": table.name,
        "description": table.description,
        "config": {"meta": meta},
        "columns": _columns(table),
    }


def _staging_model(table: RawTable) -> dict[str, Any]:
    load_id = {
        "name": "load_id",
        "description": "Load that brought this version of the row.",
        "data_type": "bigint",
    }
    return {
        "name": f"stg_{table.name}",
        "description": f"Current version of each row. {table.description}",
        "columns": [*_columns(table), load_id],
    }


def render_sources() -> str:
    """Return the text of ``sources.yml``: every raw table and the loader's logs."""
    logs = [
        {"name": name, "description": description}
        for name, (_, description) in LOG_TABLES.items()
    ]
    source = {
        "name": "raw",
        "schema": "raw",
        "description": "Append-only versions of what the sources delivered.",
        "tables": [*(_source(table) for table in RAW_TABLES), *logs],
    }
    return HEADER + _dump({"version": 2, "sources": [source]})


def render_staging() -> str:
    """Return the text of ``staging.yml``: one view per raw table."""
    models = [_staging_model(table) for table in RAW_TABLES]
    return HEADER + _dump({"version": 2, "models": models})


def _dump(content: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=88)
    return text


def write_dbt_sources(folder: Path = STAGING) -> list[Path]:
    """Write both files into ``folder`` and return their paths."""
    rendered = {"sources.yml": render_sources(), "staging.yml": render_staging()}
    for name, text in rendered.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in rendered]


if __name__ == "__main__":
    write_dbt_sources()
