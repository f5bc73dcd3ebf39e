"""The reports: self-contained HTML files made from the published warehouse.

Choosing the week, asking the queries, filling the templates and writing the files stand
here. Add a section in ``sections`` and its query in ``reports/sql``; keep arithmetic
out: a page prints what the published tables hold, rounded, nothing else.
"""

# ruff: noqa: RUF001 - Chinese has its own punctuation.

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.charts import Row, chart, sign, words
from reports.sections import ONLY_NEWEST, REPORTS, Report, Section, Words
from warehouse.settings import Settings
from warehouse.store import connect_published

FOLDER = Path(__file__).parent
QUERIES = FOLDER / "sql"
ASSETS = FOLDER / "assets"
INDEX = "index.html"
_TABLES = re.compile(r"\b(?:from|join) (\w+\.\w+)")
_NAMED = re.compile(r"\$(\w+)")

# The widest system that is loaded first.
INDUSTRY_SYSTEM = """
    select i.industry_system
    from core.dim_industry_member as i
    group by i.industry_system
    order by
        case i.industry_system when 'citic1' then 1 when 'shenwan1' then 2 else 3 end
    limit 1
"""


@dataclass(frozen=True)
class Filled:
    """A section with its answer.

    Attributes
    ----------
    reason : Words or None
        Why there is nothing to show.
    """

    section: Section
    rows: list[Row]
    reason: Words | None

    @property
    def groups(self) -> list[tuple[Words, list[Row]]]:
        """Rows by the section's group, in their order."""
        column = self.section.group_by
        if column is None:
            return []
        return [
            (key, list(rows))
            for key, rows in groupby(self.rows, lambda row: words(row, column))
        ]


@dataclass(frozen=True)
class Published:
    """What the queries ask: the open publication and the week."""

    connection: duckdb.DuckDBPyConnection
    week: date
    is_newest: bool
    industry_system: str | None
    tables: frozenset[str]
    loaded: frozenset[str]

    def fill(self, section: Section) -> Filled:
        """Ask the query of a section; what is not there is a reason, never an error."""
        path = QUERIES / f"{section.query or section.key}.sql"
        sql = path.read_text(encoding="utf-8")
        missing = sorted(set(_TABLES.findall(sql)) - self.tables)
        if section.is_of_all_data and not self.is_newest:
            return Filled(section, [], ONLY_NEWEST)
        try:
            rows = [] if missing else self._rows(sql, section.parameters)
        except duckdb.BinderException as error:
            lacking = str(error).splitlines()[0]
            return Filled(
                section,
                [],
                Words(
                    f"本次发布早于这一节：{lacking}。",
                    f"This publication is older than this section: {lacking}.",
                ),
            )
        absent = [name for name in section.inputs if name not in self.loaded]
        reason = None
        if not rows:
            reason = section.empty
            if absent:
                names = ", ".join(absent)
                reason = Words(f"未加载：{names}。", f"Not loaded: {names}.")
            elif missing:
                names = ", ".join(missing)
                reason = Words(
                    f"本次发布没有表 {names}。", f"This publication has no {names}."
                )
        return Filled(section, rows, reason)

    def _rows(self, sql: str, parameters: Mapping[str, Any]) -> list[Row]:
        known = {
            "week": self.week,
            "is_newest": self.is_newest,
            "industry_system": self.industry_system,
            **parameters,
        }
        return _ask(
            self.connection, sql, {name: known[name] for name in _NAMED.findall(sql)}
        )


