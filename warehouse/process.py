"""Processes told apart for good: a number and the moment at which it was given out.

The operating system gives the number of a dead process to another one; number and start
together name one process only. Add questions about processes here; keep out what they
do to the store (``lock``).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

# Dead, but its parent has not asked how it ended.
ZOMBIE = "Z"


def started_at(pid: int) -> str | None:
    """Return when a process was started; None when it does not run any more.

    The text is to be compared only with another of the same machine.
    """
    if Path("/proc/self/stat").exists():
        return _from_proc(pid)
    return _from_ps(pid)


def process_mark(pid: int) -> str:
    """Return what names a process for good, or an empty text if it does not run."""
    started = started_at(pid)
    return f"{pid} {started}" if started is not None else ""


def own_mark() -> str:
    """Return the mark of this process."""
    return process_mark(os.getpid())


def marked_process(mark: str) -> int | None:
    """Return the number of the process of a mark; None when it does not run any more.

    What is not a mark names no process.
    """
    pid = mark.partition(" ")[0]
    if not pid.isdecimal() or process_mark(int(pid)) != mark:
        return None
    return int(pid)


def _from_proc(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except OSError:
        return None
    # The second field, the program's name in brackets, may hold anything.
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], fields[19]
    return None if state == ZOMBIE else f"{boot.strip()} {ticks}"


def _from_ps(pid: int) -> str | None:
    done = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)],
        env={"LC_ALL": "C", "TZ": "UTC0"},
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, started = done.stdout.strip().partition(" ")
    return (
        None if not started or state.startswith(ZOMBIE) else " ".join(started.split())
    )
