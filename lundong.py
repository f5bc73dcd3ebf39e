"""The command line; every command calls one function of a package.

Options, progress bars and printing stand here. Add a command when a package has a
function that a person should be able to call; keep everything that computes out.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import duckdb
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from typer.exceptions import TyperException

from warehouse.query import OutputFormat, Query, QueryError
from warehouse.settings import PROJECT_ROOT, Settings, read_settings
from warehouse.store import StoreError

if TYPE_CHECKING:
    from dagster_defs.refresh import Refreshed
    from warehouse.load import LoadResult
    from warehouse.status import Status

MAPPINGS = PROJECT_ROOT / "warehouse" / "mappings"

app = typer.Typer(
    help="Lundong: a factor warehouse for China A-shares.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
load_app = typer.Typer(help="Load raw data.", no_args_is_help=True)
app.add_typer(load_app, name="load")

# Off a terminal a table is as wide as it needs to be.
out = Console(
    highlight=False,
    soft_wrap=True,
    width=None if sys.stdout.isatty() else 200,
)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Day = Annotated[
    datetime | None,
    typer.Option(
        "--week",
        formats=["%Y-%m-%d"],
        metavar="DATE",
        help="Any day of the week wanted, Monday to Sunday; by default the newest.",
    ),
]
Format = Annotated[
    OutputFormat, typer.Option("--format", help="How the answer is written.")
]
Output = Annotated[
    Path | None, typer.Option("--output", help="File to write instead of the screen.")
]


# Between two lines of progress where nobody looks at a terminal.
LINE_SECONDS = 30


class UsageError(RuntimeError):
    """The command cannot be carried out as it was given."""


class InterruptedCommandError(RuntimeError):
    """Somebody interrupted a command; the message says what it leaves."""


@contextmanager
def told_when_interrupted(message: str) -> Iterator[None]:
    """Say what an interrupted command leaves, unless whoever was at work says so."""
    try:
        yield
    except KeyboardInterrupt as error:
        raise InterruptedCommandError(str(error) or message) from error
    except RuntimeError as error:
        # DuckDB ends a statement with an error of its own.
        if not isinstance(error.__cause__, KeyboardInterrupt):
            raise
        raise InterruptedCommandError(message) from error


@contextmanager
def shown_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show one line of progress on the error stream while work is done."""
    # A stream of its own: Dagster takes the process's streams for its logs.
    with (
        os.fdopen(os.dup(sys.stderr.fileno()), "w") as stream,
        Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(file=stream),
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not stream.isatty(),
        ) as progress,
    ):
        task = progress.add_task("starting", total=None)
        started = told = time.monotonic()

        def show(label: str, done: int, total: int) -> None:
            nonlocal told
            now = time.monotonic()
            if not stream.isatty() and now - told >= LINE_SECONDS:
                counted = f" {done}/{total}" if total else ""
                stream.write(f"{now - started:.0f} s  {label}{counted}\n")
                stream.flush()
                told = now
            item = progress.tasks[0]
            # A task that was once done keeps its total and stops its clock.
            item.total, item.finished_time = total or None, None
            progress.update(task, description=label, completed=done)

        yield show