def write_reports(
    settings: Settings,
    week: date | None = None,
    show: Callable[[str, int, int], None] | None = None,
) -> list[Path]:
    """Write the reports of one exchange week, and the start page over all.

    Parameters
    ----------
    settings : Settings
        Paths of the warehouse; the published file must exist.
    week : date, optional
        Last trading day of the week; the latest complete week if None.
    show : callable, optional
        Told what is written: name, number, of how many.

    Returns
    -------
    list of Path
        The start page, then the reports.

    Raises
    ------
    ValueError
        If the warehouse has no complete week, or none that ends on ``week``.
    StoreError
        Nothing has been published.
    """
    environment = _environment()
    settings.reports.mkdir(parents=True, exist_ok=True)
    paths = []
    with connect_published(settings) as connection:
        published = _published(connection, week)
        heading = _heading(connection, published)
        for done, report in enumerate(REPORTS, 1):
            if show:
                show(f"report {report.key}", done, len(REPORTS))
            page = environment.get_template("report.html").render(
                report=report,
                files=[(each, file_name(each, published.week)) for each in REPORTS],
                tabs=[
                    (tab, [published.fill(section) for section in tab.sections])
                    for tab in report.tabs
                ],
                **heading,
            )
            path = settings.reports / file_name(report, published.week)
            path.write_text(page, encoding="utf-8")
            paths.append(path)
    index = settings.reports / INDEX
    page = environment.get_template("index.html").render(
        weeks=_weeks(settings.reports), reports=REPORTS, file_name=file_name, **heading
    )
    index.write_text(page, encoding="utf-8")
    return [index, *paths]


def file_name(report: Report, week: date) -> str:
    """Return the name of a report's file."""
    return f"{report.key}_{week}.html" if report.is_weekly else f"{report.key}.html"


def _published(connection: duckdb.DuckDBPyConnection, week: date | None) -> Published:
    newest = _last_complete_week(connection, None)
    chosen = newest if week is None else _last_complete_week(connection, week)
    systems = connection.execute(INDUSTRY_SYSTEM).fetchone()
    tables = connection.execute(
        "select t.schema_name || '.' || t.table_name from duckdb_tables() as t"
    ).fetchall()
    loads = connection.execute(
        "select l.table_name from meta.meta_load as l where l.row_count_accepted > 0"
    ).fetchall()
    return Published(
        connection,
        chosen,
        chosen == newest,
        systems[0] if systems else None,
        frozenset(name for (name,) in tables),
        frozenset(name for (name,) in loads),
    )


def _last_complete_week(
    connection: duckdb.DuckDBPyConnection, week: date | None
) -> date:
    row = connection.execute(
        """
        select max(w.trade_week)
        from core.dim_trade_week as w
        where
            w.is_complete
            and w.trade_week = coalesce(cast($week as date), w.trade_week)
        """,
        {"week": week},
    ).fetchone()
    if row is None or row[0] is None:
        wanted = "complete exchange week" if week is None else f"week ending {week}"
        message = f"the published warehouse has no {wanted}; see lundong status"
        raise ValueError(message)
    chosen: date = row[0]
    return chosen


def _heading(
    connection: duckdb.DuckDBPyConnection, published: Published
) -> dict[str, Any]:
    publications = _ask(
        connection,
        """
        select p.publication_id, p.published_at, p.as_of_date
        from meta.meta_publication as p
        order by p.publication_id desc
        limit 1
        """,
        {},
    )
    made_up = connection.execute(
        "select 1 from meta.meta_load as l where l.source = 'sample' limit 1"
    ).fetchone()
    return {
        "week": published.week,
        "industry_system": published.industry_system,
        "publication": publications[0] if publications else None,
        "is_made_up": made_up is not None,
    }


def _weeks(folder: Path) -> list[tuple[date, list[Report]]]:
    """Return the weeks that have files, newest first, each with its reports."""
    found: dict[date, list[Report]] = {}
    for report in REPORTS:
        if not report.is_weekly:
            continue
        for path in folder.glob(f"{report.key}_????-??-??.html"):
            week = date.fromisoformat(path.stem.removeprefix(f"{report.key}_"))
            found.setdefault(week, []).append(report)
    return sorted(found.items(), key=lambda item: item[0], reverse=True)


def _ask(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any]
) -> list[Row]:
    cursor = connection.execute(sql, dict(parameters))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {
        "ensure_ascii": False,
        "separators": (",", ":"),
    }
    environment.globals |= {
        "words_of": words,
        "sign_of": sign,
        "chart_of": chart,
        "asset": lambda name: (ASSETS / name).read_text(encoding="utf-8"),
    }
    return environment
