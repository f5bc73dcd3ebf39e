"""Versions: nothing is overwritten, nothing is loaded twice, a kill leaves nothing.

Add what concerns rows over several loads; keep single bad files out
(``load_bad_input_test``).
"""

from __future__ import annotations

import datetime as dt
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.load.conftest import TODAY, open_days, write_base
from warehouse.load import LoadError, load_folder
from warehouse.raw_tables import RAW_TABLE_BY_NAME
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import StoreError, connect_build, current_rows_sql

IDENTITY = PROJECT_ROOT / "warehouse" / "mappings" / "sample.toml"
MINUTE_COLUMNS = ("open_cny", "high_cny", "low_cny", "close_cny")


def current_bars(market: Any, known_at: dt.datetime | None = None) -> dict[Any, Any]:
    """Return security and day -> close and load of the valid version."""
    query = current_rows_sql(
        RAW_TABLE_BY_NAME["daily_bar"],
        ("security_code", "trade_date", "close_cny", "load_id"),
        known_at=known_at is not None,
    )
    with connect_build(market.settings, read_only=True) as con:
        parameters = {} if known_at is None else {"known_at": known_at}
        rows = con.execute(query, parameters).fetchall()
    found = {(code, day): (close, load_id) for code, day, close, load_id in rows}
    assert len(found) == len(rows), "two versions of one key are valid"
    return found


def test_the_same_files_twice_change_nothing(market: Any) -> None:
    before = market.content()
    loads = market.query("from raw.load order by load_id")

    results = load_folder(market.settings, IDENTITY, market.folder, today=market.today)

    assert {result.message for result in results} == {"loaded before"}
    assert [result.accepted for result in results] == [0, 0, 0]
    assert [result.unchanged for result in results] == [250, 10, 400]
    assert market.content() == before
    assert market.query("from raw.load order by load_id") == loads


def test_the_sample_market_is_not_loaded_beside_other_data(market: Any) -> None:
    before = market.content()
    with pytest.raises(LoadError, match="LUNDONG_HOME") as refused:
        load_folder(
            market.settings,
            IDENTITY,
            market.folder,
            source_name="sample",
            today=market.today,
        )
    assert "cannot be loaded beside other data" in str(refused.value)
    assert market.content() == before


def test_other_data_are_not_loaded_beside_the_sample_market(empty_market: Any) -> None:
    market = empty_market
    write_base(market)
    load_folder(
        market.settings, IDENTITY, market.incoming, source_name="sample", today=TODAY
    )
    before = market.content()
    own = market.folder / "own.toml"
    own.write_text(IDENTITY.read_text().replace('name = "identity"', 'name = "own"'))

    for mapping, source in ((own, "folder"), (IDENTITY, "qlib"), (IDENTITY, "tushare")):
        with pytest.raises(LoadError, match="LUNDONG_HOME") as refused:
            load_folder(
                market.settings,
                mapping,
                market.incoming,
                source_name=source,
                today=TODAY,
            )
        assert "holds the sample market" in str(refused.value)
    assert market.content() == before

    # A correction of the sample has the raw tables' own columns, as the sample has.
    for path in market.incoming.iterdir():
        path.rename(market.folder / path.name)
    (bar,) = market.bars([market.new_day])[:1]
    market.write_csv("daily_bar.csv", [bar])
    (result,) = market.load()
    assert result.accepted == 1
    # The sample's own files again are no mixture either.
    load_folder(
        market.settings, IDENTITY, market.folder, source_name="sample", today=TODAY
    )


def test_the_same_rows_in_another_file_change_nothing(market: Any) -> None:
    before = market.content()
    with connect_build(market.settings) as con:
        con.execute(
            f"copy (select * from '{market.folder}/daily_bar.parquet' "
            f"order by random()) to '{market.incoming}/daily_bar.csv'"
        )

    (result,) = market.load()

    assert (result.accepted, result.unchanged, result.rejected) == (0, 400, 0)
    assert market.content() == before


