"""The models between the two legs of dbt: which are due, their training, their scores.

Training is rare and scoring weekly, so they are two assets; torch is loaded only when
one of them has work. Add what decides when a model runs here; keep tensors in
``models_ml`` and what is written down in ``warehouse.model_runs``.
"""

# No `from __future__ import annotations`: Dagster reads the annotations themselves.

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from models_ml.config import (
    LABELS,
    WITH_FACTORS,
    ConfigError,
    RunConfig,
    ablation_codes,
    load_configs,
)
from models_ml.splits import Period, Split, SplitError, periods_of, split_days
from models_ml.text.config import ENCODERS
from warehouse.model_runs import (
    Profile,
    ScoredWeek,
    complete_weeks,
    market_profile,
    note_weeks,
    record_absences,
    record_run,
    scored_weeks,
    wanted_models,
    write_scores,
)
from warehouse.settings import Settings
from warehouse.store import connect_build, create_raw_tables

if TYPE_CHECKING:
    from models_ml.panel import Panel
    from models_ml.train import EpochRow, Trained

Tell = Callable[[str, int, int], None]

HIGH_FREQUENCY_TABLE = "factors.fct_high_frequency_factor_daily"


class ModelError(RuntimeError):
    """Models cannot be trained or scored; the message says why and what to do."""


@dataclass(frozen=True)
class Due:
    """A period of a model with weeks that have no score yet."""

    config: RunConfig
    period: Period
    split: Split
    weeks: tuple[date, ...]

    def folder(self, settings: Settings) -> Path:
        """Return the folder of the checkpoint; another configuration has another."""
        name = f"{self.period.first.isoformat()}-{self.config.sha256[:8]}"
        return settings.checkpoints / self.config.model_code / name


@dataclass(frozen=True)
class Plan:
    """What a refresh must do for the models.

    Attributes
    ----------
    days : tuple of date
        All loaded trading days.
    due : tuple of Due
        In order of models and periods.
    absences : dict
        Reason of each model that can have no scores, and has none.
    """

    days: tuple[date, ...]
    due: tuple[Due, ...]
    absences: dict[str, str]


def _trading_days(con: duckdb.DuckDBPyConnection) -> tuple[date, ...]:
    rows = con.execute(
        """
        select trade_date
        from intermediate.int_trading_day
        where is_loaded and trade_date >= (select min(trade_date) from raw.daily_bar)
        order by trade_date
        """
    ).fetchall()
    return tuple(row[0] for row in rows)


def _first_factor_day(con: duckdb.DuckDBPyConnection) -> date | None:
    """Return the first day with high-frequency factors; None if there is none."""
    schema, table = HIGH_FREQUENCY_TABLE.split(".")
    found = con.execute(
        "select 1 from information_schema.tables "
        "where table_schema = ? and table_name = ?",
        [schema, table],
    ).fetchone()
    if found is None:
        return None
    row = con.execute(f"select min(trade_date) from {HIGH_FREQUENCY_TABLE}").fetchone()  # noqa: S608
    return row[0] if row else None


def model_codes(profile: Profile) -> list[str]:
    """Return the codes of all models that ``LUNDONG_MODELS`` may name.

    Raises
    ------
    ConfigError
        A configuration is wrong.
    """
    texts = (f"text_{code}" for code in ENCODERS)
    return sorted([*load_configs(profile=profile), *texts])


def make_plan(con: duckdb.DuckDBPyConnection, settings: Settings) -> Plan:
    """Say which models are due, from the calendar and what has been scored.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        The builder's file after the first leg.

    Raises
    ------
    ModelError
        A configuration or the setting of the models is wrong.
    """
    create_raw_tables(con)
    profile = market_profile(con)
    try:
        configs = load_configs(profile=profile)
        codes, unasked = model_codes(profile), ablation_codes()
        wanted = wanted_models(settings, codes, profile, unasked=unasked)
        wanted = [code for code in wanted if code in configs]
    except (ConfigError, ValueError) as error:
        raise ModelError(str(error)) from error
    days, weeks = _trading_days(con), complete_weeks(con)
    done = scored_weeks(con)
    first_factors = _first_factor_day(con)
    due: list[Due] = []
    absences = {
        code: "not trained: set LUNDONG_MODELS to all or to its code, then refresh"
        for code in configs
        if code not in wanted
    }
    for code in wanted:
        config = configs[code]
        first_input = 0
        if config.inputs in WITH_FACTORS:
            if first_factors is None:
                absences[code] = "inputs not loaded: minute_bar"
                continue
            needed = max(1, round(config.minimum_share * config.windows[-1]))
            first_input = bisect_left(days, first_factors) + needed - 1
        reason = f"history too short: no complete week from {config.first_scored} on"
        for period in periods_of(weeks, config):
            try:
                split = split_days(
                    days, period, config,
                    horizon=config.horizon, first_input=first_input,
                )  # fmt: skip
            except SplitError as error:
                reason = str(error)
                continue
            reason = ""
            left = tuple(
                week
                for week in weeks
                if week in period
                and week >= date.fromisoformat(config.first_scored)
                and week not in done.get(code, set())
            )
            if left:
                due.append(Due(config, period, split, left))
        if reason and code not in done:
            absences[code] = reason
    return Plan(days, tuple(due), {k: v for k, v in absences.items() if k not in done})


def _by_inputs(due: Sequence[Due]) -> Iterator[tuple[str, list[Due]]]:
    def kind(one: Due) -> str:
        return one.config.inputs

    for inputs, group in groupby(sorted(due, key=kind), key=kind):
        yield inputs, list(group)


