"""Whether a run of Dagster ended because somebody interrupted it."""

from __future__ import annotations

import os
import signal
import threading
import time

import dagster as dg
import duckdb
import pytest

from dagster_defs.refresh import interruption_message, was_interrupted

LONG = "select count(*) from range(3000000) as a, range(400) as b where a <> b"


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@dg.op
def waits() -> None:
    interrupt()
    time.sleep(5)


@dg.op
def asks_duckdb() -> None:
    threading.Timer(0.5, interrupt).start()
    with duckdb.connect() as connection:
        connection.execute(LONG).fetchall()


@dg.op
def fails() -> None:
    raise ValueError("no")


def run(op: dg.OpDefinition) -> dg.ExecuteInProcessResult:
    @dg.job
    def one() -> None:
        op()

    return one.execute_in_process(raise_on_error=False)


@pytest.mark.parametrize("op", [waits, asks_duckdb], ids=lambda op: op.name)
def test_an_interruption_is_told_from_a_failure(op: dg.OpDefinition) -> None:
    result = run(op)
    assert not result.success
    assert was_interrupted(result)
    assert interruption_message(result).startswith("interrupted, nothing was published")


def test_a_failure_is_none() -> None:
    assert not was_interrupted(run(fails))
