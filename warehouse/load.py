"""Loading: from a folder of files to checked, versioned rows of the raw tables.

The contract checks, the rule of versions and the counts of every load stand here. Add a
check that holds for every source here, one of a single table to ``raw_tables``; keep
the reading of files out, it is ``sources.folder``'s.
"""

# ruff: noqa: S608 - identifiers and paths pass the quoting helpers of ``store``.

from __future__ import annotations

import datetime as dt
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb

from warehouse.raw_tables import RAW_TABLE_BY_NAME, Column, RawTable
from warehouse.sources.folder import (
    LOADED_FIRST,
    Entry,
    LoadError,
    SourceFile,
    create_source,
    find_sources,
    line_numbers,
    match_files,
    raw_expressions,
    read_mapping,
    refusal,
)
from warehouse.store import (
    LOAD_COLUMNS,
    connect_build,
    create_raw_tables,
    current_rows_sql,
    flush,
    lake_root,
    lake_rows_sql,
    quote_identifier,
    quote_literal,
    refresh_lake_view,
)

if TYPE_CHECKING:
    from warehouse.settings import Settings

__all__ = ["LoadError", "LoadResult", "load_folder", "refuse_mixture"]

EXCHANGE_TIME = ZoneInfo("Asia/Shanghai")
Progress = Callable[[str, str, int], None]

# Source of the loads of the made-up market, and the mapping of files that have the raw
# tables' own columns (its files, and corrections of them).
SAMPLE = "sample"
OWN_COLUMNS = "identity"

# A file of which this share fails one check is not a file with bad rows but a bad file
# (wrong unit, wrong column): it is refused. Fewer rows than MASS_ROWS are set aside.
MASS_SHARE = 0.2
MASS_ROWS = 20
# Rows set aside that the load tells; all of them are in raw.rejected_row.
TOLD_ROWS = 3

TICK_CNY = 0.01
# On 2.93 million real rows VWAP leaves low .. high by more than a tick on 65, by more
# than a tick and 1% on none; a wrong unit is off by 100 or 1,000.
VWAP_TOLERANCE = 0.01

# The file's bars are held against the stored ones of so many days before its first; of
# stocks without a trade in them (suspended for long) against the last one in two years.
PAST_DAYS = 90
LONG_PAST_DAYS = 730
BAR_MEASURES = (
    "open_cny",
    "high_cny",
    "low_cny",
    "close_cny",
    "volume_shares",
    "adjust_factor",
)
# Flat bars without volume stand for suspended days at some vendors.
TRADED = "coalesce(volume_shares > 0, high_cny > low_cny)"
UNIT_MIN_STOCKS = 5
UNIT_MIN_DAYS = 5
# Half-way to 100 on a logarithmic scale would be 10; a factor of 31.6 leaves room for a
# small file of stocks that have come alive.
UNIT_LOG10_RATIO = 1.5
# A single stock moves further than the market: only what lies near 100 or 1/100 is a
# unit. Bars of one price (limit days, first days) say nothing of the usual volume. In
# 740,000 real stock-weeks no adjusted price moved by more than 7.3 and no volume fell
# to less than 0.095 of its median, but 64 volumes rose near 100 times.
STOCK_UNIT_LOG10_BAND = 0.4
STOCK_UNIT_MIN_DAYS = 3
# Single-precision factors differ by 1e-7 without any action; vendors round factors to
# three decimals, 5e-4 of a factor of one.
FACTOR_NOISE = 1e-5
FACTOR_ROUNDING = 5e-4
LARGE_RETURN = 0.6
FREE_DAYS = 5
RELISTING_DAYS = 40

# Reasons that other tables or the passing of time can lift: a file with such rows is
# read again when one of the tables loaded first has changed since, or the day has come.
CONTEXT_REASONS = (
    "unknown_security",
    "not_a_trading_day",
    "after_today",
    "unexplained_factor_jump",
)


@dataclass(frozen=True)
class LoadResult:
    """What became of one file.

    ``read`` = ``accepted`` + ``unchanged`` + ``rejected``. ``load_id`` is that of the
    earlier load where the file had been loaded before, None where no entry takes it.
    """

    load_id: int | None
    table_name: str
    file_path: str
    read: int = 0
    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    message: str = ""


@dataclass(frozen=True)
class Check:
    """A condition under which a row is set aside."""

    reason: str
    failed: str
    column: str
    expected: str
    is_filter: bool = False


@dataclass
class _Load:
    """One load under way."""

    con: duckdb.DuckDBPyConnection
    entry: Entry
    source: SourceFile
    load_id: int
    today: dt.date
    # The load that set rows of this very file aside, which alone are offered again.
    reread_of: int | None = None
    checks: list[Check] = field(default_factory=list)

    @property
    def table(self) -> RawTable:
        return self.entry.table

    @property
    def name(self) -> str:
        return f"raw.{quote_identifier(self.table.name)}"

    @property
    def columns(self) -> str:
        return ", ".join(quote_identifier(column.name) for column in self.table.columns)

    @property
    def key(self) -> str:
        return ", ".join(quote_identifier(name) for name in self.table.key)

    def add(self, check: Check) -> int:
        """Add a check and return its number, by which rows name it."""
        self.checks.append(check)
        return len(self.checks)

    def scalar(self, query: str, parameters: list[object] | None = None) -> int:
        row = self.con.execute(query, parameters or []).fetchone()
        return 0 if row is None or row[0] is None else int(row[0])


def _number(value: float) -> str:
    return f"{value:g}"


def _column_checks(column: Column) -> list[Check]:
    """Return the checks that a column's declaration implies."""
    name = quote_identifier(column.name)
    unit = f" {column.unit}" if column.unit else ""
    checks = []
    if column.required:
        failed = f"{name} is null"
        if column.type == "VARCHAR":
            failed = f"coalesce({name}, '') = ''"
        checks.append(Check("missing_value", failed, column.name, "a value"))
    if column.pattern is not None:
        failed = f"not regexp_full_match({name}, {quote_literal(column.pattern)})"
        expected = f"text that matches {column.pattern}"
        checks.append(Check("malformed_code", failed, column.name, expected))
    if column.values:
        values = ", ".join(quote_literal(value) for value in column.values)
        failed = f"cast({name} as varchar) not in ({values})"
        checks.append(
            Check(
                "not_allowed", failed, column.name, f"one of {', '.join(column.values)}"
            )
        )
    if column.type == "DOUBLE":
        checks.append(
            Check("not_finite", f"isinf({name})", column.name, "a finite number")
        )
    if column.positive:
        expected = f"more than 0{unit}"
        checks.append(Check("not_positive", f"{name} <= 0", column.name, expected))
    if column.minimum is not None:
        bound = _number(column.minimum)
        expected = f"at least {bound}{unit}"
        checks.append(
            Check("below_minimum", f"{name} < {bound}", column.name, expected)
        )
    if column.maximum is not None:
        bound = _number(column.maximum)
        expected = f"at most {bound}{unit}"
        checks.append(
            Check("above_maximum", f"{name} > {bound}", column.name, expected)
        )
    return checks


