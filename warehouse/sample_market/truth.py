"""What is true of a generated market: expected returns, tones, planted effects.

These tables lie beside the data and no mapping loads them. Add what a benchmark must
compare a model with; keep everything that a model may see out.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from warehouse.sample_market.config import Effects
from warehouse.sample_market.events import Reports, spread_tone, tone_kernel
from warehouse.sample_market.returns import (
    COMPONENTS,
    HORIZON_DAYS,
    Paths,
    effect_vector,
)
from warehouse.sample_market.texts import report_ids
from warehouse.sample_market.universe import Floats, Universe
from warehouse.sample_market.write import text_column

# The fall on the first day of a delisting period cannot be foreseen a day before.
STEADY_DECLINE = -0.02


def persistence(universe: Universe, paths: Paths) -> Floats:
    """Return each driver's mean autocorrelation over the next 0 to 4 days.

    A driver known at the close of t acts on the days t+1 to t+5 through its later
    values, of which this share can be foreseen; shape (len(COMPONENTS),).
    """
    days = slice(universe.first, None)
    drivers = paths.drivers[days]
    steady = universe.active[days].all(axis=0)
    known = drivers[:, steady]
    power = (known[:-HORIZON_DAYS] ** 2).mean(axis=(0, 1), dtype=np.float64)
    share = np.zeros(len(COMPONENTS))
    for lag in range(HORIZON_DAYS):
        later = known[lag : len(known) - HORIZON_DAYS + lag]
        product = known[:-HORIZON_DAYS] * later
        share += product.mean(axis=(0, 1), dtype=np.float64) / power
    return share / HORIZON_DAYS


def tone_outlook(universe: Universe, reports: Reports, effects: Effects) -> Floats:
    """Return what the known reports will add over the next 5 days, shape (T, N)."""
    kernel = np.concatenate([tone_kernel(effects), np.zeros(HORIZON_DAYS)])
    ahead = np.cumsum(kernel)
    outlook = ahead[HORIZON_DAYS:] - ahead[:-HORIZON_DAYS]
    return spread_tone(reports, outlook, universe.active.shape)


def expected_components(
    universe: Universe, paths: Paths, reports: Reports, effects: Effects
) -> dict[str, Floats]:
    """Return the expected log return of the next 5 days by source, (D, N) each.

    D counts the written days. Means over stocks are not zero: compare across stocks.
    """
    days = slice(universe.first, None)
    weights = effect_vector(effects) * persistence(universe, paths)
    components = {
        name: weights[number] * paths.drivers[days, :, number].astype(np.float64)
        for number, name in enumerate(COMPONENTS)
    }
    components["tone"] = tone_outlook(universe, reports, effects)[days]
    decline = np.maximum(paths.decline[days], STEADY_DECLINE)
    components["decline"] = HORIZON_DAYS * decline
    return components


def expected_return_table(
    universe: Universe, paths: Paths, components: dict[str, Floats]
) -> pa.Table:
    """Return the truth per listed day and stock, with the two hidden minute states."""
    first = universe.first
    day, stock = np.nonzero(universe.active[first:])
    total = sum(components.values(), start=np.zeros(universe.active[first:].shape))

    def column(values: Floats) -> pa.Array:
        return pa.array(values[day, stock], pa.float32())

    columns = {
        "security_code": text_column(universe.code, stock),
        "trade_date": pa.array(universe.days[day + first], pa.date32()),
        "expected_return_5d": column(total),
        **{name: column(values) for name, values in components.items()},
        "early_volume_state": column(paths.early_volume[first:]),
        "skew_state": column(paths.return_skew[first:]),
    }
    return pa.table(columns)


def report_tone_table(universe: Universe, reports: Reports) -> pa.Table:
    """Return the tone of every report; the known date is NULL past the data."""
    count = len(reports.stock)
    known = np.full(count, np.datetime64("NaT"), dtype="datetime64[D]")
    inside = reports.known_index < len(universe.days)
    known[inside] = universe.days[reports.known_index[inside]]
    return pa.table(
        {
            "report_id": report_ids(count),
            "security_code": text_column(universe.code, reports.stock),
            "known_date": pa.array(known, pa.date32()),
            "tone": reports.tone,
        }
    )


def effect_table(universe: Universe, paths: Paths, effects: Effects) -> pa.Table:
    """Return the planted effects: 5-day return per unit of each driver, persistence.

    Tone has no persistence of its own: its days ahead are fixed when it is known.
    """
    names = [*COMPONENTS, "tone_jump", "tone_drift"]
    share = [*persistence(universe, paths).tolist(), None, None]
    return pa.table(
        {
            "effect": names,
            "return_5d_per_unit": [getattr(effects, name) for name in names],
            "foreseeable_share": pa.array(share, pa.float64()),
        }
    )
