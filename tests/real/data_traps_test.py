"""The traps of the real files: each survived, reported where it can be, never silent.

The numbers are those of the files' own description, or were counted in the files; a
test names its trap. Add a trap when a file brings a new one; what models make of the
rows is tested with the models.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.settings import Settings
from warehouse.store import connect_build

Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def query(real_store: Settings) -> Query:
    """Return a function that reads the store of real data."""

    def run(sql: str, **values: object) -> list[tuple[Any, ...]]:
        with connect_build(real_store, read_only=True) as con:
            return con.execute(sql, values or None).fetchall()

    return run


def finding(query: Query, name: str) -> dict[str, int]:
    """Return file -> rows of a finding."""
    return dict(
        query(
            "select file_path, row_count from raw.load_finding "
            "inner join raw.load using (load_id) where finding = $name",
            name=name,
        )
    )


def set_aside(query: Query, table: str) -> dict[str, int]:
    """Return reason -> rows of a table that were set aside."""
    return dict(
        query(
            "select reason, count(*) from raw.rejected_row "
            "where table_name = $table group by reason",
            table=table,
        )
    )


def test_every_row_of_every_file_is_accounted_for(
    query: Query, real_data: Path
) -> None:
    loads = query(
        "select file_path, row_count_read, row_count_accepted, row_count_unchanged, "
        "row_count_rejected, (select count(*) from raw.rejected_row as r "
        "where r.load_id = l.load_id) from raw.load as l order by load_id"
    )
    for name, read, accepted, unchanged, rejected, listed in loads:
        assert (unchanged, rejected) == (0, listed), name
        assert read == accepted + rejected, name
        if (real_data / name).exists():
            rows = duckdb.execute(
                "select count(*) from read_parquet(?)", [str(real_data / name)]
            ).fetchone()
            assert rows == (read,), name
    assert sum(read for name, read, *_ in loads if name.startswith("daily_20")) == (
        7_099_517 + 3_894_485
    )
    assert set_aside(query, "daily_bar") == {"another_companys_bars": 11_966}


def test_1_delisted_stocks_keep_their_returns_at_a_rebuilt_level(
    query: Query, real_data: Path
) -> None:
    """Raw level from amount and lots; price x factor is the forward-adjusted close."""
    assert query(
        "select count(*), count(distinct security_code) from raw.daily_bar "
        "where bar_source = 'rebuilt'"
    ) == [(49_851, 60)]
    assert finding(query, "raw_level_rebuilt") == {
        "daily_later_delisted_2021_2024.parquet": 49_851
    }
    differing = query(
        f"""
        select count(*) from raw.daily_bar
        inner join read_parquet('{real_data}/daily_later_delisted_2021_2024.parquet')
            on code = security_code and date = trade_date
        where abs(close_cny * adjust_factor - round(close_qfq::double, 2)) > 1e-9
            or volume_shares <> volume_lot * 100
            or amount_cny / volume_shares < low_cny - 0.021
            or amount_cny / volume_shares > high_cny + 0.021
        """
    )
    assert differing == [(0,)]
    delisted = query("select count(*) from raw.security where delist_date is not null")
    assert delisted == [(15,)]


def test_1_stocks_without_bars_are_reported(query: Query) -> None:
    """The files hold stocks that were listed in 2026: members that left are unknown."""
    assert set_aside(query, "index_member") == {
        "unknown_security": 32,
        "without_a_day": 29,
    }
    assert set_aside(query, "industry_member")["unknown_security"] == 1_038
    assert set_aside(query, "security") == {"missing_value": 248}


def test_2_flat_bars_of_suspended_days_are_kept_and_counted(query: Query) -> None:
    assert finding(query, "no_volume") == {
        "daily_2010_2020.parquet": 340_649,
        "daily_2021_2024.parquet": 4_635,
        "daily_report_stocks_2024_2025.parquet": 107,
    }
    assert query(
        "select count(*), count(volume_shares) from raw.daily_bar "
        "where trade_date < '2021-01-01' and coalesce(volume_shares, 0) = 0"
    ) == [(340_649 - 430, 339_417 - 256)]


def test_3_the_percentage_change_is_checked_and_not_loaded(query: Query) -> None:
    assert finding(query, "pct_chg_off_by_3_points") == {
        "daily_2021_2024.parquet": 1_002
    }
    columns = query(
        "select column_name from information_schema.columns "
        "where table_name = 'daily_bar'"
    )
    assert not [name for (name,) in columns if "pct" in name or "change" in name]


def test_4_share_counts_are_stated_on_one_day_only(query: Query) -> None:
    assert query(
        "select min(cast(valid_from as varchar)), max(cast(valid_from as varchar)) "
        "from raw.share_capital"
    ) == [("2024-06-26", "2024-06-26")]
    boards = query(
        "select distinct board from raw.daily_bar inner join raw.security "
        "using (security_code) "
        "where turnover_ratio is not null and bar_source = 'vendor' "
        "order by board"
    )
    assert boards == [("main",), ("star",)]
    (row,) = query(
        "select cast(min(trade_date) as varchar), max(turnover_ratio) "
        "from raw.daily_bar where turnover_ratio is not null"
    )
    assert row[0] == "2021-01-04"
    assert 0.5 < row[1] < 2
    (row,) = query(
        "select cast(min(known_date) as varchar) from raw.fundamental "
        "where market_cap_cny is not null"
    )
    assert row == ("2015-03-31",)


def test_5_fundamentals_are_of_quarter_ends_and_known_four_months_later(
    query: Query,
) -> None:
    assert query(
        "select count(*) from raw.fundamental where period_end <> last_day(period_end) "
        "or month(period_end) % 3 <> 0"
    ) == [(0,)]
    assert query(
        "select count(*) from raw.fundamental "
        "where coalesce(pe_ratio, pb_ratio, return_on_equity, debt_to_assets) "
        "is not null and known_date < period_end + interval 4 months"
    ) == [(0,)]
    dropped = set_aside(query, "fundamental")
    # The file is read twice: for the caps of the day, and for the figures.
    assert dropped["not_a_quarter_end"] == 2 * 88_298
    assert dropped["no_figures"] > 27_491
    (medians,) = query(
        "select median(return_on_equity), median(debt_to_assets), "
        "median(market_cap_cny) from raw.fundamental where known_date > period_end"
    )
    assert 0.03 < medians[0] < 0.05
    assert 0.35 < medians[1] < 0.45
    assert 2e9 < medians[2] < 2e10


MEMBERS = """
    select count(distinct security_code) from raw.industry_member
    where valid_from <= $day and (valid_to is null or valid_to > $day)
        and security_code in (
            select security_code from raw.daily_bar where trade_date = $day
        )
