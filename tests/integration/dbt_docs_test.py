"""dbt's documentation of a store: one page with lineage and the columns as built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dagster_defs.dbt_docs import write_dbt_docs
from dagster_defs.project import DbtError
from warehouse.settings import Settings

MODEL = "model.lundong.fct_diffusion_index_weekly"


def test_the_page_holds_lineage_and_types(home_copy: Settings, tmp_path: Path) -> None:
    page = write_dbt_docs(home_copy, tmp_path / "docs")
    text = page.read_text(encoding="utf-8")
    manifest = json.loads((page.parent / "manifest.json").read_text(encoding="utf-8"))
    catalog = json.loads((page.parent / "catalog.json").read_text(encoding="utf-8"))
    assert manifest["parent_map"][MODEL]
    assert catalog["nodes"][MODEL]["columns"]["trade_week"]["type"] == "DATE"
    # Both files are inside, so that the page opens without a server.
    assert text.count(f'"{MODEL}"') >= 2


def test_without_a_build_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DbtError, match="run `lundong refresh`"):
        write_dbt_docs(Settings(home=tmp_path), tmp_path / "docs")
