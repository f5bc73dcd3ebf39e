"""Text models between the legs: what is encoded, scored anew, recorded and refused.

The small store was refreshed by the real job; a test loads reports into a copy, has dbt
rebuild what the text models read of them, and refreshes those.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import xgboost

from dagster_defs.models import ModelError
from dagster_defs.texts import TextResult, refresh_texts
from models_ml.text.classifier import words as words_of
from models_ml.text.encoder import open_encoder
from tests.dbt_process import run_dbt
from warehouse.build_window import build_window
from warehouse.settings import Settings
from warehouse.store import connect_build
from warehouse.text_runs import TextRun, load_rows, record_text_run, recorded_runs

Damage = Callable[[Path], object]


def say_nothing(label: str, done: int, total: int) -> None:
    pass


def query(settings: Settings, sql: str, *values: object) -> list[tuple[Any, ...]]:
    with connect_build(settings) as con:
        return con.execute(sql, values or None).fetchall()


def query_only(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """Ask a store that is shared and must stay as it is."""
    with connect_build(settings, read_only=True) as con:
        return con.execute(sql).fetchall()


def used_reports(settings: Settings, condition: str, *values: object) -> pd.DataFrame:
    """Return the raw rows of reports that are scored, the last first."""
    with connect_build(settings, read_only=True) as con:
        return con.execute(
            f"""
            select report.* exclude (load_id, replaces_load_id)
            from raw.analyst_report as report
            inner join intermediate.int_report as judged using (report_id)
            where judged.excluded_reason is null and {condition}
            order by judged.known_date desc, report_id
            """,
            values or None,
        ).df()


def newest_report(settings: Settings) -> pd.DataFrame:
    """Return the raw row of the last report that is scored."""
    return used_reports(settings, "true").head(1)


def load_report(settings: Settings, report: pd.DataFrame) -> None:
    """Load reports and have dbt judge them."""
    assert load_rows(settings, "analyst_report", report) == len(report)
    target = str(settings.home / "target")
    done = run_dbt(
        ["run", "--select", "int_report", "int_report_forward_return",
         "--target-path", target, "--log-path", target],
        {"LUNDONG_BUILD_PATH": str(settings.build_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]


def publish_texts(settings: Settings) -> None:
    """Have dbt make and check what is published of the text models."""
    target = str(settings.home / "target")
    done = run_dbt(
        ["build", "--select", "int_text_score", "int_text_factor",
         "int_text_portfolio_score", "fct_text_score", "fct_text_sentence",
         "fct_text_calibration", "fct_text_factor_monthly", "fct_report_rule_yearly",
         "--exclude-resource-type", "unit_test",
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


def test_probabilities_are_those_of_the_kept_trees(small_settings: Settings) -> None:
    """Words and vectors that were kept, through the trees by XGBoost alone."""
    runs = 0
    for path in sorted(small_settings.checkpoints.glob("text_*/*/run.json")):
        run = json.loads(path.read_text())
        with connect_build(small_settings, read_only=True) as con:
            scored = con.execute(
                """
                select score.*, text.title, text.abstract
                from raw.text_score as score
                inner join intermediate.int_report_text as text using (report_id)
                where run_id = ?
                """,
                [run["run_id"]],
            ).df()
        if run["encoder_code"] == "word_count":
            kept = json.loads(path.with_name("words.json").read_text())
            features = np.array(
                [
                    [np.log1p(words_of(row.title)[word]) for word in kept["title"]]
                    + [
                        np.log1p(words_of(row.abstract)[word])
                        for word in kept["abstract"]
                    ]
                    for row in scored.itertuples()
                ]
            )
            # A word that is not there is missing to the trees, as in a sparse matrix.
            features[features == 0] = np.nan
        else:
            [folder] = small_settings.encodings.iterdir()
            vectors = vectors_of(folder)
            features = np.stack(
                [vectors[words_hash] for words_hash in scored["text_hash"]]
            )
        trees = xgboost.Booster(model_file=path.with_name("trees.json"))
        found = scored[["down_probability", "middle_probability", "up_probability"]]
        expected = trees.predict(xgboost.DMatrix(features))
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
        assert abs(expected[:, 0] - expected[:, 2]).max() > 0.05
        runs += len(scored) > 50
    assert runs >= 4


def test_a_sentence_adds_what_its_report_loses_without_it(
    small_settings: Settings,
) -> None:
    [(number, sentence, change, title, abstract, score, path, tokens), *_] = query_only(
        small_settings,
        """
        select
            part.sentence_number, part.sentence, part.score_change, text.title,
            text.abstract, score.score, run.checkpoint_path,
            run.config_json ->> 'maximum_tokens'
        from raw.text_sentence as part
        inner join scores.fct_text_score as score using (encoder_code, report_id)
        inner join raw.text_run as run on score.run_id = run.run_id
        inner join intermediate.int_report_text as text using (report_id)
        where part.sentence_number = 2
        order by abs(part.score_change) desc
        """,
    )
    assert (number, abs(change) > 0.01) == (2, True)
    assert abstract.count(sentence) == 1
    [folder] = (small_settings.checkpoints / "text_encoder").iterdir()
    encoder = open_encoder(folder, maximum_tokens=int(tokens), threads=1)
    vector = encoder.encode([f"{title}。{abstract.replace(sentence, '')}"])
    trees = xgboost.Booster(model_file=small_settings.home / path / "trees.json")
    [[down, _, up]] = trees.predict(xgboost.DMatrix(vector)).astype(float)
    left = np.log(up / (1 - up)) - np.log(down / (1 - down))
    assert change == pytest.approx(score - left, abs=1e-4)


def test_an_encoder_has_read_what_was_known_before_its_cutoff(
    small_settings: Settings,
) -> None:
    rows = query_only(
        small_settings,
        """
        select
            run.corpus_report_count,
            count(distinct report.text_hash) filter (
                where report.known_date < run.corpus_cutoff_date
            ),
            count(distinct report.text_hash),
        from raw.text_run as run
        cross join intermediate.int_report as report
        where
            run.encoder_code = 'bert'
            and report.known_date is not null
            and coalesce(
                report.excluded_reason in ('first_coverage', 'unchanged'), true
            )
        group by all
        """,
    )
    for read, before, ever in rows:
        assert read == before < ever
    assert rows


def test_a_report_that_moves_is_expected_where_it_counts(home_copy: Settings) -> None:
    """One to an earlier day, one over the end of a month to a later one."""
    alone = """(
        select count(*) from intermediate.int_report as other
        where
            other.security_code = judged.security_code
            and other.excluded_reason is null
            and abs(other.known_date - judged.known_date) < 130
    ) = 1 and year(judged.known_date) = 2023 and month(judged.known_date) < 11"""
    day = "day(report.published_at)"
    earlier = used_reports(home_copy, f"{alone} and {day} between 10 and 20").head(1)
    later = used_reports(home_copy, f"{alone} and {day} between 22 and 26").head(1)
    before = dict(known_dates(home_copy, earlier, later))
    assert len(before) == 2
    earlier["published_at"] -= pd.Timedelta(days=7)
    later["published_at"] += pd.Timedelta(days=12)
    load_report(home_copy, pd.concat([earlier, later]))
    refresh_texts(home_copy, say_nothing)
    publish_texts(home_copy)
    after = dict(known_dates(home_copy, earlier, later))
    [early], [late] = earlier["report_id"], later["report_id"]
    # Its score's training may have known what came since.
    assert after[early] == before[early]
    assert after[late] > before[late]
    assert after[late].month != before[late].month


def known_dates(settings: Settings, *reports: pd.DataFrame) -> list[tuple[Any, ...]]:
    return query(
        settings,
        "select report_id, known_date from scores.fct_text_score "
        "where encoder_code = 'bert' and list_contains(?, report_id)",
        pd.concat(reports)["report_id"].tolist(),
    )


def test_reports_that_nobody_scores_are_counted(home_copy: Settings) -> None:
    """The models are asked for no more, then one of them, then both."""
    report = newest_report(home_copy).assign(report_id="new")
    report["abstract"] += "订单增加。"
    load_report(home_copy, report)
    counts = []
    for models in ("none", "text_bert", "all"):
        refresh_texts(replace(home_copy, models=models), say_nothing)
        publish_texts(home_copy)
        counts.append(
            query(
                home_copy,
                "select rule, hit_count from scores.fct_report_rule_yearly "
                "where rule_group = 'score' and year = ? order by rule",
                report["published_at"].iloc[0].year,
            )
        )
    names = ("bert_not_scored", "word_count_not_scored")
    assert counts == [
        list(zip(names, expected, strict=True)) for expected in ((1, 1), (0, 1), (0, 0))
    ]


def test_scores_of_a_former_configuration_do_not_count(
    home_copy: Settings, tmp_path: Path
) -> None:
    """A configuration of fewer periods, and back: one model at a time."""
    everything = "select * from scores.fct_text_score order by all"
    before = query(home_copy, everything)
    [(first, last)] = query(
        home_copy, "select min(known_date), max(known_date) from scores.fct_text_score"
    )
    path = tmp_path / "text.toml"
    path.write_text(
        f"first_scored = {last.replace(day=1)}\n[small]\nminimum_reports = 200\n"
        "in_sample_months = 24\nrounds = 2\nleaf_weight = 2.0\nthreads = 1\n"
    )
    chosen = replace(home_copy, models="text_word_count", text_config=path)
    [(loaded,)] = query(home_copy, "select max(load_id) from raw.load")
    scored = refresh_texts(chosen, say_nothing).scored
    publish_texts(home_copy)
    counts = query(
        home_copy,
        "select encoder_code, count(*), min(known_date) from scores.fct_text_score "
        "group by all order by all",
    )
    [bert, (_, count, since)] = counts
    assert bert[2] == first
    assert (count, since >= last.replace(day=1)) == (scored, True)
    # All that the former model scored is built anew.
    with connect_build(home_copy) as con:
        con.execute("update raw.build_state set last_load_id = ?", [loaded])
        [(project,)] = con.execute(
            "select any_value(project_hash) from raw.build_state"
        ).fetchall()
        window = build_window(con, project_hash=project)
    assert window.build_from == first - pd.Timedelta(days=first.weekday())
    refresh_texts(home_copy, say_nothing)
    publish_texts(home_copy)
    assert query(home_copy, everything) == before


def test_history_that_is_loaded_later_trains_anew(
    home_copy: Settings, tmp_path: Path
) -> None:
    """A late report trains nothing; many come to what one load of all comes to."""
    newest = TextRun.load(max(home_copy.checkpoints.glob("text_bert/*/run.json")))
    reports = used_reports(
        home_copy, "judged.known_date between ? and ?",
        newest.train_first_date, newest.train_last_date,
    )  # fmt: skip
    added = max(2, newest.train_report_count // 50)
    history = reports.head(added + 1).copy()
    history["report_id"] = [f"late{number}" for number in range(len(history))]
    history["abstract"] += "公司产能扩张。"
    trainings = "select run_id from raw.text_run order by all"
    before = query(home_copy, trainings)
    load_report(home_copy, history.head(1))
    refresh_texts(home_copy, say_nothing)
    assert query(home_copy, trainings) == before
    load_report(home_copy, history.tail(added))
    told: list[str] = []
    refresh_texts(home_copy, lambda *said: told.append(said[0]))
    [line] = {one for one in told if "text_bert" in one and "anew" in one}
    assert f", {newest.train_report_count} before" in line
    assert refresh_texts(home_copy, say_nothing) == TextResult()
    scores = (
        "select encoder_code, report_id, arg_max(up_probability, load_id) "
        "from raw.text_score group by all order by all"
    )
    after = query(home_copy, scores)
    for table in ("text_score", "text_sentence", "text_run"):
        query(home_copy, f"delete from raw.{table}")
        query(home_copy, "delete from raw.load where table_name = ?", table)
    for name in ("checkpoints", "encodings"):
        (home_copy.home / name).rename(tmp_path / name)
    refresh_texts(home_copy, say_nothing)
    assert query(home_copy, scores) == after


def test_what_is_said_of_an_encoder_later_reaches_its_scores(
    home_copy: Settings, tmp_path: Path
) -> None:
    [folder] = (home_copy.checkpoints / "text_encoder").iterdir()
    foreign = tmp_path / "foreign"
    shutil.copytree(folder, foreign)
    meta = foreign / "encoder.json"
    meta.unlink()
    chosen = replace(home_copy, models="text_bert", text_encoder=foreign)
    cutoffs = (
        "select distinct arg_max_null(corpus_cutoff_date, load_id) "
        "from raw.text_score where encoder_code = 'bert' group by report_id"
    )
    scored = refresh_texts(chosen, say_nothing).scored
    assert query(home_copy, cutoffs) == [(None,)]
    said = {"name": "made up", "corpus_cutoff": "2019-07-01", "corpus_count": 7}
    meta.write_text(json.dumps(said))
    assert refresh_texts(chosen, say_nothing).scored == scored
    assert query(home_copy, cutoffs) == [(date(2019, 7, 1),)]
    assert query(
        home_copy,
        "select distinct encoder_name, corpus_cutoff_date, corpus_report_count "
        "from raw.text_run where encoder_name not in ('embedded', 'word counts')",
    ) == [("made up", date(2019, 7, 1), 7)]
    assert refresh_texts(chosen, say_nothing) == TextResult()
    meta.write_text(json.dumps(said | {"corpus_count": "many"}))
    with pytest.raises(ModelError, match="corpus_count must be a whole number"):
        refresh_texts(chosen, say_nothing)


def test_a_run_of_an_earlier_version_is_called_so(home_copy: Settings) -> None:
    path = min(home_copy.checkpoints.glob("text_bert/*/run.json"))
    content = json.loads(path.read_text())
    del content["trained_at"]
    path.write_text(json.dumps(content))
    message = r"lacks trained_at, as an earlier version wrote it: delete its folder"
    with pytest.raises(ModelError, match=message) as caught:
        refresh_texts(home_copy, say_nothing)
    assert str(path) in str(caught.value)
