"""From which day a build must rewrite its tables, and the record of finished builds.

The raw layer is append-only, so the loads since the last finished build say which days
they touch; everything before is as it was. Add a reason to rebuild here; keep the
rewriting itself out, it is a macro of the dbt project.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from warehouse.lock import EXCHANGE_TIME
from warehouse.raw_tables import RAW_TABLE_BY_NAME
from warehouse.settings import Settings
from warehouse.store import current_rows_sql, flush

# A day is loaded when this share of the stocks listed on it has a bar: a file of a few
# stocks that reaches further does not make a day of the market. The dbt project has the
# same number.
LOADED_DAY_MINIMUM_SHARE = 0.2

# Files of the dbt project that decide the content of its tables.
PROJECT_SUFFIXES = (".sql", ".csv", ".yml", ".md")
GENERATED_FOLDERS = ("target", "logs", "dbt_packages")
# A load of these that bears no day changed nothing that a dated row hangs on: a name.
DATED_BY_LOAD = ("security",)
# First day that a text model scored whose encoder another model has scored with since:
# scores of the former count no more (int_text_score), and no load says so.
CHANGED_TEXT_MODEL = """
with score as (
    select
        score.encoder_code,
        score.known_date,
        score.load_id,
        run.config_sha256
        || ' '
        || if(
            run.encoder_name in ('embedded', 'word counts'),
            run.encoder_name,
            run.encoder_revision
        ) as text_model,
    from raw.text_score as score
    inner join raw.text_run as run on score.run_id = run.run_id
),

changed as (
    select encoder_code,
    from score
    group by encoder_code
    having
        arg_max(text_model, load_id)
        <> arg_max(text_model, load_id) filter (where load_id <= ?)
)

