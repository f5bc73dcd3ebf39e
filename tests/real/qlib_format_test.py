"""Real bars written in qlib's format, normalised in float32, come back exactly."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import numpy as np
import pytest

from warehouse.settings import Settings
from warehouse.sources.qlib_format import load_qlib
from warehouse.store import connect_build

REAL_DATA = os.environ.get("LUNDONG_REAL_DATA")
pytestmark = pytest.mark.skipif(
    REAL_DATA is None, reason="LUNDONG_REAL_DATA is not set"
)

# With the most expensive stock: its prices need the most of float32's seven digits.
CHOSEN = "code = '600519.SH' or hash(code) % 100 = 0"


def _write_folder(con: duckdb.DuckDBPyConnection, root: Path) -> None:
    """Write the bars as the community's collectors do: the first close is 1."""
    for folder in ("calendars", "instruments", "features"):
        (root / folder).mkdir(parents=True)
    found = con.execute("select distinct date from bar order by date").fetchnumpy()
    days = found["date"].astype("datetime64[D]")
    (root / "calendars" / "day.txt").write_text("\n".join(map(str, days)))
    lines = []
    codes = con.execute("select distinct code from bar order by code").fetchall()
    for (code,) in codes:
        bars = con.execute(
            """
            select
                date, adj_factor, volume,
                open_cents / 100 as open, high_cents / 100 as high,
                low_cents / 100 as low, close_cents / 100 as close,
            from bar
            where code = ?
            order by date
            """,
            [code],
        ).fetchnumpy()
        dates = bars["date"].astype("datetime64[D]")
        place = np.searchsorted(days, dates)
        factor = bars["adj_factor"] / (bars["adj_factor"][0] * bars["close"][0])
        volume = np.ma.filled(bars["volume"].astype(float), np.nan)
        fields = {
            name: bars[name] * factor for name in ("open", "high", "low", "close")
        }
        fields |= {"volume": volume / factor, "factor": factor}
        name = f"{code[-2:]}{code[:6]}"
        folder = root / "features" / name.lower()
        folder.mkdir()
        for field, values in fields.items():
            content = np.full(place[-1] - place[0] + 2, np.nan)
            content[0] = place[0]
            content[1 + place - place[0]] = values
            content.astype("<f4").tofile(folder / f"{field}.day.bin")
        lines.append(f"{name}\t{dates[0]}\t{dates[-1]}")
    (root / "instruments" / "all.txt").write_text("\n".join(lines))


def test_every_price_comes_back(tmp_path):
    settings = Settings(home=tmp_path / "home", memory_limit="2GB")
    with duckdb.connect() as con:
        con.execute(
            f"""
            create table bar as
            select * from read_parquet('{REAL_DATA}/daily_2010_2020.parquet')
            where {CHOSEN}
            """
        )
        _write_folder(con, tmp_path / "qlib")
        truth = con.execute(
            """
            select
                code as security_code,
                date as trade_date,
                open_cents / 100 as open_cny,
                high_cents / 100 as high_cny,
                low_cents / 100 as low_cny,
                close_cents / 100 as close_cny,
                volume,
            from bar
            """
        ).to_arrow_table()
    results = load_qlib(settings, tmp_path / "qlib")
    set_aside = sum(result.rejected for result in results)
    with connect_build(settings, read_only=True) as con:
        con.register("truth", truth)
        count, differing, worst = con.execute(
            """
            select
                count(*),
                count_if(
                    greatest(
                        abs(loaded.open_cny - truth.open_cny),
                        abs(loaded.high_cny - truth.high_cny),
                        abs(loaded.low_cny - truth.low_cny),
                        abs(loaded.close_cny - truth.close_cny)
                    ) > 1e-9
                ),
                max(abs(volume_shares / nullif(volume, 0) - 1)),
            from raw.daily_bar as loaded
            inner join truth using (security_code, trade_date)
            """
        ).fetchone()
    # Bars that the loader sets aside have a factor that no price movement explains.
    assert count + set_aside == truth.num_rows
    assert set_aside < 0.001 * truth.num_rows
    assert differing == 0
    assert worst < 1e-5
