"""Load a folder in the community's qlib binary format.

Reads calendars, instruments and features and turns normalised prices and volumes back
with the ``factor`` field. Add a further field of the format here; keep units, checks
and versions out, they belong to the loader and the declarations of the raw tables.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.load import LoadError, LoadResult, Progress, load_folder, refuse_mixture
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import quote_literal

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

MAPPING = PROJECT_ROOT / "warehouse" / "mappings" / "sample.toml"

STOCK_CODE = re.compile(r"^(SH6[08]|SZ00|SZ30|BJ[489])\d+$")
INDEX_CODE = re.compile(r"^(SH000|SZ399|BJ899)\d{3}$")

REQUIRED_FIELDS = ("open", "high", "low", "close", "volume", "factor")
OPTIONAL_FIELDS = ("change", "vwap", "amount")

# Files of instruments/ that list the members of an index.
POOLS = {
    "csi100": ("000903.SH", "中证100"),
    "csi300": ("000300.SH", "沪深300"),
    "csi500": ("000905.SH", "中证500"),
    "csi800": ("000906.SH", "中证800"),
    "csi1000": ("000852.SH", "中证1000"),
}

# An instrument whose last bar is older than this at the end of the calendar counts as
# delisted. Suspensions of that length are rare since the rules of 2018-11.
DELISTED_AFTER_DAYS = 60

# Median of amount / (volume x close) for each pair of units that vendors use, and what
# turns the pair into shares and yuan.
UNITS_BY_RATIO = {
    1.0: (1.0, 1.0),
    100.0: (100.0, 1.0),
    0.1: (100.0, 1000.0),
    0.001: (1.0, 1000.0),
}

# Instruments written at a time: 500 x 5,000 days x 9 columns stay below 300 MB.
BATCH_SIZE = 500


@dataclass(frozen=True)
class Instrument:
    """A line of ``instruments/*.txt``; both days are inclusive."""

    code: str
    start: date
    end: date

    @property
    def security_code(self) -> str:
        """Code with the exchange behind, such as 600000.SH."""
        return f"{self.code[2:]}.{self.code[:2]}"

    @property
    def board(self) -> str:
        """Board of the listing, told from the code."""
        if self.code.startswith("BJ"):
            return "beijing"
        if self.code.startswith("SH68"):
            return "star"
        return "chinext" if self.code.startswith("SZ30") else "main"


def load_qlib(
    settings: Settings,
    directory: Path,
    *,
    progress: Progress | None = None,
) -> list[LoadResult]:
    """Load a qlib data folder into the raw tables.

    Writes Parquet in the raw tables' columns to ``landing/qlib`` and loads it through
    the one loader. Prices come back as ``price / factor`` rounded to the tick of 0.01
    (float32 carries seven digits), volumes as ``volume * factor`` in whole shares.

    Parameters
    ----------
    settings : Settings
        The warehouse to load into.
    directory : Path
        Folder with ``calendars``, ``instruments`` and ``features``.
    progress : callable, optional
        Called with table, file or stock, and number of rows.

    Returns
    -------
    list of LoadResult
        One per file loaded, and one without ``load_id`` for what was left out.

    Raises
    ------
    LoadError
        If a part of the folder is missing or damaged, if an instrument has no
        ``factor`` (unadjusted prices would pass silently otherwise), or if volume and
        amount fit no known pair of units.
    """
    refuse_mixture(settings, "qlib")
    landing = settings.home / "landing" / "qlib"
    shutil.rmtree(landing, ignore_errors=True)
    landing.mkdir(parents=True)

    days = read_calendar(directory)
    instruments = _whole_lives(read_instruments(directory / "instruments" / "all.txt"))
    stocks = [i for i in instruments if STOCK_CODE.match(i.code)]
    indices = [i for i in instruments if INDEX_CODE.match(i.code)]
    if not stocks:
        raise LoadError(
            f"no A-share among {len(instruments)} instruments",
            file=directory / "instruments" / "all.txt",
            expected="codes such as SH600000",
            next_step="use the folder of the Chinese market",
        )
    notes = []
    skipped = len(instruments) - len(stocks) - len(indices)
    if skipped:
        message = f"{skipped} instruments are neither A-shares nor indices: left out"
        notes.append(LoadResult(None, "security", "instruments", message=message))

    _write_calendar(landing, directory, days)
    _write_securities(landing, stocks, days)
    notes.extend(_write_indices(landing, directory, indices, days))
    scale = _units(directory, stocks, days)
    if scale != (1.0, 1.0):
        message = f"volume x {scale[0]:g} and amount x {scale[1]:g}: shares and yuan"
        notes.append(LoadResult(None, "daily_bar", "features", message=message))
    _write_bars(
        landing / "daily_bar",
        _stock_tables(directory, stocks, days, scale, progress),
        settings,
    )
    if indices:
        _write_bars(
            landing / "index_bar", _index_tables(directory, indices, days), settings
        )
    results = load_folder(
        settings, MAPPING, landing, progress=progress, source_name="qlib"
    )
    return results + notes


def read_calendar(directory: Path) -> Days:
    """Read ``calendars/day.txt``: the trading days, ascending.

    Raises
    ------
    LoadError
        If the file is missing, empty, not of dates, or not ascending.
    """
    path = directory / "calendars" / "day.txt"
    if not path.is_file():
        raise LoadError(
            "not found",
            file=path,
            expected="a qlib folder with calendars, instruments and features",
            next_step="correct the path",
        )
    lines = path.read_text(encoding="utf-8").split()
    for number, line in enumerate(lines, start=1):
        _parse_date(line, path, number)
    days = np.array(lines, dtype="datetime64[D]")
    if not len(days):
        raise LoadError(
            "no days",
            file=path,
            expected="one trading day a line",
            next_step="fetch the folder again",
        )
    disorder = np.flatnonzero(np.diff(days) <= np.timedelta64(0, "D"))
    if len(disorder):
        number = int(disorder[0]) + 2
        raise LoadError(
            "day out of order",
            file=path,
            line=number,
            value=lines[number - 1],
            expected=f"a day after {lines[number - 2]}",
            next_step="fetch the folder again",
        )
    return days


def read_instruments(path: Path) -> list[Instrument]:
    """Read a file of instruments: code, first and last day, separated by tabs.

    Raises
    ------
    LoadError
        If the file is missing or a line is not of three parts.
    """
    if not path.is_file():
        raise LoadError(
            "not found",
            file=path,
            expected="code, start and end in each line",
            next_step="fetch the folder again",
        )
    instruments = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        parts = line.split()
        code = parts[0].upper()
        if len(parts) < 3 or not re.fullmatch(r"[A-Z]{2,4}[0-9A-Z_.]+", code):
            raise LoadError(
                "not an instrument",
                file=path,
                line=number,
                value=line,
                expected="code, start and end, such as SH600000 2010-01-04 2024-06-26",
                next_step="correct the line",
            )
        start, end = (_parse_date(part, path, number) for part in parts[1:3])
        instruments.append(Instrument(code, start, end))
    return instruments


def _whole_lives(instruments: list[Instrument]) -> list[Instrument]:
    """Return one instrument a code: a code may have a line for each stretch of data."""
    lives: dict[str, Instrument] = {}
    for part in instruments:
        known = lives.get(part.code, part)
        start, end = min(known.start, part.start), max(known.end, part.end)
        lives[part.code] = Instrument(part.code, start, end)
    return list(lives.values())


def read_feature(path: Path, day_count: int) -> Floats:
    """Read a feature file on the whole calendar.

    Parameters
    ----------
    path : Path
        File of little-endian float32: the index of the first day in the calendar, then
        a value a day.
    day_count : int
        Days of the calendar.

    Returns
    -------
    ndarray of shape (day_count,)
        NaN outside the days of the file.

    Raises
    ------
    LoadError
        If the file is cut off or reaches beyond the calendar.
    """
    size = path.stat().st_size
    if size < 4 or size % 4:
        raise LoadError(
            "cut off",
            file=path,
            value=f"{size} bytes",
            expected="a start index and values of four bytes each",
            next_step="fetch the file again",
        )
    content = np.memmap(path, dtype="<f4", mode="r")
    start, count = float(content[0]), len(content) - 1
    if not (start >= 0 and start.is_integer() and start + count <= day_count):
        raise LoadError(
            f"start index {start:g} with {count} values reaches beyond the calendar",
            file=path,
            expected=f"days 0 to {day_count - 1} of calendars/day.txt",
            next_step="fetch calendars and features of one version",
        )
    values = np.full(day_count, np.nan)
    values[int(start) : int(start) + count] = content[1:]
    return values


def _parse_date(text: str, path: Path, line_number: int) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise LoadError(
            "not a date",
            file=path,
            line=line_number,
            value=text,
            expected="a day such as 2024-06-26",
            next_step="correct the line",
        ) from None


def _read_fields(directory: Path, code: str, day_count: int) -> dict[str, Floats]:
    """Read the fields of one instrument; optional ones are absent where not given."""
    folder = directory / "features" / code.lower()
    if not folder.is_dir():
        folder = directory / "features" / code
    if not folder.is_dir():
        raise LoadError(
            "not found",
            file=folder,
            expected=f"the features of {code}, which instruments/all.txt lists",
            next_step="complete the download or take the line out",
        )
    fields = {}
    for field in REQUIRED_FIELDS + OPTIONAL_FIELDS:
        path = folder / f"{field}.day.bin"
        if path.is_file():
            fields[field] = read_feature(path, day_count)
        elif field == "factor":
            raise LoadError(
                "no factor",
                file=path,
                expected="the factor, without which normalised prices stay as they are",
                next_step="fetch a folder with factors",
            )
        elif field in REQUIRED_FIELDS:
            raise LoadError(
                "not found",
                file=path,
                expected=f"the fields {', '.join(REQUIRED_FIELDS)}",
                next_step="complete the download",
            )
    return fields


def _prices(fields: dict[str, Floats]) -> dict[str, Floats]:
    """Turn normalised prices back, to the tick."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            name: np.round(fields[name] / fields["factor"], 2)
            for name in ("open", "high", "low", "close")
        }


def _stock_columns(fields: dict[str, Floats], scale: tuple[float, float]) -> pa.Table:
    """Turn the fields of one stock into columns of ``daily_bar`` on the calendar."""
    lot, amount_unit = scale
    factor = fields["factor"]
    prices = _prices(fields)
    volume = np.round(fields["volume"] * factor * lot)
    columns = {f"{name}_cny": values for name, values in prices.items()}
    if "change" in fields:
        with np.errstate(divide="ignore", invalid="ignore"):
            columns["previous_close_cny"] = np.round(
                fields["close"] / (1 + fields["change"]) / factor, 2
            )
    columns["volume_shares"] = volume
    if "amount" in fields:
        columns["amount_cny"] = np.round(fields["amount"] * amount_unit, 2)
    elif "vwap" in fields:
        # The factors of price and volume cancel.
        columns["amount_cny"] = np.round(fields["vwap"] * fields["volume"] * lot, 2)
    columns["adjust_factor"] = factor
    return pa.table(columns)


def _stock_tables(
    directory: Path,
    stocks: list[Instrument],
    days: Days,
    scale: tuple[float, float],
    progress: Progress | None,
) -> Iterator[pa.Table]:
    """Yield ``daily_bar`` of a batch of stocks at a time."""
    for first in range(0, len(stocks), BATCH_SIZE):
        batch = stocks[first : first + BATCH_SIZE]
        tables = []
        for stock in batch:
            fields = _read_fields(directory, stock.code, len(days))
            has_bar = np.isfinite(fields["close"])
            columns = _stock_columns(fields, scale).filter(pa.array(has_bar))
            tables.append(
                _with_key(columns, "security_code", stock, days[has_bar]),
            )
        joined = pa.concat_tables(tables, promote_options="default")
        if progress is not None:
            done = f"{first + len(batch)} of {len(stocks)} stocks"
            progress("daily_bar", done, joined.num_rows)
        yield joined


def _index_tables(
    directory: Path, indices: list[Instrument], days: Days
) -> Iterator[pa.Table]:
    """Yield ``index_bar`` of one index at a time."""
    for index in indices:
        fields = _read_fields(directory, index.code, len(days))
        has_bar = np.isfinite(fields["close"])
        columns = pa.table(_prices(fields)).filter(pa.array(has_bar))
        yield _with_key(columns, "index_code", index, days[has_bar])


def _with_key(
    columns: pa.Table,
    key: str,
    instrument: Instrument,
    days: Days,
) -> pa.Table:
    """Put the key in front; NaN becomes NULL."""
    arrays = {
        key: pa.array([instrument.security_code] * len(days), pa.string()),
        "trade_date": pa.array(days),
    }
    for name in columns.column_names:
        arrays[name] = pa.array(columns[name].to_numpy(), from_pandas=True)
    return pa.table(arrays)


def _write_bars(path: Path, tables: Iterable[pa.Table], settings: Settings) -> None:
    """Write bars as one file a year, ordered by day, from tables ordered by code."""
    parts = path.with_name(f"{path.name}.parts")
    parts.mkdir()
    path.mkdir()
    for number, table in enumerate(tables):
        pq.write_table(table, parts / f"{number:05d}.parquet")
    with duckdb.connect() as con:
        con.execute("set memory_limit = $limit", {"limit": settings.memory_limit})
        con.execute("set threads = $threads", {"threads": settings.threads})
        source = quote_literal(f"{parts}/*.parquet")
        con.execute(
            "create view part as "  # noqa: S608 - the path passes the quoting helper
            f"select * from read_parquet({source}, union_by_name = true)"
        )
        years = con.execute(
            "select distinct year(trade_date) as year from part order by year"
        ).fetchall()
        for (year,) in years:
            con.execute(
                "copy (select * from part where year(trade_date) = $year "
                "order by all) to $file (format parquet)",
                {"year": year, "file": f"{path}/{year}.parquet"},
            )
    shutil.rmtree(parts)


def _write_calendar(landing: Path, directory: Path, days: Days) -> None:
    """Write the trading days, with those ahead where ``day_future.txt`` gives them."""
    future = directory / "calendars" / "day_future.txt"
    if future.is_file():
        lines = future.read_text(encoding="utf-8").split()
        ahead = [_parse_date(line, future, n) for n, line in enumerate(lines, 1)]
        days = np.union1d(days, np.array(ahead, dtype="datetime64[D]"))
    table = pa.table(
        {"calendar_date": pa.array(days), "is_open": pa.array([True] * len(days))}
    )
    pq.write_table(table, landing / "trading_calendar.parquet")


def _write_securities(landing: Path, stocks: list[Instrument], days: Days) -> None:
    """Write ``security``; the first day of an instrument stands for its listing."""
    alive_after = days[-min(DELISTED_AFTER_DAYS, len(days))].astype(date)
    table = pa.table(
        {
            "security_code": [stock.security_code for stock in stocks],
            "board": [stock.board for stock in stocks],
            "list_date": [stock.start for stock in stocks],
            "delist_date": pa.array(
                [
                    stock.end + timedelta(days=1) if stock.end < alive_after else None
                    for stock in stocks
                ],
                pa.date32(),
            ),
        }
    )
    pq.write_table(table, landing / "security.parquet")


def _write_indices(
    landing: Path,
    directory: Path,
    indices: list[Instrument],
    days: Days,
) -> list[LoadResult]:
    """Write ``index_member`` from the files of instruments, and ``market_index``.

    Returns what was left out.
    """
    last_day = days[-1].astype(date)
    names = dict(POOLS.values())
    listed = {index.security_code for index in indices}
    members: list[dict[str, object]] = []
    unknown = []
    for path in sorted((directory / "instruments").glob("*.txt")):
        if path.stem == "all":
            continue
        if path.stem not in POOLS:
            unknown.append(path.name)
            continue
        index_code, _ = POOLS[path.stem]
        listed.add(index_code)
        members.extend(
            {
                "index_code": index_code,
                "security_code": member.security_code,
                "valid_from": member.start,
                "valid_to": (
                    member.end + timedelta(days=1) if member.end < last_day else None
                ),
            }
            for member in read_instruments(path)
            if STOCK_CODE.match(member.code)
        )
    if listed:
        table = pa.Table.from_pylist(
            [
                {"index_code": code, "name": names.get(code, code)}
                for code in sorted(listed)
            ]
        )
        classes = pa.array(["broad"] * len(listed))
        pq.write_table(
            table.append_column("index_class", classes),
            landing / "market_index.parquet",
        )
    if members:
        schema = pa.schema(
            {
                "index_code": pa.string(),
                "security_code": pa.string(),
                "valid_from": pa.date32(),
                "valid_to": pa.date32(),
            }
        )
        table = pa.Table.from_pylist(members, schema)
        pq.write_table(table, landing / "index_member.parquet")
    message = "no index is known for this list of instruments: left out"
    return [LoadResult(None, "index_member", name, message=message) for name in unknown]


def _units(
    directory: Path, stocks: list[Instrument], days: Days
) -> tuple[float, float]:
    """Tell the units of volume and amount from their ratio to the close.

    Returns
    -------
    tuple of float
        What volume and amount are multiplied by to be shares and yuan; (1, 1) where no
        amount is given, as the format's own collectors write shares.
    """
    ratios = []
    for stock in stocks[:: max(1, len(stocks) // 50)]:
        fields = _read_fields(directory, stock.code, len(days))
        if "amount" in fields:
            with np.errstate(divide="ignore", invalid="ignore"):
                # volume x factor x close / factor: the factors cancel.
                ratio = fields["amount"] / (fields["volume"] * fields["close"])
            ratios.append(ratio[np.isfinite(ratio)])
    pooled = np.concatenate(ratios) if ratios else np.array([])
    if not len(pooled):
        return 1.0, 1.0
    median = float(np.median(pooled))
    for expected, scale in UNITS_BY_RATIO.items():
        if 0.8 <= median / expected <= 1.25:
            return scale
    raise LoadError(
        "amount / (volume x close) fits no units",
        file=directory / "features",
        value=round(median, 6),
        expected=(
            "a median near 1 (shares, yuan), 100 (lots, yuan), 0.1 (lots, thousand "
            "yuan) or 0.001 (shares, thousand yuan)"
        ),
        next_step="check how volume and amount were written",
    )
