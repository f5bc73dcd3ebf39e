"""Every command, statement and program of docs/recipes.md, on the small market."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RunLundong
from warehouse.query import run_sql
from warehouse.settings import PROJECT_ROOT, Settings

RECIPES = (PROJECT_ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", RECIPES, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines()]


def test_every_recipe_has_a_block_that_is_run() -> None:
    parts = RECIPES.split("\n## ")[1:]
    assert len(parts) >= 10
    assert [part.splitlines()[0] for part in parts if "\n```" not in part] == []
    assert {kind for kind, _ in BLOCKS} == {"sh", "sql", "python"}
    assert [line for line in COMMANDS if not line.startswith("lundong ")] == []


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_answer(
    line: str,
    small_home: Path,
    run_lundong: RunLundong,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(line)[1:]
    done = run_lundong(small_home, *words)
    assert "no row answers" not in done.stderr
    if "--output" in words:
        assert (tmp_path / words[words.index("--output") + 1]).stat().st_size > 0
    else:
        assert len(done.stdout.splitlines()) > 1


@pytest.mark.parametrize("statement", [text for kind, text in BLOCKS if kind == "sql"])
def test_statements_answer(statement: str, small_settings: Settings) -> None:
    assert run_sql(small_settings, statement).num_rows > 0


@pytest.mark.parametrize("program", [text for kind, text in BLOCKS if kind == "python"])
def test_programs_run(program: str, small_home: Path, tmp_path: Path) -> None:
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "warehouse" / "store").symlink_to(small_home)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 5