@contextmanager
def silent_output() -> Iterator[None]:
    """Keep what dbt prints off the screen; it is in Dagster's logs of the run."""
    sys.stdout.flush()
    screen = os.dup(1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(screen, 1)
        os.close(screen)


def as_day(value: datetime | None) -> date | None:
    """Return the date that an option names."""
    return value.date() if value else None


def command(arguments: str) -> str:
    """Return a command as the person at the keyboard can type it."""
    program = Path(sys.argv[0])
    if program.name != "lundong" or shutil.which("lundong"):
        return f"lundong {arguments}"
    return f"{os.path.relpath(program)} {arguments}"


@app.command()
def sample(
    *,
    null: Annotated[bool, typer.Option("--null", help="Plant no effect.")] = False,
    small: Annotated[
        bool, typer.Option("--small", help="A market of seconds, for trying out.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Same seed, same market.")] = 7,
    if_empty: Annotated[
        bool, typer.Option("--if-empty", help="Do nothing when bars are loaded.")
    ] = False,
) -> None:
    """Make and load the sample market, into a store of its own."""
    from warehouse.load import load_folder, refuse_mixture
    from warehouse.lock import writer_lock
    from warehouse.sample_market import make_sample
    from warehouse.status import is_loaded

    settings = read_settings()
    with writer_lock(settings, "sample"):
        if if_empty and is_loaded(settings):
            out.print(f"bars are loaded in {settings.home}: no sample market is made")
            return
        refuse_mixture(settings, "sample")
        with shown_progress() as show:
            folder = make_sample(
                settings,
                small=small,
                null=null,
                seed=seed,
                progress=lambda part: show(f"making {part}", 0, 0),
            )
            results = load_folder(
                settings,
                MAPPINGS / "sample.toml",
                folder,
                source_name="sample",
                progress=lambda table, _, rows: show(f"{table}: {rows} rows", 0, 0),
            )
    print_loads(results)
    out.print(f"next: {command('refresh')}")


@load_app.command("folder")
def load_from_folder(
    mapping: Annotated[
        Path, typer.Argument(help="TOML mapping, or the name of one of the project's.")
    ],
    directory: Annotated[
        Path, typer.Option("--dir", help="Folder of Parquet or CSV files.")
    ],
) -> None:
    """Load Parquet or CSV files through a mapping."""
    from warehouse.load import load_folder

    own = MAPPINGS / mapping.with_suffix(".toml").name
    path = own if not mapping.is_file() and own.exists() else mapping
    run_load(
        lambda settings, show: load_folder(
            settings,
            path,
            directory,
            progress=lambda table, file, rows: show(f"{table} {file}", rows, 0),
        )
    )


@load_app.command("qlib")
def load_from_qlib(
    directory: Annotated[Path, typer.Argument(help="Folder in qlib's binary format.")],
) -> None:
    """Load a qlib data folder."""
    from warehouse.sources.qlib_format import load_qlib

    run_load(
        lambda settings, show: load_qlib(
            settings,
            directory,
            progress=lambda table, file, rows: show(f"{table} {file}", rows, 0),
        )
    )


@load_app.command("tushare")
def load_from_tushare(
    first: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day.")
    ],
) -> None:
    """Load from Tushare Pro; the token is read from TUSHARE_TOKEN."""
    from warehouse.sources.tushare import load_tushare

    run_load(
        lambda settings, show: load_tushare(
            settings,
            first.date(),
            last.date(),
            progress=lambda what, part, rows: show(f"{what} {part}", rows, 0),
        )
    )


@app.command()
def refresh(
    week: Day = None,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Rewrite every table whole.")
    ] = False,
) -> None:
    """Build, check and publish what is loaded: the weekly refresh.

    Without --week the warehouse is brought up to the last loaded day. With --week of
    an earlier week the raw data are cut at the end of that week, and the result is
    built and published in a store of its own, as_of/<Friday>; the current publication
    stays as it is.
    """
    import logging
    import warnings

    from dagster import BetaWarning

    warnings.filterwarnings("ignore", category=BetaWarning)
    # It warns of every check of a step that a week without trading skips.
    logging.getLogger("dagster").setLevel(logging.ERROR)
    from dagster_defs.refresh import refresh as run_refresh

    started = time.monotonic()
    settings = read_settings()
    message = "interrupted, nothing was published; what was done stays: refresh again"
    with told_when_interrupted(message), shown_progress() as show, silent_output():
        done = run_refresh(settings, week=as_day(week), full=full, progress=show)
    print_refresh(done, time.monotonic() - started)