def test_a_correction_is_a_new_version(market: Any) -> None:
    first = market.last_load()
    old = current_bars(market)
    key = (market.codes[2], dt.date(2024, 1, 15))
    (bar,) = market.query(
        f"select * exclude (load_id, replaces_load_id) from raw.daily_bar "
        f"where security_code = '{key[0]}' and trade_date = '{key[1]}'"
    )
    names = [column.name for column in RAW_TABLE_BY_NAME["daily_bar"].columns]
    row = dict(zip(names, bar, strict=True))
    row["close_cny"] = round(row["close_cny"] + 0.01, 2)
    market.write_parquet("daily_bar.parquet", [row])
    before_correction = dt.datetime.now(dt.UTC)

    (result,) = market.load()

    assert (result.read, result.accepted) == (1, 1)
    assert market.query(
        f"select load_id, replaces_load_id from raw.daily_bar "
        f"where security_code = '{key[0]}' and trade_date = '{key[1]}' order by load_id"
    ) == [(first, None), (first + 1, first)]
    assert current_bars(market) == {**old, key: (row["close_cny"], first + 1)}
    assert current_bars(market, before_correction) == old
    assert market.query(
        "select first_date, last_date, status from raw.load "
        f"where load_id = {first + 1}"
    ) == [(key[1], key[1], "loaded")]


def test_a_correction_taken_back_is_a_third_version(market: Any) -> None:
    old = current_bars(market)
    rows = [
        dict(row)
        for row in market.bars([market.new_day], seed=6)
        if row["security_code"] == market.codes[0]
    ]
    versions = []
    for volume in (1_000_000.0, 1_000_100.0, 1_000_000.0):
        rows[0].update(volume_shares=volume, amount_cny=None)
        for path in market.incoming.iterdir():
            path.unlink()
        # A new name and an unused column order make each a file of its own.
        market.write_csv(
            f"daily_bar-{len(versions)}.csv",
            [dict(sorted(row.items(), reverse=len(versions) == 2)) for row in rows],
        )
        market.load()
        versions.append(market.last_load())

    chain = market.query(
        "select load_id, replaces_load_id from raw.daily_bar "
        f"where trade_date = '{market.new_day}' order by load_id"
    )
    assert chain == [
        (versions[0], None),
        (versions[1], versions[0]),
        (versions[2], versions[1]),
    ]
    assert len(current_bars(market)) == len(old) + 1


def volume_of(market: Any, code: str, day: dt.date) -> object:
    """Return the volume of the valid version of a bar, None where there is none."""
    query = current_rows_sql(
        RAW_TABLE_BY_NAME["daily_bar"],
        ("security_code", "trade_date", "volume_shares"),
        condition=f"security_code = '{code}' and trade_date = '{day}'",
    )
    rows = market.query(f"select volume_shares from ({query})")
    assert len(rows) <= 1
    return rows[0][0] if rows else None


def bars_of_a_day(market: Any, volume: float, codes: list[str]) -> list[dict[str, Any]]:
    rows = [
        {**row, "volume_shares": volume, "amount_cny": None, "previous_close_cny": None}
        for row in market.bars([market.new_day], seed=6)
    ]
    return [row for row in rows if row["security_code"] in codes]


def send(market: Any, name: str, rows: list[dict[str, Any]]) -> Any:
    """Load a file that lies alone in the folder, and return its result."""
    for path in market.incoming.iterdir():
        path.unlink()
    market.write_csv(name, rows)
    (result,) = market.load()
    return result


def test_a_value_that_a_newer_file_lacks_is_told(market: Any) -> None:
    """A vendor that left a column out: the bars replace those that had it."""
    codes = market.codes[:3]
    first = bars_of_a_day(market, 1_000_000.0, codes)
    for row in first:
        row["previous_close_cny"] = row["open_cny"]
    assert send(market, "daily_bar.csv", first).message == ""
    lacking = [
        {name: value for name, value in row.items() if name != "previous_close_cny"}
        for row in first
    ]

    result = send(market, "daily_bar.csv", lacking)

    assert result.accepted == 3
    assert result.message == "values_lost 3 (e.g. no previous_close_cny)"


