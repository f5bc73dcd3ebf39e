"""Readers in other processes while publications are swapped under them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from warehouse.publish import publish
from warehouse.settings import Settings
from warehouse.store import connect_published

READER_COUNT = 8

# A reader opens the pointer, reads every table, and holds the counts against the ones
# that the publication states about itself; in the tiny build every table also bears the
# number of its publication. It says when it is ready, pauses between answers, and ends
# when its standard input is closed.
READER = """
import json, select, sys
import duckdb

path, pause, *numbers = sys.argv[1:]
answers, publications, errors = 0, set(), []
while not select.select([sys.stdin], [], [], float(pause))[0]:
    try:
        with duckdb.connect(path, read_only=True, config={"threads": 1}) as connection:
            (number,) = connection.execute(
                "select max(publication_id) from meta.meta_publication"
            ).fetchone()
            stated = connection.execute(
                "select schema_name || '.' || table_name, row_count "
                "from meta.meta_publication_table where publication_id = ?",
                [number],
            ).fetchall()
            for table, count in stated:
                sql = f"select count(*) from {table}"
                (found,) = connection.execute(sql).fetchone()
                if found != count:
                    errors.append(f"{table}: {found} rows, {count} stated")
            for sql in numbers:
                (found,) = connection.execute(sql).fetchone()
                if found != number:
                    errors.append(f"{sql}: {found} in publication {number}")
    except Exception as error:
        errors.append(str(error))
    if not answers:
        print("ready", flush=True)
    answers += 1
    publications.add(number)
print(json.dumps({
    "answers": answers, "publications": sorted(publications), "errors": errors[:5]
}))
"""


@contextmanager
def readers(
    path: Path, *numbers: str, pause: float = 0.02
) -> Iterator[list[dict[str, Any]]]:
    """Let readers run in a loop; the list holds what they saw once they have ended."""
    command = [sys.executable, "-c", READER, str(path), str(pause), *numbers]
    processes = [
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(READER_COUNT)
    ]
    seen: list[dict[str, Any]] = []
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield seen
        for process in processes:
            output, trouble = process.communicate(timeout=120)
            assert process.returncode == 0, trouble
            seen.append(json.loads(output))
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_readers_see_whole_publications_while_they_are_swapped(tiny_build: Any) -> None:
    def publish_number(number: int) -> None:
        tiny_build.execute(
            f"""
            update core.fct_tradability_daily set limit_up_cny = {number};
            update meta.meta_summary set value = {number};
            update rotation.fct_rotation_holding set weight = {number};
            delete from core.dim_trade_week where is_complete = false;
            insert into core.dim_trade_week
            select date '2030-01-01' + cast(i as integer), today(), today(), false
            from range({number}) as t (i)
            """
        )
        publish(
            tiny_build.settings,
            manifest_path=tiny_build.manifest_path,
            code_version="test",
        )

    publish_number(1)
    path = tiny_build.settings.published_path
    with readers(
        path,
        "select max(limit_up_cny) from core.fct_tradability_daily",
        "select min(limit_up_cny) from core.fct_tradability_daily",
        "select value from meta.meta_summary",
        "select weight from rotation.fct_rotation_holding",
        "select count(*) from core.dim_trade_week where not is_complete",
        "select max(weight) from archive.rotation_holding_as_published(now())",
    ) as seen:
        for number in range(2, 8):
            publish_number(number)

    assert [reader["errors"] for reader in seen] == [[]] * READER_COUNT
    assert all(reader["publications"][0] == 1 for reader in seen)
    assert all(len(reader["publications"]) >= 3 for reader in seen)


@pytest.mark.long(80)
def test_readers_are_not_disturbed_by_a_refresh(
    home_copy: Settings, run_lundong: Any
) -> None:
    # The refresh needs the processors too: these ask as often as a dashboard does.
    with readers(home_copy.published_path, pause=2) as seen:
        run_lundong(home_copy.home, "refresh")
        # Time for every reader to see the new publication.
        time.sleep(5)

    assert [reader["errors"] for reader in seen] == [[]] * READER_COUNT
    assert [reader["publications"] for reader in seen] == [[1, 2]] * READER_COUNT
    assert all(reader["answers"] >= 8 for reader in seen)
    with connect_published(home_copy) as connection:
        hashes = connection.execute(
            "select distinct content_hash from meta.meta_publication"
        ).fetchall()
    # Built once more: the same content.
    assert len(hashes) == 1