@app.command()
def publish(
    *,
    postgres: Annotated[
        str | None,
        typer.Option(
            "--postgres",
            metavar="DSN",
            help="Database, postgresql://user@host/name; by default LUNDONG_POSTGRES.",
        ),
    ] = None,
    reader: Annotated[
        str, typer.Option(help="Role that may read what is published.")
    ] = "lundong_reader",
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for statements that are reading.")
    ] = 60.0,
) -> None:
    """Publish the current publication to PostgreSQL as well.

    A password belongs into LUNDONG_POSTGRES or ~/.pgpass: commands can be listed.
    """
    from warehouse.postgres import publish_to_postgres

    started = time.monotonic()
    settings = read_settings()
    dsn = postgres or settings.postgres_dsn
    if not dsn:
        raise UsageError("no database named: give --postgres DSN or LUNDONG_POSTGRES")
    message = "interrupted: the database keeps what it had; publish again"
    with told_when_interrupted(message), shown_progress() as show:
        done = publish_to_postgres(
            settings, dsn, reader=reader, wait_seconds=wait, progress=show
        )
    out.print(
        f"published {done.publication_id} as of {done.as_of_date} to {done.database}: "
        f"{len(done.row_counts)} tables, {sum(done.row_counts.values()):,} rows, "
        f"{time.monotonic() - started:.0f} s"
    )
    tell_made_up(settings)


@app.command()
def status() -> None:
    """Show what is loaded, published, failed and absent."""
    from warehouse.status import read_status

    settings = read_settings()
    print_status(settings, read_status(settings))


@app.command()
def query(
    name: Annotated[str | None, typer.Argument(help="Name of the query.")] = None,
    *,
    show_list: Annotated[
        bool, typer.Option("--list", help="List the queries and their parameters.")
    ] = False,
    week: Day = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A parameter."),
    ] = None,
    output_format: Format = "table",
    output: Output = None,
) -> None:
    """Ask a question of the analysts' library in sql/queries."""
    from warehouse.query import format_result, list_queries, read_query, run_query

    if show_list:
        print_queries(list_queries())
        return
    if name is None:
        raise UsageError(f"no query named: see `{command('query --list')}`")
    settings = read_settings()
    given = dict(read_parameter(text) for text in parameters or [])
    if week is not None:
        taken = [parameter.name for parameter in read_query(name).parameters]
        if "week" not in taken:
            raise UsageError(f"{name} takes no week, only: {', '.join(taken) or '-'}")
        given["week"] = week.date().isoformat()
    answer = run_query(settings, name, given)
    if not answer.num_rows:
        err.print(f"no row answers this: {command('status')} tells what is loaded")
    write_answer(format_result(answer, output_format), output_format, output)
    tell_made_up(settings)


@app.command("sql")
def run_statement(
    statement: Annotated[str, typer.Argument(help="One statement that reads.")],
    *,
    output_format: Format = "table",
    output: Output = None,
) -> None:
    """Ask the published warehouse in SQL, read-only."""
    from warehouse.query import format_result, run_sql

    settings = read_settings()
    answer = run_sql(settings, statement)
    write_answer(format_result(answer, output_format), output_format, output)
    tell_made_up(settings)


@app.command()
def report(
    week: Day = None,
    *,
    last: Annotated[
        int, typer.Option(min=1, help="Weeks to write, up to that one or the newest.")
    ] = 1,
    pdf: Annotated[
        bool, typer.Option(help="Print the pages as PDF too, with Chromium.")
    ] = True,
) -> None:
    """Write the weekly reports and their start page from the published warehouse."""
    from reports.browser import find_browser, write_pdfs
    from reports.weekly import write_reports
    from warehouse.status import trade_week_of

    settings = read_settings()
    chosen = trade_week_of(settings, week.date()) if week else None
    browser = find_browser() if pdf else None
    pdfs: list[Path] = []
    with shown_progress() as show:
        try:
            index, *pages = write_reports(settings, chosen, show, last=last)
        except ValueError as error:
            raise UsageError(str(error)) from error
        if browser:
            pdfs = write_pdfs(browser, pages, show)
    out.print(f"report: {index}")
    for path in (*pages, *pdfs):
        out.print(f"  {path.name}")
    if pdf and not browser:
        out.print(
            "no PDF: Chromium is not installed (Debian: apt-get install chromium)"
        )


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000,
) -> None:
    """Start Dagster's user interface on this machine."""
    from dagster_defs.instance import prepare_home

    settings = read_settings()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"port {port} of 127.0.0.1 cannot be used ({error}): "
                f"{command('ui --port 3001')} takes another"
            ) from error
    prepare_home(settings)
    program = str(Path(sys.executable).with_name("dagster"))
    arguments = ["dev", "-h", "127.0.0.1", "-p", str(port), "--log-level", "warning"]
    out.print(f"Dagster on http://127.0.0.1:{port} (end it with Ctrl-C)")
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(settings.dagster_home),
        # Dagster's own notes on its beta parts are for who writes the code.
        "PYTHONWARNINGS": "ignore",
    }
    os.chdir(PROJECT_ROOT)
    os.execve(program, [program, *arguments], environment)  # noqa: S606