def test_the_very_file_sent_again_takes_a_correction_back(market: Any) -> None:
    codes, day = market.codes[:3], market.new_day
    first = bars_of_a_day(market, 1_000_000.0, codes)
    second = [{**first[0], "volume_shares": 1_000_100.0}]

    assert send(market, "daily_bar.csv", first).accepted == 3
    assert send(market, "daily_bar.csv", second).accepted == 1
    taken_back = send(market, "daily_bar.csv", first)

    assert (taken_back.accepted, taken_back.unchanged) == (1, 2)
    assert volume_of(market, codes[0], day) == 1_000_000.0
    assert send(market, "daily_bar.csv", first).message == "loaded before"
    # Of a row that the newest load of the file only found unchanged, too.
    other = [{**first[1], "volume_shares": 1_000_200.0}]
    assert send(market, "daily_bar.csv", other).accepted == 1
    assert send(market, "daily_bar.csv", first).accepted == 1
    assert volume_of(market, codes[1], day) == 1_000_000.0
    assert send(market, "daily_bar.csv", second).accepted == 1
    assert volume_of(market, codes[0], day) == 1_000_100.0


def test_files_that_lie_beside_each_other_are_not_sent_again(market: Any) -> None:
    code, day = market.codes[0], market.new_day
    (row,) = bars_of_a_day(market, 1_000_000.0, [code])
    market.write_csv("daily_bar-2024.csv", [row])
    market.load()
    # By name the correction comes before what it corrects.
    market.write_csv("daily_bar-2024-fix.csv", [{**row, "volume_shares": 1_000_100.0}])
    market.load()
    before = market.content()

    results = market.load()

    assert {result.message for result in results} == {"loaded before"}
    assert market.content() == before
    assert volume_of(market, code, day) == 1_000_100.0
    # The old bytes under a new name are sent.
    market.write_csv("daily_bar-back.csv", [row])
    assert sum(result.accepted for result in market.load()) == 1
    assert volume_of(market, code, day) == 1_000_000.0
    assert {result.message for result in market.load()} == {"loaded before"}
    assert volume_of(market, code, day) == 1_000_000.0


def test_a_file_read_again_for_a_new_stock_leaves_corrections_alone(
    market: Any,
) -> None:
    codes, day = market.codes[:2], market.new_day
    rows = bars_of_a_day(market, 1_000_000.0, codes)
    unknown = [{**rows[0], "security_code": f"60009{number}.SH"} for number in (8, 9)]
    assert send(market, "daily_bar.csv", [*rows, *unknown]).rejected == 2
    corrected = [{**rows[0], "volume_shares": 1_000_100.0}]
    assert send(market, "daily_bar.csv", corrected).accepted == 1
    security = {"name": "new", "board": "main", "list_date": day}
    send(
        market,
        "security.csv",
        [{**security, "security_code": row["security_code"]} for row in unknown],
    )
    late = [{**unknown[0], "volume_shares": 1_000_200.0}]
    assert send(market, "daily_bar.csv", late).accepted == 1

    result = send(market, "daily_bar.csv", [*rows, *unknown])

    assert (result.accepted, result.unchanged, result.rejected) == (1, 3, 0)
    assert volume_of(market, codes[0], day) == 1_000_100.0
    assert volume_of(market, "600098.SH", day) == 1_000_200.0
    assert volume_of(market, "600099.SH", day) == 1_000_000.0
    again = send(market, "daily_bar.csv", [*rows, *unknown])
    assert again.message == "loaded before"


def test_a_row_of_the_future_is_taken_when_its_day_has_come(market: Any) -> None:
    day = dt.date(2024, 3, 11)
    rows = market.bars([market.new_day], seed=6)
    rows[3].update(trade_date=day, previous_close_cny=None)
    market.write_csv("daily_bar.csv", rows)
    assert [result.rejected for result in market.load()] == [1]
    assert [result.message for result in market.load()] == ["loaded before"]

    (result,) = market.load(today=day)

    assert (result.accepted, result.unchanged, result.rejected) == (1, 9, 0)
    (again,) = market.load(today=day)
    assert again.message == "loaded before"


