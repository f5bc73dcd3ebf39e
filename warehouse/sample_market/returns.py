"""The day loop: planted expected returns, common factors, shocks, limits, ticks.

Everything of a day is one vector over stocks. Add a planted driver to ``_drivers`` and
to ``COMPONENTS``; keep what lies within a day (highs, lows, minutes) in ``bars``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from warehouse.sample_market.config import Effects
from warehouse.sample_market.events import CapitalEvents
from warehouse.sample_market.industries import CITIC1
from warehouse.sample_market.universe import (
    DELISTING,
    NOT_ST,
    Booleans,
    Floats,
    Universe,
)

# Drivers known at the close of a day, each with mean 0 and variance near 1 across
# stocks; tone and the decline of leaving companies are added beside them.
COMPONENTS = (
    "industry_momentum",
    "size",
    "volatility",
    "reversal",
    "turnover",
    "reversal_turnover",
    "intraday",
    "intraday_product",
)

# The effects are stated for the sum of the next five days.
HORIZON_DAYS = 5
MOMENTUM_DAYS = 220
INTRADAY_PERSISTENCE = 0.93
# Fields of ``Paths`` that the loop fills day by day, in its order.
DAILY_PATHS = (
    "open",
    "close",
    "reference",
    "factor",
    "limit_up",
    "limit_down",
    "volume",
    "total_shares",
    "float_shares",
    "free_float_shares",
    "cash_dividend",
    "rights_price",
)
# Share of the variance, and of the expected return, that falls before the open.
OVERNIGHT_SHARE = 0.2
MARKET_DRIFT = 0.00025
# News moves a stock overnight about twice a year. After a day of 9% or more a stock
# moves two and a half times as much in both directions, hence runs of limit days.
NEWS_RATE = 0.007
NEWS_SIZE = 0.09
HOT_RETURN = 0.09
HEAT = 2.5
LOWEST_PRICE = 0.2
# Every minute of a traded day has at least one lot.
LEAST_LOTS = 300.0
RIGHTS_PRICE_SHARE = 0.7


@dataclass(frozen=True)
class Paths:
    """Simulated prices and shares, shape (T, N); NaN where a stock is not listed.

    ``reference`` is the previous close less ex-rights effects, ``factor`` the
    cumulative adjustment, ``is_one_price`` a day that never left its limit,
    ``intraday_sigma`` the standard deviation of the way from open to close;
    ``early_volume`` and ``return_skew`` are the two states that only minutes show.
    ``drivers`` has the shape (T, N, len(COMPONENTS)), ``decline`` the expected daily
    return of companies that leave.
    """

    open: Floats
    close: Floats
    reference: Floats
    factor: Floats
    limit_up: Floats
    limit_down: Floats
    volume: Floats
    total_shares: Floats
    float_shares: Floats
    free_float_shares: Floats
    cash_dividend: Floats
    rights_price: Floats
    intraday_sigma: Floats
    is_one_price: Booleans
    early_volume: Floats
    return_skew: Floats
    drivers: npt.NDArray[np.float32]
    decline: Floats


def round_price(price: Floats) -> Floats:
    """Round to the tick of 0.01 CNY, never below the lowest price of the sample."""
    return np.maximum(np.rint(price * 100.0) / 100.0, LOWEST_PRICE)


def limit_price(reference: Floats, percent: Floats) -> Floats:
    """Return reference x (1 + percent / 100), rounded half up to the tick.

    Computed in hundredths of a cent, so that half cents round up without error. NaN
    where ``percent`` is NaN.
    """
    cents = np.rint(reference * 100.0)
    return np.floor((cents * (100.0 + percent) + 50.0) / 100.0 + 1e-9) / 100.0


def standardise(values: Floats, members: Booleans) -> Floats:
    """Return z-scores over ``members``, clipped at 3; 0 for the others."""
    result = np.zeros(len(values))
    inside = values[members]
    spread = inside.std()
    if spread > 0:
        result[members] = np.clip((inside - inside.mean()) / spread, -3.0, 3.0)
    return result


def half_normal(z: Floats) -> Floats:
    """Return max(z, 0) with mean 0 and variance 1 for a standard normal ``z``."""
    return (np.maximum(z, 0.0) - 0.3989) / 0.5838


def effect_vector(effects: Effects) -> Floats:
    """Return the 5-day effects in the order of ``COMPONENTS``."""
    return np.array([getattr(effects, name) for name in COMPONENTS])


def autoregressive(noise: Floats, persistence: float) -> Floats:
    """Return an AR(1) path per column with unit variance from unit noise."""
    path = np.empty_like(noise)
    path[0] = noise[0]
    scale = np.sqrt(1.0 - persistence**2)
    for day in range(1, len(noise)):
        path[day] = persistence * path[day - 1] + scale * noise[day]
    return path


@dataclass(frozen=True)
class _Shocks:
    """All random draws of the loop: (T,), (T, 30) or (T, N)."""

    overnight: Floats
    intraday: Floats
    intraday_sigma: Floats
    extra_turnover: Floats


def _common(
    scale: float, shape: tuple[int, ...], weather: Floats, rng: np.random.Generator
) -> Floats:
    """Draw fat-tailed common shocks, larger on stormy days."""
    draws = rng.standard_t(5, shape) / np.sqrt(5 / 3) * scale
    return np.asarray(draws * weather.reshape((-1,) + (1,) * (len(shape) - 1)))


def _draw_shocks(universe: Universe, rng: np.random.Generator) -> _Shocks:
    """Draw market, industry and own shocks, news jumps, listings and resumptions."""
    shape = universe.active.shape
    days, stocks = shape
    weather = np.exp(0.35 * autoregressive(rng.standard_normal((days, 1)), 0.97))[:, 0]
    market = _common(0.0085, (days,), weather, rng)
    industry = _common(0.0075, (days, len(CITIC1)), weather, rng)
    beta = np.clip(rng.normal(1.0, 0.25, stocks), 0.3, 1.8)
    sigma = np.clip(rng.lognormal(np.log(0.0185), 0.28, stocks), 0.008, 0.04)
    own = rng.standard_t(5, shape) / np.sqrt(5 / 3)
    own_overnight = rng.standard_t(5, shape) / np.sqrt(5 / 3)
    calm = np.sqrt(weather)[:, None]
    common = np.asarray(beta * market[:, None])
    switch = universe.reclassified_index
    common[:switch] += industry[:switch][:, universe.old_industry]
    common[switch:] += industry[switch:][:, universe.new_industry]
    overnight = np.sqrt(OVERNIGHT_SHARE) * (sigma * calm * own_overnight)
    overnight += OVERNIGHT_SHARE * common
    intraday_sigma = np.sqrt(1 - OVERNIGHT_SHARE) * sigma * calm
    intraday = intraday_sigma * own + (1 - OVERNIGHT_SHARE) * common
    news = rng.random(shape) < NEWS_RATE
    overnight[news] += rng.normal(0.0, NEWS_SIZE, news.sum())
    resumed = universe.trading[1:] & ~universe.trading[:-1] & universe.active[:-1]
    overnight[1:][resumed] += rng.normal(0.0, 0.05, resumed.sum())
    _list_at_a_premium(universe, overnight, rng)
    extra_turnover = 0.45 * autoregressive(rng.standard_normal(shape), 0.9)
    extra_turnover += 0.2 * rng.standard_normal(shape)
    return _Shocks(overnight, intraday, intraday_sigma, extra_turnover)


def _list_at_a_premium(
    universe: Universe, overnight: Floats, rng: np.random.Generator
) -> None:
    """Let new listings open far above the issue price, in place.

    Under the older rule (44% on the first day) one to three days at the limit follow.
    """
    for stock in np.flatnonzero(universe.list_index > 0):
        day = universe.list_index[stock]
        overnight[day, stock] += rng.normal(0.45, 0.25)
        run = int(rng.integers(1, 4))
        if universe.limit_percent[day, stock] == 44.0:
            overnight[day : day + run + 1, stock] += 0.4


def _industry_momentum(
    level: Floats, past: Floats, industry: npt.NDArray[np.int64], members: Booleans
) -> Floats:
    """Return each stock's industry's z-score of its mean log return."""
    groups = len(CITIC1)
    count = np.bincount(industry[members], minlength=groups)
    change = np.where(members, level - past, 0.0)
    total = np.bincount(industry, weights=change, minlength=groups)
    mean = total / np.maximum(count, 1)
    return standardise(mean, count > 0)[industry]


def _drivers(
    universe: Universe,
    day: int,
    level: Floats,
    log_return: Floats,
    turnover: Floats,
    log_cap: Floats,
    states: tuple[Floats, Floats],
) -> Floats:
    """Return the standardised drivers at the close of ``day``, shape (N, components).

    A stock has none before it is listed for 60 days.
    """
    members = universe.active[day] & (universe.list_index <= max(day - 60, 0))
    past = max(day - MOMENTUM_DAYS, 0)
    old = members & (universe.list_index <= past)
    month = slice(max(day - 19, 0), day + 1)
    quarter = slice(max(day - 59, 0), day + 1)
    volatility = np.log(log_return[month].std(axis=0) + 1e-4)
    usual = turnover[quarter].mean(axis=0) + 1e-5
    recent = np.maximum(turnover[max(day - 4, 0) : day + 1].mean(axis=0), 0.05 * usual)
    reversal = standardise(level[day] - level[max(day - 20, 0)], members)
    activity = standardise(np.log(recent / usual), members)
    early_volume, return_skew = states
    momentum = _industry_momentum(level[day], level[past], universe.industry(day), old)
    return np.stack(
        [
            momentum * members,
            standardise(log_cap, members),
            half_normal(standardise(volatility, members)) * members,
            reversal,
            activity,
            reversal * activity,
            early_volume * members,
            early_volume * return_skew * members,
        ],
        axis=1,
    )


@dataclass
class _State:
    """What a day hands on to the next: prices, factors and shares of each stock."""

    price: Floats
    factor: Floats
    total: Floats
    float_ratio: Floats


def _first_state(universe: Universe, rng: np.random.Generator) -> _State:
    """Draw prices and share counts; new listings float a small part."""
    stocks = universe.stocks
    price = round_price(
        np.clip(rng.lognormal(np.log(18.0), 0.6, (stocks,)), 6.0, 300.0)
    )
    capital = np.exp(np.clip(rng.normal(np.log(6e9), 1.1, (stocks,)), 20.0, 28.0))
    total = np.maximum(np.rint(capital / price / 100.0), 1e5) * 100.0
    float_ratio = rng.uniform(0.25, 1.0, (stocks,))
    is_new = universe.list_index > 0
    float_ratio[is_new] = rng.uniform(0.15, 0.3, (int(is_new.sum()),))
    return _State(price, np.ones(stocks), total, float_ratio)


def _go_ex(state: _State, events: CapitalEvents, day: int) -> dict[str, Floats]:
    """Apply the capital events before the open, and return reference and shares.

    The factor grows by previous close over reference, so that adjusted prices do not
    jump. Placed shares are locked up; bonus and rights shares are not.
    """
    bonus, rights = events.bonus[day], events.rights[day]
    cash = np.round(events.dividend_yield[day] * state.price, 3)
    offer = np.where(rights > 0, round_price(state.price * RIGHTS_PRICE_SHARE), 0.0)
    is_ex = (cash > 0) | (bonus > 0) | (rights > 0)
    ex_price = (state.price - cash + rights * offer) / (1.0 + bonus + rights)
    reference = np.where(is_ex, round_price(ex_price), state.price)
    state.factor = np.where(is_ex, state.factor * state.price / reference, state.factor)
    free = state.total * state.float_ratio * (1.0 + bonus + rights)
    grown = state.total * (1.0 + bonus + rights) * (1.0 + events.placement[day])
    state.total = np.rint(grown / 100.0) * 100.0
    ratio = np.minimum(free / state.total, 1.0)
    state.float_ratio = ratio + (1.0 - ratio) * events.unlocked[day]
    floating = np.rint(state.total * state.float_ratio / 100.0) * 100.0
    return {
        "reference": reference,
        "factor": state.factor,
        "total_shares": state.total,
        "float_shares": np.minimum(floating, state.total),
        "cash_dividend": np.where(is_ex, cash, 0.0),
        "rights_price": np.where(rights > 0, offer, np.nan),
    }


def _auction(
    reference: Floats, percent: Floats, overnight: Floats, whole: Floats
) -> tuple[dict[str, Floats], Booleans]:
    """Turn log returns into open and close in ticks, cut at the limits.

    Also tells which stocks would have opened and closed beyond the same limit: those
    trade at one price all day.
    """
    up, down = limit_price(reference, percent), limit_price(reference, -percent)
    top = np.where(np.isnan(up), np.inf, up)
    bottom = np.where(np.isnan(down), LOWEST_PRICE, down)
    opened = round_price(reference * np.exp(overnight))
    closed = round_price(reference * np.exp(whole))
    above = (opened > top) & (closed > top)
    below = (opened < bottom) & (closed < bottom)
    prices = {
        "open": np.clip(opened, bottom, top),
        "close": np.clip(closed, bottom, top),
        "limit_up": up,
        "limit_down": down,
    }
    return prices, above | below


def simulate(
    universe: Universe,
    events: CapitalEvents,
    tone_return: Floats,
    effects: Effects,
    rng: np.random.Generator,
) -> Paths:
    """Run the market day by day.

    The expected return of day t+1 is a fifth of the 5-day effects times the drivers at
    the close of t, plus the tone of reports, plus the decline of leaving companies.
    The close is what shocks would make of the reference price, cut at the limits; what
    is cut is lost, so that limits leave no predictable return behind.
    """
    shape = universe.active.shape
    stocks = universe.stocks
    shocks = _draw_shocks(universe, rng)
    decline = _decline(universe)
    early_volume, return_skew = (
        autoregressive(rng.standard_normal(shape), INTRADAY_PERSISTENCE)
        for _ in range(2)
    )
    base_turnover = np.clip(rng.lognormal(np.log(0.014), 0.5, stocks), 0.002, 0.08)
    free_ratio = rng.uniform(0.45, 0.9, stocks)
    state = _first_state(universe, rng)
    weights = effect_vector(effects) / HORIZON_DAYS
    out = {name: np.full(shape, np.nan) for name in DAILY_PATHS}
    is_one_price = np.zeros(shape, dtype=bool)
    drivers = np.zeros((*shape, len(COMPONENTS)), dtype=np.float32)
    log_return, turnover, level = (np.zeros(shape) for _ in range(3))
    gain = np.zeros(stocks)

    for day in range(shape[0]):
        trading = universe.trading[day]
        today = _go_ex(state, events, day)
        reference, float_shares = today["reference"], today["float_shares"]
        expected = tone_return[day] + decline[day] + MARKET_DRIFT
        if day:
            expected = expected + drivers[day - 1] @ weights
        heat = np.where(np.abs(gain) > HOT_RETURN, HEAT, 1.0)
        shocks.intraday_sigma[day] *= heat
        overnight = heat * shocks.overnight[day] + OVERNIGHT_SHARE * expected
        rest = heat * shocks.intraday[day] + (1.0 - OVERNIGHT_SHARE) * expected
        prices, one_price = _auction(
            reference, universe.limit_percent[day], overnight, overnight + rest
        )
        is_one_price[day] = trading & one_price
        state.price = np.where(trading, prices["close"], reference)
        today |= prices | {"close": state.price}
        today["open"] = np.where(trading, prices["open"], reference)

        gain = np.log(state.price / reference)
        log_return[day] = gain
        level[day] = (level[day - 1] if day else 0.0) + gain
        fever = np.where(one_price, -1.6, np.minimum(6.0 * np.abs(gain), 1.2))
        traded = base_turnover * np.exp(shocks.extra_turnover[day] + fever)
        lots = np.rint(np.minimum(traded, 0.7) * float_shares / 100.0)
        volume = np.where(trading, np.maximum(lots, LEAST_LOTS) * 100.0, 0.0)
        turnover[day] = volume / float_shares
        today["volume"] = volume
        today["free_float_shares"] = np.rint(float_shares * free_ratio / 100.0) * 100.0
        drivers[day] = _drivers(
            universe,
            day,
            level,
            log_return,
            turnover,
            np.log(state.price * state.total),
            (early_volume[day], return_skew[day]),
        )
        for name in DAILY_PATHS:
            out[name][day] = np.where(universe.active[day], today[name], np.nan)

    return Paths(
        intraday_sigma=shocks.intraday_sigma,
        is_one_price=is_one_price,
        early_volume=early_volume,
        return_skew=return_skew,
        drivers=drivers,
        decline=decline,
        **out,
    )


def _decline(universe: Universe) -> Floats:
    """Return the expected daily return of companies that leave the exchange.

    It starts with their *ST status, so that no measure that leaves ST stocks out sees
    it coming.
    """
    decline = np.zeros(universe.active.shape)
    for period in universe.status_ranges:
        if universe.delist_index[period.stock] >= len(universe.days):
            continue
        if period.status == DELISTING:
            decline[period.first : period.last, period.stock] = -0.02
            decline[period.first, period.stock] = -0.25
        elif period.status != NOT_ST:
            decline[period.first : period.last, period.stock] = -0.006
    return decline
