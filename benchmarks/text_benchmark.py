"""The text factor: planted tone, null markets, real reports, and encoding throughput.

Run ``python -m benchmarks.text_benchmark [tone|null|real|speed ...]``. Generated
markets are made in a temporary folder without minute bars; real reports are read from
``LUNDONG_REAL_DATA``. Nothing here is a claim of skill: n and intervals stand beside
every number.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
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

from dagster_defs.texts import text_periods
from models_ml.metrics import newey_west_t
from models_ml.text.classifier import WordCounts, fit, score_of
from models_ml.text.config import TextConfig, load_text_config
from models_ml.text.encoder import Encoder, batches, open_encoder, padded
from models_ml.text.pretrain import make_tokenizer, pretrain
from warehouse.sample_market import make_sample
from warehouse.sample_market.config import DEFAULT, SampleConfig
from warehouse.settings import PROJECT_ROOT, Settings

Doubles = npt.NDArray[np.float64]
SEEDS = (7, 8, 9)
NULL_SEEDS = tuple(range(101, 111))
MARKET = replace(DEFAULT, minute_first_day=None)
NULL_MARKET = replace(MARKET, stocks=400, delisted=24, smallest_industry=3,
                      basket_members=15, first_day="2022-01-04")  # fmt: skip
FIXED_TOKENS = 500
FIXED_BATCH = 32

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
left join index_bar as ix_before on ix_before.trade_date = start_day.trade_date
left join index_bar as ix_after on ix_after.trade_date = end_day.trade_date
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


def read_generated(folder: Path) -> pd.DataFrame:
    """Return a generated market's reports with labels and tones."""
    con = duckdb.connect()
    con.execute(
        f"""
        create view bar as
        select security_code, trade_date, close_cny * adjust_factor as price
        from '{folder}/daily_bar.parquet' where volume_shares > 0;
        create view index_bar as
        select trade_date, close as price
        from '{folder}/index_bar.parquet' where index_code = '000905.SH';
        create view report as
        select
            report.report_id, report.security_code, report.title, report.abstract,
            truth.tone,
            cast(report.published_at as date) + case
                when cast(report.published_at as time) > time '15:00:00' then 1 else 0
            end as usable_from
        from '{folder}/analyst_report.parquet' as report
        join '{folder}/truth/report_tone.parquet' as truth using (report_id)
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
    con = duckdb.connect()
    scored = reports.assign(value=values)[["security_code", "known_date", "value"]]
    con.register("scored", scored[np.isfinite(values)])
    panel = con.execute(
        f"""
        with bar as (
            select security_code, trade_date, close_cny * adjust_factor as price
            from '{folder}/daily_bar.parquet'
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


def tone(seeds: tuple[int, ...]) -> None:
    """Print correlation with the planted tone and IC against the oracle's."""
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
            for code, values in scored.scores.items():
                series, t_value = factor_ic(folder, scored.reports, values)
                line += (
                    f"; {code} tone {tones[code]:.3f} IC {series.mean():.4f} "
                    f"(t {t_value:.1f}, {series.mean() / oracle.mean():.0%} of the "
                    "oracle's)"
                )
            say(f"{line}; oracle IC {oracle.mean():.4f}, {len(oracle)} weeks")


def null(seeds: tuple[int, ...]) -> None:
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
    say(f"{len(found)} null markets: mean |t| {np.abs(found).mean():.2f}")


REAL = """
create view bar as
select code as security_code, date as trade_date, close_cents * adj_factor as price
from '{folder}/daily_report_stocks_2024_2025.parquet' where volume > 0
union all
select code, date, close_cents * adj_factor
from '{folder}/daily_2021_2024.parquet'
where volume > 0 and date >= date '2024-06-01';
create view index_bar as
select date as trade_date, close_cents as price
from '{folder}/index_daily_report_period.parquet' where code = '000905.SH'
union all
select date, close_cents from '{folder}/index_daily_2018_2024.parquet'
where code = '000905.SH' and date < date '2024-06-27' and date >= date '2024-06-01';
create view report as
select
    md5(concat_ws('|', date, code, org, title)) as report_id,
    code || if(left(code, 1) = '6', '.SH', '.SZ') as security_code,
    title, coalesce(conclusion, '') as abstract, cast(null as double) as tone,
    cast(date as date) + 1 as usable_from
from '{folder}/analyst_reports_2024_2025.parquet'
"""


def interval(scores: Doubles, returns: Doubles) -> tuple[float, float, float]:
    """Return Spearman's correlation and its bootstrap 95% interval."""
    rng = np.random.default_rng(0)
    draws = [
        spearmanr(scores[pick], returns[pick])[0]
        for pick in (rng.integers(0, len(scores), len(scores)) for _ in range(2000))
    ]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return float(spearmanr(scores, returns)[0]), float(low), float(high)


def real(folder: Path) -> None:
    """Print what the first 60% of the real reports say of the rest."""
    con = duckdb.connect()
    con.execute(REAL.format(folder=folder))
    reports = con.execute(REPORTS).df()
    rules = words_of_rules()
    whole = reports["title"] + " " + reports["abstract"]
    adjusts = whole.str.contains(f"{rules['raised_words']}|{rules['lowered_words']}")
    first = whole.str.contains(rules["first_words"])
    said = reports["abstract"].str.contains("上调|下调")
    say(
        f"{len(reports)} reports: {said.sum()} conclusions say 上调 or 下调, "
        f"{adjusts.sum()} titles or conclusions adjust by the rule, {first.sum()} are "
        f"first coverages, {(adjusts & ~first).sum()} are used, "
        f"{reports['abnormal_return'].notna().sum()} have a label"
    )
    cut = reports["known_date"].quantile(0.6)
    config = replace(
        load_text_config(profile="sample"), vocabulary=6000, batch=16, steps=100,
        leaf_weight=5.0, rounds=20,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        early = reports[reports["known_date"] < cut]
        made = Path(scratch) / "made"
        pretrain(joined(early), config, made, cutoff=cut.date())
        encoder = open_encoder(made, maximum_tokens=500, threads=config.threads)
        vectors = encoder.encode(joined(reports))
    for name, chosen in (
        ("used reports", adjusts & ~first),
        ("all reports", ~first | first),
    ):
        kept = chosen & reports["abnormal_return"].notna()
        train = np.flatnonzero(
            kept & (reports["known_date"] < cut) & (reports["label_end_date"] < cut)
        )
        test = np.flatnonzero(kept & (reports["known_date"] >= cut))
        returns = reports["abnormal_return"].to_numpy()
        titles, abstracts = reports["title"].to_numpy(), reports["abstract"].to_numpy()
        counts = WordCounts.of(titles[train], abstracts[train], config)
        for code, features in (
            ("bert", vectors),
            ("word_count", counts.features(titles, abstracts)),
        ):
            trees = fit(features[train], returns[train], config)
            scores = score_of(trees.probabilities(features[test]))
            value, low, high = interval(scores, returns[test])
            say(
                f"{name}, {code}: n {len(train)} in sample, {len(test)} out, rank "
                f"correlation {value:.3f}, bootstrap 95% {low:.3f} to {high:.3f}"
            )


def corpora(folder: Path | None) -> dict[str, list[str]]:
    """Return generated texts of very different lengths, and real, long ones."""
    rng = np.random.default_rng(0)
    clause = ("新签订单增加", "毛利率走低", "存货规模下降", "市场份额上升")
    found = {
        "generated": [
            ",".join(rng.choice(clause, size)) for size in rng.integers(4, 120, 400)
        ]
    }
    if folder is not None:
        con = duckdb.connect()
        con.execute(REAL.format(folder=folder))
        found["real"] = [
            f"{title}。{abstract}"
            for title, abstract in con.execute(
                "select title, abstract from report order by report_id limit 400"
            ).fetchall()
        ]
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


def speed(name: str, texts: list[str]) -> None:
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


PARTS = ("tone", "null", "real", "speed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    parser.add_argument("--nulls", type=int, default=len(NULL_SEEDS))
    chosen = parser.parse_args()
    data = os.environ.get("LUNDONG_REAL_DATA")
    folder = Path(data) if data else None
    for part in chosen.parts or PARTS:
        if part == "tone":
            tone(tuple(chosen.seeds))
        elif part == "null":
            null(NULL_SEEDS[: chosen.nulls])
        elif part == "speed":
            for name, texts in corpora(folder).items():
                speed(name, texts)
        elif folder is not None:
            real(folder)
        else:
            say("real reports: LUNDONG_REAL_DATA is not set")


if __name__ == "__main__":
    main()