def test_a_security_touches_the_days_of_its_listing(market: Any) -> None:
    listed, ended = dt.date(2020, 1, 2), dt.date(2024, 2, 20)
    base = {
        "security_code": market.codes[0],
        "name": "stock",
        "board": "main",
        "list_date": listed,
        "delist_date": None,
    }
    touched = []
    for change in (
        {"name": "*ST stock"},
        {"name": "*ST stock", "delist_date": ended},
        {"name": "stock", "delist_date": dt.date(2024, 2, 27)},
        {"name": "stock", "board": "chinext", "delist_date": dt.date(2024, 2, 27)},
        {"security_code": "600011.SH", "list_date": dt.date(2024, 2, 19)},
    ):
        assert send(market, "security.csv", [{**base, **change}]).accepted == 1
        touched += market.query(
            "select first_date, last_date from raw.load order by load_id desc limit 1"
        )

    assert touched == [
        (None, None),
        (ended, ended),
        (ended, dt.date(2024, 2, 27)),
        (listed, listed),
        (dt.date(2024, 2, 19), dt.date(2024, 2, 19)),
    ]


def test_a_report_that_moves_touches_the_day_on_which_it_was_known(market: Any) -> None:
    """What hung on it since the former day must be built without it."""
    report = {
        "report_id": "r1",
        "security_code": market.codes[0],
        "published_at": "2024-01-10 18:00:00",
        "has_time": True,
        "title": "first",
    }
    touched = []
    for day in (10, 24, 17):
        moved = {**report, "published_at": f"2024-01-{day} 18:00:00"}
        assert send(market, "analyst_report.csv", [moved]).accepted == 1
        touched += market.query(
            "select first_date, last_date from raw.load order by load_id desc limit 1"
        )

    days = {day: dt.date(2024, 1, day) for day in (10, 17, 24)}
    assert touched == [
        (days[10], days[10]),
        (days[10], days[24]),
        (days[17], days[24]),
    ]


def test_a_time_of_another_zone_is_told_in_exchange_time(market: Any) -> None:
    """07:30 in London is after the close in Shanghai: the next day's news."""
    texts = {
        "z": "2024-01-10T07:30:00Z",
        "offset": "2024-01-10 02:30:00.5-05:00",
        "short": "2024-01-10 23:30:00+08",
        "named": "2024-01-10 07:30:00 UTC",
        "blank": "2024-01-10 07:30:00+00:00 ",
        "plain": "2024-01-10 07:30:00",
        "day": "2024-01-10",
    }
    rows = [
        {
            "report_id": name,
            "security_code": market.codes[0],
            "published_at": text,
            "has_time": True,
            "title": name,
        }
        for name, text in texts.items()
    ]
    send(market, "analyst_report.csv", rows)
    found = {
        name: str(time)
        for name, time in market.query(
            "select report_id, published_at from raw.analyst_report"
        )
    }
    assert found == {
        "z": "2024-01-10 15:30:00",
        "offset": "2024-01-10 15:30:00.500000",
        "short": "2024-01-10 23:30:00",
        "named": "2024-01-10 15:30:00",
        "blank": "2024-01-10 15:30:00",
        "plain": "2024-01-10 07:30:00",
        "day": "2024-01-10 00:00:00",
    }


def test_a_range_that_only_ends_touches_the_days_of_its_end(market: Any) -> None:
    """A member that leaves must not make the build rewrite all since it came."""
    start, moved = dt.date(2024, 1, 8), dt.date(2024, 1, 15)
    first_end, second_end = dt.date(2024, 2, 26), dt.date(2024, 2, 21)
    base = {
        "security_code": market.codes[0],
        "industry_system": "citic1",
        "industry_code": "CI005001",
        "valid_from": start,
        "valid_to": None,
    }
    touched = []
    for change in (
        {},
        {"valid_to": first_end},
        {"valid_to": second_end},
        {"valid_to": None},
        {"valid_to": first_end, "industry_code": "CI005002"},
        {"valid_from": moved},
    ):
        sent = send(market, "industry_member.csv", [{**base, **change}])
        assert sent.accepted == 1
        touched += market.query(
            "select first_date, last_date from raw.load order by load_id desc limit 1"
        )

    assert touched == [
        (start, start),
        (first_end, first_end),
        (second_end, first_end),
        (second_end, second_end),
        (start, start),
        (moved, moved),
    ]