def _reference_checks(table: RawTable, today: dt.date) -> list[Check]:
    """Return the checks of a row against the calendar, the securities and the clock."""
    checks = []
    if table.references_security:
        failed = (
            "security_code not in (select security_code from loaded_security "
            "where security_code is not null)"
        )
        expected = "a code of raw.security (load the security list first)"
        checks.append(Check("unknown_security", failed, "security_code", expected))
    known = table.known_column
    if known is not None and table.name != "security":
        failed = f"cast({quote_identifier(known)} as date) > date '{today}'"
        expected = f"a day up to today, {today}"
        checks.append(Check("after_today", failed, known, expected))
    dated = known if table.storage == "lake" else table.calendar_column
    if dated is not None:
        name = f"cast({quote_identifier(dated)} as date)"
        failed = f"{name} not in (select calendar_date from open_day)"
        expected = "an open day of raw.trading_calendar"
        checks.append(Check("not_a_trading_day", failed, dated, expected))
    return checks


def _row_checks(table: RawTable) -> list[Check]:
    """Return the checks over one row, and that of units: VWAP against low and high."""
    checks = [
        Check(check.name, f"not ({check.condition})", check.column, check.message)
        for check in table.row_checks
    ]
    names = {column.name for column in table.columns}
    if {"amount_cny", "volume_shares", "low_cny", "high_cny"} <= names:
        failed = (
            "amount_cny > 0 and amount_cny / nullif(volume_shares, 0) not between "
            f"low_cny * (1 - {VWAP_TOLERANCE}) - {TICK_CNY} "
            f"and high_cny * (1 + {VWAP_TOLERANCE}) + {TICK_CNY}"
        )
        expected = (
            "CNY and shares (a lot is 100), so that amount_cny / volume_shares lies in "
            "low_cny .. high_cny"
        )
        checks.append(Check("vwap_outside_range", failed, "amount_cny", expected))
    return checks


def _static_checks(load: _Load) -> list[Check]:
    """Return the checks that need one row at a time, in the order of their telling."""
    set_aside = [
        Check(reason, condition, "", "rows that the mapping takes", is_filter=True)
        for reason, condition in load.entry.set_aside.items()
    ]
    columns = [
        check for column in load.table.columns for check in _column_checks(column)
    ]
    references = _reference_checks(load.table, load.today)
    # A malformed code is told as such before it is told as unknown.
    return [*set_aside, *columns, *references, *_row_checks(load.table)]


def _create_context(con: duckdb.DuckDBPyConnection) -> None:
    """Create the temporary tables that rows of other tables are checked against."""
    security = current_rows_sql(
        RAW_TABLE_BY_NAME["security"], ("security_code", "board", "list_date")
    )
    calendar = current_rows_sql(
        RAW_TABLE_BY_NAME["trading_calendar"], ("calendar_date", "is_open")
    )
    con.execute(f"create or replace temp table loaded_security as {security}")
    con.execute(
        f"""
        create or replace temp table open_day as
        select
            calendar_date,
            row_number() over (order by calendar_date) as day_index,
        from ({calendar})
        where is_open
        """
    )


def _read_rows(load: _Load) -> int:
    """Read the file into ``incoming``, each row with the first check it fails."""
    filters: list[str] = []
    failures = ["when cast_failure is not null then 0"]
    failures.append("when filter_failure is not null then filter_failure")
    for check in _static_checks(load):
        number = load.add(check)
        target = filters if check.is_filter else failures
        target.append(f"when {check.failed} then {number}")
    filter_failure = f"case {' '.join(filters)} end" if filters else "null"
    mapped = []
    for name, expression in raw_expressions(load.con, load.entry):
        kind = load.table.column(name).type
        value = f"cast({expression} as {kind})"
        if kind == "DOUBLE":
            value = f"nullif({value}, cast('nan' as double))"
        mapped.append(f"{value} as {quote_identifier(name)}")
    load.con.execute(
        f"""
        create or replace temp table incoming as
        with
        source_rows as (
            select *, cast({filter_failure} as integer) as filter_failure,
            from source
        ),
        mapped as (
            select source_row, cast_failure, filter_failure, {", ".join(mapped)},
            from source_rows
        )
        select
            source_row,
            {load.columns},
            cast_failure,
            cast(case {" ".join(failures)} end as integer) as failure,
        from mapped
        """
    )
    return load.scalar("select count(*) from incoming")


def _keep_rows_set_aside(load: _Load) -> None:
    """Keep of a file read again what its last reading set aside and nobody gave since.

    The rows taken then stand as they are: a file is not newer for being read again, so
    it may not undo a correction that was loaded after it.
    """
    former = ", ".join(
        f"try_cast(json_extract_string(row_json, '$.{name}') "
        f"as {load.table.column(name).type}) as {quote_identifier(name)}"
        for name in load.table.key
    )
    load.con.execute(
        f"""
        create or replace temp table former as
        select distinct {former}
        from raw.rejected_row
        where load_id = {load.reread_of}
        """
    )
    load.con.execute(
        f"""
        create or replace temp table incoming as
        select * from incoming where failure is not null
        union all
        select *
        from incoming
        semi join former using ({load.key})
        where failure is null
        """
    )
    load.con.execute(
        f"""
        create or replace temp table given_since as
        select {load.key} from ({_stored_rows_sql(load)})
        where load_id > {load.reread_of}
        """
    )
    load.con.execute(
        f"""
        create or replace temp table incoming as
        select * from incoming where failure is not null
        union all
        select *
        from incoming
        anti join given_since using ({load.key})
        where failure is null
        """
    )


def _check_keys(load: _Load) -> None:
    """Set aside repeated keys: all of them where they differ, all but one else."""
    con = load.con
    con.execute(
        f"""
        create or replace temp table repeated as
        select {load.key} from incoming where failure is null
        group by {load.key} having count(*) > 1
        """
    )
    if load.scalar("select count(*) from repeated") == 0:
        return
    keys = ", ".join(load.table.key)
    same = load.add(Check("duplicate_key", "", keys, "one row per key"))
    expected = "one row per key; these differ, so none is taken"
    differ = load.add(Check("conflicting_key", "", keys, expected))
    con.execute(
        f"""
        create or replace temp table repeated as
        select
            {load.key},
            count(distinct row({load.columns})) > 1 as differ,
            min(source_row) as kept_row,
        from incoming inner join repeated using ({load.key})
        where failure is null
        group by {load.key}
        """
    )
    matches = " and ".join(
        f"incoming.{quote_identifier(name)} = repeated.{quote_identifier(name)}"
        for name in load.table.key
    )
    con.execute(
        f"""
        update incoming
        set failure = if(repeated.differ, {differ}, {same})
        from repeated
        where {matches} and failure is null
            and (repeated.differ or source_row <> repeated.kept_row)
        """
    )


