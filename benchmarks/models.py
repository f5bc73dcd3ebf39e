"""dbt models built into a file of its own, with the seconds of each.

Benchmarks that time models, or need a part of the warehouse, build it here. Keep what
is copied into the file, and what is compared, in the benchmark itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from warehouse.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
MEMORY_LIMIT = "6GB"
THREADS = 2


def build_models(path: Path, arguments: Sequence[str]) -> dict[str, float]:
    """Run dbt on a builder's file; return the seconds of each node without dbt's own.

    Parameters
    ----------
    path : Path
        The file to build into; dbt writes its own files beside it.
    arguments : sequence of str
        The command of dbt and its selection, such as ``run --select a b``.

    Raises
    ------
    RuntimeError
        The build failed; the message is the end of dbt's output.
    """
    target = path.parent / "target"
    command = [
        *(sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()"),
        *("--quiet", *arguments),
        *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
        *("--target-path", str(target), "--log-path", str(target)),
    ]
    variables = {
        "LUNDONG_BUILD_PATH": str(path),
        "LUNDONG_MEMORY_LIMIT": MEMORY_LIMIT,
        "LUNDONG_THREADS": str(THREADS),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    done = subprocess.run(
        command,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-2000:])
    return {
        unique_id.split(".")[-1]: seconds
        for unique_id, seconds in _node_seconds(target / "run_results.json").items()
    }


def seconds_by_subject(target: Path) -> dict[str, float]:
    """Return the seconds of a refresh by subject: the folder that a model lies in.

    A test counts for the model that it tests, or the first one that it reads. Models
    run beside each other: a leg's seconds are shared out by those of its nodes.

    Parameters
    ----------
    target : Path
        dbt's folder of artefacts.
    """
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    subjects: defaultdict[str, float] = defaultdict(float)
    shares: dict[str, float] = {}
    for path in target.glob("run_results_*.json"):
        seconds_of = _node_seconds(path)
        elapsed = json.loads(path.read_text())["elapsed_time"]
        scale = elapsed / sum(seconds_of.values())
        shares |= {name: scale * seconds for name, seconds in seconds_of.items()}
    for unique_id, seconds in shares.items():
        node = nodes[unique_id]
        if node["resource_type"] == "test":
            read = (node.get("attached_node"), *node["depends_on"]["nodes"])
            tested = [nodes[name] for name in read if name in nodes]
            node = tested[0] if tested else node
        subjects[node["fqn"][-2] if len(node["fqn"]) > 2 else "other"] += seconds
    return dict(subjects)


def _node_seconds(path: Path) -> dict[str, float]:
    results = json.loads(path.read_text())["results"]
    return {result["unique_id"]: result["execution_time"] for result in results}
