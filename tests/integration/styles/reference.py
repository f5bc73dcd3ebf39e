"""Every style factor once more, in numpy and pandas, stock by stock and week by week.

Written from the definitions alone, and slow: loops, regressions by least squares, no
sums shared between windows. Add the factor that the warehouse gets; keep tests out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import linalg, stats

Floats = npt.NDArray[np.float64]

# Weeks computed again: every fifth, the last one among them. Loops take their time.
WEEK_STEP = 5
YEAR, QUARTER, MONTH, VALUE, SHORT = 250, 63, 21, 20, 10
LIMIT = 5.0
LEFT = 1e-9

COMPOSITES: dict[str, dict[str, float]] = {
    "residual_volatility": {"dastd": 0.74, "cmra": 0.16, "hsigma": 0.10},
    "liquidity": {"stom": 0.35, "stoq": 0.35, "stoa": 0.30},
    "growth": {"sgro": 0.47, "egro": 0.24, "egrlf": 0.18, "egrsf": 0.11},
    "leverage": {"mlev": 0.38, "blev": 0.35, "dtoa": 0.27},
    "leverage_cne5": {"mlev": 0.38, "dtoa": 0.35, "blev": 0.27},
    "earnings_yield": {"epfwd": 0.68, "cetop": 0.21, "ep_ttm": 0.11},
}
FACTORS = (
    *("volatility_1y", "residual_volatility", "beta", "log_market_cap"),
    *("nonlinear_size", "nonlinear_size_orthogonal", "market_cap_squared"),
    *("illiquidity", "non_trading_share", "liquidity", "momentum", "return_10d"),
    *("turnover_10d_total", "turnover_10d_float", "traded_value", "free_float_ratio"),
    *("unadjusted_price", "ep_ttm", "bp", "dividend_yield", "roe_q"),
    *("profit_growth_q", "growth", "leverage", "leverage_cne5", "earnings_yield"),
    "expected_profit",
)


@dataclass(frozen=True)
class Inputs:
    """Tables of a build that the factors are made of."""

    panel: pd.DataFrame
    days: pd.DataFrame
    weeks: list[dt.date]
    universe: set[tuple[dt.date, str]]
    industry: dict[tuple[dt.date, str], str]
    fundamental: dict[str, list[dict[str, Any]]]
    forecast: dict[str, list[dict[str, Any]]]
    dividend: dict[str, list[tuple[dt.date, float]]]
    first_ex_date: dt.date | None
    free_float: dict[str, list[tuple[dt.date, float]]]


def _records(con: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    result = con.execute(query)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _by_security(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["security_code"], []).append(row)
    return found


def read_inputs(con: duckdb.DuckDBPyConnection) -> Inputs:
    """Read what the factors are made of; market returns are made here."""
    panel = con.execute(
        "select * from intermediate.int_security_day order by security_code, day_index"
    ).df()
    panel["day"] = panel["trade_date"].dt.date
    days = con.execute(
        """
        select trade_date, day_index, is_week_end and is_week_complete as is_evaluated
        from intermediate.int_trading_day
        order by day_index
        """
    ).df()
    days["day"] = days["trade_date"].dt.date
    ends = np.flatnonzero(days["is_evaluated"])
    days["is_evaluated"] = np.isin(np.arange(len(days)), ends[::-WEEK_STEP])
    rates = con.execute("select * from seeds.deposit_rate order by valid_from").df()
    at = np.searchsorted(rates["valid_from"], days["trade_date"], side="right") - 1
    days["risk_free"] = rates["rate_percent"].to_numpy()[at] / 100 / 242
    weighed = panel.dropna(subset=["daily_return", "previous_float_cap_cny"])
    market = weighed.groupby("day_index").apply(
        lambda day: np.average(day["daily_return"], weights=day.previous_float_cap_cny)
    )
    days["market"] = days["day_index"].map(market)
    weeks = list(days.loc[days["is_evaluated"], "day"])
    last = {
        (row["trade_date"], row["security_code"])
        for row in _records(
            con,
            "select trade_date, security_code from intermediate.int_factor_universe_"
            "weekly where is_in_all",
        )
    }
    member = _records(con, "select * from intermediate.int_industry_member")
    industry: dict[tuple[dt.date, str], str] = {}
    for week in weeks:
        held: dict[str, dict[str, str]] = {"citic1": {}, "shenwan1": {}}
        for row in member:
            end = row["valid_to"] or dt.date.max
            is_held = row["valid_from"] <= week < end
            is_held &= (week, row["security_code"]) in last
            if row["industry_system"] in held and is_held:
                held[row["industry_system"]][row["security_code"]] = row[
                    "industry_code"
                ]
        for code, name in (held["citic1"] or held["shenwan1"]).items():
            industry[week, code] = name
    actions = _records(
        con,
        """
        select action.*, day.previous_total_shares, day.trade_date is not null as is_in
        from staging.stg_corporate_action as action
        left join intermediate.int_security_price_day as day
            on
                action.security_code = day.security_code
                and action.ex_date = day.trade_date
        """,
    )
    dividend: dict[str, list[tuple[dt.date, float]]] = {}
    for row in actions:
        if row["is_in"] and (row["cash_dividend_cny"] or 0) > 0:
            shares = row["previous_total_shares"]
            cash = np.nan if shares is None else row["cash_dividend_cny"] * shares
            dividend.setdefault(row["security_code"], []).append((row["ex_date"], cash))
    free_float: dict[str, list[tuple[dt.date, float]]] = {}
    for row in _records(
        con,
        "select * from staging.stg_share_capital "
        "where free_float_shares is not null order by valid_from",
    ):
        free_float.setdefault(row["security_code"], []).append(
            (row["valid_from"], row["free_float_shares"])
        )
    return Inputs(
        panel=panel,
        days=days,
        weeks=weeks,
        universe=last,
        industry=industry,
        fundamental=_by_security(
            _records(con, "select * from staging.stg_fundamental order by known_date")
        ),
        forecast=_by_security(
            _records(
                con,
                "select * from staging.stg_forecast where net_profit_cny is not null "
                "order by published_at, report_id",
            )
        ),
        dividend=dividend,
        first_ex_date=min((row["ex_date"] for row in actions), default=None),
        free_float=free_float,
    )


def _price_measures(
    stock: pd.DataFrame, days: pd.DataFrame
) -> dict[dt.date, dict[str, float]]:
    """Return what one stock's prices and volumes give, by week."""
    calendar = days.set_index("day_index").loc[stock["day_index"]]
    market = calendar["market"].to_numpy(float)
    risk_free = calendar["risk_free"].to_numpy(float)
    suspended = stock["is_suspended"].to_numpy(bool)
    raw = stock["daily_return"].to_numpy(float)
    returns = np.where(suspended, np.nan, raw)
    excess = returns - risk_free
    price = stock["adjusted_close"].to_numpy(float)
    amount = np.where(suspended, np.nan, stock["amount_cny"].to_numpy(float))
    volume = np.where(suspended, 0.0, stock["volume_shares"].to_numpy(float))
    total = volume / stock["total_shares"].to_numpy(float)
    floating = volume / stock["float_shares"].to_numpy(float)
    found: dict[dt.date, dict[str, float]] = {}
    for i in np.flatnonzero(calendar["is_evaluated"].to_numpy(bool)):
        row: dict[str, float] = {}
        year = slice(max(0, i - YEAR + 1), i + 1)
        age = np.arange(i - year.start, -1, -1.0)
        r, m, e = returns[year], market[year], excess[year]
        if np.sum(~np.isnan(r)) >= 0.6 * YEAR:
            row["volatility_1y"] = float(np.nanstd(r, ddof=1))
        both = ~np.isnan(r) & ~np.isnan(m)
        if both.sum() >= 0.6 * YEAR:
            weight = 0.5 ** (age[both] / 63)
            root = np.sqrt(weight)
            design = np.column_stack([np.ones(both.sum()), m[both]])
            solved = linalg.lstsq(design * root[:, None], r[both] * root)[0]
            rest = r[both] - design @ solved
            row["beta"] = float(solved[1])
            row["hsigma"] = float(np.sqrt(np.average(rest**2, weights=weight)))
        there = ~np.isnan(e)
        if there.sum() >= 0.6 * YEAR:
            weight = 0.5 ** (age[there] / 42)
            mean = np.average(e[there], weights=weight)
            spread = np.average((e[there] - mean) ** 2, weights=weight)
            row["dastd"] = float(np.sqrt(spread))
        if i >= 12 * MONTH:
            z = np.array(
                [
                    np.log(price[i] / price[i - k * MONTH])
                    - np.log1p(risk_free[i - k * MONTH + 1 : i + 1]).sum()
                    for k in range(1, 13)
                ]
            )
            if z.min() > -1:
                row["cmra"] = float(np.log1p(z.max()) - np.log1p(z.min()))
        earlier = e[: max(0, len(e) - MONTH)]
        if np.sum(~np.isnan(earlier)) >= 0.6 * (YEAR - MONTH):
            row["momentum"] = float(np.nanmean(earlier))
        if i >= SHORT:
            row["return_10d"] = float(price[i] / price[i - SHORT] - 1)
        if len(r) >= 0.6 * YEAR:
            row["non_trading_share"] = float(suspended[year].mean())
        recent = slice(max(0, i - VALUE + 1), i + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            impact = np.where(
                amount[recent] > 0, np.abs(raw[recent]) / amount[recent], np.nan
            )
        if np.sum(~np.isnan(impact)) >= 0.6 * VALUE:
            row["illiquidity"] = float(np.nanmean(impact))
        if np.sum(~np.isnan(amount[recent])) >= 0.6 * VALUE:
            row["traded_value"] = float(np.nanmean(amount[recent]))
        if i + 1 >= SHORT:
            row["turnover_10d_total"] = float(total[i - SHORT + 1 : i + 1].sum())
        for name, length in (("stom", MONTH), ("stoq", QUARTER), ("stoa", YEAR)):
            if i + 1 >= length:
                traded = floating[i - length + 1 : i + 1].sum()
                if traded > 0:
                    row[name] = float(np.log(traded * MONTH / length))
        row["unadjusted_price"] = float(stock["last_close_cny"].iloc[i])
        row["cap"] = float(stock["total_cap_cny"].iloc[i])
        row["total_shares"] = float(stock["total_shares"].iloc[i])
        found[stock["day"].iloc[i]] = row
    return found


def _newest(
    rows: Sequence[Mapping[str, Any]], week: dt.date
) -> dict[int, dict[str, Any]]:
    """Return the newest stated version of each line by quarter, as known in a week."""
    known: dict[int, dict[str, Any]] = {}
    for row in rows:
        stated = {
            name: value
            for name, value in row.items()
            if value is not None and name not in ("security_code", "load_id")
        }
        lines = set(stated) - {"period_end", "known_date", "market_cap_cny"}
        lines -= {
            *("shareholder_count", "return_on_assets"),
        }
        if row["known_date"] <= week and lines:
            quarter = 4 * row["period_end"].year + (row["period_end"].month - 1) // 3
            known.setdefault(quarter, {}).update(stated)
    return known


def _accounts(rows: Sequence[Mapping[str, Any]], week: dt.date) -> dict[str, float]:
    """Return what the reports known in a week say; NaN where they are silent."""
    known = _newest(rows, week)
    if not known:
        return {}
    newest = max(known)
    if known[newest]["period_end"] < week - dt.timedelta(days=366):
        return {}

    def line(name: str, quarter: int) -> float:
        return float(known.get(quarter, {}).get(name, np.nan))

    def quarter_only(name: str, quarter: int) -> float:
        if quarter % 4 == 0:
            return line(name, quarter)
        return line(name, quarter) - line(name, quarter - 1)

    def twelve_months(name: str, quarter: int) -> float:
        if quarter % 4 == 3:
            return line(name, quarter)
        last_year = quarter - quarter % 4 - 1
        return line(name, quarter) + line(name, last_year) - line(name, quarter - 4)

    def by_ratio(name: str, quarter: int) -> float:
        ratio = line(name, quarter)
        return line("market_cap_cny", quarter) / ratio if ratio else np.nan

    def growth(now: float, before: float) -> float:
        return (now - before) / abs(before) if before else np.nan

    def either(first: float, second: float) -> float:
        return second if np.isnan(first) else first

    profit = twelve_months("net_profit_cny", newest)
    book = line("book_equity_cny", newest)
    roe = line("return_on_equity", newest)
    if newest % 4:
        roe -= line("return_on_equity", newest - 1)
    own_roe = quarter_only("net_profit_cny", newest) / book if book > 0 else np.nan
    assets = line("total_assets_cny", newest)
    debt = line("total_liabilities_cny", newest) / assets if assets else np.nan
    return {
        "profit": either(profit, by_ratio("pe_ratio", newest)),
        "cash_flow": twelve_months("operating_cash_flow_cny", newest),
        "book": either(book, by_ratio("pb_ratio", newest)),
        "long_term_debt": line("long_term_debt_cny", newest),
        "dtoa": either(debt, line("debt_to_assets", newest)),
        "dividend": line("dividend_yield", newest) * line("market_cap_cny", newest),
        "roe_q": either(own_roe, roe),
        "profit_growth_q": growth(
            quarter_only("net_profit_cny", newest),
            quarter_only("net_profit_cny", newest - 4),
        ),
        **{
            name: either(
                growth(twelve_months(flow, newest), twelve_months(flow, newest - 4)),
                growth(by_ratio(ratio, newest), by_ratio(ratio, newest - 4)),
            )
            for name, flow, ratio in (
                ("sgro", "revenue_cny", "ps_ratio"),
                ("egro", "net_profit_cny", "pe_ratio"),
            )
        },
    }


def _consensus(rows: Sequence[Mapping[str, Any]], week: dt.date, year: int) -> float:
    """Return the mean of the brokers' newest forecasts, NaN without any."""
    newest: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        published = row["published_at"]
        clock = published.time()
        late = clock > dt.time(15) or clock == dt.time(0)
        known = published.date() + dt.timedelta(days=int(late))
        if row["fiscal_year"] == year and known <= week:
            newest[row["broker"] or row["report_id"]] = row
    profits = [
        row["net_profit_cny"]
        for row in newest.values()
        if week < row["published_at"].date() + dt.timedelta(days=180)
    ]
    return float(np.mean(profits)) if profits else np.nan


def _year_after(day: dt.date) -> dt.date:
    return (pd.Timestamp(day) + pd.DateOffset(years=1)).date()


def _fundamental_measures(
    inputs: Inputs, code: str, week: dt.date, cap: float, total_shares: float
) -> dict[str, float]:
    said = _accounts(inputs.fundamental.get(code, []), week)
    row = {name: said[name] for name in ("dtoa", "roe_q", "profit_growth_q") if said}
    row |= {name: said[name] for name in ("sgro", "egro") if said}
    if said:
        row["ep_ttm"] = said["profit"] / cap
        row["cetop"] = said["cash_flow"] / cap
        row["bp"] = said["book"] / cap
        row["mlev"] = 1 + said["long_term_debt"] / cap
        if said["book"] > 0:
            row["blev"] = 1 + said["long_term_debt"] / said["book"]
    forecasts = inputs.forecast.get(code, [])
    expected = _consensus(forecasts, week, week.year)
    following = _consensus(forecasts, week, week.year + 1)
    row["expected"] = expected
    row["epfwd"] = expected / cap
    row["egrlf"] = (following - expected) / abs(expected) if expected else np.nan
    if said and said["profit"]:
        row["egrsf"] = (expected - said["profit"]) / abs(said["profit"])
    first = inputs.first_ex_date
    paid = said.get("dividend", np.nan)
    if first is not None and week >= _year_after(first):
        past = [
            cash
            for day, cash in inputs.dividend.get(code, [])
            if day <= week < _year_after(day)
        ]
        cash = float(sum(past))
        paid = paid if np.isnan(cash) else cash
    row["dividend_yield"] = paid / cap
    floats = [s for day, s in inputs.free_float.get(code, []) if day <= week]
    if floats:
        row["free_float_ratio"] = floats[-1] / total_shares
    return row


def standardise(
    values: pd.Series, members: pd.Series, *, winsorise: bool = True
) -> pd.Series:
    """Return standard scores by the moments of the members; NaN of a constant."""
    inside = values[members].dropna()
    if len(inside) < 2 or inside.max() == inside.min():
        return pd.Series(np.nan, values.index)
    if winsorise:
        spread = stats.median_abs_deviation(inside)
        if spread > 0:
            middle = inside.median()
            low, high = middle - LIMIT * spread, middle + LIMIT * spread
            values, inside = values.clip(low, high), inside.clip(low, high)
    return (values - inside.mean()) / inside.std(ddof=1)


def _residual(y: pd.Series, design: pd.DataFrame, members: pd.Series) -> pd.Series:
    """Return what least squares over the members leave of everyone's ``y``."""
    nothing = pd.Series(np.nan, y.index)
    there = members & y.notna() & design.notna().all(axis=1)
    matrix = design.assign(constant=1.0)
    if there.sum() <= 2:
        return nothing
    solved = linalg.lstsq(matrix[there].to_numpy(), y[there].to_numpy())[0]
    rest = y - matrix @ solved
    total = ((y[there] - y[there].mean()) ** 2).sum()
    return rest if (rest[there] ** 2).sum() > LEFT * total else nothing


def _neutral(score: pd.Series, cap: pd.Series, industry: pd.Series) -> pd.Series:
    """Return the standardised residual on industry dummies and standardised size."""
    there = score.notna() & cap.notna() & industry.notna()
    result = pd.Series(np.nan, score.index)
    if there.sum() < 2:
        return result
    design = pd.get_dummies(industry[there], dtype=float).assign(cap=cap[there])
    solved = linalg.lstsq(design.to_numpy(), score[there].to_numpy())[0]
    rest = score[there] - design.to_numpy() @ solved
    if (rest**2).sum() > LEFT * (score[there] ** 2).sum():
        result[there] = (rest - rest.mean()) / rest.std(ddof=1)
    return result


def _composite(scores: pd.DataFrame, weights: Mapping[str, float]) -> pd.Series:
    weight = pd.Series(weights)
    columns = scores[list(weights)]
    present = columns.notna().to_numpy(float) @ weight.to_numpy()
    total = columns.fillna(0.0).to_numpy() @ weight.to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        return pd.Series(
            np.where(present >= 0.5, total / present, np.nan), scores.index
        )


def _cross_section(raw: pd.DataFrame, members: pd.Series) -> pd.DataFrame:
    """Return the factors of one week from the measures of its stocks."""
    table = raw.copy()
    names = {name for weights in COMPOSITES.values() for name in weights}
    names |= {"beta", "log_market_cap", "expected"}
    scores = pd.DataFrame({n: standardise(table[n], members) for n in sorted(names)})
    for factor, weights in COMPOSITES.items():
        table[factor] = _composite(scores, weights)
    table["residual_volatility"] = _residual(
        table["residual_volatility"], scores[["beta", "log_market_cap"]], members
    )
    size = standardise(table["log_market_cap"], members, winsorise=False)
    table["nonlinear_size"] = size**3
    table["nonlinear_size_orthogonal"] = _residual(
        table["nonlinear_size"], size.to_frame("size"), members
    )
    table["expected_profit"] = scores["expected"]
    return table[list(FACTORS)]


def make_reference(inputs: Inputs) -> pd.DataFrame:
    """Return factor, week, stock and the three values, of every value that exists."""
    measured: dict[dt.date, dict[str, dict[str, float]]] = {}
    for code, stock in inputs.panel.groupby("security_code", sort=True):
        for week, row in _price_measures(stock, inputs.days).items():
            cap = row["cap"] if row["cap"] > 0 else np.nan
            shares = row.pop("total_shares")
            row |= _fundamental_measures(inputs, str(code), week, cap, shares)
            row["log_market_cap"] = float(np.log(cap))
            row["market_cap_squared"] = cap * cap
            if "turnover_10d_total" in row and "free_float_ratio" in row:
                turned = row["turnover_10d_total"] / row["free_float_ratio"]
                row["turnover_10d_float"] = turned
            measured.setdefault(week, {})[str(code)] = row
    columns = {*FACTORS, "expected"} | {n for w in COMPOSITES.values() for n in w}
    parts = []
    for week, rows in measured.items():
        raw = pd.DataFrame.from_dict(rows, orient="index", dtype=float)
        raw = raw.reindex(columns=sorted(columns))
        is_member = [(week, code) in inputs.universe for code in raw.index]
        members = pd.Series(is_member, raw.index)
        industry = pd.Series(
            [inputs.industry.get((week, code)) for code in raw.index], raw.index
        )
        factors = _cross_section(raw, members)
        cap = standardise(factors["log_market_cap"], members).where(members)
        for factor in FACTORS:
            score = standardise(factors[factor], members).where(members)
            part = pd.DataFrame(
                {
                    "factor_code": factor,
                    "trade_week": pd.Timestamp(week),
                    "security_code": raw.index,
                    "value": factors[factor],
                    "z_score": score,
                    "neutral_z_score": _neutral(score, cap, industry),
                }
            )
            parts.append(part.dropna(subset="value"))
    return pd.concat(parts, ignore_index=True)