"""


def test_6_industries_are_those_known_on_the_day(query: Query) -> None:
    assert query(MEMBERS, day="2012-06-29") == [(1_418,)]
    stocks = query(
        "select count(*) from raw.daily_bar where trade_date = $day", day="2012-06-29"
    )
    # Five of the file's 2,215 bear another company's bars.
    assert stocks == [(2_210,)]
    assert set_aside(query, "industry_member")["scheme_before_2014"] == 1_373
    assert set_aside(query, "industry_member")["overtaken_before_known"] == 2
    (name, edited) = next(iter(finding(query, "edited_after_known").items()))
    assert name == "shenwan_industry_history.parquet"
    assert 12_000 < edited <= 12_790


def test_6_schemes_change_on_their_days_and_ranges_do_not_overlap(query: Query) -> None:
    assert query(
        "select count(*) from raw.industry_member "
        "where industry_code in ('801970.SI', '801980.SI') "
        "and valid_from < '2021-07-30'"
    ) == [(0,)]
    for day, count in (("2021-07-29", 29), ("2021-07-30", 31)):
        found = query(
            "select count(distinct industry_code) from raw.industry_member "
            "where valid_from <= $day and (valid_to is null or valid_to > $day)",
            day=day,
        )
        assert found == [(count,)], day
    assert query(
        """
        select count(*)
        from (
            select
                valid_to,
                lead(valid_from) over (
                    partition by security_code order by valid_from
                ) as next_from,
            from raw.industry_member
        )
        where next_from is not null and (valid_to is null or valid_to > next_from)
        """
    ) == [(0,)]
    # Oil in chemicals' and mining's scheme of 2014, coal in mining's: one code through.
    codes = query(
        "select security_code, list(distinct industry_code) from raw.industry_member "
        "where security_code in ('600028.SH', '600188.SH') group by all order by all"
    )
    assert codes == [("600028.SH", ["801960.SI"]), ("600188.SH", ["801950.SI"])]


def test_7_no_special_treatment_is_taken_from_names(query: Query) -> None:
    assert query("select count(*) from raw.st_status") == [(0,)]
    (row,) = query("select count(*) from raw.security where name like '%ST%'")
    assert row[0] > 50


def test_8_genuine_returns_beyond_60_percent_are_taken(query: Query) -> None:
    found = finding(query, "return_beyond_60_percent")
    assert found["daily_2021_2024.parquet"] == 5
    assert query(
        "select count(*) from raw.daily_bar where (security_code, trade_date) in "
        "(('300937.SZ', date '2021-01-29'), ('300939.SZ', date '2021-02-01'), "
        "('000792.SZ', date '2021-08-10'), ('000670.SZ', date '2022-08-22'), "
        "('603273.SH', date '2023-10-25'))"
    ) == [(5,)]


def test_9_bars_of_15_minutes_end_when_they_say(query: Query) -> None:
    """No factor and no industry comes with them; bars without a trade are left out."""
    # 600311.SH of the snapshots has left the exchange, and no other file knows it.
    assert set_aside(query, "minute_bar") == {
        "bar_without_trade": 796,
        "vwap_outside_range": 2,
        "unknown_security": 54,
    }
    assert query(
        "select count(*), count(distinct security_code), "
        "count(distinct cast(bar_time as date)), min(bar_minutes), max(bar_minutes), "
        "count(distinct cast(bar_time as time)) from raw.minute_bar "
        "where bar_minutes <> 1"
    ) == [(719_920 - 798, 150, 300, 15, 15, 16)]
    assert query(
        "select cast(min(cast(bar_time as time)) as varchar), "
        "cast(max(cast(bar_time as time)) as varchar) from raw.minute_bar "
        "where bar_minutes <> 1"
    ) == [("09:45:00", "15:00:00")]


def test_snapshots_of_3_seconds_become_bars_of_a_minute(
    query: Query, real_data: Path
) -> None:
    """Bars add up to the day's totals and extremes that the last snapshots state."""
    bars = query(
        """
        select
            left(security_code, 6) as code,
            cast(min(bar_time) as varchar),
            cast(max(bar_time) as varchar),
            sum(volume_shares),
            sum(amount_cny),
            max(high_cny),
            min(low_cny),
            arg_max(close_cny, bar_time)
        from raw.minute_bar
        where bar_minutes = 1
        group by code
        order by code
        """
    )
    assert len(bars) == 29
    assert {bar[1:3] for bar in bars} >= {
        ("2021-12-01 09:30:00", "2021-12-01 10:30:00")
    }
    stated = query(
        f"""
        select
            SecurityID,
            max(TotalVolumeTrade),
            max(TotalValueTrade),
            max(HighPx),
            min(LowPx) filter (where LowPx > 0),
            arg_max(LastPx, DateTime)
        from '{real_data}/snapshot_3s_2021_12_01.parquet'
        where SecurityID <> '600311'
        group by SecurityID
        order by SecurityID
        """
    )
    for bar, whole in zip(bars, stated, strict=True):
        assert (bar[0], *bar[3:]) == pytest.approx(whole, rel=1e-12)
    # A minute's own extremes hold its prices.
    assert query(
        "select count(*) from raw.minute_bar where bar_minutes = 1 and not ("
        "low_cny <= least(open_cny, close_cny) "
        "and high_cny >= greatest(open_cny, close_cny))"
    ) == [(0,)]


