"""One week of one-minute bars of the whole market to 27 factors: SQL, polars, pandas.

The bars are made up; the models are those of the warehouse, built by dbt from Parquet
files as they lie in the lake. The peers make the same factors from the same files, and
results must agree before a time counts. Add a factor to the peers when the models get
one.

There are two ways to write such factors in pandas, and both are timed. Published factor
code is a function of the bars of one stock and day, applied to each: what an analyst
brings along, and what ``PANDAS_RATIO`` is judged on. The other has columns of the whole
week and sums by group, as the SQL does; it is shown beside, and has no bound: polars is
the peer that is written like that for speed.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy import stats

from benchmarks.models import THREADS, build_models
from warehouse.store import create_raw_tables, quote_literal

os.environ.setdefault("POLARS_MAX_THREADS", str(THREADS))
import polars as pl

TOLERANCE = 1e-8
STOCKS = 5_400
DAYS = np.arange("2024-06-03", "2024-06-08", dtype="datetime64[D]")
KEYS = ["security_code", "trade_date"]
PRICES = ("open_cny", "high_cny", "low_cny", "close_cny")
VIEWS = ("stg_minute_bar", "stg_trade_tick", "stg_order_tick", "int_minute_bar")
MODELS = (
    *("int_high_frequency_bar_daily", "int_high_frequency_trade_daily"),
    *("int_high_frequency_order_daily", "int_high_frequency_factor_daily"),
    "fct_high_frequency_factor_daily",
)
BARS_PER_SECOND = 3e6
PANDAS_RATIO = 15.0
POLARS_RATIO = 1.5
SECONDS = 5.0
# Stocks on whose bars the slowest peer is timed; its seconds are scaled.
SAMPLE_STOCKS = 60
POLARS = "polars"
BY_COLUMNS = "pandas, columns of the week"
BY_DAY = "pandas, a stock and day at a time"

console = Console(highlight=False, width=120)


def write_bars(folder: Path, stocks: int) -> int:
    """Write a file a day of made-up bars, ordered as in the lake; return how many."""
    rng = np.random.default_rng(5)
    code = np.array([f"{600000 + stock}.SH" for stock in range(stocks)])
    minute = np.arange(1, 241)
    clock = 570 + minute + 90 * (minute > 120)
    last = rng.uniform(3, 80, stocks).round(2)
    for day in DAYS:
        path = last[:, None] * np.exp(
            np.cumsum(1e-3 * rng.standard_normal((stocks, 240)), axis=1)
        )
        close = path.round(2)
        opened = np.c_[last, close[:, :-1]] + rng.choice([-0.01, 0, 0.01], close.shape)
        opened = opened.round(2)
        volume = 100 * np.rint(np.exp(3 + rng.standard_normal(close.shape)))
        frame = pd.DataFrame(
            {
                "security_code": np.repeat(code, 240),
                "bar_time": np.tile(
                    (day + clock.astype("timedelta64[m]")).astype("datetime64[us]"),
                    stocks,
                ),
                "bar_minutes": 1,
                "open_cny": opened.ravel(),
                "high_cny": (np.maximum(opened, close) + 0.01).round(2).ravel(),
                "low_cny": np.minimum(opened, close).ravel(),
                "close_cny": close.ravel(),
                "volume_shares": volume.ravel(),
                "amount_cny": ((opened + close) / 2 * volume).round(2).ravel(),
                "trade_count": np.ceil(volume / 700).ravel(),
            }
        )
        last = close[:, -1]
        with duckdb.connect() as con:
            con.register("frame", frame)
            con.execute(
                "copy (select *, 1::bigint as load_id, "
                "null::bigint as replaces_load_id from frame) to "
                f"{quote_literal(str(folder / f'{day}.parquet'))} "
                "(format parquet, compression zstd)"
            )
    return len(DAYS) * stocks * 240


def write_sample(files: Path, folder: Path, stocks: int) -> None:
    """Copy the bars of the first stocks."""
    with duckdb.connect() as con:
        for path in sorted(files.iterdir()):
            con.execute(
                "copy (from read_parquet($1) where security_code < $2) to "
                f"{quote_literal(str(folder / path.name))} "
                "(format parquet, compression zstd)",
                [str(path), f"{600000 + stocks}.SH"],
            )


def build_in_sql(home: Path, files: Path, runs: int) -> tuple[float, pd.DataFrame]:
    """Build the models by dbt from the files; return the least seconds and factors."""
    path = home / "build.duckdb"
    with duckdb.connect(str(path)) as con:
        create_raw_tables(con)
        con.execute(
            "create or replace view raw.minute_bar as from read_parquet("
            f"{quote_literal(str(files / '*.parquet'))}, hive_partitioning = false)"
        )
    build_models(path, ("run", "--select", *VIEWS))
    # One after the other, so that no second is counted twice.
    command = ("run", "--full-refresh", "--threads", "1", "--select", *MODELS)
    seconds = min(sum(build_models(path, command).values()) for _ in range(runs))
    with duckdb.connect(str(path), read_only=True) as con:
        factors = con.execute(
            "from factors.fct_high_frequency_factor_daily "
            "order by security_code, trade_date"
        ).df()
    return seconds, factors


def polars_peer(files: Path) -> pd.DataFrame:
    """Make the factors with columns of the whole week, then one ``group_by``."""
    c = pl.col
    minute = c("bar_time").dt.hour().cast(pl.Int32) * 60 + c("bar_time").dt.minute()
    bars = (
        pl.scan_parquet(files / "*.parquet")
        .filter(c("volume_shares") > 0)
        .with_columns(
            # Whole cents: ratios of prices are then the same in all three.
            (c(*PRICES, "amount_cny") * 100).round(),
            trade_date=c("bar_time").dt.date(),
            m=pl.when(minute < 720).then(minute - 570).otherwise(minute - 660),
        )
        .with_columns(single=c("amount_cny") / c("trade_count"))
    )
    day = bars.group_by(KEYS).agg(
        day_volume=c("volume_shares").sum(),
        day_amount=c("amount_cny").sum(),
        big_from=c("amount_cny").mean() + c("amount_cny").std(),
        big_single_from=c("single").mean() + c("single").std(),
    )
    # The files are in order of code and time.
    same = (
        (c("security_code") == c("security_code").shift(1))
        & (c("trade_date") == c("trade_date").shift(1))
        & ((c("m") > 120) == (c("m").shift(1) > 120))
    )
    columns = (
        bars.join(day, on=KEYS, how="left", maintain_order="left")
        .with_columns(same=same.fill_null(False))
        .with_columns(close_before=pl.when("same").then(c("close_cny").shift(1)))
        .with_columns(
            start=c("close_before").fill_null(c("open_cny")),
            volume=(c("volume_shares") / c("day_volume")).round(9),
            amount=(c("amount_cny") / c("day_amount")).round(9),
            amplitude=((c("high_cny") - c("low_cny")) / c("open_cny")).round(9),
            big=c("amount_cny") > c("big_from"),
            big_single=c("single") > c("big_single_from"),
            early=c("m") <= 30,
        )
        .with_columns(r=(c("close_cny") / c("start") - 1).round(9))
        .with_columns(
            before=pl.when("same").then(c("r").shift(1)),
            net=c("r").sign() * c("amount"),
            up=c("r") > 0,
            down=c("r") < 0,
        )
        .with_columns(
            net_before=pl.when("same").then(c("net").shift(1)),
            up_volume=pl.when("up").then(c("volume")).otherwise(0.0),
        )
    )

    def pair(x: str, y: str) -> pl.Expr:
        known = c(x).is_not_null() & c(y).is_not_null()
        return pl.corr(c(x).filter(known), c(y).filter(known))

    r, volume, amount, counts = c("r"), c("volume"), c("amount"), c("trade_count")
    early, up, down, big = c("early"), c("up"), c("down"), c("big")
    return (
        columns.group_by(KEYS)
        .agg(
            late_skew_ret=r.filter(c("m") > 210).skew(),
            down_vol_perc=(r**2).filter(down).sum() / (r**2).sum(),
            corr_ret_lastret=pair("r", "before"),
            corr_close_nextopen=pair("close_before", "open_cny"),
            **{
                f"volume_perc{h}": volume.filter((c("m") + 29) // 30 == h).sum()
                for h in range(2, 8)
            },
            corr_volume_item=pl.corr(volume, counts),
            early_corr_volume_ret=pl.corr(volume.filter(early), r.filter(early)),
            bigorder_ret=r.filter(c("big_single")).sum(),
            down_single_amt_perc=amount.filter(down).sum()
            / counts.filter(down).sum()
            / (amount.sum() / counts.sum()),
            corr_volume_amplitude=pl.corr(volume, c("amplitude")),
            bigorder_amt_perc=amount.filter(big).sum() / amount.sum(),
            early_bigorder_buy_perc=amount.filter(big & up & early).sum()
            / amount.filter(early).sum(),
            bigorder_ret2=r.filter(big).sum(),
            early_active_bigorder_ret=r.filter(big & early).sum(),
            concentration_diff=(c("net") * amount).sum(),
            early_active_buy_perc=amount.filter(up & early).sum()
            / amount.filter(early).sum(),
            corr_netactivebuy_lastret=pair("net", "before"),
            corr_netactivebuy_nextret=pair("net_before", "r"),
            skew_order_diff=c("net").skew(),
            kurt_order_diff=c("net").kurtosis(),
            early_kurt_order=amount.filter(early).kurtosis(),
            corr_buyorder_volume_price=pl.corr(c("up_volume"), c("close_cny")),
        )
        .collect()
        .sort(KEYS)
        .to_pandas()
    )


def read_in_pandas(files: Path) -> pd.DataFrame:
    """Return the bars with a trade, in order, with their day and minute ``m``."""
    bars = pd.concat([pd.read_parquet(path) for path in sorted(files.iterdir())])
    bars = bars[bars["volume_shares"] > 0].sort_values(["security_code", "bar_time"])
    cents = [*PRICES, "amount_cny"]
    bars[cents] = (bars[cents] * 100).round()
    time_of_bar = bars["bar_time"].dt
    bars["trade_date"] = time_of_bar.normalize()
    bars["security_code"] = bars["security_code"].astype("category")
    clock = 60 * time_of_bar.hour + time_of_bar.minute
    bars["m"] = np.where(clock < 720, clock - 570, clock - 660)
    return bars.reset_index(drop=True)


def pandas_by_columns(files: Path) -> pd.DataFrame:
    """Make the factors with columns of the whole week and sums by ``groupby``."""
    bars = read_in_pandas(files)
    bars["half"] = bars["m"] > 120
    day = bars.groupby(KEYS, observed=True, sort=True).ngroup()
    half = day * 2 + bars["half"]
    m, close, opened = bars["m"], bars["close_cny"], bars["open_cny"]
    close_before = close.groupby(half).shift(1)
    r = (close / close_before.fillna(opened) - 1).round(9)
    before = r.groupby(half).shift(1)

    def of_day(values: pd.Series, how: str) -> pd.Series:
        return values.groupby(day).transform(how)

    volume = (bars["volume_shares"] / of_day(bars["volume_shares"], "sum")).round(9)
    amount = (bars["amount_cny"] / of_day(bars["amount_cny"], "sum")).round(9)
    counts = bars["trade_count"]
    single = bars["amount_cny"] / counts
    big = bars["amount_cny"] > of_day(bars["amount_cny"], "mean") + of_day(
        bars["amount_cny"], "std"
    )
    big_single = single > of_day(single, "mean") + of_day(single, "std")
    early, up, down = m <= 30, r > 0, r < 0
    net = np.sign(r) * amount
    net_before = net.groupby(half).shift(1)
    amplitude = ((bars["high_cny"] - bars["low_cny"]) / opened).round(9)

    def total(values: pd.Series) -> pd.Series:
        return values.groupby(day).sum()

    def corr(x: pd.Series, y: pd.Series) -> pd.Series:
        known = x.notna() & y.notna()
        x, y = x.where(known), y.where(known)
        x, y = x - of_day(x, "mean"), y - of_day(y, "mean")
        return total(x * y) / np.sqrt(total(x * x) * total(y * y))

    def moment(x: pd.Series, order: int) -> pd.Series:
        x = x - of_day(x, "mean")
        count = x.groupby(day).count()
        return total(x**order) / count / (total(x * x) / count) ** (order / 2)

    result = {
        "late_skew_ret": moment(r.where(m > 210), 3),
        "down_vol_perc": total((r * r).where(down)) / total(r * r),
        "corr_ret_lastret": corr(r, before),
        "corr_close_nextopen": corr(close_before, opened),
        **{
            f"volume_perc{h}": total(volume.where((m + 29) // 30 == h))
            for h in range(2, 8)
        },
        "corr_volume_item": corr(volume, counts),
        "early_corr_volume_ret": corr(volume.where(early), r.where(early)),
        "bigorder_ret": total(r.where(big_single)),
        "down_single_amt_perc": total(amount.where(down))
        / total(counts.where(down))
        / (total(amount) / total(counts)),
        "corr_volume_amplitude": corr(volume, amplitude),
        "bigorder_amt_perc": total(amount.where(big)) / total(amount),
        "early_bigorder_buy_perc": total(amount.where(big & up & early))
        / total(amount.where(early)),
        "bigorder_ret2": total(r.where(big)),
        "early_active_bigorder_ret": total(r.where(big & early)),
        "concentration_diff": total(net * amount),
        "early_active_buy_perc": total(amount.where(up & early))
        / total(amount.where(early)),
        "corr_netactivebuy_lastret": corr(net, before),
        "corr_netactivebuy_nextret": corr(net_before, r),
        "skew_order_diff": moment(net, 3),
        "kurt_order_diff": moment(net, 4) - 3,
        "early_kurt_order": moment(amount.where(early), 4) - 3,
        "corr_buyorder_volume_price": corr(volume.where(up, 0.0), close),
    }
    keys = bars[KEYS].groupby(day).first()
    return keys.assign(**result).reset_index(drop=True)


def factors_of_day(bars: pd.DataFrame) -> pd.Series:
    """Return the factors of the bars of one stock and day, in the order of time."""
    m, half = bars["m"], bars["m"] > 120
    close, opened, counts = bars["close_cny"], bars["open_cny"], bars["trade_count"]
    close_before = close.groupby(half).shift(1)
    r = (close / close_before.fillna(opened) - 1).round(9)
    before = r.groupby(half).shift(1)
    volume = (bars["volume_shares"] / bars["volume_shares"].sum()).round(9)
    amount = (bars["amount_cny"] / bars["amount_cny"].sum()).round(9)
    single = bars["amount_cny"] / counts
    big = bars["amount_cny"] > bars["amount_cny"].mean() + bars["amount_cny"].std()
    big_single = single > single.mean() + single.std()
    early, up, down = m <= 30, r > 0, r < 0
    net = np.sign(r) * amount
    amplitude = ((bars["high_cny"] - bars["low_cny"]) / opened).round(9)
    return pd.Series(
        {
            "late_skew_ret": stats.skew(r[m > 210]),
            "down_vol_perc": (r[down] ** 2).sum() / (r**2).sum(),
            "corr_ret_lastret": r.corr(before),
            "corr_close_nextopen": close_before.corr(opened),
            **{
                f"volume_perc{h}": volume[(m + 29) // 30 == h].sum()
                for h in range(2, 8)
            },
            "corr_volume_item": volume.corr(counts),
            "early_corr_volume_ret": volume[early].corr(r[early]),
            "bigorder_ret": r[big_single].sum(),
            "down_single_amt_perc": amount[down].sum()
            / counts[down].sum()
            / (amount.sum() / counts.sum()),
            "corr_volume_amplitude": volume.corr(amplitude),
            "bigorder_amt_perc": amount[big].sum() / amount.sum(),
            "early_bigorder_buy_perc": amount[big & up & early].sum()
            / amount[early].sum(),
            "bigorder_ret2": r[big].sum(),
            "early_active_bigorder_ret": r[big & early].sum(),
            "concentration_diff": (net * amount).sum(),
            "early_active_buy_perc": amount[up & early].sum() / amount[early].sum(),
            "corr_netactivebuy_lastret": net.corr(before),
            "corr_netactivebuy_nextret": net.groupby(half).shift(1).corr(r),
            "skew_order_diff": stats.skew(net),
            "kurt_order_diff": stats.kurtosis(net),
            "early_kurt_order": stats.kurtosis(amount[early]),
            "corr_buyorder_volume_price": volume.where(up, 0.0).corr(close),
        }
    )


def pandas_by_day(files: Path) -> pd.DataFrame:
    """Make the factors by a function of one stock and day, applied to each."""
    bars = read_in_pandas(files)
    return bars.groupby(KEYS, observed=True).apply(factors_of_day).reset_index()


def largest_difference(ours: pd.DataFrame, peer: pd.DataFrame) -> float:
    """Return the largest difference of the peer's stocks; infinite where one is NaN."""
    factors = [name for name in peer.columns if name not in KEYS]
    ours = ours[ours["security_code"].isin(peer["security_code"])]
    found, other = ours[factors].to_numpy(float), peer[factors].to_numpy(float)
    if len(ours) != len(peer) or (np.isnan(found) != np.isnan(other)).any():
        return float("inf")
    return float(np.nanmax(np.abs(found - other)))


