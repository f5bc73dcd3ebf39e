"""Minute bars that add up to the day, with two states that only they show.

The states shift volume between morning and afternoon and skew the bars' returns; open,
close and volume of the day are given. Add a pattern within the day here; keep what a
daily bar shows in ``returns``.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from warehouse.sample_market.bars import Ranges, bridge_high
from warehouse.sample_market.returns import Paths, round_price
from warehouse.sample_market.universe import Floats, Integers, Universe
from warehouse.sample_market.write import raw_table, text_column, write_parquet

SESSION_MINUTES = 240
MORNING_MINUTES = 120
HALF_HOUR = 30
# One standard deviation of the first state moves the volume of the second to fourth
# half hour by +25% and of the fifth to seventh by -25%; noise of a half hour is 20%.
VOLUME_TILT = 0.25
VOLUME_NOISE = 0.45
# Share of the squared shock in a bar's return per standard deviation of the second.
SKEW = 0.30
TRADE_AMOUNT_CNY = 30_000.0


@dataclass(frozen=True)
class Grid:
    """The bars of a session: their ends and the usual shape of volume and movement."""

    minutes: int
    end_minute: Integers
    volume_shape: Floats
    tilt: Floats
    movement: Floats

    @property
    def bars(self) -> int:
        """Return the number of bars of a day."""
        return len(self.end_minute)

    def times(self, day: np.datetime64) -> npt.NDArray[np.datetime64]:
        """Return the ends of the bars: 09:35 to 11:30 and 13:05 to 15:00 for five."""
        after_lunch = self.end_minute > MORNING_MINUTES
        clock = 9 * 60 + 30 + self.end_minute + 90 * after_lunch
        start = day.astype("datetime64[m]")
        return np.asarray(start + clock.astype("timedelta64[m]"))


def make_grid(minutes: int) -> Grid:
    """Lay out the bars of a session of four hours.

    Raises
    ------
    ValueError
        If the length is not 1, 5 or 15.
    """
    if minutes not in (1, 5, 15):
        raise ValueError(f"bar_minutes must be 1, 5 or 15, got {minutes}")
    end = np.arange(minutes, SESSION_MINUTES + 1, minutes)
    middle = end - minutes / 2.0
    volume = 0.7 + 1.6 * np.exp(-middle / 25.0)
    volume += 0.5 * np.exp(-(SESSION_MINUTES - middle) / 15.0)
    half_hour = ((end - 1) // HALF_HOUR) + 1
    tilt = np.where((half_hour >= 2) & (half_hour <= 4), 1.0, 0.0)
    tilt -= np.where((half_hour >= 5) & (half_hour <= 7), 1.0, 0.0)
    movement = 0.8 + 1.2 * np.exp(-middle / 20.0)
    movement /= np.sqrt((movement**2).sum())
    return Grid(minutes, end, volume / volume.sum(), VOLUME_TILT * tilt, movement)


def split_volume(
    volume: Floats, state: Floats, grid: Grid, rng: np.random.Generator
) -> Floats:
    """Split the day's shares (N,) into whole lots per bar (N, bars), at least one."""
    noise = VOLUME_NOISE * rng.standard_normal((len(volume), grid.bars))
    share = grid.volume_shape * np.exp(noise + state[:, None] * grid.tilt)
    filled = np.cumsum(share, axis=1) / share.sum(axis=1, keepdims=True)
    spare = volume / 100.0 - grid.bars
    filled = np.rint(filled * spare[:, None])
    return np.asarray((np.diff(filled, axis=1, prepend=0.0) + 1.0) * 100.0)


def draw_path(
    move: Floats, sigma: Floats, state: Floats, grid: Grid, rng: np.random.Generator
) -> Floats:
    """Return log prices over the open at the end of each bar, (N, bars).

    A bridge from 0 to ``move``; its steps are normal plus the state times a squared
    normal, so that they are skewed while their sum is given.
    """
    shock = rng.standard_normal((len(move), grid.bars))
    step = shock + SKEW * state[:, None] * (shock**2 - 1.0)
    step *= grid.movement * sigma[:, None]
    share = np.cumsum(grid.movement**2)
    path = np.cumsum(step, axis=1)
    return path + (move - path[:, -1])[:, None] * share


