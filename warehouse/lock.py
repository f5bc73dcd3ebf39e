"""One writer at a time: the lock file of a store.

Whoever loads, builds or publishes holds the lock for as long as it takes; the operating
system lets go of it when the process ends, however it ends. Add what must hold before a
writer may start; keep readers out, they need no lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from warehouse.settings import Settings
from warehouse.store import StoreError

EXCHANGE_TIME = ZoneInfo("Asia/Shanghai")

# A builder that was told to end finishes its statement first; real tables take seconds.
ORPHAN_SECONDS = 60.0

_held: dict[Path, int] = {}


class StoreLockedError(StoreError):
    """Another process writes to the store; the message names it."""


def lock_path(settings: Settings) -> Path:
    """Return the lock file of the store."""
    return settings.home / "writer.lock"


@contextmanager
def writer_lock(settings: Settings, purpose: str) -> Iterator[None]:
    """Hold the store's lock; a process that holds it may take it again.

    A builder that outlived the process that started it is ended first, so that nobody
    writes to the store but the holder.

    Parameters
    ----------
    purpose : str
        What the holder does, shown to whoever finds the store locked.

    Raises
    ------
    StoreLockedError
        Another process holds the lock, or a builder does not end.
    """
    path = lock_path(settings)
    if _held.get(path):
        _held[path] += 1
        try:
            yield
        finally:
            _held[path] -= 1
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreLockedError(_locked_message(path)) from error
        _end_orphan(settings, _read_holder(path).get("builder"))
        since = datetime.now(EXCHANGE_TIME).isoformat(timespec="seconds")
        _write_holder(path, {"pid": os.getpid(), "purpose": purpose, "since": since})
        _held[path] = 1
        try:
            yield
        finally:
            _held.pop(path)
            _write_holder(path, {})


@contextmanager
def builder_process(settings: Settings, pid: int) -> Iterator[None]:
    """Note the process that builds on behalf of the holder while it runs."""
    path = lock_path(settings)
    holder = _read_holder(path)
    _write_holder(path, {**holder, "builder": pid})
    try:
        yield
    finally:
        _write_holder(path, holder)


def _read_holder(path: Path) -> dict[str, str | int]:
    try:
        holder = json.loads(path.read_text(encoding="utf-8") or "{}")
    except (OSError, ValueError):
        return {}
    return holder if isinstance(holder, dict) else {}


def _write_holder(path: Path, holder: dict[str, str | int]) -> None:
    # Written in place: a rename would leave the lock on a file nobody sees.
    path.write_text(json.dumps(holder), encoding="utf-8")


def _locked_message(path: Path) -> str:
    holder = _read_holder(path)
    who = (
        f"{holder['purpose']} (process {holder['pid']}, since {holder['since']})"
        if {"purpose", "pid", "since"} <= holder.keys()
        else "another process"
    )
    return f"the store {path.parent} is being written by {who}: wait until it ends"


def _end_orphan(settings: Settings, builder: str | int | None) -> None:
    """End the builder of a holder that was killed, if it still has the build file.

    DuckDB names the process that has a file open, so that a foreign process which was
    given the same number since is never taken for the builder.
    """
    if not isinstance(builder, int) or not settings.build_path.exists():
        return
    deadline = time.monotonic() + ORPHAN_SECONDS
    asked = False
    while _holds_file(settings.build_path, builder):
        if time.monotonic() > deadline:
            message = (
                f"process {builder} of an interrupted refresh still writes to "
                f"{settings.build_path}: end it, then try again"
            )
            raise StoreLockedError(message)
        if not asked:
            os.kill(builder, signal.SIGTERM)
            asked = True
        time.sleep(0.2)


def _holds_file(path: Path, pid: int) -> bool:
    try:
        duckdb.connect(str(path)).close()
    except duckdb.InternalException:
        # Nobody has it, but the log of a killed builder must be replayed first, which
        # the next connection does.
        return False
    except duckdb.IOException as error:
        holder = re.search(r"PID (\d+)", str(error))
        return holder is not None and int(holder.group(1)) == pid
    return False