def _check_bar_lengths(load: _Load) -> None:
    """Set aside the bars of a stock and day that are not all of one length.

    The key of a bar is its end, which bars of several lengths share: of a mixture it
    could not be told which bars belong together.
    """
    number = load.add(
        Check(
            "mixed_bar_lengths",
            "",
            "bar_minutes",
            "bars of one length per security and day, that of the bars loaded before",
        )
    )
    load.con.execute(
        f"""
        create or replace temp table mixed as
        select security_code, cast(bar_time as date) as day
        from (
            select security_code, bar_time, bar_minutes
            from incoming
            where failure is null
            union all
            select security_code, bar_time, bar_minutes
            from ({_stored_rows_sql(load)})
        )
        group by all
        having min(bar_minutes) < max(bar_minutes)
        """
    )
    load.con.execute(
        f"""
        update incoming
        set failure = {number}
        from mixed
        where incoming.security_code = mixed.security_code
            and cast(incoming.bar_time as date) = mixed.day
            and failure is null
        """
    )


def _create_past_bars(load: _Load) -> None:
    """Create ``past_bar``: stored traded bars of the file's stocks, near its days."""
    con = load.con
    row = con.execute(
        "select min(trade_date), max(trade_date) from incoming where failure is null"
    ).fetchone()
    first, last = (None, None) if row is None else row
    first = first or load.today
    near = first - dt.timedelta(days=PAST_DAYS)
    far = first - dt.timedelta(days=LONG_PAST_DAYS)

    def stored(first_day: dt.date, last_day: dt.date) -> str:
        return current_rows_sql(
            load.table,
            ("security_code", "trade_date", *BAR_MEASURES),
            condition=f"trade_date between date '{first_day}' and date '{last_day}'",
        )

    con.execute(f"set variable first_day = date '{first}'")
    con.execute(
        "create or replace temp table file_security as "
        "select distinct security_code from incoming where failure is null"
    )
    con.execute(
        f"""
        create or replace temp table past_bar as
        select *
        from ({stored(near, last or first)})
        semi join file_security using (security_code)
        where {TRADED}
        """
    )
    latest = ", ".join(
        f"arg_max({name}, trade_date) as {name}" for name in BAR_MEASURES
    )
    con.execute(
        f"""
        insert into past_bar
        select security_code, max(trade_date) as trade_date, {latest}
        from ({stored(far, near - dt.timedelta(days=1))})
        semi join file_security using (security_code)
        anti join past_bar using (security_code)
        where {TRADED}
        group by security_code
        """
    )


def _refuse_wrong_unit(load: _Load) -> None:
    """Refuse a file whose volumes or prices are a hundred times off their past.

    Compared are the medians over the stocks of one day, each stock against its own
    median in the stored bars; the market as a whole never moves so far.
    """
    measured = {"volume_shares": "shares, not lots", "close_cny": "CNY, not cents"}
    pasts = ", ".join(f"median({name}) as past_{name}" for name in measured)
    ratios = ", ".join(
        f"median({name} / past_{name}) as ratio_{name}, "
        f"arg_min({name}, source_row) as first_{name}"
        for name in measured
    )
    row = load.con.execute(
        f"""
        with past as (
            select security_code, {pasts}
            from past_bar
            where trade_date < getvariable('first_day')
            group by security_code
            having count(*) >= {UNIT_MIN_DAYS}
        ),
        by_day as (
            select trade_date, min(source_row) as first_row, {ratios},
            from incoming
            inner join past using (security_code)
            where failure is null and {TRADED}
            group by trade_date
            having count(*) >= {UNIT_MIN_STOCKS}
        )
        select *
        from by_day
        where greatest(abs(log10(ratio_volume_shares)), abs(log10(ratio_close_cny)))
            > {UNIT_LOG10_RATIO}
        order by trade_date
        limit 1
        """
    ).fetchone()
    if row is None:
        return
    day, source_row, *rest = row
    for (column, unit), ratio, value in zip(
        measured.items(), rest[::2], rest[1::2], strict=True
    ):
        if ratio is not None and abs(math.log10(ratio)) > UNIT_LOG10_RATIO:
            raise LoadError(
                f"the median of {day} is {ratio:.3g} times what the same stocks had "
                "before, the first with",
                file=load.source.path,
                line=_row_label(load, source_row),
                column=column,
                value=value,
                expected=unit,
                next_step="state the unit in the mapping's expression",
            )


def _check_stock_units(load: _Load) -> None:
    """Set aside stocks of which volume or price is about a hundred times off its past.

    Compared is the median over the file with that of the stored bars. A volume beside
    an amount is held against the prices already; prices are compared as adjusted. As
    news can raise a volume a hundred times, one too large must also end in two zeros
    more than the stored ones.
    """
    columns = {"volume_shares": "shares, not lots", "close_cny": "CNY, not cents"}
    number = {
        column: load.add(Check("wrong_unit", "", column, f"{unit}, as the stock had"))
        for column, unit in columns.items()
    }
    measures = """
        median(nullif(if(high_cny > low_cny, volume_shares, null), 0)) as volume,
        median(close_cny * adjust_factor) as price,
        bool_and(volume_shares % 100 = 0) as is_hundreds,
        bool_and(volume_shares % 10000 = 0) as is_ten_thousands,
    """
    load.con.execute(
        f"""
        create or replace temp table stock_unit as
        with
        past as (
            select
                security_code,
                {measures}
                count(*) filter (high_cny > low_cny and volume_shares > 0)
                    as volume_days,
                count(*) as price_days,
            from past_bar
            where trade_date < getvariable('first_day')
            group by security_code
        ),
        given as (
            select
                security_code,
                {measures}
                count(amount_cny) = 0 as is_volume_unproven,
            from incoming
            where failure is null and {TRADED}
            group by security_code
        ),
        compared as (
            select
                security_code,
                is_volume_unproven
                and volume_days >= {STOCK_UNIT_MIN_DAYS}
                and abs(abs(log10(given.volume / past.volume)) - 2)
                    < {STOCK_UNIT_LOG10_BAND}
                and (
                    given.volume < past.volume
                    or if(
                        past.is_hundreds, given.is_ten_thousands, given.is_hundreds
                    )
                ) as is_volume_off,
                price_days >= {STOCK_UNIT_MIN_DAYS}
                and abs(abs(log10(given.price / past.price)) - 2)
                    < {STOCK_UNIT_LOG10_BAND} as is_price_off,
            from given
            inner join past using (security_code)
        )
        select
            security_code,
            if(is_price_off, {number["close_cny"]}, {number["volume_shares"]})
                as failure,
        from compared
        where is_volume_off or is_price_off
        """
    )
    load.con.execute(
        """
        update incoming
        set failure = stock_unit.failure
        from stock_unit
        where incoming.security_code = stock_unit.security_code
            and incoming.failure is null
        """
    )


