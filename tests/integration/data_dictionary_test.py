"""The generated data dictionary says what the models say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagster_defs.data_dictionary import DICTIONARY, write_data_dictionary

if TYPE_CHECKING:
    from pathlib import Path


def test_dictionary_is_not_stale(tmp_path: Path) -> None:
    """``make docs`` leaves the dictionary unchanged."""
    written = write_data_dictionary(tmp_path / "data_dictionary.md")
    assert DICTIONARY.read_text(encoding="utf-8") == written.read_text(
        encoding="utf-8"
    ), "run make docs"


def test_every_column_has_a_type_and_a_text() -> None:
    """A contracted column without a description would be an empty cell."""
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in DICTIONARY.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and not line.startswith("| column")
    ]
    assert len(rows) > 100
    assert [row for row in rows if len(row) < 3 or not all(row[:3])] == []
