"""The text factor: planted tone, null markets, real reports, and encoding throughput.

Run ``python -m benchmarks.text_benchmark [tone|null|real|speed ...]``. Generated
markets are made in a temporary folder without minute bars; real reports are loaded from
``LUNDONG_REAL_DATA`` into a store of their own, which is refreshed. Nothing here is a
claim of skill: n and intervals stand beside every number. What falls short of its bound
ends the run with an error.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
import yaml  # type: ignore[import-untyped]
from scipy.stats import spearmanr

from benchmarks.measure import run_measured
from dagster_defs.texts import text_periods
from models_ml.metrics import newey_west_t
from models_ml.text.classifier import WordCounts, fit, score_of
from models_ml.text.config import TextConfig, load_text_config
from models_ml.text.encoder import Encoder, batches, open_encoder, padded
from models_ml.text.pretrain import make_tokenizer, pretrain
from warehouse.sample_market import make_sample
from warehouse.sample_market.config import DEFAULT, SampleConfig
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_build, connect_published

Doubles = npt.NDArray[np.float64]
# No setting was chosen by these; 7 to 12 were looked at while it was.
SEEDS = (21, 22, 23)
NULL_SEEDS = tuple(range(101, 111))
MARKET = replace(DEFAULT, minute_first_day=None)
NULL_MARKET = replace(MARKET, stocks=400, delisted=24, smallest_industry=3,
                      basket_members=15, first_day="2022-01-04")  # fmt: skip
FIXED_TOKENS = 500
FIXED_BATCH = 32

TONE = 0.5
ORACLE_SHARE = 0.6
NULL_T = 1.5
OVER_BARE = 1.2
FASTER = 1.5

UNLIKE, MARKETS, REAL = "unlike", "generated market's", "real"

LUNDONG = Path(sys.executable).with_name("lundong")
MAPPING = PROJECT_ROOT / "warehouse" / "mappings" / "real.toml"
REPORTS_FILE = "analyst_reports_2024_2025.parquet"
STOCKS_FILE = "daily_report_stocks_2024_2025.parquet"
INDEX_FILES = ("index_daily_2018_2024.parquet", "index_daily_report_period.parquet")
# Files of which the stocks reported on are kept.
CUT_FILES = (
    "daily_2021_2024.parquet",
    "quarterly_fundamentals_2015_2024.parquet",
    "shenwan_industry_history.parquet",
    "stock_snapshot_2024_06_26.parquet",
)
REAL_FIRST_DAY = "2023-01-03"
# The share of the reports, by date, that trains.
REAL_SHARE = 0.6
REAL_CONFIG = {
    "vocabulary": 6000, "hidden": 64, "layers": 2, "heads": 2, "batch": 16,
    "steps": 100, "leaf_weight": 5.0, "rounds": 20, "minimum_reports": 50,
    "explain_days": 20,
}  # fmt: skip
# Counted in the files by their description.
REAL_COUNTS = {"conclusion_raises_or_lowers": 166, "first_coverage": 290}
REAL_MODELS = ("text_bert", "text_word_count")

REPORTS = """
with day as (
    select trade_date, row_number() over (order by trade_date) as place
    from (select distinct trade_date from bar)
),
known as (
    select report.*, day.place, day.trade_date as known_date
    from report
    asof join day on report.usable_from <= day.trade_date
)
select
    known.report_id, known.security_code, known.known_date,
    known.title, known.abstract, known.tone,
    after.price / before.price - ix_after.price / ix_before.price as abnormal_return,
    end_day.trade_date as label_end_date
from known
left join day as start_day on start_day.place = known.place - 1
left join day as end_day on end_day.place = known.place + 1
left join bar as before
    on before.security_code = known.security_code
    and before.trade_date = start_day.trade_date
left join bar as after
    on after.security_code = known.security_code
    and after.trade_date = end_day.trade_date