def _create_steps(load: _Load) -> None:
    """Create ``step``: bars whose factor, reference price or return asks for a look.

    Each stands beside the stock's last traded bar before it, from the file or stored.
    """
    load.con.execute(
        f"""
        create or replace temp table step as
        with
        bars as (
            select security_code, trade_date, close_cny, adjust_factor,
                previous_close_cny, source_row,
            from incoming
            where failure is null and {TRADED}
            union all by name
            select security_code, trade_date, close_cny, adjust_factor,
            from past_bar
            anti join (select * from incoming where failure is null)
                using (security_code, trade_date)
        ),
        steps as (
            select
                *,
                lag(trade_date) over by_day as last_date,
                lag(close_cny) over by_day as last_close,
                lag(adjust_factor) over by_day as last_factor,
            from bars
            window by_day as (partition by security_code order by trade_date)
        )
        select
            *,
            adjust_factor / last_factor as factor_ratio,
            close_cny * adjust_factor / (last_close * last_factor) as adjusted_ratio,
            previous_close_cny * adjust_factor / (last_close * last_factor)
                as reference_ratio,
        from steps
        where source_row is not null
            and last_date is not null
            and (
                abs(adjust_factor / last_factor - 1) > {FACTOR_NOISE}
                or abs(close_cny * adjust_factor / (last_close * last_factor) - 1)
                    > {LARGE_RETURN}
                or abs(
                    previous_close_cny * adjust_factor / (last_close * last_factor) - 1
                ) > {FACTOR_NOISE}
            )
        """
    )


def _check_factors(load: _Load) -> None:
    """Set aside bars from a factor jump that no corporate action explains.

    Where the previous close is loaded and the last bar is of the day before, previous
    close x factor must equal the last close x factor within a tick. Elsewhere, where
    the factor moves, the return adjusted by it must stay within the day's limit and a
    tick. The first days of a listing, relistings and the ex-dates of
    ``raw.corporate_action`` are free. From an unexplained jump on, the stock's bars are
    set aside until the factor is back: taken, they would give a false return.
    """
    expected = "a factor that moves with the price, or a row of raw.corporate_action"
    number = load.add(Check("unexplained_factor_jump", "", "adjust_factor", expected))
    actions = current_rows_sql(
        RAW_TABLE_BY_NAME["corporate_action"], ("security_code", "ex_date")
    )
    load.con.execute(
        f"""
        create or replace temp table factor_jump as
        with
        placed as (
            select
                step.*,
                today.day_index - last_day.day_index as days,
                today.day_index - listed.day_index as listed_days,
                case
                    when board = 'beijing' then 0.30
                    when board = 'star' then 0.20
                    when board = 'chinext' and trade_date >= date '2020-08-24' then 0.20
                    else 0.10
                end as day_limit,
                {TICK_CNY} * (1 / close_cny + 1 / last_close) + {FACTOR_ROUNDING}
                    as tolerance,
                abs(factor_ratio - 1) > {FACTOR_NOISE} as is_jump,
            from step
            inner join loaded_security using (security_code)
            inner join open_day as today on step.trade_date = today.calendar_date
            inner join open_day as last_day on step.last_date = last_day.calendar_date
            left join open_day as listed on list_date = listed.calendar_date
            anti join ({actions}) as action
                on step.security_code = action.security_code
                and action.ex_date > last_date
                and action.ex_date <= trade_date
                and (
                    previous_close_cny is null
                    or today.day_index - last_day.day_index > 1
                )
        ),
        jumps as (
            select
                *,
                case
                    when previous_close_cny is not null and days = 1
                        then abs(reference_ratio - 1) > tolerance
                    else is_jump
                        and days <= {RELISTING_DAYS}
                        and coalesce(listed_days, {FREE_DAYS}) >= {FREE_DAYS}
                        and adjusted_ratio not between
                            1 - day_limit - tolerance and 1 + day_limit + tolerance
                end as is_unexplained,
            from placed
        )
        select
            security_code,
            trade_date,
            lead(trade_date) over by_day as next_jump_date,
            sum(ln(if(is_jump, factor_ratio, reference_ratio))) over (
                by_day rows between unbounded preceding and current row
            ) as shift,
        from jumps
        where is_unexplained
        window by_day as (partition by security_code order by trade_date)
        """
    )
    load.con.execute(
        f"""
        update incoming
        set failure = {number}
        from factor_jump
        where incoming.security_code = factor_jump.security_code
            and incoming.trade_date >= factor_jump.trade_date
            and (next_jump_date is null or incoming.trade_date < next_jump_date)
            and abs(shift) > {FACTOR_ROUNDING}
            and failure is null
        """
    )


def _check_daily_bars(load: _Load) -> None:
    """Check daily bars against the stock's own past: units and adjustment factors."""
    _create_past_bars(load)
    _refuse_wrong_unit(load)
    _check_stock_units(load)
    _create_steps(load)
    _check_factors(load)


def _find_large_returns(load: _Load) -> None:
    """Count returns that are rare but, on relistings and first days, genuine."""
    load.con.execute(
        f"""
        insert into raw.load_finding
        select
            ?,
            'return_beyond_60_percent',
            count(*),
            min(
                concat_ws(' ', security_code, trade_date, round(adjusted_ratio - 1, 3))
            ),
        from step
        semi join (select * from incoming where failure is null)
            using (security_code, trade_date)
        where abs(adjusted_ratio - 1) > {LARGE_RETURN}
        having count(*) > 0
        """,
        [load.load_id],
    )


