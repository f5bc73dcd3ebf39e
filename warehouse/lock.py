"""One writer at a time: the lock file of a store.

Whoever loads, builds or publishes holds the lock for as long as it takes; the operating
system lets go of it when the process ends, however it ends. Add what must hold before a
writer may start; keep readers out, they need no lock.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

from warehouse.process import marked_process, own_mark, process_mark
from warehouse.settings import Settings
from warehouse.store import StoreError

EXCHANGE_TIME = ZoneInfo("Asia/Shanghai")

# A builder that was told to end finishes its statement first; real tables take seconds.
ORPHAN_SECONDS = 60.0
POLL_SECONDS = 0.2

_held: dict[Path, int] = {}


class StoreLockedError(StoreError):
    """Another process writes to the store; the message names it."""


def lock_path(settings: Settings) -> Path:
    """Return the lock file of the store."""
    return settings.home / "writer.lock"


@contextmanager
def writer_lock(
    settings: Settings, purpose: str, *, wait_seconds: float = 0.0
) -> Iterator[None]:
    """Hold the store's lock; a process that holds it may take it again.

    A builder that outlived the process that started it is ended first, so that nobody
    writes to the store but the holder.

    Parameters
    ----------
    purpose : str
        What the holder does, shown to whoever finds the store locked.
    wait_seconds : float
        How long to wait for another holder.

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
        _take(file, path, wait_seconds)
        _end_orphan(path)
        since = datetime.now(EXCHANGE_TIME).isoformat(timespec="seconds")
        _write_holder(path, {"pid": os.getpid(), "purpose": purpose, "since": since})
        _held[path] = 1
        try:
            yield
        finally:
            _held.pop(path)
            _write_holder(path, _living_builder(path))


@contextmanager
def builder_process(settings: Settings, pid: int) -> Iterator[None]:
    """Register the process that builds on behalf of the holder while it runs."""
    path = lock_path(settings)
    holder = _read_holder(path)
    _write_holder(path, {**holder, "builder": process_mark(pid)})
    try:
        yield
    finally:
        _write_holder(path, {**holder, **_living_builder(path)})


def is_registered_builder(path: Path, *, holder: int) -> bool:
    """Wait, as a builder, until the holder of a lock file has registered this process.

    A builder that touches the store only after this is known to the next writer
    whatever happens to the holder.

    Parameters
    ----------
    path : Path
        The lock file.
    holder : int
        The process that started this one.

    Returns
    -------
    bool
        False if the holder has died: then this process must not touch the store.
    """
    mark = own_mark()
    while os.getppid() == holder:
        if _read_holder(path).get("builder") == mark:
            return True
        time.sleep(0.01)
    return False


def _take(file: TextIO, path: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                raise StoreLockedError(_locked_message(path)) from error
            time.sleep(POLL_SECONDS)
        else:
            return


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


def _living_builder(path: Path) -> dict[str, str | int]:
    """Return the part of the note that names a builder which still runs."""
    builder = str(_read_holder(path).get("builder", ""))
    return {"builder": builder} if marked_process(builder) is not None else {}


def _end_orphan(path: Path) -> None:
    """End the builder of a holder that was killed, whether it has the file open or not.

    It is known by number and start, so that a foreign process which was given the same
    number since is never taken for it.
    """
    builder = str(_read_holder(path).get("builder", ""))
    deadline = time.monotonic() + ORPHAN_SECONDS
    asked = False
    while (pid := marked_process(builder)) is not None:
        if time.monotonic() > deadline:
            message = (
                f"process {pid} of an interrupted refresh still writes to "
                f"{path.parent}: end it, then try again"
            )
            raise StoreLockedError(message)
        if not asked:
            with suppress(OSError):
                os.kill(pid, signal.SIGTERM)
            asked = True
        time.sleep(POLL_SECONDS)