left join benchmark_bar as ix_before on ix_before.trade_date = start_day.trade_date
left join benchmark_bar as ix_after on ix_after.trade_date = end_day.trade_date
order by known.known_date, known.report_id
"""


@dataclass(frozen=True)
class Scored:
    """Out-of-sample scores of the reports by encoder, NaN where there is none."""

    reports: pd.DataFrame
    scores: dict[str, Doubles]


def say(text: str) -> None:
    print(text, flush=True)


def words_of_rules() -> dict[str, Any]:
    project = yaml.safe_load(
        (PROJECT_ROOT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8")
    )
    rules: dict[str, Any] = project["vars"]["report_rules"]
    return rules


def open_market(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection with a generated market's files as views."""
    con = duckdb.connect()
    for name in ("daily_bar", "index_bar", "analyst_report", "truth/report_tone"):
        path = folder / f"{name}.parquet"
        con.read_parquet(str(path)).create_view(path.stem)
    return con


def read_generated(folder: Path) -> pd.DataFrame:
    """Return a generated market's reports with labels and tones."""
    con = open_market(folder)
    con.execute(
        """
        create view bar as
        select security_code, trade_date, close_cny * adjust_factor as price
        from daily_bar where volume_shares > 0;
        create view benchmark_bar as
        select trade_date, close as price
        from index_bar where index_code = '000905.SH';
        create view report as
        select
            report.report_id, report.security_code, report.title, report.abstract,
            truth.tone,
            cast(report.published_at as date) + case
                when cast(report.published_at as time) > time '15:00:00' then 1 else 0
            end as usable_from
        from analyst_report as report
        join report_tone as truth using (report_id)
        """
    )
    frame = con.execute(REPORTS).df()
    rules = words_of_rules()
    frame["is_used"] = frame["title"].str.contains(
        f"{rules['raised_words']}|{rules['lowered_words']}"
    )
    return frame


def joined(frame: pd.DataFrame) -> list[str]:
    return (frame["title"] + "。" + frame["abstract"]).tolist()


def score_walk_forward(
    reports: pd.DataFrame, config: TextConfig, folder: Path
) -> Scored:
    """Score the reports as the refresh does, period after period."""
    scores = {code: np.full(len(reports), np.nan) for code in ("bert", "word_count")}
    encoder: Encoder | None = None
    vectors: dict[int, Any] = {}
    for period in text_periods(reports, config):
        made = folder / f"encoder-{period.encoder_cutoff}"
        if encoder is None or not made.exists():
            cutoff = pd.Timestamp(period.encoder_cutoff)
            corpus = joined(reports[reports["known_date"] < cutoff])
            pretrain(corpus, config, made, cutoff=period.encoder_cutoff)
            encoder = open_encoder(
                made, maximum_tokens=config.maximum_tokens, threads=config.threads
            )
            vectors = {}
        both = pd.concat([period.train, period.score])
        new = both[~both.index.isin(vectors.keys())]
        vectors |= dict(zip(new.index, encoder.encode(joined(new)), strict=True))
        returns = period.train["abnormal_return"].to_numpy()
        trees = fit(np.stack([vectors[k] for k in period.train.index]), returns, config)
        found = trees.probabilities(np.stack([vectors[k] for k in period.score.index]))
        scores["bert"][period.score.index] = score_of(found)
        texts = period.train["title"].tolist(), period.train["abstract"].tolist()
        counts = WordCounts.of(*texts, config)
        trees = fit(counts.features(*texts), returns, config)
        features = counts.features(
            period.score["title"].tolist(), period.score["abstract"].tolist()
        )
        scores["word_count"][period.score.index] = score_of(
            trees.probabilities(features)
        )
    return Scored(reports, scores)


def factor_ic(
    folder: Path, reports: pd.DataFrame, values: Doubles
) -> tuple[Doubles, float]:
    """Return weekly rank ICs of a value of reports, averaged over three months.

    The return is that of the next exchange week, close to close; weeks below 30 stocks
    are left out.
    """
    con = open_market(folder)
    scored = reports.assign(value=values)[["security_code", "known_date", "value"]]
    con.register("scored", scored[np.isfinite(values)])
    panel = con.execute(
        """
        with bar as (
            select security_code, trade_date, close_cny * adjust_factor as price
            from daily_bar
        ),
        week as (
            select max(trade_date) as day
            from (select distinct trade_date from bar)
            group by date_trunc('week', trade_date)
        ),
        step as (select day, lead(day) over (order by day) as next_day from week)
        select
            step.day, scored.security_code, avg(scored.value) as value,
            any_value(after.price / before.price - 1) as forward_return
        from step
        join scored
            on scored.known_date <= step.day
            and scored.known_date > step.day - interval 3 month
        join bar as before
            on before.security_code = scored.security_code
            and before.trade_date = step.day
        join bar as after
            on after.security_code = scored.security_code
            and after.trade_date = step.next_day
        group by step.day, scored.security_code
        order by step.day, scored.security_code
        """
    ).df()
    found = [
        spearmanr(week["value"], week["forward_return"])[0]
        for _, week in panel.groupby("day")
        if len(week) >= 30 and week["value"].nunique() > 1
    ]
    series = np.array(found)
    return series, newey_west_t(series)


