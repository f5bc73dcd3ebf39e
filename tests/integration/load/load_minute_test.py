"""Minute bars as they come: two lengths in a day, bars off the grid, gaps, repeats.

Each is set aside or counted, none is silent. Add what else minute files get wrong; keep
the versions of a day in ``load_versions_test``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

Row = dict[str, object]


def bars(day: dt.date, code: str, minutes: int, ends: list[str]) -> list[Row]:
    """Return bars of one stock that end at the given times."""
    return [
        {
            "security_code": code,
            "bar_time": dt.datetime.combine(day, dt.time.fromisoformat(end)),
            "bar_minutes": minutes,
            **dict.fromkeys(("open_cny", "high_cny", "low_cny", "close_cny"), 10.0),
            "volume_shares": 1000.0,
            "amount_cny": 10_000.0,
            "trade_count": 3.0,
        }
        for end in ends
    ]


def reasons(market: Any) -> dict[str, int]:
    return dict(
        market.query(
            "select reason, count(*) from raw.rejected_row "
            "where table_name = 'minute_bar' group by reason"
        )
    )


def findings(market: Any) -> dict[str, tuple[int, str]]:
    rows = market.query(
        "select finding, row_count, example from raw.load_finding order by load_id"
    )
    return {name: (count, example) for name, count, example in rows}


def test_a_day_has_bars_of_one_length(market: Any) -> None:
    day, (one, other) = market.new_day, market.codes[:2]
    rows = bars(day, one, 5, ["09:35", "09:40"]) + bars(day, one, 1, ["09:41"])
    rows += bars(day, other, 5, ["09:35", "09:40"])
    market.write_parquet("minute_bar.parquet", rows)
    (result,) = market.load()
    assert (result.accepted, result.rejected) == (2, 3)
    assert reasons(market) == {"mixed_bar_lengths": 3}

    (market.incoming / "minute_bar.parquet").unlink()
    late = bars(day, other, 1, ["09:35", "09:36"]) + bars(day, one, 1, ["09:41"])
    market.write_parquet("minute_bar-late.parquet", late)
    (result,) = market.load()
    assert (result.accepted, result.rejected) == (1, 2)
    assert market.query(
        "select security_code, count(*), any_value(bar_minutes) from raw.minute_bar "
        "group by security_code order by security_code"
    ) == [(one, 1, 1), (other, 2, 5)]


def test_a_bar_ends_on_the_grid_within_trading_hours(market: Any) -> None:
    ends = ["09:30", "09:45", "11:30", "13:15", "15:00", "15:15"]
    rows = bars(market.new_day, market.codes[0], 15, ends)
    rows += bars(market.new_day, market.codes[0], 15, ["09:50", "13:00", "15:45"])
    market.write_parquet("minute_bar.parquet", rows)
    (result,) = market.load()
    assert (result.accepted, result.rejected) == (6, 3)
    assert reasons(market) == {"off_the_grid": 1, "outside_trading_hours": 2}


def test_repeats_and_gaps_are_counted(market: Any) -> None:
    one, other = market.codes[:2]
    ends = [f"{hour}:{minute:02}" for hour in (10, 11) for minute in (0, 15, 30)]
    ends += ["09:45", "10:45"]
    ends += [f"{hour}:{minute:02}" for hour in (13, 14) for minute in (15, 30, 45)]
    whole = [*ends, "14:00", "15:00"]
    rows = bars(market.new_day, one, 15, [*whole, "09:30"])
    rows += bars(market.new_day, other, 15, whole[:-3]) + rows[:2]
    market.write_parquet("minute_bar.parquet", rows)
    market.load()
    assert reasons(market) == {"duplicate_key": 2}
    assert findings(market) == {
        "bars_missing": (3, f"{other} on {market.new_day}"),
    }


def test_a_day_between_without_bars_is_named(market: Any) -> None:
    days = [row[0] for row in market.query(
        "select distinct trade_date from raw.daily_bar order by 1 desc limit 3"
    )]  # fmt: skip
    rows = bars(days[0], market.codes[0], 5, ["09:35"])
    rows += bars(days[2], market.codes[0], 5, ["09:35"])
    market.write_parquet("minute_bar.parquet", rows)
    market.load()
    assert findings(market)["days_without_bars"] == (1, str(days[1]))