select min(score.known_date)
from score
semi join changed on score.encoder_code = changed.encoder_code
"""


@dataclass(frozen=True)
class BuildWindow:
    """What the next build must rewrite.

    Attributes
    ----------
    build_from : date or None
        Rows dated from this day on are rewritten, always a Monday; None: all.
    reason : str
        Why, in one line.
    last_load_id : int
        Newest load that the build will see; 0 if there is none.
    project_hash : str
        Hash of the dbt project's files.
    """

    build_from: date | None
    reason: str
    last_load_id: int
    project_hash: str


@dataclass(frozen=True)
class UnfinishedBuild:
    """A build that was begun and has not succeeded: some tables may be of it.

    Attributes
    ----------
    project_hash : str or None
        Hash of the dbt project's files then; None: not known.
    build_from : date or None
        Rows dated from this day on were being rewritten; None: all.
    as_of_date : date or None
        The raw data were cut at this date.
    inputs_built_by : str or None
        Run that finished the first leg, the models' inputs; None: it did not.
    """

    project_hash: str | None
    build_from: date | None
    as_of_date: date | None
    inputs_built_by: str | None = None


def project_hash(project_dir: Path) -> str:
    """Return the SHA-256 over names and contents of a dbt project's files."""
    digest = hashlib.sha256()
    for path in sorted(project_dir.rglob("*")):
        inside = path.relative_to(project_dir)
        if inside.parts[0] in GENERATED_FOLDERS or path.suffix not in PROJECT_SUFFIXES:
            continue
        digest.update(inside.as_posix().encode())
        digest.update(b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def build_window(
    con: duckdb.DuckDBPyConnection,
    *,
    project_hash: str,
    full: bool = False,
    first_day: date | None = None,
    as_of_date: date | None = None,
    unfinished: Sequence[UnfinishedBuild] = (),
) -> BuildWindow:
    """Return what must be rewritten after the loads since the last finished build.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        Connection to the builder's file with the raw tables.
    project_hash : str
        Hash of the dbt project as it stands.
    full : bool
        Rewrite everything, whatever was loaded.
    first_day : date, optional
        Rewrite at least from this day on.
    as_of_date : date, optional
        The raw data are cut at this date.
    unfinished : sequence of UnfinishedBuild
        Builds begun since the last finished one, of which tables may hold rows.
    """
    last_load_id = _last_load_id(con)

    def window(start: date | None, reason: str) -> BuildWindow:
        # A row that bears a week may be dated before the day that changed it: the week
        # has become complete, or lost its last day. Whole weeks are rewritten.
        monday = start - timedelta(days=start.weekday()) if start else None
        return BuildWindow(monday, reason, last_load_id, project_hash)

    if full:
        return window(None, "a full build was asked for")
    built = _last_build(con)
    if built is None:
        return window(None, "the first build")
    built_load_id, built_hash, built_as_of = built
    if built_hash != project_hash:
        return window(None, "files of the dbt project changed")
    # Rows that a failed build wrote are not those of the last finished one.
    for begun in unfinished:
        if begun.project_hash != project_hash:
            return window(
                None, "a build by other files of the dbt project did not finish"
            )
        if begun.as_of_date != as_of_date:
            return window(None, "a build as of another date did not finish")
        if begun.build_from is None:
            return window(None, "a build of everything did not finish")
    touched = con.execute(
        """
        select
            table_name,
            min(first_date) as first_date,
            bool_or(first_date is null) as is_undated,
        from raw.load
        where load_id > ? and row_count_accepted > 0
        group by table_name
        order by table_name
        """,
        [built_load_id],
    ).fetchall()
    starts = []
    [(first_text,)] = con.execute(CHANGED_TEXT_MODEL, [built_load_id]).fetchall()
    if first_text is not None:
        starts.append((first_text, "another text model scores"))
    for table_name, first_date, is_undated in touched:
        if table_name not in DATED_BY_LOAD and is_undated:
            return window(None, f"{table_name} changed, which bears no date")
        if first_date is not None:
            starts.append((first_date, f"{table_name} changed"))
    # Days without bars between the last build and the new files are built too.
    if built_as_of is not None:
        starts.append((built_as_of + timedelta(days=1), "the day after the last build"))
    if first_day is not None:
        starts.append((first_day, "the first week asked for"))
    starts += [
        (begun.build_from, "a build did not finish")
        for begun in unfinished
        if begun.build_from is not None
    ]
    if not starts:
        return window(None, "the last build has no date")
    return window(*min(starts))


def unfinished_mark(settings: Settings) -> Path:
    """Return the file that is there from the start of a build until it succeeded."""
    return settings.home / "build.unfinished"


def begin_build(
    settings: Settings,
    window: BuildWindow,
    *,
    as_of_date: date | None,
    inputs_built_by: str | None = None,
) -> None:
    """Note that tables are about to change: until the end nothing may be published.

    Builds that failed before stay in the mark: a later one, of a part or failed too,
    need not have rewritten what they wrote.
    """
    begun = {
        "project_hash": window.project_hash,
        "build_from": window.build_from.isoformat() if window.build_from else None,
        "as_of_date": as_of_date.isoformat() if as_of_date else None,
    }
    if inputs_built_by is not None:
        begun["inputs_built_by"] = inputs_built_by
    mark = unfinished_mark(settings)
    with mark.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(begun) + "\n")
    # What dbt commits is on the disk; the mark must not be lost before it.
    flush(mark)
    flush(mark.parent)


def unfinished_builds(settings: Settings) -> list[UnfinishedBuild]:
    """Return the builds begun since the last one that succeeded, the oldest first."""
    mark = unfinished_mark(settings)
    if not mark.exists():
        return []
    builds = []
    # A mark without a line, or with half of one: something began, nobody knows what.
    for line in mark.read_text(encoding="utf-8").splitlines() or [""]:
        try:
            begun = json.loads(line)
            build = UnfinishedBuild(
                begun["project_hash"],
                _date_or_none(begun["build_from"]),
                _date_or_none(begun["as_of_date"]),
                begun.get("inputs_built_by"),
            )
        except (ValueError, KeyError, TypeError):
            build = UnfinishedBuild(None, None, None)
        builds.append(build)
    return builds


def is_build_whole(settings: Settings) -> bool:
    """Whether the last build that was begun also succeeded."""
    return not unfinished_mark(settings).exists()


def end_build(settings: Settings) -> None:
    """Note that the tables are whole; to be called when the build succeeded."""
    unfinished_mark(settings).unlink(missing_ok=True)


