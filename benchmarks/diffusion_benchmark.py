"""Diffusion index and weekly industry returns of real files in SQL, pandas and polars.

The three do the same work from the same Parquet files, each as a competent user of its
library writes it; results must agree before a time counts. Add a peer as a function
that returns ``Result``; keep the formulas equal to those of the dbt models.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
from rich.console import Console
from rich.table import Table

from warehouse.settings import read_settings

SQL_FILE = Path(__file__).with_suffix(".sql")
DAILY_FILES = ("daily_2010_2020.parquet", "daily_2021_2024.parquet")
LOOKBACK_DAYS = 220
FLOAT_WINDOW_DAYS = 21
MINIMUM_MEMBERS = 3
PRICE_AGE_DAYS = 30
TOLERANCE = 1e-10

SCHEME_2014 = date(2014, 2, 21)
SCHEME_2021 = date(2021, 7, 30)
# Industry codes of 2021 by the first two digits of the vendor's classification, and by
# the first four where level 2 splits an industry of the scheme of 2014.
INDUSTRY_OF = {
    "11": "801010.SI",
    "22": "801030.SI",
    "23": "801040.SI",
    "24": "801050.SI",
    "27": "801080.SI",
    "28": "801880.SI",
    "33": "801110.SI",
    "34": "801120.SI",
    "35": "801130.SI",
    "36": "801140.SI",
    "37": "801150.SI",
    "41": "801160.SI",
    "42": "801170.SI",
    "43": "801180.SI",
    "45": "801200.SI",
    "46": "801210.SI",
    "48": "801780.SI",
    "49": "801790.SI",
    "51": "801230.SI",
    "61": "801710.SI",
    "62": "801720.SI",
    "63": "801730.SI",
    "64": "801890.SI",
    "65": "801740.SI",
    "71": "801750.SI",
    "72": "801760.SI",
    "73": "801770.SI",
    "74": "801950.SI",
    "75": "801960.SI",
    "76": "801970.SI",
    "77": "801980.SI",
}
SPLIT_2014 = {
    "2101": "801960.SI",
    "2102": "801950.SI",
    "2103": "801040.SI",
    "2104": "801960.SI",
    "2201": "801960.SI",
}


@dataclass(frozen=True)
class Result:
    """What every peer returns.

    Attributes
    ----------
    diffusion : pandas.DataFrame
        Columns ``industry_code``, ``trade_date``, ``diffusion_index``.
    weekly : pandas.DataFrame
        Columns ``industry_code``, ``trade_week``, ``float_cap_return``.
    """

    diffusion: pd.DataFrame
    weekly: pd.DataFrame


def run_sql(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Run ``diffusion_benchmark.sql``; its tables stay in the connection."""
    for statement in con.extract_statements(SQL_FILE.read_text(encoding="utf-8")):
        bound = {"folder": str(folder)} if "$folder" in statement.query else None
        con.execute(statement, bound)


def sql_peer(folder: Path, *, threads: int = 2) -> Result:
    """Do the work in SQL, in a DuckDB in memory."""
    with duckdb.connect(config={"threads": threads}) as con:
        con.execute("set preserve_insertion_order = false")
        run_sql(con, folder)
        return Result(
            con.execute("from diffusion_index order by all").df(),
            con.execute("from weekly_return order by all").df(),
        )