def _describe_rejected(load: _Load) -> None:
    """Create ``rejected``: each row set aside with column, value, reason, expected."""
    con = load.con
    con.execute(
        "create or replace temp table performed_check "
        "(number integer, reason varchar, column_name varchar, expected varchar)"
    )
    types = load.entry.source_types()
    performed: list[tuple[object, ...]] = [
        (number, check.reason, check.column, check.expected)
        for number, check in enumerate(load.checks, start=1)
    ]
    con.executemany("insert into performed_check values (?, ?, ?, ?)", performed)
    kinds = ", ".join(
        f"{quote_literal(name)}: {quote_literal(kind)}" for name, kind in types.items()
    )
    kind = f"map {{{kinds}}}[cast_failure.name]" if types else "null"
    packed = ", ".join(
        f"{quote_identifier(column.name)} := {quote_identifier(column.name)}"
        for column in load.table.columns
    )
    con.execute(
        f"""
        create or replace temp table rejected as
        with described as (
            select
                source_row,
                cast_failure,
                failure,
                to_json(struct_pack({packed})) as row_json,
            from incoming
            where failure is not null
        )
        select
            source_row,
            coalesce(cast_failure.name, nullif(column_name, '')) as column_name,
            case
                when failure = 0 then cast_failure.value
                when contains(column_name, ', ') then array_to_string(
                    list_transform(
                        string_split(column_name, ', '),
                        lambda name: json_extract_string(row_json, '$.' || name)
                    ),
                    ', '
                )
                when column_name <> ''
                    then json_extract_string(row_json, '$.' || column_name)
            end as value,
            if(failure = 0, 'not_of_type', reason) as reason,
            if(failure = 0, 'a ' || {kind}, expected) as expected,
            cast(row_json as varchar) as row_json,
            failure,
        from described
        left join performed_check on failure = number
        """
    )


def _row_label(load: _Load, source_row: int) -> int | None:
    """Return the line of a CSV record or the row number of a Parquet file."""
    if load.entry.parts:
        return None
    path = load.source.path
    if path.suffix == ".csv":
        return line_numbers(path, load.entry, [source_row])[source_row]
    return source_row


def _refuse_by_first_row(load: _Load, problem: str, condition: str) -> LoadError:
    row = load.con.execute(
        "select source_row, column_name, value, reason, expected from rejected "
        f"where {condition} order by source_row limit 1"
    ).fetchone()
    assert row is not None  # noqa: S101 - the caller has counted such rows
    source_row, column, value, reason, expected = row
    found = "the first with" if value is not None else "the first without a value"
    return LoadError(
        f"{problem} ({reason}), {found}",
        file=load.source.path,
        line=_row_label(load, source_row),
        column=column,
        value=value,
        expected=expected,
        next_step="correct the file or its mapping",
    )


def _refuse_bad_file(load: _Load, read: int) -> None:
    """Refuse a file that fails one check in mass, or of which nothing is left."""
    numbers = [
        number
        for number, check in enumerate(load.checks, start=1)
        if not check.is_filter and check.reason not in CONTEXT_REASONS
    ]
    row = load.con.execute(
        "select failure, count(*) from rejected where list_contains(?, failure) "
        "group by failure order by count(*) desc, failure limit 1",
        [[0, *numbers]],
    ).fetchone()
    if row is not None and row[1] >= max(MASS_ROWS, MASS_SHARE * read):
        problem = f"{row[1]} of {read} rows fail one check"
        raise _refuse_by_first_row(load, problem, f"failure = {int(row[0])}")
    filters = [
        number for number, check in enumerate(load.checks, start=1) if check.is_filter
    ]
    if load.reread_of is not None:
        return
    left = load.scalar(
        "select count(*) from incoming "
        "where failure is null or list_contains(?, failure)",
        [filters],
    )
    if left == 0:
        reasons = load.con.execute(
            "select reason, count(*) from rejected group by reason order by all"
        ).fetchall()
        told = ", ".join(f"{count} {reason}" for reason, count in reasons)
        problem = f"none of {read} rows can be taken: {told}"
        raise _refuse_by_first_row(load, problem, "true")


def _store_rejected(load: _Load) -> None:
    """Write ``raw.rejected_row``."""
    con = load.con
    rows = [row[0] for row in con.execute("select source_row from rejected").fetchall()]
    con.execute(
        "create or replace temp table line (source_row bigint, line_number bigint)"
    )
    if rows and load.source.path.suffix == ".csv" and not load.entry.parts:
        lines = line_numbers(load.source.path, load.entry, rows)
        con.executemany("insert into line values (?, ?)", list(lines.items()))
    elif rows and not load.entry.parts:
        con.execute("insert into line select source_row, source_row from rejected")
    con.execute(
        """
        insert into raw.rejected_row
        select ?, ?, ?, line_number, column_name, value, reason, expected, row_json
        from rejected
        left join line using (source_row)
        order by source_row
        """,
        [load.load_id, load.table.name, load.source.label],
    )


def _date_range(load: _Load) -> tuple[str, str] | None:
    """Return the condition that holds rows of the file's own days, for dated keys."""
    name = load.table.calendar_column or load.table.known_column
    if name is None or name not in load.table.key:
        return None
    row = load.con.execute(
        f"select min({quote_identifier(name)}), max({quote_identifier(name)}) "
        "from incoming where failure is null"
    ).fetchone()
    if row is None or row[0] is None:
        return None
    kind = load.table.column(name).type
    first, last = (f"cast('{value}' as {kind})" for value in row)
    return quote_identifier(name), f"between {first} and {last}"


def _stored_rows_sql(load: _Load) -> str:
    """Return the query for the current rows that the file's rows can touch."""
    dated = _date_range(load)
    if load.table.storage == "duckdb":
        condition = "true" if dated is None else " ".join(dated)
        return current_rows_sql(load.table, condition=condition)
    time = quote_identifier(str(load.table.known_column))
    files = load.con.execute(
        f"""
        with touched as (
            select distinct cast({time} as date) as trade_date
            from incoming
            where failure is null
        )
        select file_path
        from raw.lake_file
        semi join touched using (trade_date)
        where table_name = ?
        qualify row_number() over (partition by trade_date order by load_id desc) = 1
        """,
        [load.table.name],
    ).fetchall()
    return lake_rows_sql(load.table, [lake_root(load.con) / row[0] for row in files])


def _keep_changes(load: _Load) -> int:
    """Create ``changed``, the rows that are new or differ, and return their number."""
    con = load.con
    con.execute(f"create or replace temp view stored_here as {_stored_rows_sql(load)}")
    if load.scalar("select count(*) from (from stored_here limit 1)") == 0:
        con.execute(
            "create or replace temp view changed as "
            f"select {load.columns}, cast(null as bigint) as replaces_load_id "
            "from incoming where failure is null"
        )
    else:
        key = load.key
        new = ", ".join(f"incoming.{name}" for name in load.columns.split(", "))
        old = ", ".join(f"stored_here.{name}" for name in load.columns.split(", "))
        con.execute(
            f"""
            create or replace temp table changed_row as
            select {new}, stored_here.load_id as replaces_load_id
            from incoming left join stored_here using ({key})
            where failure is null
                and (
                    stored_here.load_id is null
                    or row({new}) is distinct from row({old})
                )
            """
        )
        con.execute("create or replace temp view changed as from changed_row")
    return load.scalar("select count(*) from changed")


