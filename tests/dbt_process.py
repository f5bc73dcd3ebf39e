"""dbt for tests: a process that has read the project, and forks for every command.

Starting dbt and reading the project takes four of the five seconds of a small build, so
it is done once for each pytest process. A command runs in a child of its own: it gets
its own variables and files, leaves nothing behind, and frees its database at its end.
What the refresh itself starts is not replaced by this.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from warehouse.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
# A command that takes longer hangs, and is ended.
LONGEST_SECONDS = 900
WITHOUT_THREADS = {"DBT_STATIC_PARSER": "false"}


@dataclass
class _Server:
    """The process that forks; started by the first command."""

    process: subprocess.Popen[str] | None = None
    scratch: Path = field(default_factory=lambda: Path(tempfile.mkdtemp("_dbt")))

    def ask(self, request: Mapping[str, object]) -> int:
        """Have a command run; return its exit code."""
        if self.process is None:
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(self.scratch)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
            )
            atexit.register(self.end)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, "the process that runs dbt has ended"
        return int(answer)

    def end(self) -> None:
        """End the process; it ends by itself when its standard input is closed."""
        if self.process is not None and self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
            self.process.wait(timeout=30)


_SERVER = _Server()


def run_dbt(
    arguments: Sequence[str], variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a dbt command on the project; its output is returned, not raised.

    Parameters
    ----------
    arguments : sequence of str
        Command and options, without project and profile.
    variables : mapping
        Variables of the environment beside those of this process.
    """
    if "parse" in arguments:
        # dbt reads with threads, whose locks a fork takes over without their owners: a
        # child that reads again would wait forever.
        return subprocess.run(
            [
                *(sys.executable, "-c", "from dbt.cli.main import cli; cli()"),
                *arguments,
                *("--project-dir", str(DBT_PROJECT)),
                *("--profiles-dir", str(DBT_PROJECT)),
            ],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
    output = _SERVER.scratch / "output"
    code = _SERVER.ask(
        {
            "arguments": list(arguments),
            "environment": {**os.environ, **variables},
            "output": str(output),
        }
    )
    text = output.read_text(encoding="utf-8", errors="replace")
    return subprocess.CompletedProcess(list(arguments), code, text, "")


def _serve(scratch: Path) -> None:
    """Read the project, then run each command of the standard input in a child."""
    project = [
        *("--project-dir", str(DBT_PROJECT)),
        *("--profiles-dir", str(DBT_PROJECT)),
    ]
    os.environ["LUNDONG_BUILD_PATH"] = str(scratch / "build.duckdb")
    # The static parser has threads of its own, which a child would wait for in vain.
    os.environ.update(WITHOUT_THREADS)
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    target = str(scratch / "target")
    # dbt prints while it parses; the standard output is for the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    parsed = dbtRunner().invoke(
        ["--quiet", "parse", *project, "--target-path", target, "--log-path", target]
    )
    if not parsed.success:
        sys.exit(f"dbt cannot read {DBT_PROJECT}: {parsed.exception}")
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.alarm(LONGEST_SECONDS)
            with open(request["output"], "wb") as file:  # noqa: PTH123
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            os.environ.clear()
            os.environ.update({**request["environment"], **WITHOUT_THREADS})
            arguments = [*request["arguments"], *project]
            done = dbtRunner(manifest=parsed.result).invoke(arguments)
            if done.exception is not None:
                sys.stdout.write(f"{done.exception}\n")
            sys.stdout.flush()
            # DuckDB writes its log into the file when it is closed; what Python does at
            # its end is not made for a child.
            environment = DuckDBConnectionManager._ENV
            if environment is not None:
                environment.close()
            os._exit(0 if done.success else 1)
        _, status = os.waitpid(child, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