def train_due(settings: Settings, plan: Plan, tell: Tell) -> list["Trained"]:
    """Train every due period that has no checkpoint, and write the runs down.

    Models of one kind of inputs share one panel; each training gets a view of it that
    ends before its period, so that it cannot see what it is to score.

    Raises
    ------
    ModelError
        A training failed for another reason than too short a history.
    """
    waiting = [one for one in plan.due if not one.folder(settings).exists()]
    if not waiting:
        return []
    from models_ml.panel import PanelError
    from models_ml.read import read_inputs, read_styles
    from models_ml.train import HistoryError, TrainError, train

    done: list[Trained] = []
    for inputs, group in _by_inputs(waiting):
        firsts = [bisect_left(plan.days, one.period.first) for one in group]
        start = max(
            0,
            min(
                first - one.config.train_days - one.config.lookback_days
                for first, one in zip(firsts, group, strict=True)
            ),
        )
        days = plan.days[start : max(firsts)]
        is_neutral = any(LABELS[one.config.label].is_neutral for one in group)
        tell(f"reading {inputs} inputs for training", 0, 0)
        with connect_build(settings, read_only=True) as con:
            try:
                panel = read_inputs(con, inputs, days=days, is_neutral=is_neutral)
            except PanelError as error:
                plan.absences.update(
                    {one.config.model_code: str(error) for one in group}
                )
                continue
            styles = (
                read_styles(con, days=days, codes=panel.codes) if is_neutral else None
            )
        for one, first in zip(group, firsts, strict=True):
            code, count = one.config.model_code, first - start
            known = replace(panel, days=panel.days[:count], values=panel.values[:count])

            def tell_epoch(config: RunConfig, row: "EpochRow") -> None:
                tell(
                    f"training {config.model_code}: seed {row.seed} loss "
                    f"{row.loss:.3f} valid IC {row.valid_ic:.3f}",
                    row.epoch,
                    config.epochs,
                )

            try:
                trained = train(
                    one.config,
                    known,
                    one.split.within(start),
                    one.period,
                    folder=one.folder(settings),
                    styles=styles,
                    progress=tell_epoch,
                )
            except HistoryError as error:
                plan.absences[code] = str(error)
                continue
            except TrainError as error:
                raise ModelError(f"{code}: {error}") from error
            with connect_build(settings) as con:
                record_run(
                    con, _run_row(one, trained), [asdict(row) for row in trained.rows]
                )
            done.append(trained)
    return done


def _run_row(one: Due, trained: "Trained") -> dict[str, Any]:
    meta, config = trained.meta, one.config
    return {
        "run_id": meta.run_id,
        "model_code": config.model_code,
        "network": config.network,
        "label": config.label,
        "features": ", ".join(config.features),
        "config_sha256": meta.config_sha256,
        "config_json": meta.config_json,
        "train_first_date": meta.train_first,
        "train_last_date": meta.train_last,
        "valid_first_date": meta.valid_first,
        "valid_last_date": meta.valid_last,
        "max_label_end_date": meta.max_label_end,
        "first_scored_date": meta.first_scored,
        "period_end_date": meta.period_end,
        "embargo_days": config.horizon,
        "train_date_count": trained.train_date_count,
        "valid_date_count": trained.valid_date_count,
        "stock_count": trained.stock_count,
        "parameter_count": trained.parameter_count,
        "seed_count": len(config.seeds),
        "epoch_count": len(trained.rows),
        "valid_ic": trained.valid_ic,
        "code_version": meta.code_version,
        "device": trained.device,
        "seconds": trained.seconds,
        "checkpoint_path": "/".join(trained.folder.parts[-3:]),
        "weights_sha256": meta.weights_sha256,
    }


def score_due(settings: Settings, plan: Plan, tell: Tell) -> tuple[int, int]:
    """Score every due week that has a checkpoint, and load the scores.

    Returns
    -------
    weeks, scores : int
        Weeks scored, and scores stored.

    Raises
    ------
    ModelError
        A checkpoint is corrupted, foreign or does not fit.
    """
    ready = [one for one in plan.due if one.folder(settings).exists()]
    if not ready:
        return 0, 0
    from models_ml.checkpoint import CheckpointError
    from models_ml.panel import make_inputs
    from models_ml.read import read_inputs
    from models_ml.score import open_scorer, score_day

    scored: list[ScoredWeek] = []
    for inputs, group in _by_inputs(ready):
        first = min(
            bisect_left(plan.days, one.weeks[0]) - one.config.lookback_days
            for one in group
        )
        last = max(bisect_left(plan.days, one.weeks[-1]) for one in group)
        days = plan.days[max(0, first) : last + 1]
        tell(f"reading {inputs} inputs for scoring", 0, 0)
        with connect_build(settings, read_only=True) as con:
            panel: Panel = read_inputs(con, inputs, days=days)
        for number, one in enumerate(group, start=1):
            tell(f"scoring {one.config.model_code}", number, len(group))
            try:
                scorer = open_scorer(one.folder(settings), one.config)
                seen = make_inputs(panel, one.config)
                for week in one.weeks:
                    day = bisect_left(days, week)
                    stocks, scores = score_day(scorer, seen, panel.days, day)
                    scored.append(
                        ScoredWeek(
                            one.config.model_code,
                            week,
                            scorer.meta.run_id,
                            [panel.codes[stock] for stock in stocks],
                            scores.tolist(),
                        )
                    )
            except CheckpointError as error:
                raise ModelError(str(error)) from error
    tell("loading the scores", 0, 0)
    count = write_scores(settings, scored)
    with connect_build(settings) as con:
        note_weeks(con, scored)
    return len(scored), count


def note_absences(settings: Settings, plan: Plan) -> None:
    """Write down why models have no scores."""
    with connect_build(settings) as con:
        record_absences(con, plan.absences, sorted(load_configs()))