def pandas_peer(folder: Path) -> Result:
    """Do the same in pandas: a long panel, ``groupby`` and ``merge_asof``."""
    columns = ["code", "date", "close_cents", "adj_factor", "volume"]
    bars = pd.concat(
        [
            pd.read_parquet(folder / DAILY_FILES[0], columns=columns),
            pd.read_parquet(
                folder / DAILY_FILES[1], columns=[*columns, "turnover_pct_x100"]
            ),
        ],
        ignore_index=True,
    )
    bars["code"] = bars["code"].astype("category")
    bars["date"] = pd.to_datetime(bars["date"])
    days = pd.DataFrame({"trade_date": np.sort(bars["date"].unique())})
    days["day_index"] = np.arange(len(days))
    monday = days["trade_date"] - pd.to_timedelta(
        days["trade_date"].dt.day_of_week, "D"
    )
    days["trade_week"] = days.groupby(monday)["trade_date"].transform("max")
    bars["day_index"] = np.searchsorted(days["trade_date"], bars["date"])
    shares = _pandas_shares(folder, bars, days)
    members = _pandas_members(folder, days, bars["code"].cat.categories)

    bars = bars.sort_values(["code", "day_index"], ignore_index=True)
    is_traded = bars["volume"] > 0
    factor = bars["adj_factor"].astype(float)
    bars["adjusted_close"] = (bars["close_cents"] / 100 * factor).where(is_traded)
    bars["adjusted_close"] = bars.groupby("code", observed=True)[
        "adjusted_close"
    ].ffill()
    bars["close_cny"] = (bars["adjusted_close"] / factor).round(4)
    turnover = bars["turnover_pct_x100"].where(bars["turnover_pct_x100"] > 0)
    bars["float_shares"] = (bars["volume"] / (turnover / 1e4)).where(is_traded)
    following = bars.groupby("code", observed=True)["day_index"].shift(-1)
    held = (following.fillna(len(days)) - bars["day_index"]).astype(int)
    panel = bars[["code", "day_index", "close_cny", "adjusted_close", "float_shares"]]
    del bars
    panel = panel.loc[panel.index.repeat(held)].reset_index(drop=True)
    since_bar = panel.groupby(["code", "day_index"], observed=True).cumcount()
    panel["day_index"] += since_bar
    estimate = panel["float_shares"].where(since_bar == 0)
    median = (
        estimate.groupby(panel["code"], observed=True)
        .rolling(FLOAT_WINDOW_DAYS, min_periods=1)
        .median()
        .to_numpy()
    )
    panel["float_shares"] = pd.Series(median, panel.index).where(estimate.notna())
    panel["float_shares"] = panel.groupby("code", observed=True)["float_shares"].ffill()

    panel = panel.sort_values("day_index", kind="stable")
    panel = pd.merge_asof(panel, shares, on="day_index", by="code")
    panel = pd.merge_asof(panel, members, on="day_index", by="code")
    panel = panel.sort_values(["code", "day_index"], ignore_index=True)
    # An estimate of the float can exceed the total by its rounding.
    panel["cap"] = panel["close_cny"] * panel[["float_shares", "total_shares"]].min(
        axis="columns"
    )
    by_code = panel.groupby("code", observed=True)
    before = by_code["adjusted_close"].shift(LOOKBACK_DAYS)
    panel["is_compared"] = before.notna() & panel["cap"].notna()
    panel["compared_cap"] = panel["cap"].where(panel["is_compared"])
    panel["up_cap"] = panel["compared_cap"].where(panel["adjusted_close"] > before)
    daily_return = panel["adjusted_close"] / by_code["adjusted_close"].shift() - 1
    panel["weight"] = by_code["cap"].shift().where(daily_return.notna())
    panel["weighted_return"] = daily_return * panel["weight"]
    summed = (
        panel.groupby(["industry_code", "day_index"], observed=True)[
            ["is_compared", "up_cap", "compared_cap", "weighted_return", "weight"]
        ]
        .sum()
        .reset_index()
        .merge(days, on="day_index")
    )
    diffusion = summed[summed["is_compared"] >= MINIMUM_MEMBERS]
    diffusion = diffusion.assign(
        diffusion_index=diffusion["up_cap"] / diffusion["compared_cap"]
    )
    returned = summed[summed["weight"] > 0]
    growth = np.log1p(returned["weighted_return"] / returned["weight"])
    weekly = growth.groupby([returned["industry_code"], returned["trade_week"]]).sum()
    return Result(
        diffusion[["industry_code", "trade_date", "diffusion_index"]],
        np.expm1(weekly).rename("float_cap_return").reset_index(),
    )


