"""Seconds and peak memory of a command together with everything that it starts.

Add another quantity of a process tree here; keep what is run, and the limits it is held
against, in the programme that measures.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

INTERVAL_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    """What a command took.

    Attributes
    ----------
    seconds : float
        Wall-clock time from start to end.
    peak_gigabytes : float
        Largest sum of resident memory over the process and its children, 10^9 bytes.
    """

    seconds: float
    peak_gigabytes: float


def resident_bytes(process: psutil.Process) -> int:
    """Resident memory of a process and all its children."""
    total = 0
    try:
        tree = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    for member in tree:
        try:
            total += member.memory_info().rss
        except psutil.Error:
            continue
    return total


@dataclass
class Peak:
    """Largest resident memory seen so far and that of the beginning, in bytes."""

    first: int
    largest: int

    @property
    def growth_gigabytes(self) -> float:
        """What came on top of the beginning, 10^9 bytes."""
        return (self.largest - self.first) / 1e9


@contextmanager
def watch_peak(process: psutil.Process) -> Iterator[Peak]:
    """Watch the resident memory of a process and its children while a block runs."""
    first = resident_bytes(process)
    peak = Peak(first, first)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(INTERVAL_SECONDS):
            peak.largest = max(peak.largest, resident_bytes(process))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def run_measured(command: Sequence[str], variables: Mapping[str, str]) -> Measured:
    """Run a command to its end and measure it.

    Raises
    ------
    RuntimeError
        The command failed; the message is the end of its output.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        command,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        with watch_peak(psutil.Process(process.pid)) as peak:
            output, _ = process.communicate()
        seconds = time.perf_counter() - start
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {output.strip()[-2000:]}")
    return Measured(seconds, peak.largest / 1e9)
