"""A PostgreSQL on loopback for as long as it is asked for: tests, Superset's metadata.

It is the installed server in a folder and on a port of its own. Add how it is started
here; keep out what is stored in it (``postgres``).
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LoopbackServer:
    """A running server; its owner may do all."""

    owner: str
    password: str
    port: int

    def dsn(self, database: str = "postgres", *, scheme: str = "postgresql") -> str:
        """Return the connection string of the owner."""
        return (
            f"{scheme}://{self.owner}:{self.password}@127.0.0.1:{self.port}/{database}"
        )


def find_programs() -> Path | None:
    """Return the folder of initdb and pg_ctl of the newest server installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]),
    )
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def loopback_server(programs: Path, *, owner: str) -> Iterator[LoopbackServer]:
    """Run a server that asks for passwords; what is stored in it goes with it.

    Parameters
    ----------
    programs : Path
        Folder of initdb and pg_ctl.
    owner : str
        Name of the user who may do all.

    Raises
    ------
    subprocess.CalledProcessError
        The server cannot be made or started.
    """
    # Short, for the path of the server's socket. PostgreSQL refuses to run as root.
    folder = Path(tempfile.mkdtemp(prefix="postgres_"))
    options: dict[str, Any] = {"check": True, "cwd": folder}
    password, secret = secrets.token_urlsafe(18), folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    if os.geteuid() == 0:
        options["user"] = "postgres"
        shutil.chown(folder, "postgres")
        shutil.chown(secret, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    data = ("--pgdata", str(folder / "data"))
    # Not captured: the server would keep the pipe open.
    options["stdout"] = subprocess.DEVNULL
    control = [str(programs / "pg_ctl"), *data, "--wait"]
    started = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        subprocess.run(  # noqa: S603 - the server's own programs
            [str(programs / "initdb"), *data, "--username", owner,
             "--pwfile", str(secret), "--auth", "scram-sha-256",
             "--encoding", "UTF8", "--locale", "C", "--no-sync"],
            **options,
        )  # fmt: skip
        subprocess.run(  # noqa: S603
            [*control, "--log", str(folder / "log"), "--options", started, "start"],
            **options,
        )
        try:
            yield LoopbackServer(owner, password, port)
        finally:
            subprocess.run(  # noqa: S603
                [*control, "--mode", "immediate", "stop"], **options
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
