"""The 27 high-frequency factors of one stock and day in numpy and scipy.

Written from docs/methodology/high_frequency_factors.md, one stock and day at a time and
without a look at the SQL. Add the formula of a new factor here; keep markets and
comparisons in the tests.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

Floats = npt.NDArray[np.float64]
MINIMUM = 5
EARLY = 30
LATE = 210
TRADE_FACTORS = (
    "bigorder_amt_perc",
    "early_bigorder_buy_perc",
    "bigorder_ret2",
    "early_active_bigorder_ret",
    "concentration_diff",
    "early_active_buy_perc",
    "corr_netactivebuy_lastret",
    "corr_netactivebuy_nextret",
)
ORDER_FACTORS = (
    "skew_order_diff",
    "kurt_order_diff",
    "early_kurt_order",
    "corr_buyorder_volume_price",
)
BAR_FACTORS = (
    "late_skew_ret",
    "down_vol_perc",
    "corr_ret_lastret",
    "corr_close_nextopen",
    *(f"volume_perc{half_hour}" for half_hour in range(2, 8)),
    "corr_volume_item",
    "early_corr_volume_ret",
    "bigorder_ret",
    "down_single_amt_perc",
    "corr_volume_amplitude",
)
FACTORS = (*BAR_FACTORS, *TRADE_FACTORS, *ORDER_FACTORS)


def session_minutes(times: pd.Series) -> Floats:
    """Return minutes traded since the open, NaN outside of the two sessions.

    The end of the first minute is 1, of the morning 120, of the day 240; the very
    second of an opening is 0 or 120.
    """
    clock = (times - times.dt.normalize()).dt.total_seconds().to_numpy() / 60
    minutes = np.full(len(clock), np.nan)
    morning = (clock >= 570) & (clock <= 690)
    minutes[morning] = clock[morning] - 570
    afternoon = (clock >= 780) & (clock <= 900)
    minutes[afternoon] = clock[afternoon] - 780 + 120
    return minutes


def billionths(values: Floats) -> Floats:
    """Return values in whole billionths; a return within a bar is at most 300%."""
    return np.rint(np.minimum(values, 3.0) * 1e9) / 1e9


def correlation(x: Floats, y: Floats) -> float:
    """Return Pearson's correlation; NaN below five pairs and of a constant."""
    known = ~(np.isnan(x) | np.isnan(y))
    x, y = x[known], y[known]
    if len(x) < MINIMUM or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(np.corrcoef(x, y)[0, 1])


def moment(x: Floats, which: str) -> float:
    """Return skewness or excess kurtosis; NaN below five values and of a constant."""
    x = x[~np.isnan(x)]
    if len(x) < MINIMUM or np.ptp(x) == 0:
        return np.nan
    value = stats.skew(x) if which == "skew" else stats.kurtosis(x)
    return float(value)


def share(part: float, whole: float, count: int) -> float:
    """Return a share; NaN below five observations and of nothing."""
    return part / whole if count >= MINIMUM and whole > 0 else np.nan


def threshold(amounts: Floats) -> float:
    """Return the amount above which a bar or a trade is big; NaN below two."""
    return float(amounts.mean() + amounts.std(ddof=1)) if len(amounts) > 1 else np.nan


def returns(half: npt.NDArray[np.int64], opens: Floats, closes: Floats) -> Floats:
    """Return close over the close before in the half of the day, first over the open.

    Prices are whole numbers of 1e-4 CNY: their ratios are the same everywhere, also
    half way between two billionths.
    """
    opens, closes = np.rint(opens * 1e4), np.rint(closes * 1e4)
    is_first = np.r_[True, half[1:] != half[:-1]]
    before = np.where(is_first, opens, np.r_[0.0, closes[:-1]])
    return billionths(closes / before - 1)


def shifted(half: npt.NDArray[np.int64], values: Floats, by: int) -> Floats:
    """Return the values of the row before (by=1) or after (by=-1) in the session."""
    result = np.full(len(values), np.nan)
    if by == 1:
        same = half[1:] == half[:-1]
        result[1:][same] = values[:-1][same]
    else:
        same = half[1:] == half[:-1]
        result[:-1][same] = values[1:][same]
    return result