def generated(
    seed: int, config: SampleConfig, *, null: bool, scratch: Path
) -> tuple[Path, Scored]:
    settings = Settings(home=scratch)
    make_sample(settings, config=config, seed=seed, null=null)
    reports = read_generated(settings.sample)
    text = load_text_config(profile="sample")
    if config.stocks < MARKET.stocks:
        text = replace(text, minimum_reports=500)
    return settings.sample, score_walk_forward(reports, text, scratch)


def tone(seeds: tuple[int, ...]) -> list[str]:
    """Print correlation with the planted tone and IC against the oracle's.

    Returns
    -------
    list of str
        What falls short of its bound, as of all parts.
    """
    short = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as scratch:
            folder, scored = generated(seed, MARKET, null=False, scratch=Path(scratch))
            truth = scored.reports["tone"].to_numpy()
            known = np.isfinite(scored.scores["bert"])
            tones = {
                code: spearmanr(values[known], truth[known])[0]
                for code, values in scored.scores.items()
            }
            oracle, _ = factor_ic(
                folder, scored.reports, np.where(known, truth, np.nan)
            )
            line = f"seed {seed}: n {known.sum()}"
            shares = {}
            for code, values in scored.scores.items():
                series, t_value = factor_ic(folder, scored.reports, values)
                shares[code] = series.mean() / oracle.mean()
                line += (
                    f"; {code} tone {tones[code]:.3f} IC {series.mean():.4f} "
                    f"(t {t_value:.1f}, {shares[code]:.0%} of the oracle's)"
                )
            say(f"{line}; oracle IC {oracle.mean():.4f}, {len(oracle)} weeks")
            if not tones["bert"] >= max(TONE, tones["word_count"]):
                short.append(f"seed {seed}: tone {tones['bert']:.3f}")
            if not shares["bert"] >= ORACLE_SHARE:
                short.append(f"seed {seed}: {shares['bert']:.0%} of the oracle's IC")
    return short


def null(seeds: tuple[int, ...]) -> list[str]:
    """Print the t value of the factor's mean IC on markets without any effect."""
    found = []
    for seed in seeds:
        with tempfile.TemporaryDirectory() as scratch:
            folder, scored = generated(
                seed, NULL_MARKET, null=True, scratch=Path(scratch)
            )
            series, t_value = factor_ic(folder, scored.reports, scored.scores["bert"])
            found.append(t_value)
            say(f"null {seed}: IC {series.mean():.4f} t {t_value:.2f}")
    mean = float(np.abs(found).mean())
    say(f"{len(found)} null markets: mean |t| {mean:.2f}")
    return [] if mean < NULL_T else [f"mean |t| {mean:.2f} on null markets"]


def interval(scores: Doubles, returns: Doubles) -> tuple[float, float, float]:
    """Return Spearman's correlation and its bootstrap 95% interval."""
    rng = np.random.default_rng(0)
    draws = [
        spearmanr(scores[pick], returns[pick])[0]
        for pick in (rng.integers(0, len(scores), len(scores)) for _ in range(2000))
    ]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(spearmanr(scores, returns)[0]), float(low), float(high)