def least_seconds(
    peer: Callable[[Path], pd.DataFrame], files: Path, runs: int
) -> tuple[float, pd.DataFrame]:
    """Run a peer several times; return its least seconds and its factors."""
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        factors = peer(files)
        taken.append(time.perf_counter() - start)
    return min(taken), factors


def main() -> None:
    """Measure a week of ``--stocks`` stocks, each contender ``--runs`` times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stocks", type=int, default=STOCKS)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    sampled = min(SAMPLE_STOCKS, options.stocks)
    with tempfile.TemporaryDirectory() as folder:
        files, sample = Path(folder) / "bars", Path(folder) / "sample"
        files.mkdir()
        sample.mkdir()
        bars = write_bars(files, options.stocks)
        write_sample(files, sample, sampled)
        scale = options.stocks / sampled
        console.print(
            f"{bars:,} made-up one-minute bars, {options.stocks:,} stocks x "
            f"{len(DAYS)} days; least of {options.runs} runs; "
            f"load average {os.getloadavg()[0]:.1f}"
        )
        seconds, ours = build_in_sql(Path(folder), files, options.runs)
        table = Table("", "seconds", "bars a second", "ratio", "largest difference")
        table.add_row("SQL by dbt", f"{seconds:.2f}", f"{bars / seconds:,.0f}", "", "")
        ratios = {}
        for name, peer, read, times in (
            (POLARS, polars_peer, files, 1.0),
            (BY_COLUMNS, pandas_by_columns, files, 1.0),
            (BY_DAY, pandas_by_day, sample, scale),
        ):
            taken, theirs = least_seconds(peer, read, options.runs)
            taken *= times
            difference = largest_difference(ours, theirs)
            ratios[name] = taken / seconds if difference < TOLERANCE else float("nan")
            table.add_row(
                name,
                f"{taken:.2f}",
                f"{bars / taken:,.0f}",
                f"{ratios[name]:.1f}",
                f"{difference:.1e}",
            )
    console.print(table)
    console.print(f"{BY_DAY}: timed on {sampled} stocks, times {scale:.0f}")
    claims = {
        f"{BARS_PER_SECOND:,.0f} bars a second": bars / seconds >= BARS_PER_SECOND,
        f"files to table in {SECONDS} s": seconds <= SECONDS,
        f"{POLARS_RATIO} times {POLARS}": ratios[POLARS] >= POLARS_RATIO,
        f"{PANDAS_RATIO} times {BY_DAY}": ratios[BY_DAY] >= PANDAS_RATIO,
    }
    for claim, holds in claims.items():
        console.print(f"{'holds' if holds else 'MISSED'}: {claim}")
    if missed := [claim for claim, holds in claims.items() if not holds]:
        raise SystemExit(f"error: missed {'; '.join(missed)}")


if __name__ == "__main__":
    main()
