"""The reports: self-contained HTML files made from the published warehouse.

Choosing the week, asking the queries, filling the templates and writing the files stand
here. Add a section in ``sections`` and its query in ``reports/sql``; keep arithmetic
out: a page prints what the published tables hold, rounded, nothing else.
"""

# ruff: noqa: RUF001 - Chinese has its own punctuation.

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined

from reports.charts import Row, chart, sign, words
from reports.reasons import reason_words
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


Cell = tuple[Words, str]


@dataclass(frozen=True)
class Filled:
    """A section with its answer, as it is printed and drawn.

    Attributes
    ----------
    rows : list of dict
        Rows of its query.
    cells : list of list of (Words, str)
        For each row the printed columns, each with the class of its colour.
    drawing : dict or None
        What ``report.js`` draws.
    last_date : date or None
        The day to which its numbers reach, where they go beyond the week.
    reason : Words or None
        Why there is nothing to show.
    """

    section: Section
    rows: list[Row] = field(default_factory=list)
    cells: list[list[Cell]] = field(default_factory=list)
    drawing: dict[str, Any] | None = None
    last_date: date | None = None
    reason: Words | None = None

    @property
    def fold_count(self) -> int:
        """Number of names of a section that shows the first and last of them."""
        if not self.section.is_folded:
            return 0
        drawing = self.drawing or {}
        names = drawing["y"]["values"] if "y" in drawing else self.rows
        return len(names) if len(names) > 12 else 0

    @property
    def groups(self) -> list[tuple[Words, list[tuple[Row, list[Cell]]]]]:
        """Rows with their cells by the section's group, in their order."""
        column = self.section.group_by
        if column is None:
            return []
        pairs = zip(self.rows, self.cells, strict=True)
        return [
            (key, list(group))
            for key, group in groupby(pairs, lambda pair: words(pair[0], column))
        ]