def prepare_real(
    folder: Path, target: Path, config: Mapping[str, int | float]
) -> dict[str, str]:
    """Write the files of the stocks reported on and a configuration of the text models.

    They are a market of their own: after the other files' last day only they have bars,
    too few for a day of the whole market.

    Returns
    -------
    dict
        Variables under which the store is loaded and refreshed.
    """
    files = target / "files"
    files.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(
            "create table stock as select distinct code from read_parquet(?)",
            [str(folder / STOCKS_FILE)],
        )
        for name in CUT_FILES:
            kept = con.sql(
                "from read_parquet(?) where code in (from stock)",
                params=[str(folder / name)],
            )
            if name.startswith("daily_"):
                first_day = duckdb.ConstantExpression(REAL_FIRST_DAY)
                kept = kept.filter(duckdb.ColumnExpression("date") >= first_day)
            kept.write_parquet(str(files / name))
        first = con.execute(
            "select quantile_disc(cast(date as date), ?) from read_parquet(?)",
            [REAL_SHARE, str(folder / REPORTS_FILE)],
        ).fetchall()[0][0]
    for name in (REPORTS_FILE, STOCKS_FILE, *INDEX_FILES):
        (files / name).symlink_to(folder / name)
    lines = [f"{key} = {value}" for key, value in config.items()]
    path = target / "text.toml"
    path.write_text("\n".join([*lines, f"first_scored = {first}\n"]), encoding="utf-8")
    return {
        "LUNDONG_HOME": str(target / "home"),
        "LUNDONG_MODELS": ",".join(REAL_MODELS),
        "LUNDONG_TEXT_CONFIG": str(path),
    }


# Labels are no published table.
REAL_REPORTS = """
select
    report.report_id,
    report.known_date,
    label.abnormal_return,
    label.label_end_date,
from intermediate.int_report as report
left join intermediate.int_report_forward_return as label using (report_id)
where report.excluded_reason is null
"""

REAL_TABLES = {
    "findings": """
        select finding, sum(row_count) as row_count
        from meta.meta_load_finding
        group by finding
        order by finding
    """,
    "rules": """
        select rule_group, rule, sum(hit_count) as hit_count
        from scores.fct_report_rule_yearly
        group by rule_group, rule
        order by rule_group, rule
    """,
    "runs": """
        select
            encoder_code, train_report_count, max_label_end_date, first_scored_date
        from meta.meta_text_run
        order by encoder_code
    """,
    "scores": """
        select encoder_code, report_id, known_date, score
        from scores.fct_text_score
        order by encoder_code, report_id
    """,
    "monthly": """
        select encoder_code, trade_month_end, count(*) as stock_count
        from scores.fct_text_factor_monthly
        group by encoder_code, trade_month_end
        order by encoder_code, trade_month_end
    """,
    "calibration": """
        select
            encoder_code, year, class, report_count, mean_probability, actual_share,
            predicted_count, actual_down_count, actual_middle_count, actual_up_count
        from scores.fct_text_calibration
        order by encoder_code, year, class
    """,
    "rank IC": """
        select
            universe, factor_code, period, week_count, mean, t_value,
            tradable_week_count
        from factors.fct_factor_ic_summary
        where factor_code like 'text_%' and period = 'all'
        order by factor_code, universe
    """,
    "layers": """
        select
            layer,
            count(*) filter (where reason is null) as week_count,
            avg(paper_return) as mean_paper_return,
            count(reason) as absent_week_count,
            any_value(reason) as reason
        from factors.fct_factor_layer_return_weekly
        where universe = 'all' and factor_code = 'text_bert'
        group by layer
        order by layer
    """,
    "strategies": """
        select strategy_code, is_available, unavailable_reason
        from core.dim_strategy
        where strategy_code like 'bert_top25%'
        order by strategy_code
    """,
    "holdings": """
        select
            strategy_code,
            signal_date,
            count(*) as stock_count,
            string_agg(asset_code, ' ' order by rank) as stocks
        from rotation.fct_rotation_holding
        where strategy_code like 'bert_top25%' and weight > 0
        group by strategy_code, signal_date
        order by strategy_code, signal_date
    """,
    "performance": """
        select
            strategy_code, period, first_date, last_date, total_return,
            benchmark_return, max_drawdown, turnover, day_count
        from rotation.fct_rotation_performance
        where strategy_code like 'bert_top25%'
        order by strategy_code, period
    """,
}
REAL_STRATEGIES = ("bert_top25", "bert_top25_score")


