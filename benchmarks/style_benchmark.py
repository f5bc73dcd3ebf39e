"""Style factors of real data: the models in SQL against pandas, and how time grows.

The models are built by dbt from the panel of a store that holds real data, as a refresh
builds them; pandas makes the same factors from the same panel with ``groupby`` and
``rolling``, and results must agree before a time counts. It makes the weighted windows
in two ways: by sums on a scale that grows, which is our SQL's algebra, and as they are
defined, a function of each window, on some stocks, scaled by rows. Add a factor to the
peer when the models get one that comes from the panel.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from benchmarks.models import build_models
from warehouse.settings import read_settings
from warehouse.store import quote_literal

TOLERANCE = 1e-8
RAW = ("load", "share_capital", "fundamental", "corporate_action", "forecast")
MODELS = (
    *(f"stg_{name}" for name in RAW[1:]),
    *("int_security_day", "int_market_return_daily", "int_fundamental_state"),
    *("int_dividend_weekly", "int_forecast_consensus_weekly"),
    *("int_style_return_weekly", "int_style_liquidity_weekly"),
    *("int_style_component_weekly", "int_style_factor_weekly"),
    "fct_factor_value_weekly",
)
UPSTREAM = (
    *(f"raw.{name}" for name in RAW),
    *("raw.check_result", "seeds.deposit_rate"),
    *("intermediate.int_trading_day", "intermediate.int_industry_member"),
)
# With the column of the day that the half of the years is cut by.
BY_SECURITY = {
    "intermediate.int_security_price_day": "trade_date",
    "intermediate.int_factor_universe_weekly": "trade_week",
    "intermediate.int_score_factor_weekly": "trade_week",
    "intermediate.int_high_frequency_factor_weekly": "trade_week",
    "intermediate.int_neutral_high_frequency_factor_weekly": "trade_week",
}
# Factors of prices, volumes and caps; those of reports the SQL makes besides.
FACTORS = (
    *("volatility_1y", "residual_volatility", "beta", "log_market_cap"),
    *("nonlinear_size", "nonlinear_size_orthogonal", "market_cap_squared"),
    *("illiquidity", "non_trading_share", "liquidity", "momentum", "return_10d"),
    *("turnover_10d_total", "traded_value", "unadjusted_price"),
)
COMPOSITES = {
    "residual_volatility": {"dastd": 0.74, "cmra": 0.16, "hsigma": 0.10},
    "liquidity": {"stom": 0.35, "stoq": 0.35, "stoa": 0.30},
}
ERA_DAYS = 1024
WINDOW, LEAST, BETA_HALF_LIFE, DASTD_HALF_LIFE = 250, 150, 63, 42
# Every so many stocks are measured with a function of each window.
STEP = 100
MINIMUM_RATIO = 10.0
LARGEST_GROWTH = 2.2

console = Console(highlight=False, width=120)


def copy_panel(source: Path, target: Path, condition: str) -> None:
    """Copy what the models read of a store into a file of its own."""
    with duckdb.connect(str(target)) as con:
        con.execute(f"attach {quote_literal(str(source))} as store (read_only)")
        for schema in ("raw", "seeds", "intermediate"):
            con.execute(f"create schema {schema}")
        for name in UPSTREAM:
            con.execute(f"create table {name} as from store.{name}")
        for name, day in BY_SECURITY.items():
            con.execute(
                f"create table {name} as from store.{name} "
                f"where {condition.format(day=day)}"
            )


def build_in_sql(path: Path) -> float:
    """Build the models by dbt; return their seconds without dbt's own."""
    return sum(
        build_models(path, ("run", "--full-refresh", "--select", *MODELS)).values()
    )


