"""The generated market: files in the raw tables' own columns, and their hidden truth.

``make_sample`` is the only entry. Add a table by a function of the module it belongs to
and one line here; keep anything that reads the files back out of this package.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from warehouse.sample_market import (
    bars,
    events,
    fundamentals,
    funds,
    indices,
    minutes,
    texts,
    truth,
)
from warehouse.sample_market.config import DEFAULT, SMALL, Effects, SampleConfig
from warehouse.sample_market.returns import Paths, simulate
from warehouse.sample_market.universe import Universe, make_universe
from warehouse.sample_market.write import write_parquet
from warehouse.settings import Settings

Progress = Callable[[str], None]
ONE_YEAR = np.timedelta64(366, "D")
STREAMS = (
    "universe",
    "capital",
    "reports",
    "returns",
    "ranges",
    "indices",
    "funds",
    "margin",
    "accounts",
    "texts",
)


def make_sample(
    settings: Settings,
    *,
    small: bool = False,
    null: bool = False,
    seed: int = 7,
    progress: Progress | None = None,
    config: SampleConfig | None = None,
) -> Path:
    """Generate a market and write it to ``settings.sample``.

    Parameters
    ----------
    settings : Settings
        Where the files go; an older sample there is replaced.
    small : bool
        About 130 stocks over two years, for tests.
    null : bool
        Plant no effect; everything else is drawn alike.
    seed : int
        Same seed and sizes, same files.
    progress : callable, optional
        Called with the name of each part as it begins.
    config : SampleConfig, optional
        Sizes and effects in place of those of ``small``.

    Returns
    -------
    Path
        The folder written: one Parquet file a raw table, minute bars in a folder with a
        file a day, and the truth in ``truth``, which no mapping loads.
    """
    if config is None:
        config = SMALL if small else DEFAULT
    report = progress if progress is not None else _say_nothing
    if settings.sample.exists():
        shutil.rmtree(settings.sample)
    settings.sample.mkdir(parents=True)
    for name, table in _tables(config, settings.sample, null, seed, report):
        write_parquet(table, settings.sample / f"{name}.parquet")
    return settings.sample


def _say_nothing(part: str) -> None:
    """Take the name of a part when nobody asked for progress."""


def _tables(
    config: SampleConfig, folder: Path, null: bool, seed: int, report: Progress
) -> Iterator[tuple[str, pa.Table]]:
    """Generate the tables one after the other; every part has its own random stream.

    Minute bars are written day by day on the way and are not yielded.
    """
    seeds = np.random.SeedSequence(seed).spawn(len(STREAMS) + 1)
    streams = {
        name: np.random.default_rng(child)
        for name, child in zip(STREAMS, seeds, strict=False)
    }
    effects = config.effects.none() if null else config.effects
    report("prices")
    universe = make_universe(config, streams["universe"])
    capital = events.make_capital_events(universe, streams["capital"])
    reports = events.make_reports(universe, config.reports_per_year, streams["reports"])
    tone_return = events.spread_tone(
        reports, events.tone_kernel(effects), universe.active.shape
    )
    paths = simulate(universe, capital, tone_return, effects, streams["returns"])
    written = slice(universe.first, None)
    ranges = bars.draw_ranges(paths, written, streams["ranges"])
    if config.minute_first_day is not None:
        report("minute bars")
        minutes.write_minutes(
            universe,
            paths,
            ranges,
            folder / "minute_bar",
            first_day=np.datetime64(config.minute_first_day),
            minutes=config.bar_minutes,
            seeds=seeds[-1],
        )
    report("daily tables")
    yield from _security_tables(universe, paths, ranges)
    report("indices and funds")
    yield from _index_tables(universe, paths, ranges, config, streams)
    report("companies")
    accounts = fundamentals.make_accounts(universe, paths, streams["accounts"])
    yield (
        "fundamental",
        fundamentals.fundamental_table(universe, paths, accounts, streams["accounts"]),
    )
    yield (
        "corporate_action",
        fundamentals.corporate_action_table(universe, paths, capital),
    )
    report("analysts")
    shares = np.nanmax(paths.total_shares, axis=0)
    yield from texts.report_tables(
        universe, reports, accounts, shares, streams["texts"]
    )
    report("truth")
    yield from _truth_tables(universe, paths, reports, effects)


def _security_tables(
    universe: Universe, paths: Paths, ranges: bars.Ranges
) -> Iterator[tuple[str, pa.Table]]:
    first_day = universe.days[0].astype("datetime64[Y]").astype("datetime64[D]")
    yield (
        "trading_calendar",
        bars.trading_calendar_table(first_day, universe.days[-1] + ONE_YEAR),
    )
    yield "security", bars.security_table(universe)
    yield "daily_bar", bars.daily_bar_table(universe, paths, ranges)
    yield "price_limit", bars.price_limit_table(universe, paths)
    yield "share_capital", bars.share_capital_table(universe, paths)
    yield "st_status", bars.st_status_table(universe)
    yield "industry_member", bars.industry_member_table(universe)


def _index_tables(
    universe: Universe,
    paths: Paths,
    ranges: bars.Ranges,
    config: SampleConfig,
    streams: dict[str, np.random.Generator],
) -> Iterator[tuple[str, pa.Table]]:
    first = universe.first
    members = indices.make_indices(universe, paths, config, streams["indices"])
    before = indices.previous_float_cap(universe, paths)
    levels = [
        indices.index_levels(
            universe, paths, ranges, indices.index_weights(index, before)
        )
        for index in members
    ]
    cap = np.nan_to_num(paths.close[first:] * paths.float_shares[first:])
    yield "market_index", indices.market_index_table(members)
    yield "index_bar", indices.index_bar_table(universe, members, levels)
    yield "index_member", indices.index_member_table(universe, members)
    yield "index_weight", indices.index_weight_table(universe, members, cap)
    yield from funds.fund_tables(universe, members, levels, streams["funds"]).items()
    yield (
        "margin_balance",
        funds.margin_balance_table(universe, paths, ranges.amount, streams["margin"]),
    )


def _truth_tables(
    universe: Universe, paths: Paths, reports: events.Reports, effects: Effects
) -> Iterator[tuple[str, pa.Table]]:
    components = truth.expected_components(universe, paths, reports, effects)
    yield (
        "truth/expected_return",
        truth.expected_return_table(universe, paths, components),
    )
    yield "truth/report_tone", truth.report_tone_table(universe, reports)
    yield "truth/effect", truth.effect_table(universe, paths, effects)