def _insert_changes(load: _Load) -> None:
    """Append the changed rows, sorted so that zone maps and shuffled files agree."""
    known = load.table.known_column
    order = load.key if known is None else f"{quote_identifier(known)}, {load.key}"
    load.con.execute(
        f"insert into {load.name} ({load.columns}, load_id, replaces_load_id) "
        f"select {load.columns}, ?, replaces_load_id from changed order by {order}",
        [load.load_id],
    )


def _write_lake(load: _Load) -> None:
    """Write each changed day's file whole: what is current there, and the changes."""
    con = load.con
    root = lake_root(con)
    time = quote_identifier(str(load.table.known_column))
    columns = f"{load.columns}, {', '.join(LOAD_COLUMNS)}"
    days = con.execute(
        f"select distinct cast({time} as date) as day from changed order by day"
    ).fetchall()
    for (day,) in days:
        relative = Path(load.table.name) / f"date={day}" / f"{load.load_id}.parquet"
        target = root / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".tmp")
        on_day = f"cast({time} as date) = date '{day}'"
        con.execute(
            f"""
            copy (
                with changed_on_day as (
                    select {load.columns}, {load.load_id} as load_id, replaces_load_id
                    from changed
                    where {on_day}
                )
                select {columns}
                from stored_here
                anti join changed_on_day using ({load.key})
                where {on_day}
                union all by name
                select {columns} from changed_on_day
                order by {load.key}
            ) to {quote_literal(str(temporary))} (format parquet, compression zstd)
            """
        )
        flush(temporary)
        temporary.replace(target)
        flush(target.parent)
        con.execute(
            "insert into raw.lake_file "
            "select ?, ?, ?, ?, count(*) from read_parquet(?)",
            [load.load_id, load.table.name, day, str(relative), str(target)],
        )


def _touched_dates(load: _Load) -> tuple[dt.date | None, dt.date | None]:
    """Return the first and last day on which a changed row is, or was, known.

    Of a range that only ended they are the days of its end, the former and the new:
    what is dated before does not hang on an end that was not known then. Of a security
    they are the days on which its listing began or ended; none for one of which only
    the name changed.
    """
    if load.table.name == "security":
        return _touched_listing_dates(load)
    name = load.table.known_column
    if name is None:
        keys = (load.table.column(key) for key in load.table.key)
        name = next((column.name for column in keys if column.type == "DATE"), None)
    if name is None:
        return None, None
    quoted = quote_identifier(name)
    columns = load.table.columns
    closing = [quote_identifier(c.name) for c in columns if c.closes_later]
    if name in load.table.key and not closing:
        touched = f"select cast({quoted} as date) as day from changed"
    else:
        same = " and ".join(
            f"changed.{column} is not distinct from stored_here.{column}"
            for column in (quote_identifier(c.name) for c in columns)
            if column not in closing
        )
        ends = ", ".join(
            f"{version}.{column}"
            for column in closing
            for version in ("changed", "stored_here")
        )
        touched = f"""
            select
                unnest(
                    if(
                        {same if closing else "false"},
                        [{ends}]::date[],
                        [changed.{quoted}, stored_here.{quoted}]::date[]
                    )
                ) as day
            from changed
            left join stored_here using ({load.key})
        """
    row = load.con.execute(f"select min(day), max(day) from ({touched})").fetchone()
    return (None, None) if row is None else (row[0], row[1])


def _touched_listing_dates(load: _Load) -> tuple[dt.date | None, dt.date | None]:
    row = load.con.execute(
        """
        with
        listing as (
            select
                changed.list_date,
                changed.delist_date,
                stored_here.list_date as old_list_date,
                stored_here.delist_date as old_delist_date,
                changed.list_date is distinct from stored_here.list_date
                or changed.board is distinct from stored_here.board as is_listed_anew,
            from changed
            left join stored_here using (security_code)
        ),
        touched as (
            select unnest([list_date, old_list_date]) as day
            from listing
            where is_listed_anew
            union all
            select unnest([delist_date, old_delist_date])
            from listing
            where delist_date is distinct from old_delist_date
        )
        select min(day), max(day) from touched
        """
    ).fetchone()
    return (None, None) if row is None else (row[0], row[1])


def _find_minute_gaps(load: _Load) -> None:
    """Count the bars that the days just written lack, and the days that the lake lacks.

    Of a stock that has bars on the day; vendors that leave out bars without a trade
    have many.
    """
    files = load.con.execute(
        "select file_path from raw.lake_file where load_id = ?", [load.load_id]
    ).fetchall()
    written = lake_rows_sql(
        load.table, [lake_root(load.con) / path for (path,) in files]
    )
    load.con.execute(
        f"""
        insert into raw.load_finding
        with
        held as (
            select
                security_code,
                cast(bar_time as date) as day,
                240 // any_value(bar_minutes) - count(*) filter (
                    cast(bar_time as time) > time '09:30'
                    and cast(bar_time as time) <= time '15:00'
                ) as missing,
            from ({written})
            group by security_code, day
        ),
        absent_day as (
            select calendar_date as day
            from open_day
            cross join (
                select min(trade_date) as first_day, max(trade_date) as last_day
                from raw.lake_file
                where table_name = 'minute_bar'
            )
            where calendar_date between first_day and last_day
                and calendar_date not in (
                    select trade_date
                    from raw.lake_file
                    where table_name = 'minute_bar'
                )
        ),
        found as (
            select
                'bars_missing' as finding,
                sum(missing) as row_count,
                arg_max(security_code || ' on ' || day, missing) as example,
            from held
            where missing > 0
            union all
            select 'days_without_bars', count(*), cast(min(day) as varchar)
            from absent_day
        )
        select {load.load_id}, finding, row_count, example
        from found
        where row_count > 0
        """
    )


def _find_lost_values(load: _Load) -> None:
    """Count the stored values that the file's rows no longer have.

    A file may lack a column that is not required; what replaces a row then says nothing
    where the row said something.
    """
    columns = [column.name for column in load.table.columns if not column.required]
    if load.table.storage == "lake" or not columns:
        return
    counts = ", ".join(
        f"{{'column_name': {quote_literal(name)}, 'row_count': count(*) filter ("
        f"changed.{quote_identifier(name)} is null "
        f"and stored_here.{quote_identifier(name)} is not null)}}"
        for name in columns
    )
    load.con.execute(
        f"""
        insert into raw.load_finding
        select {load.load_id}, 'values_lost', row_count, 'no ' || column_name
        from (
            select unnest([{counts}], recursive := true)
            from changed inner join stored_here using ({load.key})
        )
        where row_count > 0
        """
    )