def read_panel(path: Path) -> dict[str, pd.DataFrame]:
    """Read the panel as pandas' user would have it: sorted by stock and day."""
    with duckdb.connect(str(path), read_only=True) as con:
        return {
            "panel": con.execute(
                """
                select
                    security_code, day_index, trade_date, is_suspended, adjusted_close,
                    daily_return, amount_cny, volume_shares, total_shares, float_shares,
                    total_cap_cny, last_close_cny, previous_float_cap_cny
                from intermediate.int_security_day
                order by security_code, day_index
                """
            ).df(),
            "day": con.execute(
                "select trade_date, is_week_end and is_week_complete as is_evaluated "
                "from intermediate.int_trading_day"
            ).df(),
            "rate": con.execute("from seeds.deposit_rate order by valid_from").df(),
            "universe": con.execute(
                "select trade_date, security_code from intermediate."
                "int_factor_universe_weekly where is_in_all"
            ).df(),
            "industry": con.execute(
                """
                with held as (
                    select
                        universe.trade_date, universe.security_code,
                        member.industry_system, member.industry_code
                    from intermediate.int_factor_universe_weekly as universe
                    inner join intermediate.int_industry_member as member
                        on
                            universe.security_code = member.security_code
                            and universe.trade_date >= member.valid_from
                            and universe.trade_date
                            < coalesce(member.valid_to, date '9999-12-31')
                    where
                        universe.is_in_all
                        and member.industry_system in ('citic1', 'shenwan1')
                )
                select trade_date, security_code, industry_code
                from held
                qualify
                    industry_system
                    = min(industry_system) over (partition by trade_date)
                """
            ).df(),
        }


def rolled(
    panel: pd.DataFrame, values: pd.Series, days: int, how: str, least: int
) -> pd.Series:
    """Return a statistic of the last days of each stock."""
    rolling = values.groupby(panel["security_code"], observed=True).rolling(
        days, min_periods=least
    )
    return pd.Series(getattr(rolling, how)().to_numpy(), panel.index)


