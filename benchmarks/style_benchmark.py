"""Style factors of real data: the models in SQL against pandas, and how time grows.

The models are built by dbt from the panel of a store that holds real data, as a refresh
builds them; pandas makes the same factors from the same panel with ``groupby`` and
``rolling``, and results must agree before a time counts. Add a factor to the peer when
the models get one that comes from the panel.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from warehouse.settings import PROJECT_ROOT, read_settings
from warehouse.store import quote_literal

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
MEMORY_LIMIT = "6GB"
THREADS = 2
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
BY_SECURITY = (
    "intermediate.int_security_price_day",
    "intermediate.int_factor_universe_weekly",
)
# Factors of prices, volumes and caps; those of reports the SQL makes besides.
FACTORS = (
    *("volatility_1y", "beta", "log_market_cap", "market_cap_squared", "illiquidity"),
    *("non_trading_share", "liquidity", "momentum", "return_10d"),
    *("turnover_10d_total", "traded_value", "unadjusted_price"),
)
ERA_DAYS = 1024

console = Console(highlight=False)


def copy_panel(source: Path, target: Path, condition: str) -> None:
    """Copy what the models read of a store into a file of its own."""
    with duckdb.connect(str(target)) as con:
        con.execute(f"attach {quote_literal(str(source))} as store (read_only)")
        for schema in ("raw", "seeds", "intermediate"):
            con.execute(f"create schema {schema}")
        for name in UPSTREAM:
            con.execute(f"create table {name} as from store.{name}")
        for name in BY_SECURITY:
            con.execute(f"create table {name} as from store.{name} where {condition}")


def build_in_sql(path: Path) -> float:
    """Build the models by dbt; return their seconds without dbt's own."""
    target = path.parent / "target"
    command = [
        *(sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()"),
        *("--quiet", "run", "--full-refresh", "--select", *MODELS),
        *("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)),
        *("--target-path", str(target), "--log-path", str(target)),
    ]
    variables = {
        "LUNDONG_BUILD_PATH": str(path),
        "LUNDONG_MEMORY_LIMIT": MEMORY_LIMIT,
        "LUNDONG_THREADS": str(THREADS),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    done = subprocess.run(
        command,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-2000:] + done.stderr[-2000:])
    results = json.loads((target / "run_results.json").read_text())["results"]
    return float(sum(result["execution_time"] for result in results))


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
        }


def pandas_peer(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Make the factors and their standard scores with ``groupby`` and ``rolling``."""
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

    def rolled(values: pd.Series, days: int, how: str, least: int) -> pd.Series:
        rolling = values.groupby(panel["security_code"], observed=True).rolling(
            days, min_periods=least
        )
        return pd.Series(getattr(rolling, how)().to_numpy(), panel.index)

    by_code = panel.groupby("security_code", observed=True)
    result = panel[["security_code", "trade_date", "is_evaluated"]].copy()
    result["volatility_1y"] = rolled(panel["return"], 250, "std", 150)
    earlier = panel["excess"].groupby(panel["security_code"], observed=True).shift(21)
    result["momentum"] = rolled(earlier, 229, "mean", 138)
    result["return_10d"] = panel["adjusted_close"] / by_code["adjusted_close"].shift(10)
    result["return_10d"] -= 1
    result["non_trading_share"] = rolled(
        panel["is_suspended"].astype(float), 250, "mean", 150
    )
    impact = panel["daily_return"].abs().where(traded) / panel["amount"].replace(
        0, np.nan
    )
    result["illiquidity"] = rolled(impact, 20, "mean", 12)
    result["traded_value"] = rolled(panel["amount"], 20, "mean", 12)
    total = panel["volume"] / panel["total_shares"]
    result["turnover_10d_total"] = rolled(total, 10, "sum", 10)
    floating = panel["volume"] / panel["float_shares"]
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, length in (("stom", 21), ("stoq", 63), ("stoa", 250)):
            turned = rolled(floating, length, "sum", length)
            result[name] = np.log(turned.where(turned > 0) * 21 / length)
    result["unadjusted_price"] = panel["last_close_cny"]
    result["log_market_cap"] = np.log(panel["total_cap_cny"])
    result["market_cap_squared"] = panel["total_cap_cny"] ** 2
    # Weighted sums over a window are rolling sums of values on a growing scale.
    age = panel["day_index"] % ERA_DAYS
    weight = pd.Series(2.0 ** (age / 63), panel.index)
    weight = weight.where(panel["return"].notna() & panel["market"].notna())
    era = panel["day_index"] // ERA_DAYS
    sums = {}
    for name, values in {
        "w": weight,
        "m": weight * panel["market"],
        "s": weight * panel["return"],
        "mm": weight * panel["market"] ** 2,
        "ms": weight * panel["market"] * panel["return"],
    }.items():
        # What the window holds of the era before is on another scale.
        even, odd = (
            rolled(values.where(era % 2 == part), 250, "sum", 1).fillna(0.0)
            for part in (0, 1)
        )
        own, before = even.where(era % 2 == 0, odd), odd.where(era % 2 == 0, even)
        sums[name] = own + before * 2.0 ** (-ERA_DAYS / 63)
    enough = rolled(weight.notna().astype(float), 250, "sum", 1) >= 150
    numerator = sums["ms"] - sums["m"] * sums["s"] / sums["w"]
    beta = numerator / (sums["mm"] - sums["m"] ** 2 / sums["w"])
    result["beta"] = beta.where(enough)

    weekly = result[result["is_evaluated"].fillna(False)].merge(
        tables["universe"].assign(is_member=True), how="left"
    )
    weekly["is_member"] = weekly["is_member"].fillna(False).astype(bool)
    weights = {"stom": 0.35, "stoq": 0.35, "stoa": 0.30}
    scores = {name: standardised(weekly, name) for name in weights}
    present = sum(scores[n].notna() * weight for n, weight in weights.items())
    summed = sum(scores[n].fillna(0.0) * weight for n, weight in weights.items())
    weekly["liquidity"] = (summed / present).where(present >= 0.5)
    for factor in FACTORS:
        score = standardised(weekly, factor)
        weekly[f"{factor}_z"] = score.where(weekly["is_member"])
    return weekly


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
    """Return the largest difference of a standard score between SQL and pandas.

    Raises
    ------
    RuntimeError
        A score is there in one of the two only, and the factor is not almost constant.
    """
    worst = 0.0
    with duckdb.connect(str(path), read_only=True) as con:
        for factor in FACTORS:
            ours = con.execute(
                "select trade_week as trade_date, security_code, z_score "
                "from factors.fct_factor_value_weekly where factor_code = ?",
                [factor],
            ).df()
            columns = ["trade_date", "security_code", f"{factor}_z"]
            both = peer[columns].merge(ours, how="left")
            difference = (both[f"{factor}_z"] - both["z_score"]).abs()
            worst = max(worst, float(difference.max()))
            missing = (both[f"{factor}_z"].isna() != both["z_score"].isna()).sum()
            console.print(
                f"{factor}: largest difference {difference.max():.1e}, "
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
            "trade_date > (select quantile_disc(trade_date, 0.5) "
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
                tables = read_panel(path)
                start = time.perf_counter()
                peer = pandas_peer(tables)
                peer_seconds = time.perf_counter() - start
                del tables
                worst = largest_difference(path, peer)
                agrees = worst < TOLERANCE
                del peer
            ratio = seconds["all"] / seconds[name]
            table.add_row(
                name, f"{rows[name]:,}", f"{seconds[name]:.1f}", f"{ratio:.2f}"
            )
    console.print(table)
    console.print(
        f"pandas {peer_seconds:.1f} s for {len(FACTORS)} factors and scores; SQL "
        f"{seconds['all']:.1f} s for all style factors, scores and neutral scores: "
        f"ratio {peer_seconds / seconds['all']:.1f}; "
        f"{'agrees' if agrees else 'DIFFERS'} within {worst:.1e}"
    )


if __name__ == "__main__":
    main()
