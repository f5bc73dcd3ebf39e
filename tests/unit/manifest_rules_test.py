"""Rules of the dbt project, read from its manifest: layers, contracts, words, leaks.

A rule of the house that a manifest can show is tested here, without a list of
exceptions. Add a rule; keep what needs a built warehouse out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Set
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ic_benchmark, style_benchmark
from tests.dbt_process import run_dbt
from warehouse import dbt_sources
from warehouse.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
# raw -> stg_ -> int_ -> dim_ / fct_ -> mart_; meta_ speaks of all of them.
LAYERS = {"stg": 1, "int": 2, "dim": 3, "fct": 3, "mart": 4, "meta": 5}
# Models that know the future: labels, and the rule ledger's view of who stayed.
FUTURE = re.compile(r"_forward_return|_hindsight_")
# Published the next morning, but dated by the day that they are of.
LATE_TABLES = {"etf_share", "margin_balance"}
KNOWN_BY_THEN = re.compile(r"\bknown_date\s*<(?!>)|>=?\s*(\w+\.)?known_date\b")
SIGNALS = re.compile(r"score|signal|weight|holding|selection|portfolio")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("manifest")
    arguments = [
        "--no-use-colors", "--quiet", "parse",
        "--target-path", str(folder), "--log-path", str(folder),
    ]  # fmt: skip
    done = run_dbt(arguments, {"LUNDONG_BUILD_PATH": str(folder / "build.duckdb")})
    assert done.returncode == 0, done.stdout
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return content


def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    found = [n for n in manifest["nodes"].values() if n["resource_type"] == "model"]
    assert len(found) > 40
    return found


def layer(name: str) -> str:
    return name.split("_")[0]


def parents(manifest: dict[str, Any], node: dict[str, Any]) -> list[dict[str, Any]]:
    known = manifest["nodes"] | manifest["sources"]
    return [known[parent] for parent in node["depends_on"]["nodes"]]


def layer_breaks(manifest: dict[str, Any]) -> list[str]:
    """Return "child <- parent" for every reference against the direction."""
    breaks = []
    for node in models(manifest):
        own = LAYERS[layer(node["name"])]
        for parent in parents(manifest, node):
            if parent["resource_type"] == "source":
                allowed = layer(node["name"]) in {"stg", "meta"}
            elif parent["resource_type"] == "seed":
                allowed = layer(node["name"]) != "stg"
            else:
                above = LAYERS[layer(parent["name"])]
                allowed = above <= own and layer(node["name"]) != "stg"
            if not allowed:
                breaks.append(f"{node['name']} <- {parent['name']}")
    return breaks


def signals_behind(
    manifest: dict[str, Any], starts: Iterable[str], stops: Set[str] = frozenset()
) -> list[str]:
    """Return the models that score, signal or weigh and descend from some nodes.

    Descent ends at the models of ``stops``.
    """
    children: dict[str, list[str]] = manifest["child_map"]
    queue = list(starts)
    reached: set[str] = set()
    while queue:
        for child in children.get(queue.pop(), []):
            if child.startswith("model.") and child not in reached | stops:
                reached.add(child)
                queue.append(child)
    names = (child.split(".")[-1] for child in reached)
    return sorted(name for name in names if SIGNALS.search(name))


def leaks(manifest: dict[str, Any]) -> list[str]:
    """Return the models that score, signal or weigh and know the future."""
    future = [n["unique_id"] for n in models(manifest) if FUTURE.search(n["name"])]
    return signals_behind(manifest, future)


def early_readers(manifest: dict[str, Any]) -> list[str]:
    """Return the models that score, signal or weigh by what the next morning tells.

    A flow is dated by the day of the change, at whose close nobody knows it. Who reads
    one for a signal must ask for its ``known_date``, which ends the descent.
    """
    waiting = {
        node["unique_id"]
        for node in models(manifest)
        if KNOWN_BY_THEN.search(node["raw_code"])
    }
    late = [
        unique_id
        for unique_id, source in manifest["sources"].items()
        if source["name"] in LATE_TABLES
    ]
    assert len(late) == len(LATE_TABLES)
    return signals_behind(manifest, late, waiting)


def test_every_model_bears_the_name_of_a_layer(manifest: dict[str, Any]) -> None:
    assert [n["name"] for n in models(manifest) if layer(n["name"]) not in LAYERS] == []


def test_layers_run_one_way(manifest: dict[str, Any]) -> None:
    assert layer_breaks(manifest) == []


def test_layer_rule_sees_a_break(manifest: dict[str, Any]) -> None:
    broken = json.loads(json.dumps(manifest))
    child = broken["nodes"]["model.lundong.int_trading_day"]
    child["depends_on"]["nodes"].append("model.lundong.dim_trade_week")
    assert layer_breaks(broken) == ["int_trading_day <- dim_trade_week"]


def test_no_forward_return_behind_a_signal(manifest: dict[str, Any]) -> None:
    assert leaks(manifest) == []


@pytest.mark.parametrize("name", ["int_stock_forward_return", "int_hindsight_member"])
def test_leak_rule_sees_a_leak(manifest: dict[str, Any], name: str) -> None:
    leaking = json.loads(json.dumps(manifest))
    unique_id = f"model.lundong.{name}"
    leaking["nodes"][unique_id] = {
        "resource_type": "model",
        "name": name,
        "unique_id": unique_id,
    }
    leaking["child_map"][f"model.lundong.{name}"] = ["model.lundong.int_strategy_score"]
    assert "fct_rotation_holding" in leaks(leaking)


def test_no_signal_reads_a_flow_before_it_is_known(manifest: dict[str, Any]) -> None:
    assert early_readers(manifest) == []


@pytest.mark.parametrize(
    ("condition", "is_early"),
    [
        ("trade_week = week.last_day", True),
        ("known_date = week.last_day", True),
        ("known_date > week.last_day", True),
        ("flow.known_date <= week.last_day", False),
        ("week.last_day >= flow.known_date", False),
    ],
)
@pytest.mark.parametrize("name", ["fct_etf_flow_weekly", "fct_margin_flow_daily"])
def test_flow_rule_sees_an_early_reader(
    manifest: dict[str, Any], name: str, condition: str, is_early: bool
) -> None:
    early = json.loads(json.dumps(manifest))
    reader = "model.lundong.int_strategy_score"
    early["child_map"][f"model.lundong.{name}"].append(reader)
    early["nodes"][reader]["raw_code"] = f"select score from flow where {condition}"
    assert ("fct_rotation_holding" in early_readers(early)) == is_early


def test_only_the_ledger_reads_with_hindsight(manifest: dict[str, Any]) -> None:
    readers = {
        node["name"]
        for node in models(manifest)
        for parent in parents(manifest, node)
        if "_hindsight_" in parent["name"]
    }
    assert readers
    assert {name for name in readers if not name.startswith("int_ledger_")} == set()


def test_published_models_have_contracts(manifest: dict[str, Any]) -> None:
    loose = [
        node["name"]
        for node in models(manifest)
        if layer(node["name"]) in {"dim", "fct", "mart", "meta"}
        and not node["config"]["contract"]["enforced"]
    ]
    assert loose == []


def test_every_column_of_a_contract_is_described_and_typed(
    manifest: dict[str, Any],
) -> None:
    bare = [
        f"{node['name']}.{column['name']}"
        for node in models(manifest)
        if node["config"]["contract"]["enforced"]
        for column in node["columns"].values()
        if not column["description"].strip() or not column["data_type"]
    ]
    assert bare == []


def test_every_description_states_the_grain(manifest: dict[str, Any]) -> None:
    vague = [
        node["name"]
        for node in models(manifest)
        if not re.search(r"\bOne row\b", node["description"])
    ]
    assert vague == []


def test_keys_of_facts_and_dimensions_are_proven(manifest: dict[str, Any]) -> None:
    proven = {
        test["attached_node"]
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
        and test.get("test_metadata")
        and "unique" in test["test_metadata"]["name"]
    } | {
        node["unique_id"]
        for node in models(manifest)
        if any(
            constraint["type"] == "primary_key"
            for part in (node, *node["columns"].values())
            for constraint in part["constraints"]
        )
    }
    unproven = [
        node["name"]
        for node in models(manifest)
        if layer(node["name"]) in {"dim", "fct", "mart"}
        and node["unique_id"] not in proven
    ]
    assert unproven == []


@pytest.mark.parametrize(
    ("built", "copied"),
    [
        (
            style_benchmark.MODELS,
            {*style_benchmark.UPSTREAM, *style_benchmark.BY_SECURITY},
        ),
        (
            (*ic_benchmark.COMPARED, *ic_benchmark.BESIDES),
            {*ic_benchmark.WHOLE, *ic_benchmark.BY_SECURITY},
        ),
    ],
    ids=["style", "ic"],
)
def test_benchmarks_have_what_their_models_read(
    manifest: dict[str, Any], built: tuple[str, ...], copied: set[str]
) -> None:
    assert {*built} <= {node["name"] for node in models(manifest)}
    read = {
        f"{parent['schema']}.{parent['name']}"
        for node in models(manifest)
        if node["name"] in built
        for parent in parents(manifest, node)
        if parent["name"] not in built
    }
    assert read - copied == set()


def test_every_formula_has_a_unit_test(manifest: dict[str, Any]) -> None:
    """Facts that compute have a hand-computed panel; those that select need none."""
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    untested = []
    for node in models(manifest):
        computes = re.search(r"\b(over|group by|join)\b", node["raw_code"])
        if layer(node["name"]) in {"fct"} and computes and node["name"] not in tested:
            untested.append(node["name"])
    assert untested == []


@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("sources.yml", dbt_sources.render_sources),
        ("staging.yml", dbt_sources.render_staging),
    ],
)
def test_generated_yaml_is_fresh(name: str, render: Any) -> None:
    path: Path = dbt_sources.STAGING / name
    assert path.read_text(encoding="utf-8") == render(), "stale: run `make docs`"
