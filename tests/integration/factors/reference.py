"""Rank IC, decay, layers and their summaries in numpy, scipy and statsmodels.

Computed from the tables before any universe or weekly return, with dense arrays of
weeks and stocks. Add the reference of a measure here; keep markets and comparisons out.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy.stats import rankdata, spearmanr

UNIVERSES = ("all", "csi300", "csi500", "csi1000", "microcap")
INDEX_CODES = {"csi300": "000300.SH", "csi500": "000905.SH", "csi1000": "000852.SH"}
MINIMUM_STOCKS = 30
LAYERS = 10
LAYER_MINIMUM = 5
HORIZONS = 12


@dataclass(frozen=True)
class Panel:
    """Dense arrays [week, stock] of the complete weeks of a market.

    ``member`` has those that a universe could hold at the week's last close, ``paper``
    the returns that end in the week, ``buyable`` and ``sellable`` those from its first
    open of what could be bought or sold there, ``factors`` the values at its last
    close; NaN where there is none.
    """

    weeks: list[dt.date]
    codes: list[str]
    member: dict[str, np.ndarray]
    paper: np.ndarray
    buyable: np.ndarray
    sellable: np.ndarray
    factors: dict[str, np.ndarray]


def read_panel(con: duckdb.DuckDBPyConnection, factors: list[str]) -> Panel:
    """Make universes and weekly returns of a builder's file anew."""
    days = con.execute(
        "select trade_date, trade_week from intermediate.int_trading_day "
        "where is_week_complete order by trade_date"
    ).df()
    bars = con.execute(
        """
        select
            day.trade_date, day.security_code, day.adjusted_open, day.adjusted_close,
            status.listed_days, status.is_st, status.is_delisting_period,
            status.is_suspended, status.opens_at_limit_up, status.opens_at_limit_down
        from intermediate.int_security_day as day
        inner join intermediate.int_tradability_day as status
            using (trade_date, security_code)
        """
    ).df()
    weeks = sorted(days["trade_week"].unique())
    codes = sorted(bars["security_code"].unique())
    shape = (len(weeks), len(codes))
    week_at = {week: i for i, week in enumerate(weeks)}
    code_at = {code: i for i, code in enumerate(codes)}
    first_day = set(days.groupby("trade_week")["trade_date"].min())
    bars = bars.merge(days, on="trade_date").sort_values("trade_date")

    close, to_buy, to_sell = (np.full(shape, np.nan) for _ in range(3))
    is_last, traded, plain = (np.zeros(shape, bool) for _ in range(3))
    for bar in bars.itertuples():
        at = week_at[bar.trade_week], code_at[bar.security_code]
        close[at] = bar.adjusted_close
        if bar.trade_date in first_day and not bar.is_suspended:
            if not bar.opens_at_limit_up:
                to_buy[at] = bar.adjusted_open
            if not bar.opens_at_limit_down:
                to_sell[at] = bar.adjusted_open
        if bar.trade_date == bar.trade_week:
            is_last[at] = True
            traded[at] = not bar.is_suspended
            plain[at] = bar.listed_days > 60 and not (
                bar.is_st or bar.is_delisting_period
            )
    paper = np.full(shape, np.nan)
    paper[1:] = close[1:] / close[:-1] - 1
    buyable, sellable = (
        np.where(np.isnan(paper), np.nan, close / opening - 1)
        for opening in (to_buy, to_sell)
    )

    member = {"all": plain & traded}
    ranges = con.execute(
        "select index_code, security_code, valid_from, valid_to "
        "from staging.stg_index_member"
    ).df()
    for universe, index_code in INDEX_CODES.items():
        held = np.zeros(shape, bool)
        counts = np.zeros(len(weeks))
        own = ranges[ranges["index_code"] == index_code]
        for row in own.itertuples():
            inside = np.array(
                [
                    row.valid_from <= week
                    and (pd.isna(row.valid_to) or week < row.valid_to)
                    for week in weeks
                ]
            )
            counts += inside
            if row.security_code in code_at:
                held[inside, code_at[row.security_code]] = True
        loaded = (counts > 0) & (counts >= 0.8 * np.maximum.accumulate(counts))
        member[universe] = held & loaded[:, None] & traded
    held = np.zeros(shape, bool)
    for day, code in con.execute(
        "select trade_date, security_code from intermediate.int_microcap_member "
        "where index_code = 'microcap400'"
    ).fetchall():
        stamp = pd.Timestamp(day)
        if stamp in week_at and code in code_at:
            held[week_at[stamp], code_at[code]] = True
    member["microcap"] = held & traded

    wide = con.execute(
        f"select trade_week, security_code, {', '.join(factors)} "
        "from intermediate.int_style_factor_weekly"
    ).df()
    wide = wide[wide["trade_week"].isin(weeks) & wide["security_code"].isin(codes)]
    rows = wide["trade_week"].map(week_at), wide["security_code"].map(code_at)
    values = {}
    for factor in factors:
        values[factor] = np.full(shape, np.nan)
        values[factor][rows] = wide[factor].astype(float)
        values[factor][~np.isfinite(values[factor])] = np.nan
    dates = [pd.Timestamp(week).date() for week in weeks]
    return Panel(dates, codes, member, paper, buyable, sellable, values)


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's correlation as scipy has it, with our rules for tiny groups."""
    if len(x) < MINIMUM_STOCKS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(spearmanr(x, y).statistic)


