"""Text models between the legs: what is encoded, scored anew, recorded and refused.

The small store was refreshed by the real job; a test loads reports into a copy, has dbt
rebuild what the text models read of them, and refreshes those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from dagster_defs.models import ModelError
from dagster_defs.texts import TextResult, refresh_texts
from tests.dbt_process import run_dbt
from warehouse.settings import Settings
from warehouse.store import connect_build
from warehouse.text_runs import TextRun, load_rows, record_text_run, recorded_runs

Damage = Callable[[Path], object]


def say_nothing(label: str, done: int, total: int) -> None:
    pass


def query(settings: Settings, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connect_build(settings) as con:
        return con.execute(sql, values or None).fetchall()


def newest_report(settings: Settings) -> pd.DataFrame:
    """Return the raw row of the last report that is scored."""
    with connect_build(settings, read_only=True) as con:
        return con.execute(
            """
            select report.* exclude (load_id, replaces_load_id)
            from raw.analyst_report as report
            inner join intermediate.int_report as judged using (report_id)
            where judged.excluded_reason is null
            order by judged.known_date desc, report_id
            limit 1
            """
        ).df()


def load_report(settings: Settings, report: pd.DataFrame) -> None:
    """Load a report and have dbt judge it."""
    assert load_rows(settings, "analyst_report", report) == 1
    target = str(settings.home / "target")
    done = run_dbt(
        ["run", "--select", "int_report", "int_report_forward_return",
         "--target-path", target, "--log-path", target],
        {"LUNDONG_BUILD_PATH": str(settings.build_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]


def scores_of(settings: Settings, report_id: str) -> list[tuple[Any, ...]]:
    return query(
        settings,
        "select score.encoder_code, score.up_probability, "
        "score.text_hash = report.text_hash from staging.stg_text_score as score "
        "inner join intermediate.int_report as report using (report_id) "
        "where report_id = ? order by all",
        report_id,
    )


def test_a_new_report_alone_is_encoded_and_scored(home_copy: Settings) -> None:
    assert refresh_texts(home_copy, say_nothing) == TextResult()
    report = newest_report(home_copy).assign(report_id="new")
    report["abstract"] += "订单增加。"
    load_report(home_copy, report)
    result = refresh_texts(home_copy, say_nothing)
    # Once by each encoder, of which one encodes.
    assert (result.encoded, result.scored) == (1, 2)
    assert result.sentences > 1
    assert [row[0] for row in scores_of(home_copy, "new")] == ["bert", "word_count"]
    assert refresh_texts(home_copy, say_nothing) == TextResult()


def test_a_report_of_other_words_is_scored_anew(home_copy: Settings) -> None:
    report = newest_report(home_copy)
    [report_id] = report["report_id"]
    before = scores_of(home_copy, report_id)
    report["abstract"] = "公司订单减少,毛利率下降,存货上升。"
    load_report(home_copy, report)
    assert [same for *_, same in scores_of(home_copy, report_id)] == [False, False]
    result = refresh_texts(home_copy, say_nothing)
    assert (result.encoded, result.scored) == (1, 2)
    after = scores_of(home_copy, report_id)
    assert [same for *_, same in after] == [True, True]
    assert after[0][1] != before[0][1]
    assert refresh_texts(home_copy, say_nothing) == TextResult()


def test_scores_of_unknown_words_are_given_anew(home_copy: Settings) -> None:
    """Those of a store from before the words were kept."""
    [(count,)] = query(
        home_copy, "select count(*) from raw.text_score where encoder_code = 'bert'"
    )
    query(home_copy, "update raw.text_score set text_hash = null "
          "where encoder_code = 'bert'")  # fmt: skip
    # Or the same file would be the same load.
    query(home_copy, "delete from raw.load where table_name = 'text_score'")
    result = refresh_texts(home_copy, say_nothing)
    # An encoder has read them all.
    assert (result.encoded, result.scored) == (0, count)
    assert refresh_texts(home_copy, say_nothing) == TextResult()


def test_vectors_of_another_window_are_others(
    home_copy: Settings, tmp_path: Path
) -> None:
    """The same encoder reads fewer tokens of each text; as many are read already."""
    [folder] = (home_copy.checkpoints / "text_encoder").iterdir()
    results = []
    for tokens in (500, 12):
        path = tmp_path / f"{tokens}.toml"
        path.write_text(
            f"maximum_tokens = {tokens}\n[small]\nminimum_reports = 200\n"
            "rounds = 2\nleaf_weight = 2.0\nthreads = 1\nexplain_days = 5\n"
        )
        chosen = replace(
            home_copy, models="text_bert", text_encoder=folder, text_config=path
        )
        results.append(refresh_texts(chosen, say_nothing))
    assert [one.encoded > 0 for one in results] == [False, True]
    assert results[0].scored == results[1].scored > 0
    [short, long] = sorted(home_copy.encodings.iterdir(), key=lambda one: one.name)
    assert short.name == long.name.replace("-500-", "-12-")
    shared = vectors_of(short).keys() & vectors_of(long).keys()
    assert len(shared) > 100
    for words in shared:
        assert (vectors_of(short)[words] != vectors_of(long)[words]).any()


@cache
def vectors_of(folder: Path) -> dict[str, Any]:
    parts = [np.load(path) for path in folder.iterdir()]
    return {
        words: vector
        for part in parts
        for words, vector in zip(part["hashes"], part["vectors"], strict=True)
    }


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("pattern", "damage", "message"),
    [
        ("checkpoints/text_bert/*/run.json", truncated, "delete its folder"),
        (
            "checkpoints/text_bert/*/run.json",
            lambda p: p.write_text("{}"),
            "delete its",
        ),
        ("checkpoints/text_bert/*/trees.json", truncated, "delete its folder"),
        ("checkpoints/text_word_count/*/words.json", truncated, "delete its folder"),
        (
            "checkpoints/text_word_count/*/words.json",
            lambda p: p.write_text('{"title": [], "abstract": []}'),
            "delete its folder",
        ),
        ("encodings/*/*.npz", truncated, "delete it and refresh"),
        ("encodings/*/*.npz", lambda p: p.write_bytes(b"\x80\x04."), "delete it and"),
    ],
    ids=[
        "run",
        "run without values",
        "trees",
        "words",
        "no words",
        "vectors",
        "pickle",
    ],
)
def test_a_damaged_file_is_named_in_one_line(
    home_copy: Settings, pattern: str, damage: Damage, message: str
) -> None:
    path = min(home_copy.home.glob(pattern))
    damage(path)
    query(home_copy, "delete from raw.text_score")
    with pytest.raises(ModelError, match=message) as caught:
        refresh_texts(home_copy, say_nothing)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_store_made_anew_hears_of_its_trainings(home_copy: Settings) -> None:
    everything = "from raw.text_run order by run_id"
    before = query(home_copy, everything)
    query(home_copy, "delete from raw.text_run")
    assert refresh_texts(home_copy, say_nothing).scored == 0
    assert query(home_copy, everything) == before
    assert len(before) > 1


def test_store_refuses_a_training_that_reaches_the_period(home_copy: Settings) -> None:
    run = TextRun.load(min(home_copy.checkpoints.glob("text_bert/*/run.json")))
    with connect_build(home_copy) as con:
        before = recorded_runs(con)
        assert run.run_id in before
        for leaking in (
            replace(run, max_label_end_date=run.first_scored_date),
            replace(run, period_end_date=run.first_scored_date),
        ):
            with pytest.raises(duckdb.ConstraintException, match="CHECK"):
                record_text_run(con, leaking)
        # What was there is there.
        assert recorded_runs(con) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file"),
        ("steps = ", "text.toml: Invalid value"),
        ("steps = 1.5", "steps must be a whole number, got 1.5"),
        ("no_such_key = 1", "unknown keys no_such_key"),
    ],
)
def test_a_wrong_configuration_is_named_in_one_line(
    home_copy: Settings, tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "text.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ModelError, match=message) as caught:
        refresh_texts(replace(home_copy, text_config=path), say_nothing)
    assert str(path) in str(caught.value)
    assert "unset LUNDONG_TEXT_CONFIG" in str(caught.value)
    assert "\n" not in str(caught.value)