def bar_factors(bars: pd.DataFrame) -> dict[str, float]:
    """Return the factors of minute bars, with the proxies, of a stock and day.

    Parameters
    ----------
    bars : DataFrame
        Rows of ``raw.minute_bar`` of one stock and day, in any order.

    Returns
    -------
    dict
        The 27 factors by name, NaN where one does not exist; empty without a bar that
        traded in the sessions.
    """
    bars = bars.sort_values("bar_time").reset_index(drop=True)
    middle = (bars["high_cny"] + bars["low_cny"] + 2 * bars["close_cny"]) / 4
    bars["amount_cny"] = bars["amount_cny"].fillna(middle * bars["volume_shares"])
    day_volume = float(bars["volume_shares"].fillna(0).sum())
    bars["minute"] = session_minutes(bars["bar_time"])
    bars = bars[(bars["minute"] > 0) & (bars["volume_shares"] > 0)]
    bars = bars[bars["bar_time"].dt.time != pd.Timestamp("13:00").time()]
    if bars.empty:
        return {}
    minute = bars["minute"].to_numpy(float)
    half = (minute > 120).astype(np.int64)
    opened, closed = bars["open_cny"].to_numpy(float), bars["close_cny"].to_numpy(float)
    price_range = (bars["high_cny"] - bars["low_cny"]).to_numpy(float)
    volume = bars["volume_shares"].to_numpy(float)
    amount = bars["amount_cny"].to_numpy(float)
    count = bars["trade_count"].to_numpy(float)
    has_count = bool(np.all(count > 0))
    if not has_count:
        count = np.ones(len(bars))
    ret = returns(half, opened, closed)
    early, late, whole = minute <= EARLY, minute > LATE, len(bars)
    n_early = int(early.sum())
    single = np.rint(amount / count * 1e4) / 1e4
    volume_share = billionths(volume / day_volume)
    share_of_day = billionths(amount / amount.sum())
    big, big_single = amount > threshold(amount), single > threshold(single)
    up, down, signed = ret > 0, ret < 0, np.sign(ret) * share_of_day
    bought = np.where(up, volume_share, 0.0)
    enough = whole >= MINIMUM
    values = {
        "late_skew_ret": moment(ret[late], "skew"),
        "down_vol_perc": share((ret[down] ** 2).sum(), (ret**2).sum(), whole),
        "corr_ret_lastret": correlation(ret, shifted(half, ret, 1)),
        "corr_close_nextopen": correlation(closed, shifted(half, opened, -1)),
        "corr_volume_item": correlation(
            volume_share, count if has_count else share_of_day
        ),
        "early_corr_volume_ret": correlation(volume_share[early], ret[early]),
        "bigorder_ret": float(ret[big_single].sum()) if enough else np.nan,
        "down_single_amt_perc": (
            (share_of_day[down].sum() / count[down].sum())
            / (share_of_day.sum() / count.sum())
            if enough and down.any()
            else np.nan
        ),
        "corr_volume_amplitude": correlation(
            volume_share,
            billionths(price_range / opened),
        ),
        "bigorder_amt_perc": share(share_of_day[big].sum(), share_of_day.sum(), whole),
        "early_bigorder_buy_perc": share(
            share_of_day[big & up & early].sum(), share_of_day[early].sum(), n_early
        ),
        "bigorder_ret2": float(ret[big].sum()) if enough else np.nan,
        "early_active_bigorder_ret": (
            float(ret[big & early].sum()) if n_early >= MINIMUM else np.nan
        ),
        "concentration_diff": share(
            (share_of_day[up] ** 2).sum() - (share_of_day[down] ** 2).sum(),
            1.0,
            whole,
        ),
        "early_active_buy_perc": share(
            share_of_day[up & early].sum(), share_of_day[early].sum(), n_early
        ),
        "corr_netactivebuy_lastret": correlation(signed, shifted(half, ret, 1)),
        "corr_netactivebuy_nextret": correlation(signed, shifted(half, ret, -1)),
        "skew_order_diff": moment(signed, "skew"),
        "kurt_order_diff": moment(signed, "kurtosis"),
        "early_kurt_order": moment(share_of_day[early], "kurtosis"),
        "corr_buyorder_volume_price": correlation(bought, closed),
    }
    for half_hour in range(2, 8):
        inside = np.ceil(minute / 30) == half_hour
        values[f"volume_perc{half_hour}"] = share(
            volume_share[inside].sum(), 1.0, whole
        )
    return values