def test_a_shuffled_file_gives_the_same_table(
    empty_market: Any, tmp_path: Path
) -> None:
    stores = []
    rows = empty_market.bars([dt.date(2024, 1, day) for day in (2, 3, 4, 5)])
    # One repeated and one contradicted row: what is kept may not hang on the order.
    rows += [dict(rows[0]), {**rows[1], "volume_shares": 7.0, "amount_cny": None}]
    for name in ("in order", "shuffled"):
        if name == "shuffled":
            random.Random(1).shuffle(rows)  # noqa: S311 - no secret
        empty_market.write_parquet(
            "trading_calendar.parquet",
            [
                {"calendar_date": dt.date(2024, 1, day), "is_open": True}
                for day in range(2, 13)
            ],
        )
        empty_market.write_parquet(
            "security.parquet",
            [
                {
                    "security_code": code,
                    "name": code,
                    "board": "main",
                    "list_date": dt.date(2020, 1, 2),
                }
                for code in empty_market.codes
            ],
        )
        empty_market.write_parquet("daily_bar.parquet", rows)
        settings = Settings(home=tmp_path / name, threads=2)
        load_folder(settings, IDENTITY, empty_market.incoming, today=empty_market.today)
        with connect_build(settings, read_only=True) as con:
            stores.append(con.execute("from raw.daily_bar").fetchall())

    assert len(stores[0]) == 39
    assert stores[0] == stores[1]


def minute_rows(day: dt.date, codes: list[str]) -> list[dict[str, object]]:
    return [
        {
            "security_code": code,
            "bar_time": dt.datetime.combine(day, dt.time(9, 35 + 5 * bar)),
            "bar_minutes": 5,
            **dict.fromkeys(MINUTE_COLUMNS, 10.0),
            "volume_shares": 1000.0,
        }
        for code in codes
        for bar in range(3)
    ]


def test_a_day_of_the_lake_is_written_whole_and_kept(market: Any) -> None:
    day = market.new_day
    market.write_parquet("minute_bar.parquet", minute_rows(day, market.codes[:4]))
    market.load()
    (old_file,) = market.query("select file_path, row_count from raw.lake_file")
    (market.incoming / "minute_bar.parquet").unlink()
    late = minute_rows(day, market.codes[3:5])
    late[0]["volume_shares"] = 2000.0
    market.write_parquet("minute_bar-late.parquet", late)

    (result,) = market.load()

    assert (result.accepted, result.unchanged) == (4, 2)
    files = market.query(
        "select file_path, row_count from raw.lake_file order by load_id"
    )
    assert [count for _, count in files] == [12, 15]
    assert files[0] == old_file
    assert all((market.settings.lake / str(path)).exists() for path, _ in files)
    assert market.query(
        "select count(*), count(distinct (security_code, bar_time)), "
        "count(*) filter (volume_shares = 2000), count(replaces_load_id) "
        "from raw.minute_bar"
    ) == [(15, 15, 1, 1)]
    assert not list(market.settings.lake.rglob("*.tmp"))


def test_minutes_known_before_a_correction_are_all_found(market: Any) -> None:
    table = RAW_TABLE_BY_NAME["minute_bar"]
    first, second = market.bars(open_days(market.new_day, 2))[:: len(market.codes)]
    days = (first["trade_date"], second["trade_date"])
    rows = [row for day in days for row in minute_rows(day, market.codes[:4])]
    send(market, "minute_bar.csv", rows)
    ((first_load,),) = market.query("select max(load_id) from raw.load")
    send(market, "minute_bar.csv", [{**row, "volume_shares": 2.0} for row in rows[:5]])

    query = current_rows_sql(table, ("volume_shares", "load_id"), known_at=True)
    with connect_build(market.settings) as con:
        con.execute(
            "update raw.load set loaded_at = '2024-01-01' where load_id <= ?",
            [first_load],
        )
        before, since, never = (
            con.execute(
                f"select count(*), sum(volume_shares), max(load_id) from ({query})",
                {"known_at": known_at},
            ).fetchone()
            for known_at in ("2024-01-02", "2100-01-01", "2023-01-01")
        )
    assert before == (24, 24_000.0, first_load)
    assert since == (24, 19_010.0, first_load + 1)
    assert never == (0, None, None)


