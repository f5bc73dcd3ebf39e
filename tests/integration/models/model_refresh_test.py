"""Models between the legs: what is due, trained, scored, versioned and refused.

The small store is refreshed by the real job. The high-frequency factors are made up
here, so that all kinds of inputs are driven without minutes.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from dagster_defs.models import (
    HIGH_FREQUENCY_TABLE,
    ModelError,
    Plan,
    make_plan,
    note_absences,
    score_due,
    train_due,
)
from models_ml.config import HIGH_FREQUENCY, ablation_codes, load_configs
from warehouse.model_runs import market_profile, record_run, wanted_models
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_build, connect_published

CODES = sorted(load_configs())


def say_nothing(label: str, done: int, total: int) -> None:
    pass


def plan_of(settings: Settings) -> Plan:
    with connect_build(settings) as con:
        return make_plan(con, settings)


def carry_out(settings: Settings) -> tuple[Plan, int, int]:
    """Train and score as the assets do; return plan, trainings and weeks."""
    plan = plan_of(settings)
    trained = train_due(settings, plan, say_nothing)
    note_absences(settings, plan)
    weeks, _ = score_due(settings, plan_of(settings), say_nothing)
    return plan, len(trained), weeks


def scores_of(settings: Settings) -> dict[tuple[str, date, str], float]:
    with connect_build(settings, read_only=True) as con:
        rows = con.execute(
            "select model_code, trade_week, security_code, score "
            "from staging.stg_model_score"
        ).fetchall()
    return {(code, week, stock): score for code, week, stock, score in rows}


def add_factors(settings: Settings, first: str = "2023-02-27") -> None:
    """Make up the high-frequency factors; one foresees nothing, none is real."""
    values = ", ".join(
        f"hash(security_code || trade_date || '{name}') % 1000 / 500 - 1 as {name}"
        for name in HIGH_FREQUENCY
    )
    with connect_build(settings) as con:
        con.execute("create schema if not exists factors")
        con.execute(f"drop table if exists {HIGH_FREQUENCY_TABLE}")
        con.execute(
            f"create table {HIGH_FREQUENCY_TABLE} as "
            f"select trade_date, security_code, {values}, 'minute_proxy' as source "
            "from intermediate.int_security_day "
            f"where not is_suspended and trade_date >= '{first}'"
        )


def forget_models(settings: Settings) -> None:
    """Take the store back to before its models."""
    shutil.rmtree(settings.checkpoints, ignore_errors=True)
    with connect_build(settings) as con:
        for table in ("model_score", "model_run", "model_training_epoch",
                      "model_week", "model_absence"):  # fmt: skip
            con.execute(f"delete from raw.{table}")
        con.execute("delete from raw.load where table_name = 'model_score'")


def test_refresh_trained_scored_and_published(small_settings: Settings) -> None:
    with connect_published(small_settings) as con:
        models = con.execute(
            "select model_code, is_available, unavailable_reason, last_trade_week "
            "from core.dim_model where model_group in ('network', 'linear') "
            "order by model_code"
        ).fetchall()
        as_of = con.execute("select max(as_of_date) from meta.meta_publication")
        last = as_of.fetchall()[0][0]
        runs = con.execute(
            """
            select
                model_code,
                max_label_end_date < first_scored_date,
                train_last_date < valid_first_date,
                epoch_count,
                (select count(*) from meta.meta_training_epoch as e
                 where e.run_id = r.run_id)
            from meta.meta_model_run as r
            """
        ).fetchall()
    assert [row[0] for row in models] == CODES
    for _, is_available, reason, week in models:
        assert is_available == (reason is None)
        assert week == (last if is_available else None)
    trained = {row[0] for row in models if row[1]}
    reasons = {row[0]: row[2] for row in models}
    # The ablations wait to be asked for.
    assert {reasons[code] for code in ablation_codes()} == {
        "not trained: set LUNDONG_MODELS to all or to its code, then refresh"
    }
    assert {"gru_low_frequency", "linear_low_frequency", "gru_daily"} <= trained
    assert {row[0] for row in runs} == trained
    for _, is_purged, is_ordered, epochs, rows in runs:
        assert is_purged
        assert is_ordered
        assert epochs == rows


def test_every_data_test_ran_once_in_one_of_the_legs(small_settings: Settings) -> None:
    manifest = json.loads((small_settings.home / "dbt" / "manifest.json").read_text())
    tests = sorted(
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
    )
    with connect_build(small_settings, read_only=True) as con:
        ran = con.execute(
            """
            select check_name
            from raw.check_result
            where run_id = (
                select build_id from raw.build_state order by finished_at desc limit 1
            )
            """
        ).fetchall()
    own = {"loads_add_up", "days_have_bars", "rejected_share"}
    assert sorted(name for (name,) in ran if name not in own) == tests


def test_all_models_are_trained_once_and_scores_stay(home_copy: Settings) -> None:
    settings = replace(home_copy, models="all")
    forget_models(settings)
    add_factors(settings)
    plan, trained, weeks = carry_out(settings)
    assert plan.absences == {}
    assert {one.config.model_code for one in plan.due} == set(CODES)
    assert trained == len(plan.due) == len(CODES)
    assert weeks == sum(len(one.weeks) for one in plan.due)
    scores = scores_of(settings)
    assert {code for code, _, _ in scores} == set(CODES)
    with connect_build(settings, read_only=True) as con:
        versions = con.execute("select count(*) from raw.model_score").fetchall()
        decided = con.execute(
            "select bool_and(decision_time = trade_week + interval 15 hour), "
            "bool_and(run_id in (select run_id from raw.model_run)) "
            "from raw.model_score"
        ).fetchall()
    assert decided == [(True, True)]

    # Nothing is due: nothing is read, trained or scored.
    again, trained, weeks = carry_out(settings)
    assert (again.due, trained, weeks) == ((), 0, 0)

    # A week scored again from its checkpoint has the same scores: no new version.
    with connect_build(settings) as con:
        con.execute("delete from raw.model_week")
    _, trained, weeks = carry_out(settings)
    assert trained == 0
    assert weeks > 0
    assert scores_of(settings) == scores
    with connect_build(settings, read_only=True) as con:
        assert con.execute("select count(*) from raw.model_score").fetchall() == (
            versions
        )

    # Trained again from nothing: the same checkpoints, the same scores.
    before = hashes(settings)
    forget_models(settings)
    carry_out(settings)
    assert hashes(settings) == before
    assert scores_of(settings) == scores


def hashes(settings: Settings) -> dict[str, str]:
    with connect_build(settings, read_only=True) as con:
        return dict(
            con.execute("select model_code, weights_sha256 from raw.model_run")
            .fetchall()
        )  # fmt: skip


def test_prices_after_the_cut_off_do_not_reach_a_checkpoint(
    home_copy: Settings,
) -> None:
    """In the store itself: all bars and factors from the period on are poisoned."""
    settings = replace(home_copy, models="gru_low_frequency,linear_high_frequency")
    forget_models(settings)
    add_factors(settings)
    carry_out(settings)
    expected = hashes(settings)
    forget_models(settings)
    period = plan_of(settings).due[0].period
    with connect_build(settings) as con:
        con.execute(
            "update intermediate.int_security_price_day "
            "set adjusted_close = adjusted_close * (1 + random()), "
            "open_cny = open_cny * 7, volume_shares = 1 where trade_date >= ?",
            [period.first],
        )
        con.execute(
            f"update {HIGH_FREQUENCY_TABLE} set volume_perc2 = 1e6 * random() "
            "where trade_date >= ?",
            [period.first],
        )
    plan = plan_of(settings)
    assert len(train_due(settings, plan, say_nothing)) == 2
    assert hashes(settings) == expected


def test_store_refuses_a_training_that_reaches_the_period(home_copy: Settings) -> None:
    with connect_build(home_copy) as con:
        names = [
            row[0]
            for row in con.execute(
                "select column_name from information_schema.columns "
                "where table_schema = 'raw' and table_name = 'model_run'"
            ).fetchall()
        ]
        row = dict(
            zip(
                names,
                con.execute("from raw.model_run limit 1").fetchall()[0],
                strict=True,
            )
        )
        del row["trained_at"]
        leaking = row | {"max_label_end_date": row["first_scored_date"]}
        with pytest.raises(duckdb.ConstraintException):
            record_run(con, leaking, [])
        # Whole or not at all: what was there is there.
        assert con.execute(
            "select count(*) from raw.model_run where run_id = ?", [row["run_id"]]
        ).fetchall() == [(1,)]


def test_models_without_inputs_or_history_say_why(home_copy: Settings) -> None:
    forget_models(home_copy)
    with connect_build(home_copy) as con:
        con.execute(f"drop table if exists {HIGH_FREQUENCY_TABLE}")
    plan = plan_of(home_copy)
    assert plan.absences["gru_high_frequency"] == "inputs not loaded: minute_bar"
    add_factors(home_copy, first="2023-05-08")
    plan = plan_of(home_copy)
    assert plan.absences["gru_high_frequency"].startswith("history too short: 0 sample")
    nothing = plan_of(replace(home_copy, models="none"))
    assert nothing.due == ()
    assert nothing.absences["gru_daily"].startswith("not trained: set LUNDONG_MODELS")
    with pytest.raises(ModelError, match="LUNDONG_MODELS names gru: the models are"):
        plan_of(replace(home_copy, models="gru"))


def test_the_four_task_network_is_trained_and_scores_when_named(
    home_copy: Settings,
) -> None:
    """Bars and factors in one panel, of the stocks that both networks score."""
    forget_models(home_copy)
    add_factors(home_copy)
    codes = ("gru_four_task", "gru_high_frequency", "gru_low_frequency")
    _, trained, _ = carry_out(replace(home_copy, models=",".join(codes)))
    assert trained == 3
    scored: dict[str, set[tuple[date, str]]] = {code: set() for code in codes}
    for code, week, stock in scores_of(home_copy):
        scored[code].add((week, stock))
    four, high, low = (scored[code] for code in codes)
    assert four == high & low
    assert len(four) > 100


def test_corrupted_checkpoint_stops_the_refresh_with_one_line(
    home_copy: Settings,
) -> None:
    settings = replace(home_copy, models="linear_low_frequency")
    forget_models(settings)
    plan = plan_of(settings)
    train_due(settings, plan, say_nothing)
    weights = plan.due[0].folder(settings) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    with pytest.raises(ModelError, match="is corrupted: its SHA-256") as found:
        score_due(settings, plan, say_nothing)
    assert "\n" not in str(found.value)


def test_real_stores_train_only_what_is_asked_for(home_copy: Settings) -> None:
    with connect_build(home_copy, read_only=True) as con:
        assert market_profile(con) == "small"
    asked = [code for code in CODES if code not in ablation_codes()]
    by_default = wanted_models(home_copy, CODES, "sample", unasked=ablation_codes())
    assert by_default == asked != CODES
    everything = replace(home_copy, models="all")
    unasked = ablation_codes()
    assert wanted_models(everything, CODES, "sample", unasked=unasked) == CODES
    assert wanted_models(home_copy, CODES, "full") == []
    chosen = replace(home_copy, models="gru_daily, gru_open1d")
    assert wanted_models(chosen, CODES, "full") == ["gru_daily", "gru_open1d"]


def test_asking_what_is_due_loads_no_torch(home_copy: Settings) -> None:
    script = (
        "import sys; from pathlib import Path;"
        "from dagster_defs.models import make_plan, train_due, score_due;"
        "from warehouse.settings import Settings;"
        "from warehouse.store import connect_build;"
        "s = Settings(home=Path(sys.argv[1]), models='gru_daily');"
        "\nwith connect_build(s) as con: p = make_plan(con, s)\n"
        "assert p.due == (), p.due;"
        "train_due(s, p, print); score_due(s, p, print);"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(home_copy.home)],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert Path(home_copy.checkpoints).exists()