def _pandas_shares(
    folder: Path, bars: pd.DataFrame, days: pd.DataFrame
) -> pd.DataFrame:
    quarter = pd.read_parquet(
        folder / "quarterly_fundamentals_2015_2024.parquet",
        columns=["code", "quarter_end", "total_mv"],
    )
    quarter["quarter_end"] = pd.to_datetime(quarter["quarter_end"])
    quarter = quarter[
        (quarter["total_mv"] > 0) & quarter["quarter_end"].dt.is_quarter_end
    ]
    codes = bars["code"].cat.categories
    quarter = quarter[quarter["code"].isin(codes)].sort_values("quarter_end")
    quarter["code"] = pd.Categorical(quarter["code"], codes)
    ends = quarter["quarter_end"].unique()
    near = bars[bars["date"] > ends.min() - pd.Timedelta(days=PRICE_AGE_DAYS)]
    quarter = pd.merge_asof(
        quarter,
        near[["code", "date", "close_cents"]].sort_values("date"),
        left_on="quarter_end",
        right_on="date",
        by="code",
        tolerance=pd.Timedelta(days=PRICE_AGE_DAYS - 1),
    )
    quarter["total_shares"] = (
        quarter["total_mv"].astype(float) * 1e4 / (quarter["close_cents"] / 100)
    )
    quarter["day_index"] = np.searchsorted(days["trade_date"], quarter["quarter_end"])
    return quarter.dropna(subset="total_shares")[["code", "day_index", "total_shares"]]


def _pandas_members(
    folder: Path, days: pd.DataFrame, codes: pd.Index[str]
) -> pd.DataFrame:
    history = pd.read_parquet(folder / "shenwan_industry_history.parquet")
    history["start_date"] = pd.to_datetime(history["start_date"])
    history = history.sort_values(["code", "start_date"])
    is_known_at_once = (
        history["start_date"].isin(
            [pd.Timestamp(SCHEME_2014), pd.Timestamp(SCHEME_2021)]
        )
        | ~history["code"].duplicated()
    )
    history["known_date"] = history["start_date"].where(
        is_known_at_once, history["start_date"] + pd.DateOffset(months=1)
    )
    # A row is void if a later one was known before it.
    later = history[::-1].groupby("code")["known_date"].cummin()[::-1]
    following = later.groupby(history["code"]).shift(-1)
    history = history[following.isna() | (history["known_date"] < following)]
    split = history["sw_code"].str[:4].map(SPLIT_2014)
    history["industry_code"] = split.where(
        history["start_date"] < pd.Timestamp(SCHEME_2021)
    ).fillna(history["sw_code"].str[:2].map(INDUSTRY_OF))
    history["industry_code"] = history["industry_code"].astype("category")
    history = history[history["code"].isin(codes)].copy()
    history["code"] = pd.Categorical(history["code"], codes)
    history["day_index"] = np.searchsorted(days["trade_date"], history["known_date"])
    return history.sort_values(
        ["day_index", "known_date"], kind="stable"
    ).drop_duplicates(["code", "day_index"], keep="last")[
        ["code", "day_index", "industry_code"]
    ]