def test_the_very_minutes_sent_again_take_a_correction_back(market: Any) -> None:
    rows = minute_rows(market.new_day, market.codes[:2])
    send(market, "minute_bar.csv", rows)
    send(market, "minute_bar.csv", [{**rows[0], "volume_shares": 2000.0}])

    result = send(market, "minute_bar.csv", rows)

    assert (result.accepted, result.unchanged) == (1, 5)
    assert market.query("select distinct volume_shares from raw.minute_bar") == [
        (1000.0,)
    ]
    assert send(market, "minute_bar.csv", rows).message == "loaded before"


def test_a_lost_file_of_the_lake_is_named(market: Any) -> None:
    market.write_parquet(
        "minute_bar.parquet", minute_rows(market.new_day, market.codes[:1])
    )
    market.load()
    ((name,),) = market.query("select file_path from raw.lake_file")
    (market.settings.lake / name).unlink()

    with pytest.raises(StoreError, match=rf"{name} is missing: restore"):
        market.load()


def test_a_day_of_minutes_needs_an_open_day(market: Any) -> None:
    rows = minute_rows(market.new_day, market.codes[:2])
    rows[0]["bar_time"] = dt.datetime.combine(dt.date(2024, 2, 24), dt.time(9, 35))
    market.write_parquet("minute_bar.parquet", rows)

    (result,) = market.load()

    assert result.rejected == 1
    assert market.rejected()[0]["reason"] == "not_a_trading_day"


KILLED_LOAD = """
import datetime as dt, os, signal, sys
from pathlib import Path
from warehouse import load
from warehouse.settings import Settings

home, mapping, folder, step = sys.argv[1:]
whole_step = getattr(load, step)

def killed(*arguments):
    whole_step(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(load, step, killed)
load.load_folder(
    Settings(home=Path(home), threads=2),
    Path(mapping),
    Path(folder),
    today=dt.date(2024, 3, 8),
)
"""


@pytest.mark.parametrize(
    ("step", "bars"),
    [
        ("_read_rows", 0),
        ("_store_rejected", 0),
        ("_insert_changes", 0),
        ("_find_large_returns", 0),
        ("_write_lake", 39),
    ],
)
def test_a_load_killed_after_a_step_leaves_nothing(
    market: Any, step: str, bars: int
) -> None:
    """SIGKILL after one step of a load; then the same files load as if undisturbed."""
    days = [market.new_day + dt.timedelta(days=number) for number in (0, 1, 2, 3)]
    rows = market.bars(days, seed=8)
    rows[-1]["low_cny"] = -1
    market.write_csv("daily_bar.csv", rows)
    minutes = [row for day in days for row in minute_rows(day, market.codes)]
    market.write_parquet("minute_bar.parquet", minutes)
    before = market.content()
    last_load = market.last_load()
    arguments = [str(market.settings.home), str(IDENTITY), str(market.incoming), step]

    done = subprocess.run(
        [sys.executable, "-c", KILLED_LOAD, *arguments],
        cwd=PROJECT_ROOT,
        check=False,
        timeout=120,
    )

    assert done.returncode == -signal.SIGKILL
    assert market.content(until_load=last_load) == before
    assert market.last_load() == last_load + (1 if bars else 0)
    assert len(market.rejected()) == (1 if bars else 0)
    new_bars = f"select count(*) from raw.daily_bar where load_id > {last_load}"
    assert market.query(new_bars) == [(bars,)]
    assert market.query("select count(*) from raw.minute_bar") == [(0,)]

    market.load()

    assert market.query(new_bars) == [(39,)]
    assert market.query("select count(*) from raw.minute_bar") == [(120,)]
    assert len(market.rejected()) == 1