def run_load(
    load: Callable[[Settings, Callable[[str, int, int], None]], list[LoadResult]],
) -> None:
    """Load while holding the store, and print what became of each file."""
    from warehouse.lock import writer_lock

    settings = read_settings()
    message = "interrupted: files loaded before stay; run the same command again"
    with (
        told_when_interrupted(message),
        writer_lock(settings, "load"),
        shown_progress() as show,
    ):
        results = load(settings, show)
    print_loads(results)


def print_queries(queries: Sequence[Query]) -> None:
    """Print names, questions and parameters; a line a query where nobody looks."""
    rows = [
        (query.name, query.question, ", ".join(each.name for each in query.parameters))
        for query in queries
    ]
    if not out.is_terminal:
        sys.stdout.writelines("\t".join(row) + "\n" for row in rows)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("query", no_wrap=True)
    table.add_column("question")
    table.add_column("parameters")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def tell_made_up(settings: Settings) -> None:
    """Say on the error stream that the sample market's numbers are made up."""
    from warehouse.query import is_made_up

    if is_made_up(settings):
        err.print("sample market: all data are made up")


def read_parameter(text: str) -> tuple[str, str]:
    """Split ``name=value``."""
    name, separator, value = text.partition("=")
    if not separator:
        raise UsageError(f"--param {text} is not of the form NAME=VALUE")
    return name, value


def write_answer(answer: bytes, output_format: str, output: Path | None) -> None:
    """Write an answer to a file or the screen."""
    if output is not None:
        output.write_bytes(answer)
        return
    if output_format == "parquet" and sys.stdout.isatty():
        raise UsageError("parquet is not text: name a file with --output")
    sys.stdout.buffer.write(answer)
    if output_format != "parquet" and not answer.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


def grouped(results: list[LoadResult]) -> list[LoadResult]:
    """Add up the files of a table of which nothing, or the same, has to be told."""
    groups: dict[tuple[object, ...], list[LoadResult]] = {}
    for number, result in enumerate(results):
        alone = number if result.rejected or result.load_id is None else None
        key = (alone, result.table_name, result.message)
        groups.setdefault(key, []).append(result)
    return [
        group[0]
        if len(group) == 1
        else replace(
            group[0],
            file_path=f"{len(group)} files",
            read=sum(result.read for result in group),
            accepted=sum(result.accepted for result in group),
            unchanged=sum(result.unchanged for result in group),
        )
        for group in groups.values()
    ]


def print_loads(results: list[LoadResult]) -> None:
    """Print the counts of every file."""
    table = Table(box=None, pad_edge=False)
    table.add_column("table", no_wrap=True)
    table.add_column("file", overflow="fold")
    for name in ("read", "accepted", "unchanged", "rejected"):
        table.add_column(name, justify="right")
    table.add_column("")
    for result in grouped(results):
        counts = (result.read, result.accepted, result.unchanged, result.rejected)
        table.add_row(
            result.table_name,
            result.file_path,
            *(f"{count:,}" for count in counts),
            result.message,
        )
    out.print(table)


def print_refresh(done: Refreshed, seconds: float) -> None:
    """Print where things are and what to try."""
    if not done.metadata:
        out.print(
            f"no trading from {done.weeks.first_day} to {done.weeks.last_day}: "
            "nothing to refresh"
        )
        return
    published = done.metadata
    out.print(
        f"published {published['publication_id']} as of {published['as_of_date']}: "
        f"{published['tables']} tables, {published['dagster/row_count']:,} rows, "
        f"{seconds:.0f} s"
    )
    out.print(f"  warehouse  {published['path']}")
    if "report" in published:
        out.print(f"  report     {published['report']}")
    if done.is_as_of:
        out.print(
            f"  it is a store of its own, read with LUNDONG_HOME={done.settings.home}; "
            "the current publication is unchanged"
        )
        return
    out.print("three things to try:")
    for example in (
        "query --list",
        "query industry_ranking",
        'sql "from rotation.fct_rotation_performance limit 5"',
    ):
        out.print(f"  {command(example)}")