@dataclass(frozen=True)
class RealStore:
    """What a refreshed store of real reports holds, and the reports' returns."""

    tables: dict[str, pd.DataFrame]
    reports: pd.DataFrame

    @classmethod
    def read(cls, settings: Settings) -> RealStore:
        """Read a store that was made with ``prepare_real``."""
        with connect_published(settings) as con:
            tables = {name: con.execute(sql).df() for name, sql in REAL_TABLES.items()}
        with connect_build(settings, read_only=True) as con:
            return cls(tables, con.execute(REAL_REPORTS).df())

    def count(self, table: str, key: str, value: str) -> int:
        """Return the count of one finding or rule, 0 where there is none."""
        frame = self.tables[table]
        return int(frame.loc[frame[key] == value, frame.columns[-1]].sum())

    def misses(self) -> list[str]:
        """Return what is empty, and what is not as the rules and the files say."""
        short = [f"{name} is empty" for name, one in self.tables.items() if one.empty]
        for name, count in REAL_COUNTS.items():
            if (found := self.count("findings", "finding", name)) != count:
                short.append(f"{name}: {found} reports, {count} are in the file")
        if (used := self.count("rules", "rule", "used")) != len(self.reports):
            short.append(f"{len(self.reports)} reports are used, by the rules {used}")
        for run in self.tables["runs"].itertuples():
            first = run.first_scored_date
            out = self.scored(run.encoder_code)
            wanted = self.reports[self.reports["known_date"] >= first]
            train = self.reports["label_end_date"] < first
            if set(out["report_id"]) != set(wanted["report_id"]):
                short.append(
                    f"{run.encoder_code}: {len(out)} scores, {len(wanted)} reports"
                )
            if not self.has("calibration", "encoder_code", run.encoder_code):
                short.append(f"{run.encoder_code}: no calibration")
            if run.train_report_count != train.sum():
                short.append(
                    f"{run.encoder_code}: trained on {run.train_report_count} of "
                    f"{train.sum()} reports"
                )
        short += [
            f"{strategy} has no {name}"
            for strategy in REAL_STRATEGIES
            for name in ("holdings", "performance")
            if not self.has(name, "strategy_code", strategy)
        ]
        return short

    def has(self, table: str, key: str, value: str) -> bool:
        """Return whether a table has a row of a key."""
        return bool((self.tables[table][key] == value).any())

    def scored(self, encoder_code: str) -> pd.DataFrame:
        """Return an encoder's scores beside the reports' returns."""
        scores = self.tables["scores"]
        chosen = scores[scores["encoder_code"] == encoder_code]
        return chosen.merge(self.reports.drop(columns="known_date"), on="report_id")


def real(folder: Path) -> list[str]:
    """Print what the first 60% of the real reports say of the rest."""
    with tempfile.TemporaryDirectory() as scratch:
        variables = prepare_real(folder, Path(scratch), REAL_CONFIG)
        files = str(Path(scratch) / "files")
        load = [str(LUNDONG), "load", "folder", str(MAPPING), "--dir", files]
        run_measured(load, variables)
        refreshed = run_measured([str(LUNDONG), "refresh"], variables)
        store = RealStore.read(Settings(home=Path(variables["LUNDONG_HOME"])))
    say(f"load and refresh by the command line; refresh {refreshed.seconds:.0f} s")
    for name, table in store.tables.items():
        if name not in ("runs", "scores"):
            say(f"{name}\n{table.to_string(index=False)}")
    for run in store.tables["runs"].itertuples():
        scored = store.scored(run.encoder_code).dropna(subset="abnormal_return")
        value, low, high = interval(
            scored["score"].to_numpy(), scored["abnormal_return"].to_numpy()
        )
        say(
            f"{run.encoder_code}: first scored {run.first_scored_date:%Y-%m-%d}, n "
            f"{run.train_report_count} in sample, {len(scored)} out, rank correlation "
            f"{value:.3f}, bootstrap 95% {low:.3f} to {high:.3f}"
        )
    return store.misses()


