"""The style factors in SQL against the same in numpy, and whole against by windows.

Two markets: the small sample market, and one made of it with everything that upsets a
factor. Add what a new factor must survive to ``upset``; keep the formulas in
``reference``.
"""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from tests.dbt_process import run_dbt
from tests.integration.styles.reference import FACTORS, make_reference, read_inputs
from warehouse.settings import Settings

TABLE = "factors.fct_factor_value_weekly"
KEYS = ["factor_code", "trade_week", "security_code"]
MODELS = (
    *("int_market_return_daily", "int_fundamental_state", "int_dividend_weekly"),
    *("int_forecast_consensus_weekly", "int_style_return_weekly"),
    *("int_style_liquidity_weekly", "int_style_component_weekly"),
    *("int_style_factor_weekly", "fct_factor_value_weekly"),
)
RELATIVE = 1e-9


def build(path: Path, *, build_from: dt.date | None = None) -> None:
    """Build the style factors of a file, whole or by a window."""
    arguments = ["run", "--select", *MODELS]
    arguments += ["--target-path", str(path.parent / "target")]
    arguments += ["--log-path", str(path.parent / "logs")]
    variables = {
        "LUNDONG_BUILD_PATH": str(path),
        "LUNDONG_MEMORY_LIMIT": "2GB",
        "LUNDONG_THREADS": "2",
        "LUNDONG_BUILD_FROM": build_from.isoformat() if build_from else "",
    }
    done = run_dbt(arguments, variables)
    assert done.returncode == 0, done.stdout[-4000:]


def fetch(path: Path) -> pd.DataFrame:
    """Return the published values in a total order."""
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(f"select * from {TABLE} order by {', '.join(KEYS)}").df()