def trade_factors(trades: pd.DataFrame) -> dict[str, float]:
    """Return factors 16 to 23 of the trades of one stock and day.

    Parameters
    ----------
    trades : DataFrame
        Rows of ``raw.trade_tick``, in any order.
    """
    trades = trades.sort_values(["trade_time", "trade_number"]).reset_index(drop=True)
    elapsed = session_minutes(trades["trade_time"])
    trades = trades[~np.isnan(elapsed) & (trades["volume_shares"] > 0)]
    if trades.empty:
        return {}
    after_lunch = trades["trade_time"].dt.hour.to_numpy() >= 13
    start = pd.to_timedelta(np.where(after_lunch, 780, 570), unit="min")
    clock = trades["trade_time"] - trades["trade_time"].dt.normalize()
    minute = np.minimum(((clock - start).dt.total_seconds() // 60).to_numpy(), 119)
    half = after_lunch.astype(np.int64)
    minute = minute + 120 * half + 1
    price = trades["price_cny"].to_numpy(float)
    amount = price * trades["volume_shares"].to_numpy(float)
    side = trades["side"].to_numpy(str)
    early, big = minute <= EARLY, amount > threshold(amount)
    ret = returns(half, price, price)
    n, n_early = len(trades), int(early.sum())
    frame = pd.DataFrame({"minute": minute, "half": half, "price": price})
    frame["net"] = np.where(side == "buy", amount, np.where(side == "sell", -amount, 0))
    by_minute = frame.groupby("minute").agg(
        half=("half", "first"),
        open=("price", "first"),
        close=("price", "last"),
        net=("net", "sum"),
    )
    minute_half = by_minute["half"].to_numpy()
    minute_return = returns(
        minute_half, by_minute["open"].to_numpy(), by_minute["close"].to_numpy()
    )
    net = billionths(by_minute["net"].to_numpy(float) / amount.sum())
    orders = {
        name: float(
            (pd.Series(amount).groupby(trades[name].to_numpy()).sum() ** 2).sum()
        )
        for name in ("buy_order", "sell_order")
    }
    known = bool(trades[["buy_order", "sell_order"]].notna().all(axis=None))
    return {
        "bigorder_amt_perc": share(amount[big].sum(), amount.sum(), n),
        "early_bigorder_buy_perc": share(
            amount[big & early & (side == "buy")].sum(), amount[early].sum(), n_early
        ),
        "bigorder_ret2": float(ret[big].sum()) if n >= MINIMUM else np.nan,
        "early_active_bigorder_ret": (
            float(ret[big & early & (side != "unknown")].sum())
            if n_early >= MINIMUM
            else np.nan
        ),
        "concentration_diff": (
            share(orders["buy_order"] - orders["sell_order"], amount.sum() ** 2, n)
            if known
            else np.nan
        ),
        "early_active_buy_perc": share(
            amount[early & (side == "buy")].sum(), amount[early].sum(), n_early
        ),
        "corr_netactivebuy_lastret": correlation(
            net, shifted(minute_half, minute_return, 1)
        ),
        "corr_netactivebuy_nextret": correlation(
            net, shifted(minute_half, minute_return, -1)
        ),
    }


def order_factors(orders: pd.DataFrame) -> dict[str, float]:
    """Return factors 24 to 27 of the orders of one stock and day.

    Parameters
    ----------
    orders : DataFrame
        Rows of ``raw.order_tick``, in any order; market orders have no price.
    """
    elapsed = session_minutes(orders["order_time"])
    orders = orders[
        ~np.isnan(elapsed) & orders["price_cny"].notna() & (orders["volume_shares"] > 0)
    ]
    if orders.empty:
        return {}
    after_lunch = orders["order_time"].dt.hour.to_numpy() >= 13
    start = pd.to_timedelta(np.where(after_lunch, 780, 570), unit="min")
    clock = orders["order_time"] - orders["order_time"].dt.normalize()
    minute = np.minimum(((clock - start).dt.total_seconds() // 60).to_numpy(), 119)
    frame = pd.DataFrame({"minute": minute + 120 * after_lunch + 1})
    is_buy = (orders["side"] == "buy").to_numpy()
    volume = orders["volume_shares"].to_numpy(float)
    frame["volume"] = volume
    frame["amount"] = orders["price_cny"].to_numpy(float) * volume
    frame["difference"] = np.where(is_buy, 1, -1) * frame["amount"]
    frame["buy_volume"] = np.where(is_buy, volume, 0.0)
    summed = frame.groupby("minute").sum()
    minutes, amount = summed.index.to_numpy(float), float(summed["amount"].sum())
    price = (summed["amount"] / summed["volume"]).to_numpy(float)
    price = billionths(price / (amount / summed["volume"].sum()))
    difference = billionths(summed["difference"].to_numpy(float) / amount)
    bought = billionths((summed["buy_volume"] / summed["volume"].sum()).to_numpy(float))
    return {
        "skew_order_diff": moment(difference, "skew"),
        "kurt_order_diff": moment(difference, "kurtosis"),
        "early_kurt_order": moment(
            billionths(summed["amount"].to_numpy(float) / amount)[minutes <= EARLY],
            "kurtosis",
        ),
        "corr_buyorder_volume_price": correlation(bought, price),
    }