def draw_day(
    universe: Universe,
    paths: Paths,
    day: int,
    grid: Grid,
    rng: np.random.Generator,
) -> dict[str, Floats]:
    """Return open, high, low, close, volume, amount and trades of the bars of a day.

    Each (N, bars) over the stocks that trade; prices in ticks within the limits. The
    first bar opens at the day's open, the last closes at its close.
    """
    stocks = np.flatnonzero(universe.trading[day])
    opened, closed = paths.open[day, stocks], paths.close[day, stocks]
    sigma = np.where(
        paths.is_one_price[day, stocks], 0.0, paths.intraday_sigma[day, stocks]
    )
    up = np.nan_to_num(paths.limit_up[day, stocks], nan=np.inf)[:, None]
    down = np.nan_to_num(paths.limit_down[day, stocks], nan=0.0)[:, None]
    path = draw_path(
        np.log(closed / opened), sigma, paths.return_skew[day, stocks], grid, rng
    )
    close = np.clip(round_price(opened[:, None] * np.exp(path)), down, up)
    slip = rng.choice([-0.01, 0.0, 0.0, 0.01], close.shape) * (sigma[:, None] > 0)
    start = np.empty_like(close)
    start[:, 0] = opened
    start[:, 1:] = np.clip(round_price(close[:, :-1] + slip[:, 1:]), down, up)
    variance = (0.5 * grid.movement * sigma[:, None]) ** 2
    uniform = 1.0 - rng.random((2, *close.shape))
    move = np.log(close / start)
    high = start * np.exp(bridge_high(move, variance, uniform[0]))
    low = start * np.exp(-bridge_high(-move, variance, uniform[1]))
    high = np.maximum(np.minimum(round_price(high), up), np.maximum(start, close))
    low = np.minimum(np.maximum(round_price(low), down), np.minimum(start, close))
    volume = split_volume(
        paths.volume[day, stocks], paths.early_volume[day, stocks], grid, rng
    )
    amount = np.round((start + high + low + close) / 4.0 * volume, 2)
    size = TRADE_AMOUNT_CNY * np.exp(0.3 * rng.standard_normal(close.shape))
    return {
        "open_cny": start,
        "high_cny": high,
        "low_cny": low,
        "close_cny": close,
        "volume_shares": volume,
        "amount_cny": amount,
        "trade_count": np.maximum(np.rint(amount / size), 1.0),
    }


def minute_table(
    universe: Universe, day: int, grid: Grid, bars: dict[str, Floats]
) -> pa.Table:
    """Return the raw table of one day, ordered by stock and time."""
    stocks = np.flatnonzero(universe.trading[day])
    times = np.tile(grid.times(universe.days[day]), len(stocks))
    return raw_table(
        "minute_bar",
        {
            "security_code": text_column(universe.code, np.repeat(stocks, grid.bars)),
            "bar_time": times.astype("datetime64[us]"),
            "bar_minutes": np.full(len(times), grid.minutes),
            **{name: values.ravel() for name, values in bars.items()},
        },
    )


def write_minutes(
    universe: Universe,
    paths: Paths,
    ranges: Ranges,
    folder: Path,
    *,
    first_day: np.datetime64,
    minutes: int,
    seeds: np.random.SeedSequence,
    workers: int = 2,
) -> None:
    """Write one file a day from ``first_day`` on and set the days' ranges from them.

    Every day has a random stream of its own, so the order of the workers is of no
    account. At most ``workers`` days are in memory.
    """
    grid = make_grid(minutes)
    first = int(np.searchsorted(universe.days, first_day))
    first = max(first, universe.first)
    streams = seeds.spawn(len(universe.days) - first)

    def write_day(offset: int) -> None:
        day = first + offset
        bars = draw_day(
            universe, paths, day, grid, np.random.default_rng(streams[offset])
        )
        table = minute_table(universe, day, grid, bars)
        write_parquet(table, folder / f"{universe.days[day]}.parquet")
        cells = (day - universe.first, universe.trading[day])
        ranges.high[cells] = bars["high_cny"].max(axis=1)
        ranges.low[cells] = bars["low_cny"].min(axis=1)
        ranges.amount[cells] = np.round(bars["amount_cny"].sum(axis=1), 2)

    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(write_day, range(len(streams))):
            pass
