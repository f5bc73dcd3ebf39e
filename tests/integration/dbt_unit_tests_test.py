"""The hand-computed panels of the dbt project: every formula, on a built store.

They stand beside their models; add none here.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.dbt_process import run_dbt
from warehouse.settings import Settings


@pytest.mark.long(30)
def test_every_hand_computed_panel_passes(
    small_settings: Settings, tmp_path: Path
) -> None:
    # dbt asks the built tables for the types of the columns.
    build = tmp_path / "build.duckdb"
    shutil.copyfile(small_settings.build_path, build)
    arguments = ["test", "--select", "test_type:unit"]
    arguments += ["--target-path", str(tmp_path), "--log-path", str(tmp_path)]
    done = run_dbt(arguments, {"LUNDONG_BUILD_PATH": str(build)})
    assert done.returncode == 0, done.stdout[-4000:]
    results = json.loads((tmp_path / "run_results.json").read_text())["results"]
    passed = [result for result in results if result["status"] == "pass"]
    assert len(passed) > 100