def newey_west(values: np.ndarray) -> float:
    """T value of the mean by statsmodels' HAC covariance."""
    values = values[~np.isnan(values)]
    count = len(values)
    if count < 3 or values.std() < 1e-7:
        return np.nan
    lags = int(4 * (count / 100) ** (2 / 9))
    fitted = sm.OLS(values, np.ones(count)).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": False}
    )
    return float(fitted.tvalues[0])


def weekly_tests(panel: Panel) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank ICs and layers of every universe, factor and week."""
    ics, layers = [], []
    for universe in UNIVERSES:
        for factor, values in panel.factors.items():
            weights_before: dict[int, np.ndarray] | None = None
            for week in range(1, len(panel.weeks)):
                chosen = panel.member[universe][week - 1] & ~np.isnan(
                    values[week - 1] + panel.paper[week]
                )
                stocks = np.flatnonzero(chosen)
                if len(stocks) == 0:
                    weights_before = None
                    continue
                x = values[week - 1, stocks]
                y, z = panel.paper[week, stocks], panel.buyable[week, stocks]
                short = panel.sellable[week, stocks]
                buyable, sellable = ~np.isnan(z), ~np.isnan(short)
                key = (universe, factor, panel.weeks[week])
                ics.append(
                    (
                        *key,
                        panel.weeks[week - 1],
                        correlation(x, y),
                        correlation(x[buyable], z[buyable]),
                        len(stocks),
                        buyable.sum(),
                        1 - buyable.mean(),
                    )
                )
                if len(stocks) < LAYERS * LAYER_MINIMUM:
                    layers += [
                        (*key, layer + 1, *([np.nan] * 6), 0) for layer in range(LAYERS)
                    ]
                    weights_before = None
                    continue
                order = np.lexsort((stocks, -x))
                layer_of = np.empty(len(stocks), int)
                layer_of[order] = np.arange(len(stocks)) * LAYERS // len(stocks)
                weights = {}
                for layer in range(LAYERS):
                    held = layer_of == layer
                    weight = np.zeros(len(panel.codes))
                    weight[stocks[held]] = 1 / held.sum()
                    turnover = (
                        np.nan
                        if weights_before is None
                        else np.abs(weight - weights_before[layer]).sum()
                    )
                    bought, sold = z[held & buyable], short[held & sellable]
                    layers.append(
                        (
                            *key,
                            layer + 1,
                            y[held].mean(),
                            bought.mean() if len(bought) else np.nan,
                            1 - buyable[held].mean(),
                            sold.mean() if len(sold) else np.nan,
                            1 - sellable[held].mean(),
                            turnover,
                            held.sum(),
                        )
                    )
                    grown = weight * np.where(weight > 0, 1 + panel.paper[week], 0)
                    weights[layer] = grown / grown.sum()
                weights_before = weights
    keys = ["universe", "factor_code", "trade_week"]
    return (
        pd.DataFrame(
            ics,
            columns=[
                *keys,
                "factor_week",
                "rank_ic",
                "tradable_rank_ic",
                "stock_count",
                "buyable_count",
                "unfillable_share",
            ],
        ),
        pd.DataFrame(
            layers,
            columns=[
                *keys,
                "layer",
                "paper_return",
                "tradable_return",
                "unfillable_share",
                "sellable_return",
                "unsellable_share",
                "turnover",
                "stock_count",
            ],
        ),
    )


def weekly_decays(panel: Panel) -> pd.DataFrame:
    """Correlate each factor with the later weeks, in two ways.

    ``rank_ic`` is of the ranks that both have in their own weeks, from the second week
    on; ``exact`` is Spearman's on the stocks that both share.
    """
    rows = []
    for universe in UNIVERSES:
        ranked = np.full(panel.paper.shape, np.nan)
        for week in range(1, len(panel.weeks)):
            held = panel.member[universe][week - 1] & ~np.isnan(panel.paper[week])
            ranked[week, held] = rankdata(panel.paper[week, held])
        for factor, values in panel.factors.items():
            for week in range(len(panel.weeks) - 1):
                known = ~np.isnan(values[week]) & ~np.isnan(ranked[week + 1])
                x = np.full(len(panel.codes), np.nan)
                x[known] = rankdata(values[week, known])
                last = min(HORIZONS, len(panel.weeks) - 1 - week)
                for horizon in range(1, last + 1):
                    y = ranked[week + horizon]
                    both = ~np.isnan(x + y)
                    if not both.any():
                        continue
                    a, b = x[both], y[both]
                    defined = (
                        len(a) >= MINIMUM_STOCKS and np.ptp(a) > 0 and np.ptp(b) > 0
                    )
                    fixed = exact = np.nan
                    if defined:
                        fixed = np.corrcoef(a, b)[0, 1]
                        exact = np.corrcoef(rankdata(a), rankdata(b))[0, 1]
                    rows.append(
                        (
                            universe,
                            factor,
                            horizon,
                            panel.weeks[week + horizon],
                            exact if horizon == 1 else fixed,
                            exact,
                        )
                    )
    keys = ["universe", "factor_code", "horizon_weeks", "trade_week"]
    return pd.DataFrame(rows, columns=[*keys, "rank_ic", "exact"])


def decays(weekly: pd.DataFrame) -> pd.DataFrame:
    """Mean, spread and t value of the correlations with each later week."""
    rows = []
    keys = ["universe", "factor_code", "horizon_weeks"]
    for key, own in weekly.groupby(keys):
        kept = own.sort_values("trade_week")["rank_ic"].dropna().to_numpy()
        rows.append(
            (
                *key,
                kept.mean() if len(kept) else np.nan,
                kept.std(ddof=1) if len(kept) > 1 else np.nan,
                newey_west(kept),
                len(kept),
            )
        )
    return pd.DataFrame(rows, columns=[*keys, "mean", "std", "t_value", "week_count"])


def summaries(ics: pd.DataFrame, last_week: dt.date) -> pd.DataFrame:
    """Statistics of every period, as of the last complete week."""
    rows = []
    for (universe, factor), own in ics.groupby(["universe", "factor_code"]):
        week = own["trade_week"]
        periods = {"all": week.notna(), "week": week == last_week}
        year = week.map(lambda day: day.year)
        month = week.map(lambda day: (day.year, day.month))
        for number in year.unique():
            periods[str(number)] = year == number
        periods["year_to_date"] = year == last_week.year
        periods["month_to_date"] = month == (last_week.year, last_week.month)
        for period, inside in periods.items():
            if not inside.any():
                continue
            row: dict[str, object] = {
                "universe": universe,
                "factor_code": factor,
                "period": period,
            }
            for prefix, column in (("", "rank_ic"), ("tradable_", "tradable_rank_ic")):
                kept = own.loc[inside, column].dropna().to_numpy()
                mean = kept.mean() if len(kept) else np.nan
                std = kept.std(ddof=1) if len(kept) > 1 else np.nan
                row |= {
                    f"{prefix}mean": mean,
                    f"{prefix}std": std,
                    f"{prefix}icir": mean / std if std > 1e-7 else np.nan,
                    f"{prefix}t_value": newey_west(kept),
                    f"{prefix}positive_share": (
                        (kept > 0).mean() if len(kept) else np.nan
                    ),
                    f"{prefix}week_count": len(kept),
                }
            rows.append(row)
    return pd.DataFrame(rows)
