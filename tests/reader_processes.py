"""Readers of a publication in processes of their own, as analysts and dashboards are.

Used by the tests that publish while somebody reads. Add what a reader checks in
``READER``; keep publishing in the tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