def _told_rejected(load: _Load) -> str:
    """Return the first rows set aside, in one line; not those that a mapping leaves."""
    rows = load.con.execute(
        "select line_number, column_name, value, reason, count(*) over () "
        "from raw.rejected_row "
        "where load_id = ? and not list_contains(?, reason) "
        "order by line_number, column_name limit ?",
        [load.load_id, list(load.entry.set_aside), TOLD_ROWS],
    ).fetchall()
    if not rows:
        return ""
    told = []
    for line, column, value, reason, _ in rows:
        where = [f"line {line}"] if line else []
        where += [f"column {column}"] if column else []
        found = "" if value is None else f" {value!r}"
        told.append(f"{', '.join(where)}{found} ({reason})")
    more = rows[0][4] - len(rows)
    return "set aside: " + "; ".join(told) + (f"; and {more:,} more" if more else "")


def _findings(load: _Load) -> str:
    """Count what is odd in rows that are taken, and return it in one line."""
    if load.table.name == "daily_bar":
        _find_large_returns(load)
    if load.table.name == "minute_bar":
        _find_minute_gaps(load)
    for finding in load.entry.findings:
        row = load.con.execute(finding.query).fetchone()
        if row is not None and row[0]:
            load.con.execute(
                "insert into raw.load_finding values (?, ?, ?, ?)",
                [load.load_id, finding.name, row[0], row[1]],
            )
    found = load.con.execute(
        "select finding, row_count, left(example, 60) from raw.load_finding "
        "where load_id = ? order by finding",
        [load.load_id],
    ).fetchall()
    return "; ".join(
        f"{name} {count:,}" + (f" (e.g. {example})" if example else "")
        for name, count, example in found
    )


def _run(
    load: _Load,
    *,
    source_name: str,
    mapping_name: str,
    fingerprint: str,
    folder: Path,
) -> LoadResult:
    """Load one file inside the caller's transaction."""
    con = load.con
    if load.entry.parts:
        stored = current_rows_sql(load.table)
        con.execute(f"create or replace temp view stored as {stored}")
    create_source(con, load.entry, load.source, folder)
    read = _read_rows(load)
    if read == 0:
        raise LoadError(
            "no rows",
            file=load.source.path,
            expected="at least one row",
            next_step="fetch the file again",
        )
    if load.reread_of is not None:
        _keep_rows_set_aside(load)
    _check_keys(load)
    if load.table.name == "daily_bar":
        _check_daily_bars(load)
    if load.table.name == "minute_bar":
        _check_bar_lengths(load)
    rejected = load.scalar("select count(*) from incoming where failure is not null")
    if rejected:
        _describe_rejected(load)
        _refuse_bad_file(load, read)
        _store_rejected(load)
    accepted = _keep_changes(load)
    _find_lost_values(load)
    first_date, last_date = _touched_dates(load)
    unchanged = read - rejected - accepted
    if accepted and load.table.storage == "lake":
        _write_lake(load)
    elif accepted:
        _insert_changes(load)
    message = "; ".join(filter(None, (_told_rejected(load), _findings(load))))
    con.execute(
        "insert into raw.load values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            load.load_id,
            source_name,
            mapping_name,
            fingerprint,
            load.table.name,
            load.source.label,
            load.source.sha256,
            dt.datetime.now(dt.UTC),
            read,
            accepted,
            unchanged,
            rejected,
            first_date,
            last_date,
            "loaded" if accepted else "unchanged",
        ],
    )
    return LoadResult(
        load.load_id,
        load.table.name,
        load.source.label,
        read,
        accepted,
        unchanged,
        rejected,
        message,
    )


def _earlier_load(
    con: duckdb.DuckDBPyConnection, entry: Entry, source: SourceFile
) -> LoadResult | None:
    """Return the result of the newest load that took this very file."""
    row = con.execute(
        """
        select
            load_id,
            row_count_read,
            row_count_accepted + row_count_unchanged,
            row_count_rejected,
        from raw.load
        where file_sha256 = ? and mapping_sha256 = ? and table_name = ?
        order by load_id desc
        limit 1
        """,
        [source.sha256, entry.fingerprint(), entry.raw],
    ).fetchone()
    if row is None:
        return None
    load_id, read, stored, rejected = row
    return LoadResult(
        load_id, entry.raw, source.label, read, 0, stored, rejected, "loaded before"
    )


def _is_context_changed(
    con: duckdb.DuckDBPyConnection, load_id: int, today: dt.date
) -> bool:
    """Whether a load set rows aside for what has changed since.

    That is what other tables said (an unknown stock, a day that was not in the calendar
    yet) and one of those tables has changed, or a day that has come.
    """
    row = con.execute(
        """
        with is_changed as (
            select count(*) > 0 as is_changed
            from raw.load
            where load_id > $load_id
                and row_count_accepted > 0
                and list_contains($tables, table_name)
        )
        select 1
        from raw.rejected_row
        cross join is_changed
        where load_id = $load_id
            and list_contains($reasons, reason)
            and if(
                reason = 'after_today',
                cast(try_cast(value as timestamp) as date) <= $today,
                is_changed
            )
        limit 1
        """,
        {
            "load_id": load_id,
            "reasons": list(CONTEXT_REASONS),
            "tables": list(LOADED_FIRST),
            "today": today,
        },
    ).fetchone()
    return row is not None


def _is_still_there(
    con: duckdb.DuckDBPyConnection, entry: Entry, source: SourceFile
) -> bool:
    """Whether a load took this very file under its present name."""
    row = con.execute(
        "select 1 from raw.load "
        "where file_sha256 = ? and table_name = ? and file_path = ? limit 1",
        [source.sha256, entry.raw, source.label],
    ).fetchone()
    return row is not None


def _is_overruled(
    con: duckdb.DuckDBPyConnection, table: RawTable, load_id: int, beside: list[int]
) -> bool:
    """Whether a load, other than those ``beside`` it, replaced rows of an earlier one.

    The file sent again is then a correction taken back and must be compared. Files that
    go on lying beside each other in a folder are not sent again: among them the one
    that was loaded last keeps the word.
    """
    if table.storage == "lake":
        # A day's file is written whole, so a later file of the day may hold changes.
        row = con.execute(
            """
            select 1
            from raw.lake_file as later
            inner join raw.lake_file as earlier using (table_name, trade_date)
            where table_name = $table_name
                and earlier.load_id <= $load_id
                and later.load_id > $load_id
                and not list_contains($beside, later.load_id)
            limit 1
            """,
            {"table_name": table.name, "load_id": load_id, "beside": beside},
        ).fetchone()
        return row is not None
    # What a load found unchanged stands under the load that gave it first.
    row = con.execute(
        f"""
        select 1
        from raw.{quote_identifier(table.name)}
        where load_id > $load_id
            and replaces_load_id <= $load_id
            and (
                replaces_load_id = $load_id
                or exists (
                    select 1 from raw.load
                    where load_id = $load_id and row_count_unchanged > 0
                )
            )
            and not list_contains($beside, load_id)
        limit 1
        """,
        {"load_id": load_id, "beside": beside},
    ).fetchone()
    return row is not None


