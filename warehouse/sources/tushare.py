"""Load market data from Tushare Pro over its HTTP interface.

Calls the endpoints declared in ``tushare_tables``, keeps their pages as Parquet, and
writes the raw tables' columns for the one loader. Add what concerns requests, pages and
partitions here; keep fields, units and queries out, they stand in ``tushare_tables``.

The service is called over plain HTTP: the token travels unencrypted and can be read on
the way.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import duckdb
import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import tenacity
from pydantic import SecretStr

from warehouse.load import LoadError, LoadResult, Progress, load_folder, refuse_mixture
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.sources.tushare_tables import (
    BROAD_INDICES,
    ENDPOINT_BY_NAME,
    ON_REQUEST,
    PRELUDE,
    TABLES,
    WEIGHTED_INDICES,
    Endpoint,
    Query,
)
from warehouse.store import quote_identifier, quote_literal

BASE_URL = "http://api.tushare.pro"
MAPPING = PROJECT_ROOT / "warehouse" / "mappings" / "sample.toml"
EXCHANGE_TIME = ZoneInfo("Asia/Shanghai")

# First day of the Shanghai exchange: the calendar is small, so it is fetched whole.
FIRST_DAY = date(1990, 12, 19)

# Without these nothing else can be loaded.
BASICS = ("trading_calendar", "security")

# Message of the service when an endpoint is called too often within a minute, and the
# beginning of those for a quota of the hour or the day.
PER_MINUTE = "每分钟"
QUOTA = "最多访问"
WINDOW_SECONDS = 60.0


class NotPermittedError(LoadError):
    """The account may not call an endpoint."""


class _TransientError(Exception):
    """A failure that may pass: the request is sent again after a while."""


class _TooFrequentError(_TransientError):
    """The endpoint's limit of requests a minute is reached."""


@dataclass(frozen=True)
class Page:
    """One answer: rows in the order of ``fields``."""

    fields: list[str]
    items: list[list[Any]]
    has_more: bool


@dataclass(frozen=True)
class Partition:
    """A part of an endpoint that is fetched and kept as one file.

    Attributes
    ----------
    name : str
        Stem of the file.
    parameters : dict
        Parameters beside those of the endpoint's variants.
    last_day : date
        Day after which its content is settled some days later.
    """

    name: str
    parameters: dict[str, str]
    last_day: date

    def settled_on(self, endpoint: Endpoint) -> date:
        """Return the last day on which its content may still grow."""
        return self.last_day + timedelta(days=endpoint.settled_after)