def differences(found: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    """Name the factors and columns that differ in the weeks that were computed again.

    A score near zero is the difference of two numbers: what counts is its distance by
    the usual size of the column.
    """
    weeks = set(expected["trade_week"])
    found = found[found["factor_code"].isin(FACTORS) & found["trade_week"].isin(weeks)]
    both = found.merge(expected, on=KEYS, how="outer", suffixes=("", "_expected"))
    problems = []
    for (factor,), rows in both.groupby(["factor_code"]):
        for column in ("value", "z_score", "neutral_z_score"):
            ours = rows[column].to_numpy(float)
            theirs = rows[f"{column}_expected"].to_numpy(float)
            usual = np.nanmedian(np.abs(theirs)) if (~np.isnan(theirs)).any() else 1.0
            allowed = RELATIVE * np.maximum(np.abs(theirs), usual)
            same = (np.isnan(ours) & np.isnan(theirs)) | (
                np.abs(ours - theirs) <= allowed
            )
            if not same.all():
                worst = rows[~same].iloc[0]
                problems.append(
                    f"{factor}.{column}: {(~same).sum()} of {len(same)}, such as "
                    f"{worst['trade_week'].date()} {worst['security_code']}: "
                    f"{worst[column]!r}, not {worst[f'{column}_expected']!r}"
                )
    return problems


def upset(path: Path) -> None:
    """Turn the small market into one with all that is hard, from a fixed seed."""
    with duckdb.connect(str(path)) as con:
        codes = [
            row[0]
            for row in con.execute(
                "select security_code from intermediate.int_security_price_day "
                "group by security_code having count(*) > 450 order by 1"
            ).fetchall()
        ]
        table = "intermediate.int_security_price_day"
        twin, still, empty, late, once, huge = codes[:6]
        # Two stocks with the same prices: ties.
        con.execute(
            f"""
            update {table} as own
            set adjusted_close = other.adjusted_close,
                previous_adjusted_close = other.previous_adjusted_close,
                close_cny = other.close_cny
            from {table} as other
            where
                own.security_code = ? and other.security_code = ?
                and own.day_index = other.day_index
            """,
            [twin, codes[6]],
        )
        # A price that never moves, and a stock that has never an amount or a volume.
        con.execute(
            f"update {table} set adjusted_close = 8, previous_adjusted_close = 8, "
            "close_cny = 8, adjust_factor = 1 where security_code = ?",
            [still],
        )
        con.execute(
            f"update {table} set amount_cny = null, volume_shares = null "
            "where security_code = ?",
            [empty],
        )
        # A late listing, and a stock of one day.
        con.execute(
            f"""
            delete from {table}
            where
                security_code = ? and day_index < (
                    select max(day_index) - 170 from {table}
                )
            """,
            [late],
        )
        con.execute(
            f"""
            delete from {table}
            where
                security_code = ? and day_index <> (
                    select max(day_index) from intermediate.int_trading_day
                    where is_week_end and is_week_complete
                )
            """,
            [once],
        )
        # An outlier, gaps of volume, months of suspension, share counts not known.
        con.execute(
            f"update {table} set total_shares = 1000 * total_shares "
            "where security_code = ?",
            [huge],
        )
        con.execute(
            f"update {table} set volume_shares = null, amount_cny = null "
            "where hash(security_code, day_index) % 997 = 0"
        )
        con.execute(
            f"""
            update {table}
            set
                open_cny = null, high_cny = null, low_cny = null, close_cny = null,
                volume_shares = null, amount_cny = null,
                adjusted_close = previous_adjusted_close
            where
                previous_adjusted_close is not null
                and hash(security_code, day_index // 23) % 11 = 0
            """
        )
        con.execute(
            f"update {table} set total_shares = null, float_shares = null "
            "where security_code in (?, ?) and day_index % 2 = 0",
            codes[7:9],
        )
        # A constant line of the accounts; lines, reports and forecasts that lack.
        con.execute("update raw.fundamental set long_term_debt_cny = 0")
        con.execute(
            "update raw.fundamental set book_equity_cny = -1 where security_code = ?",
            [codes[9]],
        )
        con.execute(
            "update raw.fundamental set net_profit_cny = null, revenue_cny = null, "
            "book_equity_cny = null, total_assets_cny = null "
            "where hash(security_code) % 3 = 0"
        )
        con.execute(
            "delete from raw.fundamental where security_code in (?, ?)", codes[10:12]
        )
        con.execute("delete from raw.forecast where hash(security_code) % 4 = 0")
        con.execute(
            "update raw.forecast set published_at = date_trunc('day', published_at) "
            "where hash(report_id) % 5 = 0"
        )


@pytest.fixture(scope="module")
def upset_build(
    small_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("upset") / "build.duckdb"
    shutil.copy(small_settings.build_path, path)
    upset(path)
    build(path)
    return path


def test_sample_market_equals_the_reference(small_settings: Settings) -> None:
    with duckdb.connect(str(small_settings.build_path), read_only=True) as con:
        expected = make_reference(read_inputs(con))
        absent = con.execute(
            "select factor_code, unavailable_reason from core.dim_factor "
            "where not is_available and factor_group <> 'score'"
        ).fetchall()
    found = fetch(small_settings.build_path)
    assert absent == []
    assert set(expected["factor_code"]) == set(FACTORS)
    assert differences(found, expected) == []


def test_upset_market_equals_the_reference(upset_build: Path) -> None:
    with duckdb.connect(str(upset_build), read_only=True) as con:
        expected = make_reference(read_inputs(con))
    found = fetch(upset_build)
    # Market and book leverage are constant, and debt alone is not leverage.
    assert set(FACTORS) - set(found["factor_code"]) == {"leverage", "leverage_cne5"}
    assert differences(found, expected) == []


def test_size_neutral_to_size_is_nothing(upset_build: Path) -> None:
    found = fetch(upset_build)
    size = found[found["factor_code"] == "log_market_cap"]
    assert size["z_score"].notna().any()
    assert size["neutral_z_score"].isna().all()


def test_windows_equal_the_whole(upset_build: Path, tmp_path: Path) -> None:
    """A window opened in the middle of a week gives the bits of the whole build."""
    path = tmp_path / "build.duckdb"
    shutil.copy(upset_build, path)
    whole = fetch(path)
    build_from = sorted(whole["trade_week"].unique())[-12].date() - dt.timedelta(days=2)
    with duckdb.connect(str(path)) as con:
        con.execute(f"delete from {TABLE} where trade_week >= ?", [build_from])
        con.execute(
            "delete from intermediate.int_style_factor_weekly where trade_week >= ?",
            [build_from],
        )
    build(path, build_from=build_from)
    pd.testing.assert_frame_equal(fetch(path), whole, check_exact=True)