def polars_peer(folder: Path) -> Result:
    """Do the same in polars: lazy scans, ``over`` and ``join_asof``."""
    bars = pl.concat(
        [
            pl.scan_parquet(folder / name).select(
                "code",
                pl.col("date").alias("trade_date"),
                "close_cents",
                "adj_factor",
                "volume",
                turnover,
            )
            for name, turnover in zip(
                DAILY_FILES,
                (
                    pl.lit(None, dtype=pl.Int32).alias("turnover_pct_x100"),
                    pl.col("turnover_pct_x100"),
                ),
                strict=True,
            )
        ]
    )
    days = (
        bars.select("trade_date")
        .unique()
        .sort("trade_date")
        .with_row_index("day_index")
        .with_columns(
            pl.col("day_index").cast(pl.Int64),
            pl.col("trade_date")
            .max()
            .over(pl.col("trade_date").dt.truncate("1w"))
            .alias("trade_week"),
        )
        .collect()
    )
    shares = _polars_shares(folder, bars, days)
    members = _polars_members(folder, days)
    is_traded = pl.col("volume") > 0
    factor = pl.col("adj_factor").cast(pl.Float64)
    turnover = pl.col("turnover_pct_x100")
    summed = (
        bars.join(days.lazy(), on="trade_date")
        .sort("code", "day_index")
        .select(
            "code",
            "day_index",
            factor.alias("factor"),
            pl.when(is_traded)
            .then(pl.col("close_cents") / 100 * factor)
            .forward_fill()
            .over("code")
            .alias("adjusted_close"),
            pl.when(is_traded & (turnover > 0))
            .then(pl.col("volume") / (turnover / 1e4))
            .alias("float_shares"),
        )
        .with_columns(
            (pl.col("adjusted_close") / pl.col("factor")).round(4).alias("close_cny"),
            pl.when(pl.col("float_shares").is_not_null())
            .then(
                pl.col("float_shares")
                .rolling_median_by("day_index", f"{FLOAT_WINDOW_DAYS}i")
                .over("code")
            )
            .forward_fill()
            .over("code"),
            pl.col("day_index")
            .shift(-1)
            .over("code")
            .fill_null(len(days))
            .alias("next_index"),
        )
        .with_columns(pl.int_ranges("day_index", "next_index").alias("day_index"))
        .drop("next_index")
        .explode("day_index", empty_as_null=False)
        .join_asof(shares.lazy(), on="day_index", by="code", check_sortedness=False)
        .join_asof(members.lazy(), on="day_index", by="code", check_sortedness=False)
        .with_columns(
            (
                pl.col("close_cny") * pl.min_horizontal("float_shares", "total_shares")
            ).alias("cap"),
            pl.col("adjusted_close").shift().over("code").alias("previous_close"),
            pl.col("adjusted_close").shift(LOOKBACK_DAYS).over("code").alias("before"),
        )
        .with_columns(pl.col("cap").shift().over("code").alias("previous_cap"))
        .filter(pl.col("industry_code").is_not_null())
        .group_by("industry_code", "day_index")
        .agg(**_polars_sums())
        .join(days.lazy(), on="day_index")
        .collect()
    )
    diffusion = (
        summed.filter(pl.col("member_count") >= MINIMUM_MEMBERS)
        .select(
            "industry_code",
            "trade_date",
            (pl.col("up_cap") / pl.col("compared_cap")).alias("diffusion_index"),
        )
        .sort("industry_code", "trade_date")
    )
    growth = (pl.col("weighted_return") / pl.col("weight")).log1p().sum()
    weekly = (
        summed.filter(pl.col("weight") > 0)
        .group_by("industry_code", "trade_week")
        .agg((growth.exp() - 1).alias("float_cap_return"))
        .sort("industry_code", "trade_week")
    )
    return Result(diffusion.to_pandas(), weekly.to_pandas())


def _polars_sums() -> dict[str, pl.Expr]:
    close, cap = pl.col("adjusted_close"), pl.col("cap")
    before, previous_cap = pl.col("before"), pl.col("previous_cap")
    is_compared = before.is_not_null() & cap.is_not_null()
    daily_return = close / pl.col("previous_close") - 1
    return {
        "member_count": is_compared.sum(),
        "up_cap": cap.filter(is_compared & (close > before)).sum(),
        "compared_cap": cap.filter(is_compared).sum(),
        "weighted_return": (daily_return * previous_cap).sum(),
        "weight": previous_cap.filter(daily_return.is_not_null()).sum(),
    }


def _polars_shares(
    folder: Path, bars: pl.LazyFrame, days: pl.DataFrame
) -> pl.DataFrame:
    quarter_end = pl.col("quarter_end")
    return (
        pl.scan_parquet(folder / "quarterly_fundamentals_2015_2024.parquet")
        .filter(
            (pl.col("total_mv") > 0)
            & (quarter_end == quarter_end.dt.month_end())
            & quarter_end.dt.month().is_in([3, 6, 9, 12])
        )
        .sort("quarter_end")
        .join_asof(
            bars.filter(pl.col("trade_date") > date(2015, 1, 1)).sort("trade_date"),
            left_on="quarter_end",
            right_on="trade_date",
            by="code",
            tolerance=timedelta(days=PRICE_AGE_DAYS - 1),
            check_sortedness=False,
        )
        .join_asof(
            days.lazy().select("day_index", pl.col("trade_date").alias("known_date")),
            left_on="quarter_end",
            right_on="known_date",
            strategy="forward",
        )
        .select(
            "code",
            "day_index",
            (
                pl.col("total_mv").cast(pl.Float64)
                * 1e4
                / (pl.col("close_cents") / 100)
            ).alias("total_shares"),
        )
        .drop_nulls()
        .sort("code", "day_index")
        .collect()
    )