def test_10_the_calendar_reaches_past_the_prices(query: Query) -> None:
    (row,) = query(
        "select count(*), cast(max(calendar_date) as varchar) "
        "from raw.trading_calendar where is_open and calendar_date > '2024-06-26'"
    )
    assert row[0] > 500
    assert row[1] == "2026-08-21"
    # A theme index bears a holiday.
    assert set_aside(query, "index_bar") == {
        "given_by_index_daily": 1_572,
        "not_a_trading_day": 15,
    }


def test_10_members_of_one_index_with_gaps(query: Query) -> None:
    counts = query(
        """
        with members as (
            select valid_from, valid_to from raw.index_member
            union all
            select
                cast(row_json ->> 'valid_from' as date),
                cast(row_json ->> 'valid_to' as date),
            from raw.rejected_row
            where table_name = 'index_member'
        )
        select count(*)
        from raw.trading_calendar
        inner join members on calendar_date >= valid_from
            and (valid_to is null or calendar_date < valid_to)
        where is_open and calendar_date between '2010-01-04' and '2024-06-26'
        group by calendar_date
        """
    )
    # Entries are given one change late: 245 after the large change of 2021-12-13, else
    # 264 and more; with those unknown to the security list none is lost.
    sizes = sorted(count for (count,) in counts)
    assert (sizes[0], sizes[118], sizes[-1]) == (245, 264, 300)
    assert query("select distinct index_code from raw.index_member") == [("000300.SH",)]


