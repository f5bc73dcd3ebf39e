"""The same data give the same publication, whatever their order and the machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.conftest import RunLundong
from warehouse.load import SAMPLE, load_folder
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_published

SAMPLE_MAPPING = PROJECT_ROOT / "warehouse" / "mappings" / "sample.toml"
TRUTH = "truth"


def shuffle_files(source: Path, target: Path) -> int:
    """Write every source file with its rows in another order; return the file count."""
    generator = np.random.default_rng(11)
    count = 0
    for path in sorted(source.rglob("*.parquet")):
        inside = path.relative_to(source)
        if TRUTH in inside.parts:
            continue
        table = pq.read_table(path)
        order = generator.permutation(len(table))
        (target / inside).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.take(order), target / inside, row_group_size=5_000)
        count += 1
    return count


def table_hashes(settings: Settings) -> dict[str, tuple[int, str]]:
    """Return rows and hash by table of the current publication, run logs left out."""
    with connect_published(settings) as con:
        rows = con.execute(
            """
            select schema_name || '.' || table_name, row_count, content_hash
            from meta.meta_publication_table
            where not is_run_log
            qualify publication_id = max(publication_id) over ()
            """
        ).fetchall()
    return {name: (count, value) for name, count, value in rows}


@pytest.mark.long(90)
def test_shuffled_files_on_one_thread_give_the_same_publication(
    small_settings: Settings,
    tmp_path: Path,
    run_lundong: RunLundong,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another order of rows, another store, other threads: the same hash."""
    files, home = tmp_path / "files", tmp_path / "home"
    assert shuffle_files(small_settings.sample, files) > 10
    monkeypatch.setenv("LUNDONG_THREADS", "1")
    # As the generated market, which trains its models.
    load_folder(Settings(home=home), SAMPLE_MAPPING, files, source_name=SAMPLE)
    run_lundong(home, "refresh")
    ours, theirs = table_hashes(small_settings), table_hashes(Settings(home=home))
    assert set(ours) == set(theirs)
    different = [name for name in ours if ours[name] != theirs[name]]
    assert different == []
    assert sum(count for count, _ in ours.values()) > 100_000