def _polars_members(folder: Path, days: pl.DataFrame) -> pl.DataFrame:
    start, section = pl.col("start_date"), pl.col("sw_code")
    is_first = start.cum_count().over("code") == 1
    return (
        pl.scan_parquet(folder / "shenwan_industry_history.parquet")
        .sort("code", "start_date")
        .with_columns(
            pl.when(start.is_in([SCHEME_2014, SCHEME_2021]) | is_first)
            .then(start)
            .otherwise(start.dt.offset_by("1mo"))
            .alias("known_date"),
            pl.when(start < SCHEME_2021)
            .then(section.str.head(4).replace_strict(SPLIT_2014, default=None))
            .fill_null(section.str.head(2).replace_strict(INDUSTRY_OF, default=None))
            .alias("industry_code"),
        )
        # A row is void if a later one was known before it.
        .with_columns(
            pl.col("known_date")
            .cum_min(reverse=True)
            .shift(-1)
            .over("code")
            .alias("following")
        )
        .filter(
            pl.col("following").is_null() | (pl.col("known_date") < pl.col("following"))
        )
        .sort("known_date", maintain_order=True)
        .join_asof(
            days.lazy().select("day_index", "trade_date"),
            left_on="known_date",
            right_on="trade_date",
            strategy="forward",
        )
        .drop_nulls("day_index")
        .unique(["code", "day_index"], keep="last", maintain_order=True)
        .select("code", "day_index", "industry_code")
        .sort("code", "day_index")
        .collect()
    )


def largest_difference(ours: Result, theirs: Result) -> float:
    """Return the largest absolute difference of two results.

    Raises
    ------
    ValueError
        The results do not have the same rows.
    """
    largest = 0.0
    for name in ("diffusion", "weekly"):
        left: pd.DataFrame = getattr(ours, name)
        right: pd.DataFrame = getattr(theirs, name)
        keys = [*left.columns[:2]]
        left, right = (_with_plain_keys(frame, keys) for frame in (left, right))
        joined = left.merge(right, on=keys, how="outer", suffixes=("", "_theirs"))
        value = left.columns[2]
        both: npt.NDArray[np.float64] = joined[[value, f"{value}_theirs"]].to_numpy()
        if np.isnan(both).any():
            count = int(np.isnan(both).any(axis=1).sum())
            raise ValueError(f"{name}: {count} rows are in one of the results only")
        largest = max(largest, float(np.abs(both[:, 0] - both[:, 1]).max()))
    return largest


def _with_plain_keys(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    days = pd.to_datetime(frame[keys[1]]).astype("datetime64[us]")
    return frame.assign(**{keys[0]: frame[keys[0]].astype(str), keys[1]: days})


def measure(folder: Path, *, repeats: int = 5, threads: int = 2) -> Table:
    """Time the peers in turn and return the table of medians and ratios."""
    peers: dict[str, Callable[[], Result]] = {
        "SQL (DuckDB)": lambda: sql_peer(folder, threads=threads),
        "polars": lambda: polars_peer(folder),
        "pandas": lambda: pandas_peer(folder),
    }
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    difference: dict[str, float] = {}
    ours: Result | None = None
    for _ in range(repeats):
        for name, peer in peers.items():
            start = time.perf_counter()
            result = peer()
            seconds[name].append(time.perf_counter() - start)
            ours = ours or result
            difference[name] = largest_difference(ours, result)
            if difference[name] > TOLERANCE:
                raise ValueError(f"{name} differs by {difference[name]:.2e} from SQL")
    table = Table(title="Diffusion index and weekly industry returns, same files")
    for heading in ("peer", "median s", "fastest s", "ratio", "largest difference"):
        table.add_column(heading, justify="left" if heading == "peer" else "right")
    base = statistics.median(seconds["SQL (DuckDB)"])
    for name, times in seconds.items():
        median = statistics.median(times)
        table.add_row(
            name,
            f"{median:.2f}",
            f"{min(times):.2f}",
            f"{median / base:.2f}",
            f"{difference[name]:.1e}",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    settings = read_settings()
    if settings.real_data is None:
        raise SystemExit("LUNDONG_REAL_DATA is not set: name the folder of real files")
    console = Console()
    console.print(
        "Timed: from opening the Parquet files to two finished tables in memory, "
        f"{settings.threads} threads, median of {arguments.repeats} runs in turn."
    )
    console.print(
        measure(settings.real_data, repeats=arguments.repeats, threads=settings.threads)
    )


if __name__ == "__main__":
    main()
