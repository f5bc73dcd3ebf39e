"""``make real``: the whole warehouse on real market data, measured and compared.

Loads the files of ``LUNDONG_REAL_DATA`` into a store of its own, refreshes it, prints
the figures, and measures the refresh of one new week. Add a figure in ``figures``; keep
the project's own store out of reach.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks import figures
from benchmarks.measure import Measured, run_measured
from benchmarks.models import seconds_by_subject
from dagster_defs.project import target_path
from warehouse.settings import PROJECT_ROOT, Settings, read_settings
from warehouse.store import connect_build, connect_published, quote_literal

LUNDONG = Path(sys.executable).with_name("lundong")
MAPPING = PROJECT_ROOT / "warehouse" / "mappings" / "real.toml"
SYSTEM = "shenwan1"

LOAD_SECONDS = 90.0
# A refresh is judged by subject, the folder of a model: what every table needs and the
# industry rotation, with the publication of all tables; and the micro-cap suite.
REFRESH_SECONDS = 180.0
SUITE_SECONDS = 150.0
WEEK_SECONDS = 60.0
REPORT_SECONDS = 20.0
PAGE_MEGABYTES = 6.0
ROTATION_SUBJECTS = frozenset(
    {
        *(
            "calendar",
            "core",
            "diffusion",
            "hooks",
            "industry",
            "meta",
            "other",
            "prices",
        ),
        *("reconciliation", "rotation", "staging", "universe"),
    }
)
SUITE_SUBJECTS = frozenset({"bi", "factors", "ledger", "microcap", "styles"})
PEAK_GIGABYTES = 10.0
CORRELATION = 0.970
REFERENCE_DIFFERENCE = 1e-12
# Returns of the 400 smallest by float of main board and STAR, computed elsewhere from
# the same files. There a float needs five turnovers, and turnovers begin on 2021-01-04.
MICROCAP_RETURNS = {
    "2021-01-11 to 12-31": 0.37,
    "2022": -0.005,
    "2023": 0.27,
    "2024-01-02 to 02-07": -0.40,
}
MICROCAP_DIFFERENCE = 0.03

# The last complete exchange week of the daily files, held back for the second refresh.
NEW_WEEK = (date(2024, 6, 17), date(2024, 6, 21))
CUT_FILES = ("daily_2021_2024.parquet", "daily_later_delisted_2021_2024.parquet")
# Bars of 360 stocks after the end of the other files.
LATER_FILES = ("daily_report_stocks_2024_2025.parquet",)

console = Console(highlight=False, width=140)


def run_lundong(settings: Settings, *arguments: str) -> Measured:
    """Run a command on a store and measure it."""
    variables = {
        "LUNDONG_HOME": str(settings.home),
        "LUNDONG_MEMORY_LIMIT": settings.memory_limit,
        "LUNDONG_THREADS": str(settings.threads),
    }
    return run_measured([str(LUNDONG), *arguments], variables)


def load_and_refresh(settings: Settings, folder: Path) -> tuple[Measured, Measured]:
    """Load a folder and refresh, each as a command of its own."""
    load = ("load", "folder", str(MAPPING), "--dir", str(folder))
    return run_lundong(settings, *load), run_lundong(settings, "refresh")


def measured_reports(settings: Settings) -> list[tuple[str, float, float, str]]:
    """Write the reports of a published store; return their seconds and sizes."""
    made = run_lundong(settings, "report", "--no-pdf")
    return [
        ("the reports", made.seconds, REPORT_SECONDS, "s"),
        *(
            (path.name, path.stat().st_size / 1e6, PAGE_MEGABYTES, "MB")
            for path in sorted(settings.reports.glob("*.html"))
        ),
    ]


def split_off_week(folder: Path, target: Path) -> tuple[Path, Path]:
    """Make two folders: the files until the new week, and those of the week alone."""
    before, week = target / "before", target / "week"
    before.mkdir(parents=True)
    week.mkdir()
    first, last = NEW_WEEK
    for path in sorted(folder.glob("*.parquet")):
        if path.name not in (*CUT_FILES, *LATER_FILES):
            (before / path.name).symlink_to(path)
    spans = (
        (before, f"date < date '{first}'"),
        (week, f"date between date '{first}' and date '{last}'"),
    )
    with duckdb.connect() as con:
        for name in CUT_FILES:
            source = quote_literal(str(folder / name))
            for place, condition in spans:
                con.execute(
                    f"copy (from {source} where {condition}) "
                    f"to {quote_literal(str(place / name))}"
                )
    return before, week


def judged_parts(
    settings: Settings, refreshed: Measured
) -> tuple[figures.Grid, float, float]:
    """Return the seconds by subject, those of the rotation and those of the suite."""
    subjects = seconds_by_subject(target_path(settings))
    ordered = sorted(subjects.items(), key=lambda item: -item[1])
    rows: list[tuple[object, ...]] = [
        *ordered,
        ("all of dbt", sum(subjects.values())),
        ("start, lineage, publication", refreshed.seconds - sum(subjects.values())),
    ]
    suite = sum(subjects.get(name, 0.0) for name in SUITE_SUBJECTS)
    beyond = sum(seconds for name, seconds in ordered if name not in ROTATION_SUBJECTS)
    grid = figures.Grid("seconds by subject", ("subject", "seconds"), rows)
    return grid, refreshed.seconds - beyond, suite


def measured_table(measured: Iterable[tuple[str, float, float, str]]) -> Table:
    """Return a table of quantities with their limits."""
    table = Table(title="measured", title_justify="left")
    for heading in ("", "measured", "limit", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for name, value, limit, unit in measured:
        verdict = "" if value <= limit else "[red]over[/red]"
        table.add_row(name, f"{value:.1f} {unit}", f"{limit:.0f} {unit}", verdict)
    return table


def print_grid(grid: figures.Grid) -> None:
    """Print a figure; numbers are rounded for reading only."""
    table = Table(title=grid.title, title_justify="left")
    for heading in grid.headings:
        table.add_column(heading, justify="right")
    for row in grid.rows:
        table.add_row(
            *(
                f"{value:.4f}"
                if isinstance(value, float)
                else ""
                if value is None
                else str(value)
                for value in row
            )
        )
    console.print(table)


def print_correlations(found: list[figures.Correlation]) -> float:
    """Print the table by industry and return the mean with the members of the day."""
    table = Table(
        title="daily float-cap industry returns against CITIC level 1, 2017-2022",
        title_justify="left",
    )
    for heading in ("CITIC industry", "members of the day", "hindsight", "days"):
        table.add_column(heading, justify="right")
    for item in found:
        table.add_row(
            item.citic_name,
            f"{item.of_the_day:.4f}",
            f"{item.hindsight:.4f}",
            str(item.day_count),
        )
    mean = statistics.fmean(item.of_the_day for item in found)
    hindsight = statistics.fmean(item.hindsight for item in found)
    table.add_section()
    table.add_row(f"mean of {len(found)}", f"{mean:.4f}", f"{hindsight:.4f}", "")
    console.print(table)
    console.print(
        "hindsight: the scheme of 2021 put on all years; it is computed here only"
    )
    return mean


def print_figures(settings: Settings, folder: Path) -> list[str]:
    """Print every figure of the built store and return those that fall short."""
    short = []
    with connect_build(settings, read_only=True) as con:
        print_grid(figures.table_rows(con))
        mean = print_correlations(figures.citic_correlations(con, folder))
        if mean < CORRELATION:
            short.append(f"mean correlation {mean:.4f}, below {CORRELATION:.3f}")
        for found in figures.reference_comparisons(con, SYSTEM):
            console.print(
                f"{found.measure} against the numpy reference: {found.row_count:,} "
                f"figures, {found.only_one_side} on one side only, largest difference "
                f"{found.largest_difference:.1e}"
            )
            if found.only_one_side or found.largest_difference > REFERENCE_DIFFERENCE:
                short.append(f"{found.measure} differs from the numpy reference")
        print_grid(figures.survivorship(con))
        print_grid(figures.st_inference(con, folder))
        print_grid(figures.size_ic(con))
    with connect_published(settings) as con:
        print_grid(figures.strategy_years(con))
        print_grid(figures.low_volatility_years(con))
        print_grid(figures.rule_ledger(con))
        print_grid(figures.weight_sources(con))
        print_grid(figures.etf_identity(con))
        print_grid(figures.etf_identity_misses(con))
        print_grid(figures.reconciliation_counts(con))
        print_grid(figures.microcap_years(con))
        print_grid(figures.microcap_timing(con))
        print_grid(figures.diffusion_timing(con))
        print_grid(figures.factor_universes(con))
        for universe in ("all", "microcap", "csi300"):
            print_grid(figures.factor_ics(con, universe))
        print_grid(figures.high_frequency_values(con))
        found_returns = figures.microcap_check(con)
    for period, expected in MICROCAP_RETURNS.items():
        difference = found_returns[period] - expected
        console.print(
            f"microcap400_float in {period}: {found_returns[period]:+.4f}, computed "
            f"elsewhere {expected:+.3f}"
        )
        if abs(difference) > MICROCAP_DIFFERENCE:
            short.append(f"microcap400_float in {period} is {difference:+.4f} off")
    return short


def main() -> None:
    """Measure, print, and end with an error if a figure falls short."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--skip-week", action="store_true", help="leave out the refresh of a new week"
    )
    arguments = parser.parse_args()
    settings = read_settings()
    folder = settings.real_data
    if folder is None:
        raise SystemExit("error: set LUNDONG_REAL_DATA to the folder of real files")
    home = settings.home / "real"
    shutil.rmtree(home, ignore_errors=True)
    whole = replace(settings, home=home / "whole")
    console.print(f"loading {folder} into {whole.home}, then refreshing it")
    loaded, refreshed = load_and_refresh(whole, folder)
    subjects, rotation, suite = judged_parts(whole, refreshed)
    print_grid(subjects)
    measured = [
        ("load", loaded.seconds, LOAD_SECONDS, "s"),
        ("rotation: build, checks, publication", rotation, REFRESH_SECONDS, "s"),
        ("micro-cap suite: build, checks", suite, SUITE_SECONDS, "s"),
        ("peak memory of the load", loaded.peak_gigabytes, PEAK_GIGABYTES, "GB"),
        ("peak memory of the refresh", refreshed.peak_gigabytes, PEAK_GIGABYTES, "GB"),
        *measured_reports(whole),
    ]
    console.print(measured_table(measured))
    short = print_figures(whole, folder)
    if not arguments.skip_week:
        weekly = replace(settings, home=home / "weekly")
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            before, week = split_off_week(folder, Path(scratch))
            console.print(f"loading and refreshing once more, until {NEW_WEEK[0]}")
            load_and_refresh(weekly, before)
            loaded, refreshed = load_and_refresh(weekly, week)
        subjects, rotation, _ = judged_parts(weekly, refreshed)
        print_grid(subjects)
        peak = max(loaded.peak_gigabytes, refreshed.peak_gigabytes)
        measured += [
            ("a new week: load", loaded.seconds, WEEK_SECONDS, "s"),
            ("a new week: rotation", loaded.seconds + rotation, WEEK_SECONDS, "s"),
            (
                "a new week: load to publication, all tables",
                loaded.seconds + refreshed.seconds,
                WEEK_SECONDS,
                "s",
            ),
            ("a new week: peak memory", peak, PEAK_GIGABYTES, "GB"),
        ]
    console.print(measured_table(measured))
    short += [f"{name} over" for name, value, limit, _ in measured if value > limit]
    if short:
        raise SystemExit(f"error: {'; '.join(short)}")


if __name__ == "__main__":
    main()