@dataclass(frozen=True)
class Published:
    """What the queries ask: the open publication and the week."""

    connection: duckdb.DuckDBPyConnection
    week: date
    newest: date
    industry_system: str | None
    tables: frozenset[str]
    loaded: frozenset[str]

    @property
    def is_newest(self) -> bool:
        """Whether the page is that of the newest complete week."""
        return self.week == self.newest

    def fill(self, section: Section) -> Filled:
        """Ask the query of a section; what is not there is a reason, never an error.

        A damaged table, or one of another version, costs the sections that read it.
        """
        if section.is_of_all_data and not self.is_newest:
            return Filled(section, reason=ONLY_NEWEST)
        path = QUERIES / f"{section.query or section.key}.sql"
        sql = path.read_text(encoding="utf-8")
        missing = sorted(set(_TABLES.findall(sql)) - self.tables)
        try:
            rows = [] if missing else self._rows(sql, section.parameters)
            if not rows:
                return Filled(section, reason=self._why_empty(section, missing))
            return Filled(
                section,
                rows,
                [
                    [
                        (words(row, column), sign(row, column))
                        for column in section.columns
                    ]
                    for row in rows
                ],
                chart(section, rows) if section.chart else None,
                max(row[section.last_date] for row in rows)
                if section.last_date
                else None,
            )
        except duckdb.BinderException as error:
            said = _first_line(error)
            reason = Words(
                f"本次发布早于这一节：{said}。",
                f"This publication is older than this section: {said}.",
            )
        except (
            duckdb.Error,
            ArithmeticError,
            LookupError,
            TypeError,
            ValueError,
        ) as error:
            said = _first_line(error)
            reason = Words(
                f"数据有误，无法生成：{said}。",
                f"Not made, as the data are damaged: {said}.",
            )
        return Filled(section, reason=reason)

    def _why_empty(self, section: Section, missing: list[str]) -> Words:
        absent = [name for name in section.inputs if name not in self.loaded]
        if absent:
            names = ", ".join(absent)
            return Words(f"未加载：{names}。", f"Not loaded: {names}.")
        if missing:
            names = ", ".join(missing)
            return Words(
                f"本次发布没有表 {names}。", f"This publication has no {names}."
            )
        return self._with_reasons(section) if section.why else section.empty

    def _with_reasons(self, section: Section) -> Words:
        """Return why a section is empty, and what lacks it for which reason."""
        sql = (QUERIES / f"{section.why}.sql").read_text(encoding="utf-8")
        lacking: dict[str, list[Words]] = {}
        for row in self._rows(sql, section.parameters):
            lacking.setdefault(row["unavailable_reason"], []).append(
                Words(row["name_cn"], row["name_en"])
            )
        said = [(names, reason_words(reason)) for reason, names in lacking.items()]
        return Words(
            section.empty.zh
            + "".join(
                f"{'、'.join(each.zh for each in names)}：{reason.zh}。"
                for names, reason in said
            ),
            section.empty.en
            + "".join(
                f" {', '.join(each.en for each in names)}: {reason.en}."
                for names, reason in said
            ),
        )

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
    *,
    last: int = 1,
) -> list[Path]:
    """Write the reports of exchange weeks, and the start page over all.

    Parameters
    ----------
    settings : Settings
        Paths of the warehouse; the published file must exist.
    week : date, optional
        Last trading day of the week; the latest complete week if None.
    show : callable, optional
        Told what is written: name, number, of how many.
    last : int
        Number of complete weeks up to that one; fewer where there are not so many.

    Returns
    -------
    list of Path
        The start page, then the reports, the newest week first; a report that is not
        weekly once.

    Raises
    ------
    ValueError
        If the warehouse has no complete week, or none that ends on ``week``.
    StoreError
        Nothing has been published.
    """
    environment = _environment()
    template = environment.get_template("report.html")
    pages = {}
    with connect_published(settings) as connection:
        published = _published(connection, week)
        heading = _heading(connection, published)
        wanted = [
            (replace(published, week=each), report)
            for each in _last_weeks(connection, published.week, last)
            for report in REPORTS
            # One page of a publication, linked with its newest week.
            if report.is_weekly or each == published.week
        ]
        for done, (asked, report) in enumerate(wanted, 1):
            name = file_name(report, asked.week)
            if show:
                show(f"report {name}", done, len(wanted))
            pages[name] = template.render(
                report=report,
                files=[(each, file_name(each, asked.week)) for each in REPORTS],
                tabs=[
                    (tab, [asked.fill(section) for section in tab.sections])
                    for tab in report.tabs
                ],
                week=asked.week,
                **heading,
            )
    settings.reports.mkdir(parents=True, exist_ok=True)
    paths = [_write(settings.reports / name, page) for name, page in pages.items()]
    index = environment.get_template("index.html").render(
        weeks=_weeks(settings.reports),
        week=published.newest,
        reports=REPORTS,
        file_name=file_name,
        **heading,
    )
    return [_write(settings.reports / INDEX, index), *paths]


def _write(path: Path, page: str) -> Path:
    """Write a page whole: a reader finds the former one or this."""
    partial = path.with_suffix(".partial")
    partial.write_text(page, encoding="utf-8")
    return partial.replace(path)


def _first_line(error: Exception) -> str:
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return line.rstrip(".")


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
        newest,
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


def _last_weeks(
    connection: duckdb.DuckDBPyConnection, week: date, count: int
) -> list[date]:
    """Return complete weeks up to one, the newest first."""
    return [
        each
        for (each,) in connection.execute(
            """
            select w.trade_week
            from core.dim_trade_week as w
            where w.is_complete and w.trade_week <= $week
            order by w.trade_week desc
            limit $count
            """,
            {"week": week, "count": count},
        ).fetchall()
    ]


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
        "asset": lambda name: (ASSETS / name).read_text(encoding="utf-8"),
    }
    return environment