class TushareClient:
    """Calls endpoints, keeps to their frequency, and tries again what may pass.

    Parameters
    ----------
    token : str
        Token of the account. It is sent in the body of each request and appears in no
        message, log or representation.
    base_url : str
        Address of the service.
    timeout : float
        Seconds until a request counts as failed.
    attempts : int
        Times that a request is sent before it is given up.
    sleep, clock : callable
        Waiting and monotonic time, in seconds.
    """

    def __init__(
        self,
        token: str,
        base_url: str = BASE_URL,
        *,
        timeout: float = 60,
        attempts: int = 6,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._token = SecretStr(token)
        self._base_url = base_url
        self._http = httpx.Client(timeout=timeout)
        self._sleep = sleep
        self._clock = clock
        self._sent: dict[str, deque[float]] = {}
        self._retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(attempts),
            retry=tenacity.retry_if_exception_type(_TransientError),
            wait=_wait_seconds,
            sleep=sleep,
            reraise=True,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def rows(
        self, endpoint: Endpoint, parameters: dict[str, str]
    ) -> list[dict[str, Any]]:
        """Return all rows that an endpoint gives for some parameters, page by page.

        Raises
        ------
        NotPermittedError
            If the account may not call the endpoint.
        LoadError
            If the token is refused, a quota of the day is used up, the answer lacks a
            field, or the service fails for good.
        """
        rows: list[dict[str, Any]] = []
        while True:
            paging = {"offset": len(rows), "limit": endpoint.rows}
            try:
                page = self._retrying(self._request, endpoint, parameters | paging)
            except _TransientError as error:
                attempts = self._retrying.statistics["attempt_number"]
                raise _refusal(
                    endpoint,
                    f"{error} (tried {attempts} times)",
                    expected="an answer of the service",
                    next_step="run the same command later: what is fetched is kept",
                ) from None
            rows.extend(
                dict(zip(page.fields, item, strict=True)) for item in page.items
            )
            if not page.items or not page.has_more:
                return rows

    def _request(self, endpoint: Endpoint, parameters: dict[str, Any]) -> Page:
        """Send one request; whatever may pass is raised as ``_TransientError``."""
        self._keep_frequency(endpoint)
        try:
            response = self._http.post(
                self._base_url,
                json={
                    "api_name": endpoint.api_name,
                    "token": self._token.get_secret_value(),
                    "params": parameters,
                    "fields": ",".join(endpoint.fields),
                },
            )
        except httpx.RequestError as error:
            reason = self._without_token(str(error)) or type(error).__name__
            raise _TransientError(f"{self._base_url}: {reason}") from None
        status = response.status_code
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise _TooFrequentError(f"{self._base_url}: status {status}")
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise _TransientError(f"{self._base_url}: status {status}")
        if status != httpx.codes.OK:
            raise _refusal(
                endpoint,
                f"status {status}",
                expected="status 200",
                next_step=f"check the address {self._base_url}",
            )
        try:
            answer = response.json()
            code, message = int(answer["code"]), str(answer.get("msg") or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            raise _TransientError(
                f"{self._base_url}: the answer is not the documented JSON"
            ) from None
        if code != 0:
            _raise_refusal(endpoint, code, self._without_token(message))
        return _page(answer.get("data"), endpoint)

    def _keep_frequency(self, endpoint: Endpoint) -> None:
        """Wait until one more request keeps to the endpoint's limit a minute."""
        sent = self._sent.setdefault(endpoint.api_name, deque())
        while sent and self._clock() - sent[0] >= WINDOW_SECONDS:
            sent.popleft()
        if len(sent) >= endpoint.per_minute:
            self._sleep(WINDOW_SECONDS - (self._clock() - sent.popleft()))
        sent.append(self._clock())

    def _without_token(self, text: str) -> str:
        """Take the token out of a text of the service."""
        return text.replace(self._token.get_secret_value(), "***")


def _wait_seconds(state: tenacity.RetryCallState) -> float:
    """Return how long to wait: a minute's window, or twice as long each time."""
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, _TooFrequentError):
        return WINDOW_SECONDS
    return float(min(2 ** (state.attempt_number - 1), WINDOW_SECONDS))


def _refusal(
    endpoint: Endpoint, problem: str, *, expected: str, next_step: str
) -> LoadError:
    return LoadError(
        problem,
        file=f"tushare {endpoint.api_name}",
        expected=expected,
        next_step=next_step,
    )


def _raise_refusal(endpoint: Endpoint, code: int, message: str) -> NoReturn:
    """Raise why a request was refused; code 40203 stands for several reasons.

    The messages name frequency, quota and permission apart; each also points to the
    page on permissions, so the order of these conditions matters.
    """
    text = f"code {code}: {message}"
    if PER_MINUTE in message:
        raise _TooFrequentError(text)
    if QUOTA in message:
        raise _refusal(
            endpoint,
            text,
            expected="a quota that is not used up",
            next_step="run the same command when it is free: what is fetched is kept",
        )
    if "token" in message.lower():
        raise _refusal(
            endpoint,
            f"the token is refused ({text})",
            expected="the token of a Tushare Pro account",
            next_step="set TUSHARE_TOKEN to the one shown on tushare.pro",
        )
    if code in (2002, -2002, 40203) or "权限" in message:
        raise NotPermittedError(
            f"not permitted ({text})",
            file=f"tushare {endpoint.api_name}",
            expected="an account that may call this endpoint",
            next_step="leave out its tables, or raise the account's grade",
        )
    raise _refusal(
        endpoint,
        text,
        expected="code 0",
        next_step="see the endpoint's page on tushare.pro",
    )


def _page(data: object, endpoint: Endpoint) -> Page:
    """Check the form of an answer's data.

    A page that is full, or that leaves ``has_more`` out, may be followed by another:
    one request too many is better than a day cut off in silence.
    """
    if not isinstance(data, dict):
        raise _TransientError("the answer has no data")
    fields, items = data.get("fields"), data.get("items")
    if not isinstance(fields, list) or not isinstance(items, list):
        raise _TransientError("the answer has no fields or items")
    missing = [name for name in endpoint.fields if name not in fields]
    if missing:
        raise _refusal(
            endpoint,
            f"the answer lacks {', '.join(missing)}",
            expected=f"the fields {', '.join(endpoint.fields)}",
            next_step="see the endpoint's page on tushare.pro for changed fields",
        )
    if any(len(item) != len(fields) for item in items):
        raise _TransientError("a row of the answer is not as long as its fields")
    has_more = bool(data.get("has_more", True)) or len(items) >= endpoint.rows
    return Page(fields, items, has_more)


def load_tushare(
    settings: Settings,
    date_from: date,
    date_to: date,
    *,
    base_url: str = BASE_URL,
    tables: Sequence[str] | None = None,
    progress: Progress | None = None,
    client: TushareClient | None = None,
) -> list[LoadResult]:
    """Fetch a stretch of days from Tushare Pro and load it into the raw tables.

    Each partition (a day, a month, a list of members) is kept whole under
    ``landing/tushare/raw`` and not fetched again once it is settled, so that a run that
    was stopped goes on where it was.

    Parameters
    ----------
    settings : Settings
        The warehouse, and the token of the account.
    date_from, date_to : date
        First and last day, inclusive.
    base_url : str
        Address of the service.
    tables : sequence of str, optional
        Raw tables to load; the calendar and the securities always come with them. By
        default all but ``minute_bar``, and those whose endpoints the account may not
        call are left out, each with a line in the results.
    progress : callable, optional
        Called with endpoint or table, partition or file, and number of rows.
    client : TushareClient, optional
        Client to use in place of one made from the settings.

    Returns
    -------
    list of LoadResult
        One per file loaded, and one without ``load_id`` for what was left out.

    Raises
    ------
    LoadError
        If there is no token, a named table is unknown or not permitted, or the service
        fails; what was fetched by then is kept.
    """
    _check_arguments(settings, date_from, date_to, tables, client)
    refuse_mixture(settings, "tushare")
    wanted = list(dict.fromkeys((*BASICS, *(tables or ()))))
    if tables is None:
        wanted = [name for name in TABLES if name not in ON_REQUEST]
    home = settings.home / "landing" / "tushare"
    owned = client is None
    client = client or TushareClient(settings.tushare_token or "", base_url)
    try:
        fetcher = _Fetcher(client, home / "raw", date_from, date_to, progress)
        fetcher.fetch(wanted, strict=tables is not None)
    finally:
        if owned:
            client.close()
    notes = fetcher.notes
    with _landing(settings, fetcher) as con:
        notes.extend(_write_tables(con, home / "load", wanted, fetcher))
        if "daily_bar" in wanted and "suspend_d" in fetcher.files:
            notes.extend(_missing_bars(con, date_from, date_to))
    results = load_folder(
        settings, MAPPING, home / "load", progress=progress, source_name="tushare"
    )
    return results + notes


def _check_arguments(
    settings: Settings,
    date_from: date,
    date_to: date,
    tables: Sequence[str] | None,
    client: TushareClient | None,
) -> None:
    if client is None and not settings.tushare_token:
        raise LoadError(
            "no token",
            file="tushare",
            expected="the token of a Tushare Pro account in TUSHARE_TOKEN",
            next_step="export TUSHARE_TOKEN=... and run the command again",
        )
    if date_from > date_to:
        raise LoadError(
            "no days",
            file="tushare",
            value=f"{date_from} to {date_to}",
            expected="a first day that is not after the last",
            next_step="exchange the two days",
        )
    unknown = sorted(set(tables or ()) - set(TABLES))
    if unknown:
        raise LoadError(
            "unknown table",
            file="tushare",
            value=unknown[0],
            expected=f"one of {', '.join(TABLES)}",
            next_step="correct the name",
        )


class _Fetcher:
    """Fetches the partitions of a stretch of days and knows their files."""

    def __init__(
        self,
        client: TushareClient,
        root: Path,
        date_from: date,
        date_to: date,
        progress: Progress | None,
    ) -> None:
        self._client = client
        self._root = root
        self._from = date_from
        self._to = date_to
        self._progress = progress
        self.today = _today()
        self.files: dict[str, list[Path]] = {}
        self.notes: list[LoadResult] = []

    def fetch(self, tables: Sequence[str], *, strict: bool) -> None:
        """Fetch all that some tables are made of.

        Parameters
        ----------
        tables : sequence of str
            Raw tables.
        strict : bool
            Whether a refused endpoint that a table needs is an error; otherwise the
            table is left out with a note.
        """
        needed = {name for table in tables for name in TABLES[table].needs}
        used = {name for table in tables for name in TABLES[table].uses}
        if "daily_bar" in tables:
            used.add("suspend_d")
        for name, endpoint in ENDPOINT_BY_NAME.items():
            if name not in needed | used:
                continue
            try:
                self._fetch_endpoint(endpoint)
            except NotPermittedError as error:
                basic = any(name in TABLES[table].needs for table in BASICS)
                if basic or (strict and name in needed):
                    raise
                self.notes.append(LoadResult(None, name, "tushare", message=str(error)))

    def _fetch_endpoint(self, endpoint: Endpoint) -> None:
        try:
            paths = [self._fetch(endpoint, part) for part in self.partitions(endpoint)]
        except NotPermittedError:
            if endpoint.fallback is None:
                raise
            single = endpoint.fallback
            paths = [self._fetch(single, part) for part in self.partitions(single)]
        self.files[endpoint.name] = paths

    def partitions(self, endpoint: Endpoint) -> Iterator[Partition]:
        """Yield the partitions of an endpoint that overlap the days wanted."""
        for code in self._codes(endpoint):
            prefix = f"{code}_" if code else ""
            parameter = "index_code" if endpoint.name == "index_weight" else "ts_code"
            given = {parameter: code} if code else {}
            for first, last in self._stretches(endpoint):
                if endpoint.span == "day":
                    days = {endpoint.day_parameter: f"{first:%Y%m%d}"}
                elif endpoint.timed:
                    days = {
                        "start_date": f"{first} 00:00:00",
                        "end_date": f"{last} 23:59:59",
                    }
                elif endpoint.span == "snapshot" and endpoint.name != "trade_cal":
                    days = {}
                elif endpoint.span == "quarter":
                    days = {"period": f"{last:%Y%m%d}"}
                else:
                    days = {
                        "start_date": f"{first:%Y%m%d}",
                        "end_date": f"{last:%Y%m%d}",
                    }
                name = {
                    "snapshot": f"{self.today:%Y%m%d}",
                    "day": f"{first:%Y%m%d}",
                    "month": f"{first:%Y%m}",
                    "quarter": f"{last:%Y%m%d}",
                    "year": f"{first:%Y}",
                }[endpoint.span]
                yield Partition(f"{prefix}{name}", given | days, last)

    def _codes(self, endpoint: Endpoint) -> list[str]:
        """Return the codes that an endpoint must be asked for one by one."""
        if endpoint.codes == "none":
            return [""]
        if endpoint.codes == "broad_index":
            return list(BROAD_INDICES)
        if endpoint.codes == "weighted_index":
            return list(WEIGHTED_INDICES)
        name, condition = "stock_basic", "true"
        if endpoint.codes == "concept":
            name, condition = "ths_index", "exchange = 'A' and type in ('N', 'TH')"
        with duckdb.connect() as con:
            _create_view(con, ENDPOINT_BY_NAME[name], self.files.get(name, []))
            rows = con.execute(
                f"select distinct ts_code from {name} where {condition} "  # noqa: S608
                "order by ts_code"
            ).fetchall()
        return [code for (code,) in rows]

    def _stretches(self, endpoint: Endpoint) -> Iterator[tuple[date, date]]:
        """Yield first and last day of the partitions: whole months, quarters, years."""
        if endpoint.span == "snapshot":
            yield FIRST_DAY, date(self._to.year + 1, 12, 31)
        elif endpoint.span == "day":
            for day in self.open_days(self._from, min(self._to, self.today)):
                yield day, day
        else:
            months = {"month": 1, "quarter": 3, "year": 12}[endpoint.span]
            since = self._from - timedelta(days=endpoint.look_back)
            first = date(since.year, (since.month - 1) // months * months + 1, 1)
            while first <= min(self._to, self.today):
                following = first.year * 12 + first.month - 1 + months
                next_first = date(following // 12, following % 12 + 1, 1)
                yield first, next_first - timedelta(days=1)
                first = next_first

    def open_days(self, first: date, last: date) -> list[date]:
        """Return the trading days of a stretch, from the calendar fetched before."""
        with duckdb.connect() as con:
            calendar = ENDPOINT_BY_NAME["trade_cal"]
            _create_view(con, calendar, self.files.get("trade_cal", []))
            rows = con.execute(
                """
                select distinct strptime(cal_date, '%Y%m%d')::date as day
                from trade_cal
                where exchange = 'SSE' and is_open = '1' and day between ? and ?
                order by day
                """,
                [first, last],
            ).fetchall()
        return [day for (day,) in rows]

    def kept(self, endpoint: Endpoint) -> list[Path]:
        """Return the files of all partitions ever fetched, by name."""
        return sorted((self._root / endpoint.name).glob("*.parquet"))

    def previous(self, endpoint: Endpoint) -> list[Path]:
        """Return the last kept day before the days wanted."""
        kept = [p for p in self.kept(endpoint) if p.stem < f"{self._from:%Y%m%d}"]
        return kept[-1:]

    def period_ends(self, endpoint: Endpoint) -> list[Path]:
        """Return the kept days that are the last trading days of quarters."""
        last_days: dict[tuple[int, int], date] = {}
        for day in self.open_days(FIRST_DAY, date(self.today.year + 1, 12, 31)):
            last_days[day.year, day.month] = day
        ends = {f"{d:%Y%m%d}" for d in last_days.values() if d.month % 3 == 0}
        return [path for path in self.kept(endpoint) if path.stem in ends]

    def _fetch(self, endpoint: Endpoint, partition: Partition) -> Path:
        """Fetch a partition unless it is kept and settled; return its file."""
        path = self._root / endpoint.name / f"{partition.name}.parquet"
        if self._is_settled(endpoint, partition, path):
            return path
        rows: list[dict[str, Any]] = []
        for variant in endpoint.variants:
            rows.extend(self._client.rows(endpoint, variant | partition.parameters))
        settled = self.today > partition.settled_on(endpoint)
        if endpoint.never_empty and not rows and (settled or endpoint.span != "day"):
            raise _refusal(
                endpoint,
                f"no rows for {partition.name}",
                expected="at least one row",
                next_step="run the same command later: what is fetched is kept",
            )
        _write_page(path, endpoint, partition, rows)
        if self._progress is not None:
            self._progress(endpoint.name, partition.name, len(rows))
        return path

    def _is_settled(self, endpoint: Endpoint, partition: Partition, path: Path) -> bool:
        """Tell whether a kept partition need not be fetched again."""
        if not path.is_file():
            return False
        if endpoint.span == "snapshot":
            return True
        metadata = pq.read_schema(path).metadata or {}
        fetched = date.fromisoformat(metadata[b"fetched_on"].decode())
        return fetched > partition.settled_on(endpoint)


def _today() -> date:
    return datetime.now(EXCHANGE_TIME).date()


def _write_page(
    path: Path, endpoint: Endpoint, partition: Partition, rows: list[dict[str, Any]]
) -> None:
    """Write a partition whole, then rename it into place."""
    numbers = set(endpoint.numbers.split())
    columns: dict[str, list[Any]] = {}
    for name in endpoint.fields:
        values = [row[name] for row in rows]
        if name in numbers:
            columns[name] = [_number(v, endpoint, partition, name) for v in values]
        else:
            columns[name] = [None if v in (None, "") else str(v) for v in values]
    columns["fetched_at"] = [datetime.now(UTC)] * len(rows)
    schema = endpoint.schema.with_metadata({"fetched_on": _today().isoformat()})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    pq.write_table(pa.table(columns, schema=schema), part)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(path)


def _number(
    value: object, endpoint: Endpoint, partition: Partition, name: str
) -> float | None:
    """Return a number of the service, which may be given as a text."""
    if value is None or value == "":
        return None
    try:
        return float(str(value))
    except ValueError:
        raise LoadError(
            "not a number",
            file=f"tushare {endpoint.api_name} {partition.name}",
            column=name,
            value=value,
            expected="a number",
            next_step="see the endpoint's page on tushare.pro for changed fields",
        ) from None


def _create_view(
    con: duckdb.DuckDBPyConnection,
    endpoint: Endpoint,
    files: Sequence[Path],
    name: str | None = None,
) -> None:
    """Create the view of some pages of an endpoint; empty where there are none."""
    view = name or endpoint.name
    con.register(f"{view}_empty", endpoint.schema.empty_table())
    source = quote_identifier(f"{view}_empty")
    if files:
        listed = ", ".join(quote_literal(str(path)) for path in files)
        source = f"read_parquet([{listed}])"
    con.execute(f"create view {quote_identifier(view)} as select * from {source}")  # noqa: S608


@contextmanager
def _landing(
    settings: Settings, fetcher: _Fetcher
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database with the views over what was fetched."""
    with duckdb.connect() as con:
        spill = settings.home / "spill"
        spill.mkdir(parents=True, exist_ok=True)
        con.execute("set temp_directory = $spill", {"spill": str(spill)})
        con.execute("set memory_limit = $limit", {"limit": settings.memory_limit})
        con.execute("set threads = $threads", {"threads": settings.threads})
        con.execute("set timezone = 'Asia/Shanghai'")
        con.execute("set variable today = $today", {"today": fetcher.today})
        for name, endpoint in ENDPOINT_BY_NAME.items():
            files = fetcher.files.get(name, [])
            if endpoint.keeps_history:
                files = fetcher.kept(endpoint)
            _create_view(con, endpoint, files)
        basic = ENDPOINT_BY_NAME["daily_basic"]
        _create_view(con, basic, fetcher.previous(basic), "previous_basic")
        _create_view(con, basic, fetcher.period_ends(basic), "period_end_basic")
        con.register(
            "broad_index",
            pa.table(
                {
                    "index_code": list(BROAD_INDICES),
                    "name": list(BROAD_INDICES.values()),
                }
            ),
        )
        for statement in PRELUDE:
            con.execute(statement)
        yield con


def _write_tables(
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    tables: Sequence[str],
    fetcher: _Fetcher,
) -> list[LoadResult]:
    """Write the raw tables' columns, a folder a table; return what was left out."""
    shutil.rmtree(folder, ignore_errors=True)
    notes = []
    for table in tables:
        query = TABLES[table]
        refused = [name for name in query.needs if name not in fetcher.files]
        message = f"left out: {', '.join(refused)} could not be called"
        if not refused:
            if _write_table(con, folder / table, query):
                continue
            message = "no rows in these days"
        notes.append(LoadResult(None, table, "tushare", message=message))
    return notes


def _write_table(con: duckdb.DuckDBPyConnection, folder: Path, query: Query) -> bool:
    """Write one raw table; tell whether there was anything to write."""
    con.execute(f"create or replace temp table result as {query.sql}")
    part = "'all'"
    if query.split_by is not None:
        column = quote_identifier(query.split_by)
        part = f"coalesce(strftime({column}, '{query.split_format}'), 'undated')"
    names = con.execute(
        f"select distinct {part} as part from result order by part"  # noqa: S608
    ).fetchall()
    for (name,) in names:
        folder.mkdir(parents=True, exist_ok=True)
        file = quote_literal(str(folder / f"{name}.parquet"))
        con.execute(
            f"copy (select * from result where {part} = $name order by all) "  # noqa: S608
            f"to {file} (format parquet)",
            {"name": name},
        )
    return bool(names)


def _missing_bars(
    con: duckdb.DuckDBPyConnection, date_from: date, date_to: date
) -> list[LoadResult]:
    """Report listed stocks without a bar that are not reported as suspended."""
    count, example = con.execute(
        """
        with listed as (
            select
                stock_basic.ts_code,
                strftime(trading_day.trade_date, '%Y%m%d') as trade_date,
            from stock_basic
            inner join trading_day
                on
                    trading_day.trade_date >= to_day(stock_basic.list_date)
                    and (
                        to_day(stock_basic.delist_date) is null
                        or trading_day.trade_date < to_day(stock_basic.delist_date)
                    )
            where
                stock_basic.list_status != 'P'
                and trading_day.trade_date between $first and $last
                and strftime(trading_day.trade_date, '%Y%m%d') in (
                    select trade_date from daily
                )
        )

        select
            count(*) as missing_count,
            min(trade_date || ' ' || ts_code) as example,
        from listed
        anti join daily using (ts_code, trade_date)
        anti join suspend_d using (ts_code, trade_date)
        """,
        {"first": date_from, "last": date_to},
    ).fetchall()[0]
    if not count:
        return []
    message = (
        f"{count} stock-days have neither a bar nor a suspension, first {example}: "
        "they count as suspended"
    )
    return [LoadResult(None, "daily_bar", "tushare", message=message)]