def record_build(
    con: duckdb.DuckDBPyConnection,
    window: BuildWindow,
    *,
    build_id: str,
    as_of_date: date | None,
) -> None:
    """Write down that a build succeeded; to be called after it, never before.

    Parameters
    ----------
    as_of_date : date or None
        Last loaded trading day of the market. Whatever was loaded of later days is
        built again by the next build.
    """
    con.execute(
        """
        insert into raw.build_state (
            build_id, finished_at, last_load_id, project_hash, build_from, as_of_date
        )
        values (?, ?, ?, ?, ?, ?)
        """,
        [
            build_id,
            datetime.now(EXCHANGE_TIME),
            window.last_load_id,
            window.project_hash,
            window.build_from,
            as_of_date,
        ],
    )


def bars_by_day_sql() -> str:
    """Return SQL of days with bars: ``trade_date``, ``bar_count``, ``listed_count``.

    The stocks that have a bar, and those listed on the day: where their quotient
    reaches `LOADED_DAY_MINIMUM_SHARE`, the day is one of the market.
    """
    security = current_rows_sql(
        RAW_TABLE_BY_NAME["security"], ("list_date", "delist_date")
    )
    # First versions count a corrected bar once. A day's listed stocks are the listings
    # so far less the delistings.
    return f"""
        with bar_count as (
            select
                trade_date,
                count(*) filter (where replaces_load_id is null) as bar_count
            from raw.daily_bar
            group by trade_date
        ),

        security as ({security}),

        change as (
            select list_date as trade_date, 1 as step from security
            union all
            select delist_date, -1 from security where delist_date is not null
            union all
            select trade_date, 0 from bar_count
        ),

        listed as (
            select
                trade_date,
                sum(sum(step)) over (
                    order by trade_date
                    rows between unbounded preceding and current row
                ) as listed_count
            from change
            group by trade_date
        )

        select bar_count.trade_date, bar_count.bar_count, listed.listed_count
        from bar_count
        inner join listed on bar_count.trade_date = listed.trade_date
    """  # noqa: S608


def last_loaded_day(con: duckdb.DuckDBPyConnection) -> date | None:
    """Return the newest day with bars of the market; None when none are loaded.

    A day counts if enough of the stocks listed on it have a bar.
    """
    row = con.execute(
        f"""
        select max(trade_date)
        from ({bars_by_day_sql()})
        where bar_count >= ? * listed_count
        """,  # noqa: S608
        [LOADED_DAY_MINIMUM_SHARE],
    ).fetchone()
    return row[0] if row else None


def last_day_of_tables(con: duckdb.DuckDBPyConnection) -> date | None:
    """Return the last loaded trading day by the tables that dbt has just built."""
    row = con.execute(
        "select max(trade_date) from intermediate.int_trading_day where is_loaded"
    ).fetchone()
    return row[0] if row else None


def first_loaded_day(con: duckdb.DuckDBPyConnection) -> date | None:
    """Return the first day with daily bars; None when none are loaded."""
    row = con.execute(
        """
        select min(first_date)
        from raw.load
        where table_name = 'daily_bar' and row_count_accepted > 0
        """
    ).fetchone()
    return row[0] if row else None


def last_built_day(con: duckdb.DuckDBPyConnection) -> date | None:
    """Return the market's last loaded day in the last finished build, if any."""
    built = _last_build(con)
    return built[2] if built else None


def last_built_project(con: duckdb.DuckDBPyConnection) -> str | None:
    """Return the hash of the dbt project's files in the last finished build, if any."""
    built = _last_build(con)
    return built[1] if built else None


def _last_build(
    con: duckdb.DuckDBPyConnection,
) -> tuple[int, str, date | None] | None:
    """Return last load, project hash and last day of the last finished build."""
    return con.execute(
        """
        select last_load_id, project_hash, as_of_date
        from raw.build_state
        order by finished_at desc, last_load_id desc
        limit 1
        """
    ).fetchone()


def _last_load_id(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("select coalesce(max(load_id), 0) from raw.load").fetchone()
    return int(row[0]) if row else 0


def _date_or_none(text: str | None) -> date | None:
    return date.fromisoformat(text) if text is not None else None