def test_11_reports_have_dates_without_a_time(query: Query) -> None:
    assert query(
        "select count(*), cast(min(published_at) as varchar), "
        "cast(max(published_at) as varchar), count(*) filter (has_time) "
        "from raw.analyst_report"
    ) == [(1_000, "2024-06-18 00:00:00", "2025-05-12 00:00:00", 0)]
    name = "analyst_reports_2024_2025.parquet"
    assert finding(query, "conclusion_raises_or_lowers") == {name: 166}
    assert finding(query, "first_coverage") == {name: 290}


def test_wrong_factors_are_repaired_and_counted(query: Query, real_data: Path) -> None:
    """Thirteen stocks; without the repairs the loader sets their bars aside."""
    found = finding(query, "factor_repaired")
    assert sum(found.values()) == 6_940
    assert query(
        """
        with returns as (
            select
                security_code,
                trade_date,
                close_cny * adjust_factor / lag(close_cny * adjust_factor) over (
                    partition by security_code order by trade_date
                ) - 1 as daily_return,
            from raw.daily_bar
            where security_code in (
                '000001.SZ', '000981.SZ', '001872.SZ', '001914.SZ', '002166.SZ',
                '002466.SZ', '003038.SZ', '300715.SZ', '302132.SZ', '600313.SH',
                '600633.SH', '600654.SH', '600655.SH'
            )
            and trade_date >= '2018-01-01'
        )
        select count(*) from returns where abs(daily_return) > 0.205
        """
    ) == [(0,)]
    repaired = query(
        f"""
        select count(distinct security_code) from raw.daily_bar
        inner join read_parquet('{real_data}/daily_20*.parquet', union_by_name = true)
            on code = security_code and date = trade_date
        where abs(adjust_factor / adj_factor - 1) > 1e-5
        """
    )
    assert repaired == [(12,)]


def test_bars_of_another_company_are_set_aside(query: Query) -> None:
    """Of no code left do the shares, cap / close, fall quarter for quarter."""
    falling = query(
        """
        with
        held as (
            select
                fundamental.security_code,
                period_end,
                market_cap_cny / close_cny as shares,
                adjust_factor,
            from raw.fundamental
            asof join raw.daily_bar
                on
                    fundamental.security_code = daily_bar.security_code
                    and fundamental.period_end >= daily_bar.trade_date
            where
                known_date = period_end
                and market_cap_cny > 0
                and trade_date >= period_end - 40
        ),
        steps as (
            select
                security_code,
                shares / lag(shares) over quarters as share_step,
                adjust_factor / lag(adjust_factor) over quarters as factor_step,
            from held
            window quarters as (partition by security_code order by period_end)
        )
        select security_code, count(*)
        from steps
        where share_step < 0.88 and abs(factor_step - 1) < 0.01
        group by security_code
        having count(*) > 2
        """
    )
    assert falling == []
    dropped = query(
        "select row_json ->> 'security_code' as code, count(*) from raw.rejected_row "
        "where reason = 'another_companys_bars' group by code order by code"
    )
    assert dropped == [
        ("002231.SZ", 2_483),
        ("300344.SZ", 2_500),
        ("300391.SZ", 2_493),
        ("600355.SH", 2_503),
        ("603056.SH", 1_987),
    ]
    # Nor does the listing date come from them.
    assert query(
        "select security_code, cast(list_date as varchar) from raw.security "
        "where security_code in ('300344.SZ', '300391.SZ', '603056.SH') order by all"
    ) == [
        ("300344.SZ", "2012-07-20"),
        ("300391.SZ", "2014-02-21"),
        ("603056.SH", "2018-01-07"),
    ]


def test_files_that_no_entry_takes_are_named(query: Query) -> None:
    taken = {name for (name,) in query("select distinct file_path from raw.load")}
    assert not [name for name in taken if name.startswith("concept")]
