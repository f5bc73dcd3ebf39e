"""A hand-made market of ten stocks, written as files and loaded by the real loader.

Forty days of bars are loaded before each test; the test adds a file. Add what several
tests of loading need; keep expectations in the tests.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse.load import LoadResult, load_folder
from warehouse.raw_tables import RAW_TABLES
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_build

IDENTITY = PROJECT_ROOT / "warehouse" / "mappings" / "sample.toml"
TODAY = dt.date(2024, 3, 8)
CODES = [f"60000{number}.SH" for number in range(10)]
Row = dict[str, object]


def open_days(first: dt.date, count: int) -> list[dt.date]:
    """Return ``count`` working days from ``first`` on."""
    days = [first + dt.timedelta(days=number) for number in range(2 * count + 7)]
    return [day for day in days if day.isoweekday() <= 5][:count]


FIRST_DAY = dt.date(2024, 1, 2)
NEW_DAY = open_days(FIRST_DAY, 41)[-1]


@dataclass
class Market:
    """The files and the store of one test."""

    settings: Settings
    folder: Path
    incoming: Path
    codes: list[str] = field(default_factory=lambda: list(CODES))
    new_day: dt.date = NEW_DAY
    today: dt.date = TODAY
    closes: dict[str, float] = field(default_factory=dict)

    def bars(self, days: list[dt.date], *, seed: int = 1) -> list[Row]:
        """Return consistent bars of all stocks, which go on from the last."""
        draw = random.Random(seed)  # noqa: S311 - no secret
        rows: list[Row] = []
        for day in days:
            for code in CODES:
                last = self.closes.get(code, 10.0)
                close = round(last * (1 + draw.uniform(-0.03, 0.03)), 2)
                low = round(min(last, close) * 0.99, 2)
                high = round(max(last, close) * 1.01, 2)
                volume = draw.randrange(800_000, 1_200_000, 100)
                rows.append(
                    {
                        "security_code": code,
                        "trade_date": day,
                        "open_cny": last,
                        "high_cny": high,
                        "low_cny": low,
                        "close_cny": close,
                        "previous_close_cny": last,
                        "volume_shares": float(volume),
                        "amount_cny": round(volume * (low + high) / 2, 2),
                        "adjust_factor": 1.0,
                    }
                )
                self.closes[code] = close
        return rows

    def write_csv(self, name: str, rows: list[Row], *, encoding: str = "utf-8") -> Path:
        """Write rows with a header to the folder of new files."""
        path = self.incoming / name
        with path.open("w", newline="", encoding=encoding) as stream:
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    def write_parquet(self, name: str, rows: list[Row]) -> Path:
        """Write rows to the folder of new files."""
        path = self.incoming / name
        pq.write_table(pa.Table.from_pylist(rows), path)
        return path

    def load(
        self, mapping: Path = IDENTITY, *, today: dt.date = TODAY
    ) -> list[LoadResult]:
        """Load the folder of new files; the counts must add up."""
        results = load_folder(self.settings, mapping, self.incoming, today=today)
        for result in results:
            parts = result.accepted + result.unchanged + result.rejected
            assert result.read == parts, result
        return results

    def query(self, sql: str) -> list[tuple[object, ...]]:
        """Read the store."""
        with connect_build(self.settings, read_only=True) as con:
            return con.execute(sql).fetchall()

    def content(self, *, until_load: int | None = None) -> dict[str, object]:
        """Return count and order-independent hash of each raw table."""
        condition = "true" if until_load is None else f"load_id <= {until_load}"
        with connect_build(self.settings, read_only=True) as con:
            return {
                table.name: con.execute(
                    f"select count(*), bit_xor(hash(t)), sum(hash(t) % 1000003) "
                    f"from raw.{table.name} as t where {condition}"
                ).fetchone()
                for table in RAW_TABLES
            }

    def last_load(self) -> int:
        """Return the highest load_id."""
        return int(
            str(self.query("select coalesce(max(load_id), 0) from raw.load")[0][0])
        )

    def rejected(self) -> list[dict[str, object]]:
        """Return the rows set aside."""
        with connect_build(self.settings, read_only=True) as con:
            cursor = con.execute(
                "select * from raw.rejected_row order by load_id, line_number"
            )
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def write_base(market: Market) -> None:
    """Write calendar, securities and forty days of bars, one file each."""
    calendar = open_days(dt.date(2024, 1, 1), 250)
    market.write_parquet(
        "trading_calendar.parquet",
        [{"calendar_date": day, "is_open": True} for day in calendar],
    )
    market.write_parquet(
        "security.parquet",
        [
            {
                "security_code": code,
                "name": f"stock {code}",
                "board": "main",
                "list_date": dt.date(2020, 1, 2),
            }
            for code in CODES
        ],
    )
    market.write_parquet("daily_bar.parquet", market.bars(open_days(FIRST_DAY, 40)))


@pytest.fixture
def empty_market(tmp_path: Path) -> Market:
    """Return a market without any file or store."""
    folder = tmp_path / "folder"
    incoming = tmp_path / "incoming"
    folder.mkdir()
    incoming.mkdir()
    return Market(Settings(home=tmp_path / "home", threads=2), folder, incoming)


@pytest.fixture
def market(empty_market: Market) -> Market:
    """Return a market whose base is loaded and whose folder of new files is empty."""
    write_base(empty_market)
    results = empty_market.load()
    assert [result.rejected for result in results] == [0, 0, 0]
    for path in empty_market.incoming.iterdir():
        path.rename(empty_market.folder / path.name)
    return empty_market