def corpora(folder: Path | None) -> dict[str, list[str]]:
    """Return texts of very different lengths, a generated market's, and real ones.

    A generated market's reports are of like length, and real ones fill the window.
    """
    rng = np.random.default_rng(0)
    clause = ("新签订单增加", "毛利率走低", "存货规模下降", "市场份额上升")
    found = {
        UNLIKE: [
            ",".join(rng.choice(clause, size)) for size in rng.integers(4, 120, 400)
        ]
    }
    with tempfile.TemporaryDirectory() as scratch:
        settings = Settings(home=Path(scratch))
        make_sample(settings, config=NULL_MARKET)
        market = read_generated(settings.sample)
        found[MARKETS] = joined(market.sample(400, random_state=0))
    if folder is not None:
        with duckdb.connect() as con:
            rows = con.execute(
                "select title || '。' || coalesce(conclusion, '') from read_parquet(?) "
                "order by md5(concat_ws('|', date, code, org, title)) limit 400",
                [str(folder / REPORTS_FILE)],
            ).fetchall()
        found[REAL] = [text for (text,) in rows]
    return found


def bare(network: torch.nn.Module, ready: list[Any]) -> None:
    with torch.inference_mode():
        for tokens, mask in ready:
            network(input_ids=tokens, attention_mask=mask)[0][:, 0].float().numpy()


def best_of(count: int, action: Any) -> float:
    """Return the shortest of some runs, in seconds."""
    found = []
    for _ in range(count):
        started = time.perf_counter()
        action()
        found.append(time.perf_counter() - started)
    return min(found)


def speed(name: str, texts: list[str]) -> list[str]:
    """Print throughput beside a bare loop and an unsorted one of fixed length.

    Texts that all fill the window leave nothing to gain by their order.
    """
    from transformers import BertConfig, BertModel

    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch)
        tokenizer = make_tokenizer(texts, 4000)
        tokenizer.save(str(made / "tokenizer.json"))
        torch.manual_seed(0)
        size = BertConfig(
            vocab_size=tokenizer.get_vocab_size(), hidden_size=256, num_hidden_layers=4,
            num_attention_heads=4, intermediate_size=1024, max_position_embeddings=512,
        )  # fmt: skip
        BertModel(size, add_pooling_layer=False).save_pretrained(made)
        encoder = open_encoder(
            made, maximum_tokens=FIXED_TOKENS, threads=os.cpu_count() or 1
        )
    ids = encoder.token_ids(texts)
    lengths = [len(one) for one in ids]
    ready = [padded([ids[k] for k in batch]) for batch in batches(lengths)]
    fixed = []
    for start in range(0, len(ids), FIXED_BATCH):
        part = ids[start : start + FIXED_BATCH]
        tokens, mask = padded([*part, [0] * FIXED_TOKENS])
        mask[: len(part)] = tokens[: len(part)] != 0
        fixed.append((tokens[: len(part)], mask[: len(part)]))
    times: dict[str, float] = {
        "ours": best_of(3, lambda: encoder.encode(texts)),
        "bare loop over ready batches": best_of(
            3, lambda: bare(encoder.network, ready)
        ),
        "unsorted, fixed length": best_of(3, lambda: bare(encoder.network, fixed)),
    }
    ours = times["ours"]
    say(f"{len(texts)} {name} texts, {np.mean(lengths):.0f} tokens on average")
    for way, seconds in times.items():
        say(f"{way}: {len(texts) / seconds:.0f} texts a second, {seconds / ours:.2f}")
    over = ours / times["bare loop over ready batches"]
    faster = times["unsorted, fixed length"] / ours
    short = [] if over <= OVER_BARE else [f"{name}: {over:.2f} of the bare loop's time"]
    if name != REAL and faster < FASTER:
        short.append(f"{name}: {faster:.2f} times as fast as at fixed length")
    return short


PARTS = ("tone", "null", "real", "speed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--nulls", type=int, default=len(NULL_SEEDS))
    chosen = parser.parse_args()
    data = os.environ.get("LUNDONG_REAL_DATA")
    folder = Path(data) if data else None
    short: list[str] = []
    for part in chosen.parts or PARTS:
        if part == "tone":
            short += tone(tuple(chosen.seeds))
        elif part == "null":
            short += null(NULL_SEEDS[: chosen.nulls])
        elif part == "speed":
            for name, texts in corpora(folder).items():
                short += speed(name, texts)
        elif folder is not None:
            short += real(folder)
        else:
            say("real reports: LUNDONG_REAL_DATA is not set")
    if short:
        raise SystemExit(f"error: {'; '.join(short)}")


if __name__ == "__main__":
    main()