def _load_source(
    con: duckdb.DuckDBPyConnection,
    entry: Entry,
    source: SourceFile,
    *,
    source_name: str,
    mapping_name: str,
    today: dt.date,
    beside: list[int],
) -> LoadResult:
    """Load one file, unless it was loaded before and is still the newest word.

    Where rows were set aside that may be taken now, those are offered, and no others; a
    file that a later load overruled is offered whole and becomes the newest version.
    """
    earlier = _earlier_load(con, entry, source)
    reread_of = None
    if earlier is not None and earlier.load_id is not None:
        if _is_context_changed(con, earlier.load_id, today):
            reread_of = earlier.load_id
        elif not _is_overruled(con, entry.table, earlier.load_id, beside):
            return earlier
    con.begin()
    try:
        row = con.execute("select coalesce(max(load_id), 0) + 1 from raw.load")
        load_id = int(row.fetchall()[0][0])
        load = _Load(con, entry, source, load_id, today, reread_of)
        with tempfile.TemporaryDirectory(prefix="lundong-") as scratch:
            result = _run(
                load,
                source_name=source_name,
                mapping_name=mapping_name,
                fingerprint=entry.fingerprint(),
                folder=Path(scratch),
            )
        con.commit()
    except duckdb.Error as error:
        con.rollback()
        raise refusal(source.path, entry, error) from error
    except BaseException:
        con.rollback()
        raise
    return result


def refuse_mixture(
    settings: Settings, source_name: str, mapping_name: str = OWN_COLUMNS
) -> None:
    """Refuse the sample market beside other data in one store, and the reverse.

    A made-up bar and a real one of the same stock and day have one key: whichever is
    loaded later would replace the other without a word.

    Parameters
    ----------
    source_name : str
        Where the files come from, as in ``load_folder``.
    mapping_name : str
        Name of their mapping. In a store of the sample a folder of files with the raw
        tables' own columns is a correction of the sample and is taken.

    Raises
    ------
    LoadError
        The store holds data of the other kind.
    """
    if not settings.build_path.exists():
        return
    with connect_build(settings) as con:
        create_raw_tables(con)
        rows = con.execute(
            "select distinct source from raw.load where row_count_accepted > 0"
        ).fetchall()
    held = {source for (source,) in rows}
    remedy = "set LUNDONG_HOME to another folder, or delete this store"
    if SAMPLE not in held:
        if source_name == SAMPLE and held:
            raise LoadError(
                "the sample market cannot be loaded beside other data",
                file=settings.home,
                expected="a store that is empty or holds the sample market",
                next_step=remedy,
            )
        return
    is_correction = source_name == "folder" and mapping_name == OWN_COLUMNS
    if source_name != SAMPLE and not is_correction:
        raise LoadError(
            "the store holds the sample market, whose data are made up",
            file=settings.home,
            expected="a store without it",
            next_step=remedy,
        )


def load_folder(
    settings: Settings,
    mapping_path: Path,
    directory: Path,
    *,
    progress: Progress | None = None,
    source_name: str = "folder",
    today: dt.date | None = None,
) -> list[LoadResult]:
    """Load a folder's files into the raw tables, each in a transaction of its own.

    Parameters
    ----------
    mapping_path : Path
        TOML mapping (``warehouse/mappings``).
    directory : Path
        Folder of Parquet or CSV files.
    progress : callable, optional
        Called after each file with table, file and number of rows read.
    source_name : str
        Where the files come from, for ``raw.load``.
    today : date, optional
        Day after which no row can lie; the exchange's today by default.

    Returns
    -------
    list of LoadResult
        One per file and raw table; a file that no entry takes has no ``load_id``.

    Raises
    ------
    LoadError
        A file is refused; the files before it in the order of loading are stored, of
        this one nothing is, and those after it have not been read. Or the store holds
        the sample market and the files are others, or the reverse.
    """
    mapping = read_mapping(mapping_path)
    if not directory.is_dir():
        raise LoadError(
            "no such folder",
            file=directory,
            expected="a folder of Parquet or CSV files",
            next_step="correct the path",
        )
    refuse_mixture(settings, source_name, mapping.name)
    today = today or dt.datetime.now(EXCHANGE_TIME).date()
    results: list[LoadResult] = []
    taken: set[Path] = set(match_files(directory, tuple(mapping.ignored), ()))
    lake_tables: set[str] = set()
    with connect_build(settings) as con:
        create_raw_tables(con)
        _create_context(con)
        offered = [
            (entry, source)
            for entry in mapping.entries()
            for source in find_sources(entry, directory)
        ]
        loads = [_earlier_load(con, entry, source) for entry, source in offered]
        earlier = [load.load_id for load in loads if load and load.load_id is not None]
        for number, (entry, source) in enumerate(offered):
            taken.update(path for group in source.paths for path in group)
            is_still_there = _is_still_there(con, entry, source)
            try:
                result = _load_source(
                    con,
                    entry,
                    source,
                    source_name=source_name,
                    mapping_name=mapping.name,
                    today=today,
                    beside=earlier if is_still_there else [],
                )
            except LoadError as error:
                stored = sum(result.accepted for result in results)
                error.tell(
                    f"{number} files before it were read and {stored:,} rows of them "
                    f"stored, {len(offered) - number - 1} after it were not read"
                )
                raise
            results.append(result)
            if not is_still_there and result.load_id is not None:
                earlier.append(result.load_id)
            if result.accepted and entry.raw in LOADED_FIRST:
                _create_context(con)
            if result.accepted and entry.table.storage == "lake":
                lake_tables.add(entry.raw)
            if progress is not None:
                progress(entry.raw, source.label, result.read)
        for name in sorted(lake_tables):
            refresh_lake_view(con, RAW_TABLE_BY_NAME[name])
    files = match_files(directory, ("*.parquet", "*.csv", "*/*.parquet", "*/*.csv"), ())
    left = [path for path in files if path not in taken]
    results.extend(
        LoadResult(
            None,
            "",
            str(path.relative_to(directory)),
            message="no entry of the mapping takes this file",
        )
        for path in left
    )
    if len(left) == len(results):
        raise LoadError(
            "no file that the mapping takes",
            file=directory,
            expected=f"files named as in {mapping_path.name}",
            next_step="correct the folder or the mapping",
        )
    return results
