"""Real reports with real prices through the whole product, with a small encoder.

The benchmark prints what the same store says at full length; nothing here is about
skill.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.text_benchmark import (
    MAPPING,
    REAL_CONFIG,
    REAL_COUNTS,
    REAL_MODELS,
    RealStore,
    prepare_real,
)
from tests.conftest import RunLundong
from warehouse.settings import Settings

pytestmark = pytest.mark.long(90)
SHORT = {"vocabulary": 1500, "hidden": 32, "layers": 1, "steps": 10, "rounds": 5,
         "explain_days": 10}  # fmt: skip


@pytest.fixture(scope="module")
def store(
    real_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
    run_lundong: RunLundong,
) -> RealStore:
    """Return what a refreshed store of the real reports holds."""
    target = tmp_path_factory.mktemp("real_text")
    variables = prepare_real(real_data, target, REAL_CONFIG | SHORT)
    home = Path(variables["LUNDONG_HOME"])
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        run_lundong(home, "load", "folder", MAPPING, "--dir", target / "files")
        run_lundong(home, "refresh")
    return RealStore.read(Settings(home=home))


def test_tables_have_rows_and_are_as_the_rules_say(store: RealStore) -> None:
    assert store.misses() == []
    for name, count in REAL_COUNTS.items():
        assert store.count("findings", "finding", name) == count
    # By titles and further words too; six of them are left out.
    assert store.count("rules", "rule", "says_raised_or_lowered") == 180
    assert store.count("rules", "rule", "used") == 174
    assert set(store.tables["monthly"]["encoder_code"]) == {"bert", "word_count"}
    assert (store.tables["holdings"]["stock_count"] <= 25).all()


def test_training_ended_before_the_first_scored_day(store: RealStore) -> None:
    runs = store.tables["runs"]
    assert {f"text_{code}" for code in runs["encoder_code"]} == set(REAL_MODELS)
    assert (runs["max_label_end_date"] < runs["first_scored_date"]).all()
    first = runs["first_scored_date"].unique()
    assert len(first) == 1
    assert (store.tables["scores"]["known_date"] >= first[0]).all()
    assert (store.tables["monthly"]["trade_month_end"] >= first[0]).all()
    assert store.reports["known_date"].min() < first[0]


def test_what_is_missing_or_miscounted_is_told(store: RealStore) -> None:
    """A benchmark that finds nothing ends with an error."""
    empty = {name: table.iloc[:0] for name, table in store.tables.items()}
    told = RealStore(empty, store.reports).misses()
    assert {f"{name} is empty" for name in empty} <= set(told)
    fewer = store.tables | {"scores": store.tables["scores"].iloc[1:]}
    [miss] = RealStore(fewer, store.reports).misses()
    assert miss.startswith("bert: ")
    [used] = RealStore(
        store.tables, store.reports[store.reports["label_end_date"].notna()].iloc[1:]
    ).misses()[:1]
    assert "reports are used, by the rules 174" in used
