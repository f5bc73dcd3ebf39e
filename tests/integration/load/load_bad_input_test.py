"""Bad input, case by case: refused whole or set aside, named, and nothing stored moves.

Each case changes a good file of one new day in one way. Add a case for every kind of
bad file that was met; keep versions and good files out (``load_versions_test``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.load import LoadError

Row = dict[str, object]
Change = Callable[[list[Row]], None]


def change(row: int, **values: object) -> Change:
    """Return a change of one row (0 is the first)."""

    def apply(rows: list[Row]) -> None:
        rows[row].update(values)

    return apply


def high_below_low(rows: list[Row]) -> None:
    rows[3]["high_cny"], rows[3]["low_cny"] = rows[3]["low_cny"], rows[3]["high_cny"]


def repeat(rows: list[Row]) -> None:
    rows.append(dict(rows[3]))


def contradict(rows: list[Row]) -> None:
    rows.append({**rows[3], "volume_shares": 4200.0, "amount_cny": None})


def thousandfold_amount(rows: list[Row]) -> None:
    rows[3]["amount_cny"] = float(str(rows[3]["amount_cny"])) * 1000


def jump_without_action(rows: list[Row]) -> None:
    rows[3]["adjust_factor"] = 1.5


def jump_without_reference(rows: list[Row]) -> None:
    for row in rows:
        del row["previous_close_cny"]
    rows[3]["adjust_factor"] = 1.5


@dataclass(frozen=True)
class Case:
    """A change and what the row set aside must say."""

    change: Change
    reason: str
    column: str
    value: str | None
    lines: tuple[int, ...] = (5,)


SET_ASIDE = {
    "text in a price": Case(
        change(3, close_cny="n.a."), "not_of_type", "close_cny", "n.a."
    ),
    "negative price": Case(change(3, low_cny=-9.5), "not_positive", "low_cny", "-9.5"),
    "zero price": Case(change(3, open_cny=0), "not_positive", "open_cny", "0.0"),
    "infinite price": Case(change(3, high_cny="inf"), "not_finite", "high_cny", None),
    "no price": Case(change(3, close_cny=""), "missing_value", "close_cny", None),
    "high below low": Case(high_below_low, "high_below_low", "high_cny", None),
    "negative volume": Case(
        change(3, volume_shares=-100, amount_cny=""),
        "below_minimum",
        "volume_shares",
        "-100.0",
    ),
    "same row twice": Case(
        repeat,
        "duplicate_key",
        "security_code, trade_date",
        "600003.SH, 2024-02-27",
        (12,),
    ),
    "two rows of a key that differ": Case(
        contradict,
        "conflicting_key",
        "security_code, trade_date",
        "600003.SH, 2024-02-27",
        (5, 12),
    ),
    "future date": Case(
        change(3, trade_date=dt.date(2024, 3, 11)),
        "after_today",
        "trade_date",
        "2024-03-11",
    ),
    "after the calendar": Case(
        change(3, trade_date=dt.date(2031, 1, 2)),
        "after_today",
        "trade_date",
        "2031-01-02",
    ),
    "unknown stock": Case(
        change(3, security_code="601999.SH"),
        "unknown_security",
        "security_code",
        "601999.SH",
    ),
    "malformed code": Case(
        change(3, security_code="SH600003"),
        "malformed_code",
        "security_code",
        "SH600003",
    ),
    "a Saturday": Case(
        change(3, trade_date=dt.date(2024, 2, 24)),
        "not_a_trading_day",
        "trade_date",
        "2024-02-24",
    ),
    "amount in another unit": Case(
        thousandfold_amount, "vwap_outside_range", "amount_cny", None
    ),
    "factor jump against the previous close": Case(
        jump_without_action, "unexplained_factor_jump", "adjust_factor", "1.5"
    ),
    "factor jump against the day's limit": Case(
        jump_without_reference, "unexplained_factor_jump", "adjust_factor", "1.5"
    ),
}


@pytest.mark.parametrize("name", SET_ASIDE)
def test_a_bad_row_is_set_aside_and_named(name: str, market: Any) -> None:
    case = SET_ASIDE[name]
    before = market.content()
    last_load = market.last_load()
    rows = market.bars([market.new_day], seed=2)
    case.change(rows)
    path = market.write_csv("daily_bar.csv", rows)

    (result,) = market.load()

    bad = len(case.lines)
    assert (result.read, result.rejected) == (len(rows), bad)
    assert result.accepted == len(rows) - bad
    found = market.rejected()
    assert [row["line_number"] for row in found] == list(case.lines)
    for row in found:
        assert row["file_path"] == path.name
        assert (row["reason"], row["column_name"]) == (case.reason, case.column)
        assert row["expected"]
        if case.value is not None:
            assert row["value"] == case.value
    assert market.content(until_load=last_load) == before


@pytest.mark.parametrize("name", SET_ASIDE)
def test_a_bad_row_of_a_parquet_file_is_named_by_its_number(
    name: str, market: Any
) -> None:
    case = SET_ASIDE[name]
    rows = market.bars([market.new_day], seed=2)
    case.change(rows)
    # One text among numbers makes the column a text column.
    for column in rows[0]:
        values = [row[column] for row in rows]
        if any(isinstance(value, str) for value in values):
            for row in rows:
                row[column] = None if row[column] == "" else str(row[column])
    market.write_parquet("daily_bar.parquet", rows)

    market.load()

    assert [row["line_number"] for row in market.rejected()] == [
        line - 1 for line in case.lines
    ]


def truncated(market: Any) -> tuple[Path, dict[str, object]]:
    path = market.write_parquet("daily_bar.parquet", market.bars([market.new_day]))
    path.write_bytes(path.read_bytes()[:-200])
    return path, {"problem": "unreadable"}


def damaged_page(market: Any) -> tuple[Path, dict[str, object]]:
    path = market.write_parquet("daily_bar.parquet", market.bars([market.new_day]))
    content = bytearray(path.read_bytes())
    content[20:200] = bytes(180)
    path.write_bytes(content)
    return path, {"problem": "unreadable"}


def gbk(market: Any) -> tuple[Path, dict[str, object]]:
    rows = [
        {
            "security_code": "600010.SH",
            "name": "包钢股份",
            "board": "main",
            "list_date": "2001-03-09",
        }
    ]
    path = market.write_csv("security.csv", rows, encoding="gb18030")
    return path, {"line": 2, "column": "name", "value": "包钢股份".encode("gb18030")}


def missing_column(market: Any) -> tuple[Path, dict[str, object]]:
    rows = market.bars([market.new_day])
    for row in rows:
        del row["close_cny"]
    path = market.write_csv("daily_bar.csv", rows)
    return path, {"line": 1, "column": "close_cny"}


def unknown_column(market: Any) -> tuple[Path, dict[str, object]]:
    rows = market.bars([market.new_day])
    for row in rows:
        row["volumn"] = row.pop("volume_shares")
    path = market.write_csv("daily_bar.csv", rows)
    return path, {"line": 1, "column": "volumn"}


def lots_for_shares(market: Any) -> tuple[Path, dict[str, object]]:
    rows = market.bars([market.new_day])
    for row in rows:
        row["volume_shares"] = float(str(row["volume_shares"])) / 100
        row["amount_cny"] = None
    path = market.write_csv("daily_bar.csv", rows)
    value = rows[0]["volume_shares"]
    return path, {"line": 2, "column": "volume_shares", "value": value}


def cents_for_yuan(market: Any) -> tuple[Path, dict[str, object]]:
    rows = market.bars([market.new_day])
    for row in rows:
        row["amount_cny"] = None
        for name in ("open_cny", "high_cny", "low_cny", "close_cny"):
            row[name] = round(float(str(row[name])) * 100, 2)
        row["previous_close_cny"] = None
    path = market.write_csv("daily_bar.csv", rows)
    return path, {"line": 2, "column": "close_cny", "value": rows[0]["close_cny"]}


def no_bytes(market: Any) -> tuple[Path, dict[str, object]]:
    path = market.incoming / "daily_bar.csv"
    path.touch()
    return path, {"problem": "no rows", "value": "0 bytes"}


def header_only(market: Any) -> tuple[Path, dict[str, object]]:
    rows = market.bars([market.new_day])
    path = market.incoming / "daily_bar.csv"
    path.write_text(",".join(rows[0]) + "\n")
    return path, {"problem": "no rows"}


def parquet_without_rows(market: Any) -> tuple[Path, dict[str, object]]:
    path = market.incoming / "daily_bar.parquet"
    table = pa.Table.from_pylist(market.bars([market.new_day]))
    pq.write_table(table.slice(0, 0), path)
    return path, {"problem": "no rows"}


def ragged(market: Any) -> tuple[Path, dict[str, object]]:
    path = market.write_csv("daily_bar.csv", market.bars([market.new_day]))
    lines = path.read_text().splitlines()
    lines[4] = lines[4].rsplit(",", 2)[0]
    path.write_text("\n".join(lines) + "\n")
    return path, {"problem": "unreadable", "line": 5}


def all_days_closed(market: Any) -> tuple[Path, dict[str, object]]:
    path = market.write_csv("daily_bar.csv", market.bars([dt.date(2024, 2, 24)]))
    return path, {"line": 2, "column": "trade_date", "value": "2024-02-24"}


def wrong_unit_in_mass(market: Any) -> tuple[Path, dict[str, object]]:
    days = [market.new_day, market.new_day + dt.timedelta(days=1)]
    rows = market.bars([*days, market.new_day + dt.timedelta(days=2)])
    for row in rows:
        row["amount_cny"] = float(str(row["amount_cny"])) / 1000
    path = market.write_csv("daily_bar.csv", rows)
    return path, {"line": 2, "column": "amount_cny"}


REFUSED = [
    truncated,
    damaged_page,
    gbk,
    missing_column,
    unknown_column,
    lots_for_shares,
    cents_for_yuan,
    no_bytes,
    header_only,
    parquet_without_rows,
    ragged,
    all_days_closed,
    wrong_unit_in_mass,
]


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_a_bad_file_is_refused_whole_with_one_line(
    make: Callable[[Any], tuple[Path, dict[str, object]]], market: Any
) -> None:
    before = market.content()
    last_load = market.last_load()
    path, expected = make(market)

    with pytest.raises(LoadError) as caught:
        market.load()

    error = caught.value
    message = str(error)
    assert "\n" not in message
    assert path.name in message
    assert f"expected {error.expected}" in " ".join(message.split())
    assert error.next_step in message
    for name, value in expected.items():
        found = getattr(error, name)
        if name == "value" and isinstance(value, bytes):
            assert value.startswith(found)
        elif name == "value":
            assert str(found) == str(value)
        else:
            assert found == value, name
    if error.line is not None:
        assert f"line {error.line}" in message
    if error.column is not None:
        assert f"column {error.column}" in message
    assert market.content() == before
    assert market.last_load() == last_load
    assert market.rejected() == []


def test_a_refused_file_loads_once_it_is_mended(market: Any) -> None:
    rows = market.bars([market.new_day])
    path = market.write_parquet("daily_bar.parquet", rows)
    whole = path.read_bytes()
    path.write_bytes(whole[:-50])
    with pytest.raises(LoadError):
        market.load()

    path.write_bytes(whole)

    assert [result.accepted for result in market.load()] == [len(rows)]


def test_line_numbers_are_those_of_an_editor(market: Any) -> None:
    """A quoted name with a line break and blank lines do not shift the lines."""
    path = market.incoming / "security.csv"
    path.write_text(
        "security_code,name,board,list_date\n"
        '600010.SH,"two\nlines",main,2001-03-09\n'
        "\n"
        "600011.SH,good,main,2001-12-06\n"
        "600012.SH,bad,mian,2003-01-07\n"
    )

    (result,) = market.load()

    assert (result.accepted, result.rejected) == (2, 1)
    (row,) = market.rejected()
    assert (row["line_number"], row["column_name"]) == (6, "board")
    assert row["value"] == "mian"


def test_bars_after_an_unexplained_jump_are_set_aside_until_the_factor_is_back(
    market: Any,
) -> None:
    days = [market.new_day + dt.timedelta(days=number) for number in (0, 1, 2, 3)]
    rows = market.bars(days, seed=3)
    for row in rows:
        del row["previous_close_cny"]
        stock, day = row["security_code"], row["trade_date"]
        if stock == "600003.SH" and day in days[1:3]:
            row["adjust_factor"] = 2.0
        if stock == "600004.SH" and day >= days[2]:
            row["adjust_factor"] = 2.0
    market.write_csv("daily_bar.csv", rows)

    market.load()

    found = {
        (row["reason"], day, code)
        for row, (day, code) in zip(
            market.rejected(),
            market.query(
                "select cast(row_json ->> 'trade_date' as date), "
                "row_json ->> 'security_code' "
                "from raw.rejected_row order by load_id, line_number"
            ),
            strict=True,
        )
    }
    assert found == {
        ("unexplained_factor_jump", days[1], "600003.SH"),
        ("unexplained_factor_jump", days[2], "600003.SH"),
        ("unexplained_factor_jump", days[2], "600004.SH"),
        ("unexplained_factor_jump", days[3], "600004.SH"),
    }


def test_a_corporate_action_explains_a_jump(market: Any) -> None:
    """Ten shares for ten halve one price; the other jump has a row of its own."""
    rows = market.bars([market.new_day], seed=4)
    for row in rows:
        del row["previous_close_cny"]
    for name in ("open_cny", "high_cny", "low_cny", "close_cny"):
        rows[3][name] = round(float(str(rows[3][name])) / 2, 2)
    rows[3].update(amount_cny=None, adjust_factor=2.0)
    rows[4]["adjust_factor"] = 2.0
    market.write_csv("daily_bar.csv", rows)
    market.write_csv(
        "corporate_action.csv",
        [{"security_code": "600004.SH", "ex_date": market.new_day}],
    )

    results = market.load()

    assert [result.rejected for result in results] == [0, 0]


def scale(row: Row, factor: float, *names: str) -> None:
    row["amount_cny"] = row["previous_close_cny"] = None
    for name in names:
        row[name] = round(float(str(row[name])) * factor, 2)


PRICES = ("open_cny", "high_cny", "low_cny", "close_cny")


@pytest.mark.parametrize(
    ("column", "scaled", "factor"),
    [
        ("volume_shares", ("volume_shares",), 0.01),
        ("volume_shares", ("volume_shares",), 100),
        ("close_cny", PRICES, 100),
        ("close_cny", PRICES, 0.01),
    ],
)
def test_a_single_stock_in_another_unit_is_set_aside(
    column: str, scaled: tuple[str, ...], factor: float, market: Any
) -> None:
    rows = market.bars([market.new_day], seed=2)
    scale(rows[3], factor, *scaled)
    market.write_csv("daily_bar.csv", rows)

    (result,) = market.load()

    assert (result.accepted, result.rejected) == (9, 1)
    (row,) = market.rejected()
    assert (row["reason"], row["column_name"]) == ("wrong_unit", column)
    assert row["line_number"] == 5


def test_a_file_of_few_stocks_in_another_unit_is_refused(market: Any) -> None:
    rows = market.bars([market.new_day], seed=2)[:3]
    for row in rows:
        scale(row, 0.01, "volume_shares")
    market.write_csv("daily_bar.csv", rows)

    with pytest.raises(LoadError, match=r"wrong_unit.*shares, not lots"):
        market.load()


def test_a_genuine_surge_is_no_other_unit(market: Any) -> None:
    """News, a day of one price, a volume beside its amount, a split a hundredfold."""
    rows = market.bars([market.new_day], seed=2)
    scale(rows[0], 1, "close_cny")
    rows[0]["volume_shares"] = 100_000_100.0
    scale(rows[1], 0.01, "volume_shares")
    price = rows[1]["close_cny"]
    rows[1].update(dict.fromkeys(PRICES, price))
    volume = float(str(rows[2]["volume_shares"])) / 100
    low, high = float(str(rows[2]["low_cny"])), float(str(rows[2]["high_cny"]))
    rows[2].update(volume_shares=volume, amount_cny=volume * (low + high) / 2)
    scale(rows[3], 0.01, *PRICES)
    rows[3]["adjust_factor"] = 100.0
    market.write_csv("daily_bar.csv", rows)

    (result,) = market.load()

    assert "wrong_unit" not in {row["reason"] for row in market.rejected()}
    assert result.accepted + result.rejected == 10
    assert result.accepted >= 9


def test_what_is_odd_but_taken_is_told(market: Any) -> None:
    rows = market.bars([market.new_day], seed=2)
    scale(rows[3], 1.9, *PRICES)
    market.write_csv("daily_bar.csv", rows)

    (result,) = market.load()

    assert result.accepted == 10
    assert result.message.startswith(
        "return_beyond_60_percent 1 (e.g. 600003.SH 2024-02-27"
    )
    assert market.query("select finding, row_count from raw.load_finding") == [
        ("return_beyond_60_percent", 1)
    ]


def test_rows_set_aside_for_an_unknown_stock_come_in_with_the_stock(
    market: Any,
) -> None:
    rows = market.bars([market.new_day], seed=5)
    rows[0]["security_code"] = "600099.SH"
    rows[0]["previous_close_cny"] = None
    market.write_csv("daily_bar.csv", rows)
    assert [result.rejected for result in market.load()] == [1]
    assert [result.message for result in market.load()] == ["loaded before"]

    security = {
        "security_code": "600099.SH",
        "board": "main",
        "list_date": "2024-02-27",
    }
    market.write_csv("security.csv", [{**security, "name": "new"}])
    results = {result.table_name: result for result in market.load()}

    assert results["security"].accepted == 1
    assert (results["daily_bar"].accepted, results["daily_bar"].unchanged) == (1, 9)


def test_what_is_set_aside_is_told_at_once(market: Any) -> None:
    """The first rows with line, column and value; the others are in the store."""
    rows = market.bars([market.new_day], seed=4)
    for number in range(5):
        rows[number]["close_cny"] = f"none{number}"
    market.write_csv("daily_bar.csv", rows)

    (result,) = market.load()

    assert result.message == (
        "set aside: line 2, column close_cny 'none0' (not_of_type); "
        "line 3, column close_cny 'none1' (not_of_type); "
        "line 4, column close_cny 'none2' (not_of_type); and 2 more"
    )


def test_a_refused_file_says_what_became_of_the_others(market: Any) -> None:
    good = market.bars([market.new_day], seed=4)
    market.write_csv("daily_bar-1.csv", good[:4])
    (market.incoming / "daily_bar-2.parquet").write_bytes(b"PAR1 and no more")
    market.write_csv("daily_bar-3.csv", good[5:])

    with pytest.raises(LoadError, match="daily_bar-2") as refused:
        market.load()

    assert str(refused.value).endswith(
        "1 files before it were read and 4 rows of them stored, 1 after it were not "
        "read"
    )


def test_limits_the_wrong_way_round_are_set_aside(market: Any) -> None:
    day = market.new_day
    limits = [
        {
            "security_code": code,
            "trade_date": day,
            "limit_up_cny": 9.0 if number == 0 else 11.0,
            "limit_down_cny": 9.9,
        }
        for number, code in enumerate(market.codes)
    ]
    market.write_csv("price_limit.csv", limits)

    (result,) = market.load()

    assert (result.accepted, result.rejected) == (9, 1)
    assert "column limit_up_cny, limit_down_cny '9.0, 9.9'" in result.message