def print_status(settings: Settings, state: Status) -> None:
    """Print the status."""
    out.print(f"store: {settings.home}")
    if state.writer:
        out.print(f"writing: {state.writer}")
    if state.writer and not state.tables:
        out.print("what is loaded can be told when the writer has ended")
    elif not state.tables:
        out.print(f"nothing is loaded: {command('sample')} or {command('load --help')}")
    else:
        table = Table(box=None, pad_edge=False)
        table.add_column("table")
        table.add_column("rows", justify="right")
        for name in ("first", "last", "last load, Beijing"):
            table.add_column(name)
        table.add_column("rejected", justify="right")
        for raw in state.tables:
            loaded = raw.last_loaded_at
            table.add_row(
                raw.name,
                f"{raw.row_count:,}",
                str(raw.first_date or ""),
                str(raw.last_date or ""),
                loaded.strftime("%Y-%m-%d %H:%M") if loaded else "",
                f"{raw.rejected_count:,}",
            )
        out.print(table)
    if state.publication is None:
        out.print(f"nothing is published: {command('refresh')}")
    else:
        publication = state.publication
        out.print(
            f"publication {publication.publication_id} as of {publication.as_of_date}, "
            f"published {publication.published_at:%Y-%m-%d %H:%M} Beijing time"
            + (", sample market: all data are made up" * bool(publication.is_generated))
        )
    if state.publication or state.failed_checks:
        out.print(f"checks not passed: {len(state.failed_checks) or 'none'}")
    for check in state.failed_checks:
        where = f" on {check.table_name}" if check.table_name else ""
        out.print(f"  {check.status} {check.name}{where}: {check.message or ''}")
    if state.publication:
        out.print(f"absent: {len(state.absent) or 'nothing'}")
    for absent in state.absent:
        out.print(f"  {absent.kind} {absent.code}: {absent.reason or ''}")


def expected_errors() -> tuple[type[Exception], ...]:
    """Return the errors that a person can mend: one line each, no traceback."""
    from warehouse.load import LoadError
    from warehouse.publish import PublishError

    errors: list[type[Exception]] = [
        UsageError,
        QueryError,
        StoreError,
        LoadError,
        PublishError,
        OSError,
        duckdb.Error,
    ]
    # Only a command that imported Dagster, which takes seconds, can raise its errors.
    if "dagster_defs.refresh" in sys.modules:
        from dagster_defs.project import DbtError
        from dagster_defs.refresh import RefreshError

        errors += [DbtError, RefreshError]
    return tuple(errors)


def main() -> None:
    """Run the command line; an expected error is one line and exit code 1 or 2."""
    try:
        # Not in standalone mode, in which Typer prints its errors in a box.
        sys.exit(app(standalone_mode=False))
    except InterruptedCommandError as error:
        err.print(str(error), markup=False)
        sys.exit(130)
    except (typer.Abort, KeyboardInterrupt):
        err.print("interrupted")
        sys.exit(130)
    except TyperException as error:
        tell_usage(error)
        sys.exit(getattr(error, "exit_code", 1))
    except Exception as error:
        if not isinstance(error, expected_errors()):
            raise
        err.print(f"error: {' '.join(str(error).split())}", markup=False)
        sys.exit(1)


def tell_usage(error: TyperException) -> None:
    """Say what is wrong with the command's words; a group without a word shows help."""
    told: str = getattr(error, "format_message", str)()
    message = " ".join(told.split())
    context = getattr(error, "ctx", None)
    if not message and context is not None:
        out.print(context.get_help())
        return
    words = context.command_path.split()[1:] if context is not None else []
    hint = command(" ".join([*words, "--help"]))
    err.print(f"error: {message.rstrip('.')}: see `{hint}`", markup=False)


if __name__ == "__main__":
    main()