def weighted_by_sums(panel: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the weighted statistics by sums over each stock's windows."""
    era, age = panel["day_index"] // ERA_DAYS, panel["day_index"] % ERA_DAYS

    def weighted(values: pd.Series, half_life: int) -> pd.Series:
        """Sum over a window on the scale of its last era."""
        grown = values * 2.0 ** (age / half_life)
        even, odd = (
            rolled(panel, grown.where(era % 2 == part), WINDOW, "sum", 1).fillna(0.0)
            for part in (0, 1)
        )
        own, before = even.where(era % 2 == 0, odd), odd.where(era % 2 == 0, even)
        return own + before * 2.0 ** (-ERA_DAYS / half_life)

    def enough(there: pd.Series) -> pd.Series:
        return rolled(panel, there.astype(float), WINDOW, "sum", 1) >= LEAST

    is_paired = panel["return"].notna() & panel["market"].notna()
    one = pd.Series(1.0, panel.index).where(is_paired)
    market, stock = one * panel["market"], one * panel["return"]
    w, m, r = (weighted(part, BETA_HALF_LIFE) for part in (one, market, stock))
    mm = weighted(market**2, BETA_HALF_LIFE) - m**2 / w
    mr = weighted(market * stock, BETA_HALF_LIFE) - m * r / w
    rr = weighted(stock**2, BETA_HALF_LIFE) - r**2 / w
    left = np.sqrt(((rr - mr**2 / mm) / w).clip(lower=0))
    excess = panel["excess"]
    there = pd.Series(1.0, panel.index).where(excess.notna())
    v, e = (weighted(part, DASTD_HALF_LIFE) for part in (there, excess))
    spread = weighted(excess**2, DASTD_HALF_LIFE) - e**2 / v
    return {
        "beta": (mr / mm).where(enough(is_paired)),
        "hsigma": left.where(enough(is_paired)),
        "dastd": np.sqrt((spread / v).clip(lower=0)).where(enough(excess.notna())),
    }


def weighted_one_by_one(panel: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the weighted statistics by a function of each window."""
    age = np.arange(WINDOW)[::-1]
    decay = {life: 0.5 ** (age / life) for life in (BETA_HALF_LIFE, DASTD_HALF_LIFE)}
    place = pd.Series(np.arange(len(panel), dtype=float), panel.index)
    market, stock = panel["market"].to_numpy(), panel["return"].to_numpy()

    def regressed(window: np.ndarray) -> tuple[float, float]:
        rows = slice(int(window[0]), int(window[-1]) + 1)
        m, r = market[rows], stock[rows]
        known = ~np.isnan(m) & ~np.isnan(r)
        if known.sum() < LEAST:
            return np.nan, np.nan
        w, m, r = decay[BETA_HALF_LIFE][-len(known) :][known], m[known], r[known]
        m, r = m - np.average(m, weights=w), r - np.average(r, weights=w)
        beta = (w * m * r).sum() / (w * m * m).sum()
        return beta, np.sqrt(np.average((r - beta * m) ** 2, weights=w))

    def deviation(window: np.ndarray) -> float:
        known = ~np.isnan(window)
        w, e = decay[DASTD_HALF_LIFE][-len(known) :][known], window[known]
        mean = np.average(e, weights=w)
        return float(np.sqrt(np.average((e - mean) ** 2, weights=w)))

    def applied(values: pd.Series, function: object, least: int) -> pd.Series:
        rolling = values.groupby(panel["security_code"], observed=True).rolling(
            WINDOW, min_periods=least
        )
        return pd.Series(rolling.apply(function, raw=True).to_numpy(), panel.index)

    return {
        "beta": applied(place, lambda window: regressed(window)[0], 1),
        "hsigma": applied(place, lambda window: regressed(window)[1], 1),
        "dastd": applied(panel["excess"], deviation, LEAST),
    }


@dataclass(frozen=True)
class Peer:
    """What pandas made, in seconds: all, and the weighted windows in both ways."""

    weekly: pd.DataFrame
    seconds: float
    by_sums: float
    one_by_one: float

    @property
    def plain(self) -> float:
        """Seconds with a function of each window."""
        return self.seconds - self.by_sums + self.one_by_one


def pandas_peer(tables: dict[str, pd.DataFrame]) -> Peer:
    """Make the factors and their standard scores with ``groupby`` and ``rolling``.

    Raises
    ------
    RuntimeError
        The two ways to the weighted windows differ.
    """
    start = time.perf_counter()
    panel = tables["panel"].merge(tables["day"], on="trade_date", how="left")
    panel["security_code"] = panel["security_code"].astype("category")
    rate = tables["rate"][["valid_from", "rate_percent"]]
    days = panel[["trade_date"]].drop_duplicates().sort_values("trade_date")
    days["trade_date"] = days["trade_date"].astype(rate["valid_from"].dtype)
    days = pd.merge_asof(days, rate, left_on="trade_date", right_on="valid_from")
    risk_free = days.set_index("trade_date")["rate_percent"] / 100 / 242
    panel["risk_free"] = panel["trade_date"].map(risk_free)
    weighed = panel["previous_float_cap_cny"].where(panel["daily_return"].notna())
    product = (weighed * panel["daily_return"]).groupby(panel["trade_date"]).sum()
    market = product / weighed.groupby(panel["trade_date"]).sum().replace(0, np.nan)
    panel["market"] = panel["trade_date"].map(market)
    traded = ~panel["is_suspended"]
    panel["return"] = panel["daily_return"].where(traded)
    panel["excess"] = panel["return"] - panel["risk_free"]
    panel["amount"] = panel["amount_cny"].where(traded)
    panel["volume"] = panel["volume_shares"].where(traded, 0.0)

    by_code = panel.groupby("security_code", observed=True)
    result = panel[["security_code", "trade_date", "is_evaluated"]].copy()
    result["volatility_1y"] = rolled(panel, panel["return"], 250, "std", 150)
    earlier = panel["excess"].groupby(panel["security_code"], observed=True).shift(21)
    result["momentum"] = rolled(panel, earlier, 229, "mean", 138)
    result["return_10d"] = panel["adjusted_close"] / by_code["adjusted_close"].shift(10)
    result["return_10d"] -= 1
    result["non_trading_share"] = rolled(
        panel, panel["is_suspended"].astype(float), 250, "mean", 150
    )
    impact = panel["daily_return"].abs().where(traded) / panel["amount"].replace(
        0, np.nan
    )
    result["illiquidity"] = rolled(panel, impact, 20, "mean", 12)
    result["traded_value"] = rolled(panel, panel["amount"], 20, "mean", 12)
    total = panel["volume"] / panel["total_shares"]
    result["turnover_10d_total"] = rolled(panel, total, 10, "sum", 10)
    floating = panel["volume"] / panel["float_shares"]
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, length in (("stom", 21), ("stoq", 63), ("stoa", 250)):
            turned = rolled(panel, floating, length, "sum", length)
            result[name] = np.log(turned.where(turned > 0) * 21 / length)
    result["unadjusted_price"] = panel["last_close_cny"]
    result["log_market_cap"] = np.log(panel["total_cap_cny"])
    result["market_cap_squared"] = panel["total_cap_cny"] ** 2
    level = np.log(panel["adjusted_close"]) - panel["trade_date"].map(
        np.log1p(risk_free).cumsum()
    )
    by_stock = level.groupby(panel["security_code"], observed=True)
    past = pd.concat([by_stock.shift(21 * month) for month in range(1, 13)], axis=1)
    highest = level - past.min(axis=1, skipna=False)
    lowest = level - past.max(axis=1, skipna=False)
    del past
    result["cmra"] = np.log1p(highest) - np.log1p(lowest.where(lowest > -1))
    middle = time.perf_counter()
    for name, values in weighted_by_sums(panel).items():
        result[name] = values
    by_sums = time.perf_counter() - middle
    weekly = (
        result[result["is_evaluated"].fillna(False)]
        .merge(tables["universe"].assign(is_member=True), how="left")
        .merge(tables["industry"], how="left")
    )
    weekly["is_member"] = weekly["is_member"].fillna(False).astype(bool)
    weekly = scored(weekly)
    seconds = time.perf_counter() - start
    some = panel[panel["security_code"].cat.codes % STEP == 0]
    some = some.assign(
        security_code=some["security_code"].cat.remove_unused_categories()
    )
    start = time.perf_counter()
    defined = weighted_one_by_one(some)
    one_by_one = (time.perf_counter() - start) * len(panel) / len(some)
    for name, values in defined.items():
        other = result.loc[some.index, name]
        difference = float(np.nan_to_num((values - other).abs().max()))
        if difference > TOLERANCE or (values.isna() != other.isna()).any():
            raise RuntimeError(f"{name}: two ways of pandas differ by {difference:.1e}")
    return Peer(weekly, seconds, by_sums, one_by_one)


def scored(weekly: pd.DataFrame) -> pd.DataFrame:
    """Add composites, orthogonal factors, standard scores and neutral scores."""
    for factor, weights in COMPOSITES.items():
        scores = {name: standardised(weekly, name) for name in weights}
        present = sum(scores[n].notna() * weight for n, weight in weights.items())
        summed = sum(scores[n].fillna(0.0) * weight for n, weight in weights.items())
        weekly[factor] = (summed / present).where(present >= 0.5)
    cap = standardised(weekly, "log_market_cap")
    weekly["residual_volatility"] = residual(
        weekly, weekly["residual_volatility"], [standardised(weekly, "beta"), cap]
    )
    member = weekly["log_market_cap"].where(weekly["is_member"])
    by_week = member.groupby(weekly["trade_date"])
    size = weekly["log_market_cap"] - by_week.transform("mean")
    size /= by_week.transform("std")
    weekly["nonlinear_size"] = size**3
    weekly["nonlinear_size_orthogonal"] = residual(weekly, size**3, [size])
    cap = cap.where(weekly["is_member"])
    for factor in FACTORS:
        score = standardised(weekly, factor).where(weekly["is_member"])
        weekly[f"{factor}_z"] = score
        weekly[f"{factor}_n"] = neutral(weekly, score, cap)
    return weekly


def residual(
    weekly: pd.DataFrame, target: pd.Series, regressors: list[pd.Series]
) -> pd.Series:
    """Return what least squares over the members of each week leave."""
    design = np.column_stack([np.ones(len(weekly)), *regressors])
    known = target.notna().to_numpy() & ~np.isnan(design).any(axis=1)
    fitted = known & weekly["is_member"].to_numpy()
    values = target.to_numpy()
    rest = np.full(len(weekly), np.nan)
    for rows in weekly.groupby("trade_date").indices.values():
        used = rows[fitted[rows]]
        if len(used) > design.shape[1]:
            solved = np.linalg.lstsq(design[used], values[used], rcond=None)[0]
            shown = rows[known[rows]]
            rest[shown] = values[shown] - design[shown] @ solved
    return pd.Series(rest, weekly.index)


def neutral(weekly: pd.DataFrame, score: pd.Series, cap: pd.Series) -> pd.Series:
    """Return the standardised residual on industries and size."""
    there = score.notna() & cap.notna() & weekly["industry_code"].notna()
    week, groups = weekly["trade_date"], [weekly["trade_date"], weekly["industry_code"]]
    own, size = score.where(there), cap.where(there)
    y = own - own.groupby(groups).transform("mean")
    x = size - size.groupby(groups).transform("mean")
    slope = (x * y).groupby(week).transform("sum") / (x * x).groupby(week).transform(
        "sum"
    )
    rest = y - slope * x
    left = (rest**2).groupby(week).transform("sum")
    total = (own**2).groupby(week).transform("sum")
    return (rest / rest.groupby(week).transform("std")).where(left > 1e-9 * total)


def standardised(weekly: pd.DataFrame, column: str) -> pd.Series:
    """Return winsorised standard scores by week, by the moments of the members."""
    member = weekly[column].where(weekly["is_member"])
    week = weekly["trade_date"]
    middle = member.groupby(week).transform("median")
    spread = (member - middle).abs().groupby(week).transform("median")
    spread = spread.where(spread > 0, np.inf)
    values = weekly[column].clip(middle - 5 * spread, middle + 5 * spread)
    inside = values.where(weekly["is_member"]).groupby(week)
    deviation = inside.transform("std")
    return (values - inside.transform("mean")) / deviation.where(deviation > 0)


def largest_difference(path: Path, peer: pd.DataFrame) -> float:
    """Print and return the largest difference of a score between SQL and pandas.

    Infinite where only one of them has a score.
    """
    worst = 0.0
    with duckdb.connect(str(path), read_only=True) as con:
        for factor in FACTORS:
            ours = con.execute(
                "select trade_week as trade_date, security_code, z_score, "
                "neutral_z_score "
                "from factors.fct_factor_value_weekly where factor_code = ?",
                [factor],
            ).df()
            names = {f"{factor}_z": "z_score", f"{factor}_n": "neutral_z_score"}
            both = peer[["trade_date", "security_code", *names]].merge(ours, how="left")
            for theirs, name in names.items():
                difference = (both[theirs] - both[name]).abs().max()
                missing = (both[theirs].isna() != both[name].isna()).sum()
                worst = max(worst, float(difference) if missing == 0 else np.inf)
                console.print(
                    f"{factor}.{name}: largest difference {difference:.1e}, "
                    f"{missing} of {len(both)} in one only"
                )
    return worst


def main() -> None:
    """Measure the store named on the command line, or the project's own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=read_settings().home)
    parser.add_argument(
        "--growth", action="store_true", help="also half of the stocks and of the years"
    )
    arguments = parser.parse_args()
    source = arguments.home / "build.duckdb"
    if not source.exists():
        console.print(f"skipped: {source} is not built; run `make real` or a refresh")
        return
    parts = {"all": "true"}
    if arguments.growth:
        parts["half of the stocks"] = "hash(security_code) % 2 = 0"
        parts["half of the years"] = (
            "{day} > (select quantile_disc(trade_date, 0.5) "
            "from store.intermediate.int_security_price_day)"
        )
    seconds: dict[str, float] = {}
    rows: dict[str, int] = {}
    table = Table("part", "panel rows", "SQL, s", "all by part")
    with tempfile.TemporaryDirectory() as folder:
        for name, condition in parts.items():
            path = Path(folder) / name.replace(" ", "_") / "build.duckdb"
            path.parent.mkdir()
            copy_panel(source, path, condition)
            seconds[name] = build_in_sql(path)
            with duckdb.connect(str(path), read_only=True) as con:
                row = con.execute(
                    "select count(*) from intermediate.int_security_price_day"
                ).fetchone()
            rows[name] = row[0] if row else 0
            if name == "all":
                peer = pandas_peer(read_panel(path))
                worst = largest_difference(path, peer.weekly)
            ratio = seconds["all"] / seconds[name]
            table.add_row(
                name, f"{rows[name]:,}", f"{seconds[name]:.1f}", f"{ratio:.2f}"
            )
    console.print(table)
    ours = seconds["all"]
    console.print(
        f"pandas for {len(FACTORS)} factors with both scores: {peer.seconds:.1f} s by "
        f"sums, {peer.plain:.1f} s with a function of each window (scaled from one "
        f"stock in {STEP}); SQL {ours:.1f} s for these, those of reports, and the "
        f"table: ratios {peer.seconds / ours:.1f} and {peer.plain / ours:.1f}"
    )
    if not worst < TOLERANCE:
        raise SystemExit(f"error: SQL and pandas differ by {worst:.1e}")
    short = [
        f"grows by {ours / part:.2f} from {name}"
        for name, part in seconds.items()
        if ours > LARGEST_GROWTH * part
    ]
    if peer.plain < MINIMUM_RATIO * ours:
        short.append(f"only {peer.plain / ours:.1f} times pandas")
    if short:
        raise SystemExit(f"error: {'; '.join(short)}")


if __name__ == "__main__":
    main()
