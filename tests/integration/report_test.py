"""The weekly reports print what the published tables hold."""

# ruff: noqa: RUF001 - Chinese has its own punctuation.

from __future__ import annotations

import csv
import json
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from benchmarks.real import measured_reports
from reports.reasons import reason_words
from reports.sections import LABELS, REPORTS, Bars, Column, Heat, Lines, Section
from reports.weekly import QUERIES, write_reports
from warehouse.settings import Settings
from warehouse.store import connect_published, quote_identifier

Ask = Callable[..., list[tuple[Any, ...]]]
RunLundong = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]

VOID = {"meta", "link", "br"}
MEGABYTE = 1_000_000
DAY = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class Table(HTMLParser):
    """Cells, texts and charts of a page by section, in one language.

    Attributes
    ----------
    cells : dict
        Section -> rows of printed cells, the heading first.
    text : dict
        Section -> all its text.
    chips : dict
        Section -> group, action and name of each member of its lists.
    """

    language: str
    cells: dict[str, list[list[str]]] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)
    chips: dict[str, list[list[str]]] = field(default_factory=dict)
    group: str = ""
    script: str = ""
    section: str = ""
    open: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the parser."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Enter an element."""
        values = dict(attrs)
        if tag not in VOID:
            self.open.append((tag, values))
        if tag == "section":
            self.section = values["id"] or ""
            self.cells[self.section] = []
            self.text[self.section] = ""
            self.chips[self.section] = []
        elif tag == "strong":
            self.group = ""
        elif tag == "li" and self.section:
            self.chips[self.section].append([self.group, values["class"] or "", ""])
        elif tag == "tr" and self.section:
            self.cells[self.section].append([])
        elif tag in ("td", "th") and self.section:
            self.cells[self.section][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        assert self.open.pop()[0] == tag, f"{tag} closes what is not open"
        if tag == "section":
            self.section = ""

    def handle_data(self, data: str) -> None:
        """Take a text, unless it is of the other language."""
        classes = {values.get("class") for _, values in self.open}
        if {"zh", "en"} - {self.language} & classes:
            return
        if any(values.get("id") == "charts" for _, values in self.open):
            self.script += data
        if not self.section:
            return
        self.text[self.section] += data
        if any(tag == "strong" for tag, _ in self.open):
            self.group += data
        if any(tag == "li" for tag, _ in self.open):
            self.chips[self.section][-1][-1] += data.strip()
        if any(tag in ("td", "th") for tag, _ in self.open):
            self.cells[self.section][-1][-1] += data.strip()

    @property
    def charts(self) -> dict[str, Any]:
        """What is drawn."""
        charts: dict[str, Any] = json.loads(self.script)
        return charts


def made(settings: Settings, folder: Path, week: date | None = None) -> list[Path]:
    """Write the reports outside the shared store."""
    folder.mkdir(parents=True, exist_ok=True)
    own = replace(settings, home=folder)
    (folder / "published").symlink_to(settings.published_path.parent)
    return write_reports(own, week)


@pytest.fixture(scope="module")
def pages(
    small_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Return the newest pages by report."""
    paths = made(small_settings, tmp_path_factory.mktemp("newest"))
    return {
        re.sub(r"_\d{4}-.*", "", path.stem): path.read_text(encoding="utf-8")
        for path in paths
    }


@pytest.fixture
def ask(small_settings: Settings) -> Ask:
    """Return a function that asks the published warehouse and closes it again."""

    def answer(sql: str, *values: object) -> list[tuple[Any, ...]]:
        with connect_published(small_settings) as connection:
            rows: list[tuple[Any, ...]] = connection.execute(sql, values).fetchall()
        return rows

    return answer


def read(page: str, language: str = "en") -> Table:
    """Read a page as a person of one language sees it."""
    table = Table(language)
    table.feed(page)
    assert not table.open, "an element is not closed"
    return table


def percent(value: float | None) -> str:
    """Print a decimal as the pages do."""
    return "—" if value is None else f"{100 * value:z,.2f}%"


def three(value: float | None) -> str:
    """Print a number as the pages do."""
    return "—" if value is None else f"{value:z,.3f}"


def rows_of(table: Table, section: str, *columns: str) -> list[tuple[str, ...]]:
    """Return columns of a section's table by their English headings."""
    heading, *rows = table.cells[section]
    places = [heading.index(column) for column in columns]
    return [tuple(row[place] for place in places) for row in rows]


def newest(ask: Ask) -> date:
    """Return the newest complete week."""
    week: date = ask(
        "select max(trade_week) from core.dim_trade_week where is_complete"
    )[0][0]
    return week


def two(value: float | None) -> str:
    """Print a number of two digits as the pages do."""
    return "—" if value is None else f"{value:z,.2f}"


def hundred_million(value: float | None) -> str:
    """Print an amount in CNY as the pages do."""
    return "—" if value is None else f"{value / 1e8:z,.2f}"


def whole(value: float | None) -> str:
    """Print a count as the pages do."""
    return "—" if value is None else f"{value:,.0f}"


def plain(value: object) -> str:
    """Print a text, a day or a time as the pages do."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "—" if value is None else str(value)


def said(value: object) -> str:
    """Print a code in words; a code without them is an error."""
    return "—" if value is None else LABELS[str(value)].en


SHOWN: dict[str, Callable[[Any], str]] = {
    "percent": percent,
    "number": three,
    "short": two,
    "money": hundred_million,
    "count": whole,
    "text": plain,
    "date": plain,
    "label": said,
    "reason": plain,
}


@dataclass(frozen=True)
class Answer:
    """What a section asks the published file, as rows and as the page must show it."""

    section: Section
    rows: list[dict[str, Any]]

    def cell(self, row: dict[str, Any], column: Column) -> str:
        """Print a value in English."""
        if column.format == "name":
            name = plain(row[f"{column.name}_en"])
            return LABELS[name].en if name in LABELS else name
        if column.name == "index_name":
            # The source's name; only our own index has a code here.
            code = row["index_name"]
            return LABELS[code].en if code in LABELS else str(code)
        return SHOWN[column.format](row[column.name])

    def drawn(self, row: dict[str, Any], column: Column) -> float | None:
        """Return a value as it is drawn."""
        return as_number(self.cell(row, column))

    @property
    def points(self) -> list[tuple[Any, ...]]:
        """Every drawn number with its place, as in ``points``."""
        match self.section.chart:
            case Bars(category, values):
                return [
                    (value.words.en, self.cell(row, category), self.drawn(row, value))
                    for row in self.rows
                    for value in values
                ]
            case Heat(x, y, value):
                return [
                    (self.cell(row, x), self.cell(row, y), self.drawn(row, value))
                    for row in self.rows
                ]
            case Lines(day, upper, lower, series):
                return [
                    (
                        panel,
                        self.cell(row, series) if series else value.words.en,
                        str(row[day]),
                        self.drawn(row, value),
                    )
                    for row in self.rows
                    for panel, values in enumerate((upper, lower))
                    for value in values
                    if row[value.name] is not None
                ]
        return []


def as_number(cell: str) -> float | None:
    """Read a printed number."""
    return None if cell == "—" else float(cell.rstrip("%").replace(",", ""))


def points(chart: dict[str, Any] | None) -> list[tuple[Any, ...]]:
    """Return every drawn number of a chart with its place, in English."""
    match chart:
        case {"kind": "bars"}:
            return [
                (series["name"][1], category[1], value)
                for series in chart["series"]
                for category, value in zip(
                    chart["categories"], series["values"], strict=True
                )
            ]
        case {"kind": "heat"}:
            across, down = chart["x"]["values"], chart["y"]["values"]
            return [(across[x][1], down[y][1], value) for x, y, value in chart["cells"]]
        case {"kind": "lines"}:
            return [
                (panel, curve["name"][1], day, value)
                for panel, curves in enumerate(chart["panels"])
                for curve in curves
                for day, value in zip(chart["dates"], curve["values"], strict=True)
                if value is not None
            ]
    return []


def answer(settings: Settings, section: Section, week: date) -> Answer:
    """Ask the query of a section as the newest week's page does."""
    sql = query_of(section.key)
    known = {
        "week": week,
        "is_newest": True,
        "industry_system": "citic1",
        **section.parameters,
    }
    values = {name: known[name] for name in set(re.findall(r"\$(\w+)", sql))}
    with connect_published(settings) as connection:
        cursor = connection.execute(sql, values)
        names = [column[0] for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return Answer(section, rows)


def sections() -> list[Section]:
    """Return every section of every report."""
    return [
        section for report in REPORTS for tab in report.tabs for section in tab.sections
    ]


def query_of(key: str) -> str:
    """Return the SQL of a section."""
    (section,) = (section for section in sections() if section.key == key)
    return (QUERIES / f"{section.query or section.key}.sql").read_text(encoding="utf-8")


def report_of(key: str) -> str:
    """Return the report that has a section."""
    (report,) = (
        report.key
        for report in REPORTS
        for tab in report.tabs
        if key in {section.key for section in tab.sections}
    )
    return report


# Without rows on the small market: it has no fault, no published figure, too few stocks
# for layers of an index, and in its last week no limit-up and no change of members.
EMPTY = {
    *("limit_up_industry", "microcap_member"),
    *("rejected", "failed_check", "reconciliation"),
    *("factor_layer_csi300", "factor_layer_csi500", "factor_layer_csi1000"),
}


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.key)
def test_a_section_shows_all_that_its_query_gives(
    section: Section, pages: dict[str, str], small_settings: Settings, ask: Ask
) -> None:
    """Every cell, name and drawn point, rounded here; or the reason, and nothing."""
    asked = answer(small_settings, section, newest(ask))
    page = read(pages[report_of(section.key)])
    cells, chips = page.cells[section.key], page.chips[section.key]
    chart = page.charts.get(section.key)
    assert bool(asked.rows) == (section.key not in EMPTY)
    if not asked.rows:
        assert (cells, chips, chart) == ([], [], None)
        assert section.empty.en in page.text[section.key]
        return
    if section.group_by:
        assert chips == [
            [
                asked.cell(row, section.group_by),
                row["action"],
                asked.cell(row, section.columns[0]),
            ]
            for row in asked.rows
        ]
    elif section.columns:
        assert cells == [
            [column.words.en for column in section.columns],
            *(
                [asked.cell(row, column) for column in section.columns]
                for row in asked.rows
            ),
        ]
    assert bool(section.chart) == bool(chart)
    assert Counter(points(chart)) == Counter(asked.points)
    if section.last_date:
        last = max(row[section.last_date] for row in asked.rows)
        assert f"Figures to {last}." in page.text[section.key]


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.key)
def test_no_column_is_asked_in_vain(section: Section, small_settings: Settings) -> None:
    """Whatever a query gives is printed, drawn, or tells the page how to print."""
    sql = query_of(section.key)
    values = dict.fromkeys(re.findall(r"\$(\w+)", sql))
    with connect_published(small_settings) as connection:
        given = {column[0] for column in connection.execute(sql, values).description}
    shown = list(section.columns)
    match section.chart:
        case Bars(category, drawn):
            shown += [category, *drawn]
        case Heat(x, y, value, _, overlays):
            shown += [x, y, value, *overlays]
        case Lines(_, upper, lower, series, marks):
            shown += [*upper, *lower, *marks, *([series] if series else [])]
    names = {section.last_date, "is_microcap"}
    if isinstance(section.chart, Lines):
        names.add(section.chart.date)
    if section.group_by:
        shown.append(section.group_by)
        names |= {"signal_date", "execution_date", "action"}
    for column in shown:
        names |= (
            {f"{column.name}_cn", f"{column.name}_en"}
            if column.format == "name"
            else {column.name}
        )
    assert given <= names


@dataclass(frozen=True)
class Printed:
    """A table of a report: its headings, how each is printed, and the same from SQL."""

    section: str
    headings: dict[str, Callable[[Any], str]]
    sql: str


@dataclass(frozen=True)
class Drawn:
    """A chart of a report, and its points from SQL: place, then the drawn number."""

    section: str
    show: Callable[[Any], str]
    sql: str


@dataclass(frozen=True)
class Listed:
    """Lists of a report, and group, action and name of their members from SQL."""

    section: str
    sql: str


# Which strategies a tab shows, by what they are and not by their codes.
INDUSTRY_STRATEGIES = "asset_type = 'industry'"
LOW_VOLATILITY_STRATEGIES = "score_source = 'low_volatility'"
MODEL_STRATEGIES = (
    "score_source in ('enhancement', 'model_score', 'text_composite', 'text_score')"
)
TEXT_STRATEGIES = "score_source in ('text_composite', 'text_score')"
STRATEGY_TABS = (
    ("strategy_week", "strategy_year", "strategy_performance", INDUSTRY_STRATEGIES),
    (
        "low_volatility_week",
        "low_volatility_year",
        "low_volatility_performance",
        LOW_VOLATILITY_STRATEGIES,
    ),
    (
        "model_strategy_week",
        "model_strategy_year",
        "model_strategy_performance",
        MODEL_STRATEGIES,
    ),
)
FLOW = {
    "Inflow": hundred_million,
    "Return": percent,
    "Assets before": hundred_million,
    "Assets": hundred_million,
}
IN_WEEK = """
    inner join core.dim_trade_week as w on trade_date between w.first_day and w.last_day
    where w.trade_week = $week
"""
TWELVE_WEEKS = """(
    select max(trade_week) from (
        select trade_week from core.dim_trade_week where trade_week <= $week
        order by trade_week desc limit 1 offset 11
    )
)"""
PRINTED = [
    Printed(
        "absent",
        {"Kind": str, "Reason": str},
        """
        select 'strategy', unavailable_reason from core.dim_strategy
        where unavailable_reason is not null
        union all
        select 'factor', unavailable_reason from core.dim_factor
        where unavailable_reason is not null
        union all
        select 'universe', unavailable_reason from factors.dim_factor_universe
        where unavailable_reason is not null
        """,
    ),
    Printed(
        "diffusion_top_bottom",
        {"Side": str, "Rank": whole, "Industry": str, "Diffusion index": three},
        """
        with ranked as (
            select *, count(diffusion_rank) over () as ranked_count
            from diffusion.fct_diffusion_index_weekly
            join core.dim_industry using (industry_system, industry_code)
            where variant = 'default' and industry_system = 'citic1'
                and trade_week = $week
        )
        select if(diffusion_rank <= 6, 'top', 'bottom'), diffusion_rank, name_en,
            diffusion_index
        from ranked
        where diffusion_rank <= 6 or diffusion_rank > ranked_count - 6
        """,
    ),
    Printed(
        "industry_ranking",
        {
            "Rank": whole,
            "Industry": str,
            "Diffusion index": three,
            "Change": three,
            "Return": percent,
            "Equal weight": percent,
            "Members": whole,
            "Excluded": whole,
        },
        """
        select d.diffusion_rank, i.name_en, d.diffusion_index, d.change,
            r.float_cap_return, r.equal_weight_return, d.member_count, d.excluded_count
        from diffusion.fct_diffusion_index_weekly as d
        join core.dim_industry as i using (industry_system, industry_code)
        left join industry.fct_industry_return_weekly as r
            using (industry_system, industry_code, trade_week)
        where d.variant = 'default' and d.industry_system = 'citic1'
            and d.trade_week = $week
        """,
    ),
    Printed(
        "industry_return",
        {
            "Industry": str,
            "Float cap": percent,
            "Equal weight": percent,
            "Overnight": percent,
            "Intraday": percent,
        },
        """
        select name_en, float_cap_return, equal_weight_return, overnight_return,
            intraday_return
        from industry.fct_industry_return_weekly
        join core.dim_industry using (industry_system, industry_code)
        where trade_week = $week and industry_system = 'citic1'
            and float_cap_return is not null
        """,
    ),
    Printed(
        "etf_class_flow",
        {"Class": said, **FLOW, "Funds": whole, "Known": str},
        """
        select etf_class, net_inflow_cny, weekly_return, assets_previous_cny,
            assets_cny, fund_count, known_date
        from flows.fct_etf_flow_class_weekly where trade_week = $week
        """,
    ),
    Printed(
        "etf_flow",
        {"Side": str, "Fund": str, "Code": str, **FLOW, "Known": str},
        """
        with flow as (
            select name, etf_code, net_inflow_cny, weekly_return, assets_previous_cny,
                assets_cny, f.known_date
            from flows.fct_etf_flow_weekly as f
            join flows.dim_etf using (etf_code)
            where trade_week = $week
        )
        (
            select 'inflow', * from flow where net_inflow_cny > 0
            order by net_inflow_cny desc limit 5
        )
        union all
        (
            select 'outflow', * from flow where net_inflow_cny < 0
            order by net_inflow_cny limit 5
        )
        """,
    ),
    Printed(
        "margin_flow",
        {
            "Industry": str,
            "Change": hundred_million,
            "Balance": hundred_million,
            "Securities": whole,
        },
        """
        select name_en, financing_balance_change_cny, financing_balance_cny,
            security_count
        from flows.fct_margin_flow_weekly
        join core.dim_industry using (industry_system, industry_code)
        where trade_week = $week and industry_system = 'citic1'
        """,
    ),
    Printed(
        "limit_up_ladder",
        {
            "Day": str,
            "Up": whole,
            "Down": whole,
            "Longest run": whole,
            "1st day": whole,
            "2nd": whole,
            "3rd": whole,
            "Later": whole,
        },
        f"""
        select trade_date, limit_up_count, limit_down_count, longest_run,
            first_day_count, second_day_count, third_day_count, later_day_count
        from flows.fct_limit_up_daily {IN_WEEK}
            and industry_code = 'all' and industry_system = 'citic1'
        """,
    ),
    Printed(
        "industry_score",
        {"Model": str, "Rank": whole, "Industry": str, "Score": three, "z": two},
        """
        with ranked as (
            select f.name_en as model, s.score_rank, i.name_en, s.score, s.z_score,
                max(s.score_rank) over (partition by s.model_code) as last_rank
            from scores.fct_industry_score_weekly as s
            join core.dim_industry as i using (industry_system, industry_code)
            join core.dim_factor as f on s.model_code = f.factor_code
            where trade_week = $week
                and (
                    s.model_code = 'fused' and industry_system = 'pool32'
                    or s.model_code in (
                        'gru_barra5d', 'gru_barra1d', 'gru_close1d', 'gru_open1d',
                        'gru_low_frequency'
                    ) and industry_system = 'citic1'
                )
        )
        select model, score_rank, name_en, score, z_score from ranked
        where score_rank <= 6 or score_rank > last_rank - 6
        """,
    ),
    *(
        Printed(
            week_section,
            {
                "Strategy": str,
                "Week": percent,
                "Benchmark": percent,
                "Excess": percent,
                "MTD": percent,
                "MTD excess": percent,
                "YTD": percent,
                "YTD excess": percent,
                "Turnover": percent,
            },
            f"""
            select name_en, strategy_return, benchmark_return, excess_return,
                month_to_date_return, month_to_date_excess_return, year_to_date_return,
                year_to_date_excess_return, turnover
            from rotation.fct_rotation_return_weekly
            join core.dim_strategy using (strategy_code)
            where trade_week = $week and {chosen}
            """,
        )
        for week_section, _, _, chosen in STRATEGY_TABS
    ),
    *(
        Printed(
            performance_section,
            {
                "Strategy": str,
                "From": str,
                "Annualised": percent,
                "Benchmark": percent,
                "Excess": percent,
                "Volatility": percent,
                "Sharpe": two,
                "Excess Sharpe": two,
                "Drawdown": percent,
                "Excess drawdown": percent,
                "Calmar": two,
                "Win rate": percent,
                "Turnover a year": two,
            },
            f"""
            select name_en, first_date, annualised_return, annualised_benchmark_return,
                annualised_excess, volatility, sharpe, excess_sharpe, max_drawdown,
                max_drawdown_of_excess, calmar, win_rate, annual_turnover
            from rotation.fct_rotation_performance
            join core.dim_strategy using (strategy_code)
            where period = 'all' and {chosen}
            """,
        )
        for _, _, performance_section, chosen in STRATEGY_TABS
    ),
    Printed(
        "index_rank",
        {"Rank": whole, "Index": str, "Week": percent, "MTD": percent, "YTD": percent},
        """
        select return_rank,
            if(index_code = 'microcap400', 'Micro-cap 400', index_name),
            weekly_return, month_to_date_return, year_to_date_return
        from microcap.fct_index_rank_weekly where trade_week = $week
        """,
    ),
    Printed(
        "microcap_days",
        {
            "Day": str,
            "Level": two,
            "Return": percent,
            "After cost": percent,
            "Tradable": percent,
            "Unfillable": percent,
            "In": whole,
            "Out": whole,
        },
        f"""
        select trade_date, index_level, index_return, net_return, tradable_return,
            unfillable_share, new_member_count, left_member_count
        from microcap.fct_microcap_index_daily {IN_WEEK} and index_code = 'microcap400'
        """,
    ),
    Printed(
        "size_group",
        {
            "Group (1 smallest)": whole,
            "Share of turnover": percent,
            "Value, 100m": hundred_million,
            "Stocks": whole,
            "Lowest cap": hundred_million,
        },
        """
        select size_group, turnover_share, traded_value_cny, stock_count, lowest_cap_cny
        from microcap.fct_size_group_turnover_weekly where trade_week = $week
        """,
    ),
    Printed(
        "signal_outlook",
        {
            "Method": said,
            "In the index": said,
            "Price ratio in 10 days": two,
            "Days to signal": whole,
            "Action": said,
            "Why none": said,
        },
        """
        select method, is_full, price_ratio, days_to_signal, action, null_reason
        from microcap.fct_signal_outlook
        where index_code = 'microcap400' and trade_date = $week
            and cast(round(100 * price_ratio) as integer) in (90, 95, 100, 105, 110)
        """,
    ),
    Printed(
        "microcap_signal",
        {"Day": str, "Method": said, "Action": said, "Diffusion index": three},
        """
        select trade_date, method, action, diffusion_index
        from microcap.fct_microcap_signal as s where index_code = 'microcap400'
            and 7 > (
                select count(*) from microcap.fct_microcap_signal as later
                where later.index_code = s.index_code and later.method = s.method
                    and later.trade_date > s.trade_date
            )
        """,
    ),
    Printed(
        "timing_performance",
        {
            "Period": said,
            "Method": said,
            "Variant": said,
            "Return": percent,
            "Sharpe": two,
            "Drawdown": percent,
            "Switches": whole,
        },
        """
        select period, method, variant, total_return, sharpe, max_drawdown,
            rebalance_count
        from microcap.fct_microcap_timing_performance
        where index_code = 'microcap400'
            and period in ('week', 'month_to_date', 'year_to_date', 'all')
        """,
    ),
    Printed(
        "microcap_factor_ic",
        {
            "Rank": whole,
            "Factor": str,
            "Rank IC": three,
            "Tradable": three,
            "Mean so far": three,
            "ICIR": two,
            "t value": two,
        },
        """
        select ic_rank, name_en, rank_ic, tradable_rank_ic, historical_mean_ic, icir,
            t_value
        from microcap.fct_microcap_factor_ic_weekly
        join core.dim_factor using (factor_code)
        where trade_week = $week and rank_ic is not null
        """,
    ),
    *(
        Printed(
            f"calendar_{effect}",
            {
                "": said,
                "Mean return": percent,
                "Win rate": percent,
                "Mean excess": percent,
                "Count": whole,
            },
            f"""
            select effect || '_' || bucket, mean_return, win_rate, mean_excess_return,
                observation_count
            from microcap.fct_calendar_effect
            where index_code = 'microcap400' and effect = '{effect}'
            """,
        )
        for effect in ("weekday", "month")
    ),
    Printed(
        "factor_ic",
        {
            "Factor": str,
            "All": three,
            "CSI 300": three,
            "CSI 500": three,
            "CSI 1000": three,
            "Micro-cap": three,
        },
        """
        pivot (
            select name_en, universe, rank_ic from factors.fct_factor_ic_weekly
            join core.dim_factor using (factor_code) where trade_week = $week
        )
        on universe in ('all', 'csi300', 'csi500', 'csi1000', 'microcap')
        using max(rank_ic)
        """,
    ),
    Printed(
        "factor_ic_summary",
        {"Factor": str, "Mean": three, "ICIR": two, "t value": two, "Weeks": whole},
        """
        select name_en, mean, icir, t_value, week_count
        from factors.fct_factor_ic_summary join core.dim_factor using (factor_code)
        where universe = 'all' and period = 'all' and mean is not null
        """,
    ),
    Printed(
        "factor_long_short",
        {
            "Factor": str,
            "Paper": percent,
            "Tradable": percent,
            "Long unfilled": percent,
            "Short unfilled": percent,
            "Turnover": percent,
        },
        """
        select name_en, paper_return, tradable_return, long_unfillable_share,
            short_unfillable_share, turnover
        from factors.fct_factor_long_short_weekly join core.dim_factor
            using (factor_code)
        where universe = 'all' and trade_week = $week and paper_return is not null
        """,
    ),
    Printed(
        "factor_long_short_universe",
        {
            "Factor": str,
            "All": percent,
            "CSI 300": percent,
            "CSI 500": percent,
            "CSI 1000": percent,
            "Micro-cap": percent,
        },
        """
        from (pivot (
            select name_en, universe, paper_return
            from factors.fct_factor_long_short_weekly
            join core.dim_factor using (factor_code) where trade_week = $week
        )
        on universe in ('all', 'csi300', 'csi500', 'csi1000', 'microcap')
        using max(paper_return))
        where coalesce("all", csi300, csi500, csi1000, microcap) is not null
        """,
    ),
    Printed(
        "factor_long_short_to_date",
        {"Factor": str, "All MTD": percent, "All YTD": percent},
        """
        select name_en,
            round(sum(paper_return) filter (
                where date_trunc('month', trade_week) = date_trunc('month', $week)
            ), 6),
            round(sum(paper_return), 6)
        from factors.fct_factor_long_short_weekly
        join core.dim_factor using (factor_code)
        where universe = 'all' and year(trade_week) = year($week)
        group by name_en having count(paper_return) > 0
        """,
    ),
    Printed(
        "model_ic",
        {"Model": str, "Week of score": str, "Rank IC": three, "Stocks": whole},
        """
        select name_en, trade_week, rank_ic, m.stock_count
        from scores.fct_model_ic_weekly as m
        join core.dim_factor on model_code = factor_code
        where (model_code, trade_week) in (
            select (model_code, max(trade_week)) from scores.fct_model_ic_weekly
            where known_date <= $week and rank_ic is not null group by model_code
        )
        """,
    ),
    Printed(
        "model_ic_summary",
        {"Model": str, "Mean": three, "ICIR": two, "t value": two, "Weeks": whole},
        """
        select f.name_en, mean, icir, t_value, week_count
        from scores.fct_model_ic_summary
        join core.dim_factor as f on model_code = f.factor_code
        where period = 'all'
        """,
    ),
    Printed(
        "score_correlation",
        {"Model": str, "Other model": str, "Correlation": two, "Stocks": whole},
        """
        select a.name_en, b.name_en, correlation, c.stock_count
        from scores.fct_score_correlation_weekly as c
        join core.dim_factor as a on c.model_code = a.factor_code
        join core.dim_factor as b on c.other_model_code = b.factor_code
        where trade_week = $week and correlation is not null
        """,
    ),
    Printed(
        "index_score",
        {"Class": said, "Rank": whole, "Index": str, "Score": three, "z": two},
        """
        select index_class, score_rank, index_name, score, z_score
        from scores.fct_index_score_weekly
        where model_code = 'fused' and trade_week = $week and score_rank <= 10
        """,
    ),
    Printed(
        "text_score",
        {"Known": str, "Stock": str, "Broker": plain, "Score": three, "Corpus to": str},
        """
        select known_date, security_code, broker, score, corpus_cutoff_date
        from scores.fct_text_score
        join core.dim_trade_week on known_date between first_day and last_day
        where trade_week = $week and score is not null
        """,
    ),
    Printed(
        "text_factor",
        {"Month end": str, "Rank": whole, "Stock": str, "Text factor": three},
        """
        select trade_month_end, text_rank, security_code, text_score
        from scores.fct_text_factor_monthly
        where text_rank <= 25 and trade_month_end = (
            select max(trade_month_end) from scores.fct_text_factor_monthly
            where trade_month_end <= $week
        )
        """,
    ),
    Printed(
        "text_calibration",
        {
            "Encoder": str,
            "Year": str,
            "Class": said,
            "Reports": whole,
            "Mean probability": percent,
            "Actual share": percent,
        },
        """
        select encoder_code, year, class, report_count, mean_probability, actual_share
        from scores.fct_text_calibration where last_label_date <= $week
        """,
    ),
    Printed(
        "loaded",
        {"Raw table": str, "Accepted": whole, "Rejected": whole, "From": plain},
        """
        select table_name, sum(row_count_accepted), sum(row_count_rejected),
            min(first_date)
        from meta.meta_load group by table_name
        """,
    ),
    Printed(
        # No ticks are made up for the small market.
        "not_loaded",
        {"Raw table": str},
        "select unnest(['order_tick', 'trade_tick'])",
    ),
    Printed(
        "publication",
        {"Number": whole, "Time": plain, "Data to": str, "Content hash": str},
        """
        select publication_id, published_at, as_of_date, content_hash[:12]
        from meta.meta_publication
        """,
    ),
    Printed(
        "check_count",
        {"Severity": said, "Result": said, "Count": whole},
        """
        select 'severity_' || severity, status, count(*) from meta.meta_check_result
        group by all
        """,
    ),
    Printed(
        "ledger",
        {
            "Strategy": str,
            "Annualised": percent,
            "Excess": percent,
            "No waiting for the open": percent,
            "No price limits": percent,
            "No suspensions": percent,
            "With ST": percent,
            "No delistings": percent,
            "No cost": percent,
        },
        """
        with rule as (
            select l.*, case
                when kind = 'strategy' then s.name_en
                when strategy_code = 'microcap400' then 'Micro-cap 400'
                when strategy_code = 'all:' || factor_code || ':1'
                    then f.name_en || ', layer 1'
                else f.name_en || ', layer 10'
            end as name
            from rotation.fct_rule_ledger as l
            left join core.dim_strategy as s using (strategy_code)
            left join core.dim_factor as f
                on kind = 'layer' and strategy_code like 'all:' || factor_code || ':%'
            where period = 'all'
        )
        select whole.name, whole.annualised_return, whole.annualised_excess,
            o.difference, l.difference, s.difference, t.difference, d.difference,
            c.difference
        from rule as whole
        left join rule as o on o.kind = whole.kind
            and o.strategy_code = whole.strategy_code and o.rule_off = 'next_open'
        left join rule as l on l.kind = whole.kind
            and l.strategy_code = whole.strategy_code and l.rule_off = 'limits'
        left join rule as s on s.kind = whole.kind
            and s.strategy_code = whole.strategy_code and s.rule_off = 'suspension'
        left join rule as t on t.kind = whole.kind
            and t.strategy_code = whole.strategy_code and t.rule_off = 'st'
        left join rule as d on d.kind = whole.kind
            and d.strategy_code = whole.strategy_code and d.rule_off = 'delisting'
        left join rule as c on c.kind = whole.kind
            and c.strategy_code = whole.strategy_code and c.rule_off = 'cost'
        where whole.rule_off = 'none'
        """,
    ),
    Printed(
        "model",
        {"Model": str, "Scores from": plain, "To": plain, "Available": said},
        """
        select name_en, first_trade_week, last_trade_week, is_available
        from core.dim_model
        """,
    ),
    Printed(
        "model_run",
        {
            "Model": str,
            "Trained to": str,
            "Labels end": str,
            "First scored": str,
            "Valid IC": three,
        },
        """
        select name_en, train_last_date, max_label_end_date, first_scored_date, valid_ic
        from meta.meta_model_run join core.dim_model using (model_code)
        """,
    ),
    Printed(
        "not_compared",
        {"System": said, "Figures": whole},
        """
        select system, count(*) from meta.meta_reconciliation
        where status = 'not_comparable'
        group by system, if(reason like 'date not loaded%', 'date', reason)
        """,
    ),
]
DRAWN = [
    Drawn(
        "diffusion_heat_map",
        two,
        f"""
        select cast(trade_week as varchar), name_en, diffusion_index
        from diffusion.fct_diffusion_index_weekly
        join core.dim_industry using (industry_system, industry_code)
        where variant = 'default' and industry_system = 'citic1'
            and diffusion_index is not null
            and trade_week between {TWELVE_WEEKS} and $week
        """,
    ),
    Drawn(
        "industry_score_heat_map",
        two,
        """
        select f.name_en, i.name_en, z_score
        from scores.fct_industry_score_weekly as s
        join core.dim_industry as i using (industry_system, industry_code)
        join core.dim_factor as f on s.model_code = f.factor_code
        where trade_week = $week and industry_system = 'citic1'
            and z_score is not null
        """,
    ),
    *(
        Drawn(
            year_section,
            percent,
            f"""
            select period, name_en, excess_return from rotation.fct_rotation_performance
            join core.dim_strategy using (strategy_code)
            where try_cast(period as integer) is not null and {chosen}
            """,
        )
        for _, year_section, _, chosen in STRATEGY_TABS
    ),
    Drawn(
        "margin_market",
        hundred_million,
        """
        with shown as (
            select * from flows.fct_margin_flow_weekly
            where industry_system = 'citic1' and industry_code = 'all'
            order by trade_week desc limit 52
        )
        select 0, if(balance_source = 'reported', 'reported total', '?'),
            cast(trade_week as varchar), financing_balance_cny from shown
        union all
        select 1, if(balance_source = 'reported', 'reported total', '?'),
            cast(trade_week as varchar), financing_balance_change_cny from shown
        """,
    ),
    Drawn(
        "microcap_level",
        two,
        """
        with level as (
            select * from microcap.fct_microcap_index_daily
            where index_code = 'microcap400' and trade_date <= $week
                and index_level is not null
        ),
        curve as (
            select 'Daily, paper' as name, trade_date, index_level as level from level
            union all select 'Tradable', trade_date, tradable_level from level
            union all select 'Monthly', trade_date, monthly_rebalanced_level from level
        )
        select 0, name, cast(trade_date as varchar), level
        from curve where level is not null
        """,
    ),
    Drawn(
        "microcap_diffusion",
        three,
        """
        with day as (
            select * from microcap.fct_microcap_diffusion_daily
            where index_code = 'microcap400' and trade_date <= $week
                and diffusion_index is not null
        ),
        curve as (
            select 'Diffusion index' as name, trade_date, diffusion_index as value
            from day
            union all select 'Average of 10 days', trade_date, fast_average from day
            union all select 'Average of 26 days', trade_date, slow_average from day
        )
        select 0, name, cast(trade_date as varchar), value
        from curve where value is not null
        """,
    ),
    Drawn(
        "factor_ic_heat_map",
        two,
        f"""
        select cast(trade_week as varchar), name_en, rank_ic
        from factors.fct_factor_ic_weekly join core.dim_factor using (factor_code)
        where universe = 'all' and rank_ic is not null
            and trade_week between {TWELVE_WEEKS} and $week
        """,
    ),
    Drawn(
        "factor_decay",
        two,
        """
        select cast(horizon_weeks as varchar), name_en, mean
        from factors.fct_factor_ic_decay join core.dim_factor using (factor_code)
        where universe = 'all' and mean is not null
        """,
    ),
    *(
        Drawn(
            f"factor_layer_{period}",
            percent,
            f"""
            select cast(layer as varchar), name_en, sum(paper_return)
            from factors.fct_factor_layer_return_weekly
            join core.dim_factor using (factor_code)
            where universe = 'all'
                and date_trunc('{period}', trade_week) = date_trunc('{period}', $week)
            group by name_en, layer having count(paper_return) > 0
            """,
        )
        for period in ("month", "year")
    ),
    Drawn(
        "factor_layer",
        percent,
        """
        select cast(layer as varchar), name_en, paper_return
        from factors.fct_factor_layer_return_weekly
        join core.dim_factor using (factor_code)
        where universe = 'all' and trade_week = $week and paper_return is not null
        """,
    ),
]
# The newest list of each strategy.
NEWEST_LIST = """
    from rotation.fct_rotation_holding as h
    join core.dim_strategy as s using (strategy_code)
    left join core.dim_industry as i
        on i.industry_code = asset_code and i.industry_system = s.industry_system
    left join core.dim_security as x on x.security_code = asset_code
    where (strategy_code, signal_date) in (
        select (strategy_code, max(signal_date)) from rotation.fct_rotation_holding
        where signal_date <= $week group by strategy_code
    )
"""
LISTED = [
    *(
        Listed(
            key,
            f"""
            select s.name_en, action, coalesce(i.name_en, x.name) {NEWEST_LIST}
                and {chosen}
            """,
        )
        for key, chosen in (
            ("holding", INDUSTRY_STRATEGIES),
            ("low_volatility_holding", LOW_VOLATILITY_STRATEGIES),
            ("text_holding", TEXT_STRATEGIES),
        )
    ),
    Listed(
        "index_holding",
        f"""
        select s.name_en, action, (
            select any_value(index_name) from scores.fct_index_score_weekly
            where index_code = asset_code
        ) {NEWEST_LIST} and s.asset_type = 'index'
        """,
    ),
]
# Compared with a walk over the daily returns, and with what was written into a copy.
WALKED = {
    *("net_value", "low_volatility_net_value", "model_net_value", "timing_net_value"),
    "critical_grid",
}


def asked_by_hand(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    """Answer a query of this file for the newest week."""
    with connect_published(settings) as connection:
        ((week,),) = connection.execute(
            "select max(trade_week) from core.dim_trade_week where is_complete"
        ).fetchall()
        values = {"week": week} if "$week" in sql else {}
        rows: list[tuple[Any, ...]] = connection.execute(sql, values).fetchall()
    assert rows
    return rows


@pytest.mark.parametrize("printed", PRINTED, ids=lambda printed: printed.section)
def test_a_table_equals_the_warehouse(
    printed: Printed, pages: dict[str, str], small_settings: Settings
) -> None:
    """Every row, to the printed digit, by SQL that is not the report's own."""
    page = read(pages[report_of(printed.section)])
    found = rows_of(page, printed.section, *printed.headings)
    assert Counter(found) == Counter(
        tuple(
            show(value)
            for show, value in zip(printed.headings.values(), row, strict=True)
        )
        for row in asked_by_hand(small_settings, printed.sql)
    )


@pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.section)
def test_a_chart_equals_the_warehouse(
    drawn: Drawn, pages: dict[str, str], small_settings: Settings
) -> None:
    """Every point, to the printed digit, by SQL that is not the report's own."""
    chart = read(pages[report_of(drawn.section)]).charts[drawn.section]
    assert Counter(points(chart)) == Counter(
        (*place, as_number(drawn.show(value)))
        for *place, value in asked_by_hand(small_settings, drawn.sql)
    )


@pytest.mark.parametrize("listed", LISTED, ids=lambda listed: listed.section)
def test_a_list_equals_the_warehouse(
    listed: Listed, pages: dict[str, str], small_settings: Settings
) -> None:
    """Every member with its in and out, by SQL that is not the report's own."""
    found = read(pages[report_of(listed.section)]).chips[listed.section]
    expected = asked_by_hand(small_settings, listed.sql)
    assert Counter(map(tuple, found)) == Counter(expected)
    assert {"in", "hold", "out"} >= {action for _, action, _ in expected}


def test_every_section_is_compared_by_hand() -> None:
    """A new section brings its own SQL here; the empty ones are filled below."""
    compared = [each.section for each in (*PRINTED, *DRAWN, *LISTED)]
    assert len(compared) == len(set(compared))
    assert {*compared, *WALKED, *EMPTY} == {section.key for section in sections()}


def test_curves_equal_the_tables(pages: dict[str, str], ask: Ask) -> None:
    """Net value and deepest drawdown against a loop over the daily returns."""
    drawn = {
        (section, panel, name, week): value
        for section in (
            "net_value",
            "low_volatility_net_value",
            "model_net_value",
            "timing_net_value",
        )
        for panel, name, week, value in points(
            read(pages[report_of(section)]).charts[section]
        )
    }
    returns = ask(
        f"""
        with curve as (
            select 'net_value' as section, name_en, trade_date, strategy_return as value
            from rotation.fct_rotation_return_daily
            join core.dim_strategy using (strategy_code) where {INDUSTRY_STRATEGIES}
            union all
            select 'low_volatility_net_value', name_en, trade_date, strategy_return
            from rotation.fct_rotation_return_daily
            join core.dim_strategy using (strategy_code)
            where {LOW_VOLATILITY_STRATEGIES}
            union all
            select 'model_net_value', name_en, trade_date, strategy_return
            from rotation.fct_rotation_return_daily
            join core.dim_strategy using (strategy_code) where {MODEL_STRATEGIES}
            union all
            select 'timing_net_value', replace(method, '_', ' '), trade_date,
                strategy_return
            from microcap.fct_microcap_timing_daily
            where index_code = 'microcap400' and variant = 'tradable'
            union all
            select 'timing_net_value', 'index', trade_date, index_return
            from microcap.fct_microcap_timing_daily
            where index_code = 'microcap400' and variant = 'tradable'
                and method = 'first_threshold'
        )
        select section, name_en, cast(w.trade_week as varchar), value
        from curve
        join core.dim_trade_week as w on trade_date between w.first_day and w.last_day
        where w.trade_week <= ? and value is not null
        order by section, name_en, trade_date
        """,
        newest(ask),
    )
    value: dict[tuple[str, str], float] = {}
    high: dict[tuple[str, str], float] = {}
    expected: dict[tuple[str, int, str, str], float] = {}
    for section, name, week, daily in returns:
        curve = (section, name)
        value[curve] = value.get(curve, 1.0) * (1 + daily)
        high[curve] = max(high.get(curve, 1.0), value[curve])
        expected[section, 0, name, week] = value[curve]
        below = 100 * (1 - value[curve] / high[curve])
        deepest = max(expected.get((section, 1, name, week), 0.0), below)
        expected[section, 1, name, week] = deepest
    assert len(value) >= 30
    assert drawn.keys() == expected.keys()
    for place, number in expected.items():
        # Half of the last digit, and what adding logarithms leaves.
        half = 0.000501 if place[1] == 0 else 0.00501
        assert abs(drawn[place] - number) < half, place


def test_grid_and_signals_equal_the_tables(pages: dict[str, str], ask: Ask) -> None:
    """Each cell of the critical-point grid, each firing line, each mark."""
    charts = read(pages["microcap"]).charts
    grid = charts["critical_grid"]
    drawn = {
        (grid["y"]["values"][y][0], grid["x"]["values"][x][0]): value
        for x, y, value in grid["cells"]
    }
    week = newest(ask)
    cells = ask(
        """
        select days_ahead, price_ratio, diffusion_index
        from microcap.fct_microcap_critical_grid
        where index_code = 'microcap400' and trade_date = ?
        """,
        week,
    )
    assert len(cells) == 231
    assert drawn == {
        (str(days), f"{ratio:.2f}"): float(f"{index:.2f}")
        for days, ratio, index in cells
    }
    lines = {
        (overlay["name"][1], grid["x"]["values"][x][0], grid["y"]["values"][y][0])
        for overlay in grid["overlays"]
        for x, y in overlay["points"]
    }
    named = {
        "first_threshold": "First threshold",
        "delayed_threshold": "Delayed threshold",
        "dual_moving_average": "Dual average",
    }
    firing = ask(
        """
        select method, price_ratio, days_to_signal
        from microcap.fct_signal_outlook
        where index_code = 'microcap400' and trade_date = ?
            and days_to_signal is not null
        """,
        week,
    )
    assert firing
    assert lines == {
        (named[method], f"{ratio:.2f}", str(days)) for method, ratio, days in firing
    }
    marks = {
        (mark["name"][1], point["date"], point["code"])
        for mark in charts["microcap_diffusion"]["marks"]
        for point in mark["points"]
    }
    signals = ask(
        """
        select method, trade_date, action from microcap.fct_microcap_signal
        where index_code = 'microcap400' and trade_date <= ?
        """,
        week,
    )
    assert signals
    assert marks == {
        (named[method], str(day), action) for method, day, action in signals
    }


def test_both_languages_say_the_same_numbers(pages: dict[str, str]) -> None:
    """Chinese and English tables differ in words only."""
    for page in pages.values():
        chinese, english = read(page, "zh"), read(page, "en")
        assert chinese.cells.keys() == english.cells.keys()
        for section, rows in chinese.cells.items():
            others = english.cells[section]
            assert [len(row) for row in rows] == [len(row) for row in others]
            for row, other in zip(rows, others, strict=True):
                for cell, same in zip(row, other, strict=True):
                    assert cell == same or not re.fullmatch(r"[-\d.,%—]+", cell)


def test_files_stand_alone(pages: dict[str, str]) -> None:
    """Made-up data are called so, nothing comes from elsewhere, no file is large."""
    for page in pages.values():
        assert "Sample market: all data are made up." in page
        assert len(page.encode()) < 6 * MEGABYTE
        own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
        assert not re.search(r"""(src|href)=["'](https?:)?//""", own)
        assert 'name="viewport"' in page


def change(settings: Settings, *statements: str) -> None:
    """Change the published file of a copy."""
    path = settings.published_path.resolve()
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)


def written_page(settings: Settings, report: str, week: date | None = None) -> Table:
    """Write the reports and read one of them."""
    (path,) = (
        path for path in write_reports(settings, week) if path.name.startswith(report)
    )
    return read(path.read_text(encoding="utf-8"))


def test_data_cannot_end_the_script(home_copy: Settings) -> None:
    """A name with markup is text in the tables and in the charts' data."""
    name = "</script><script>alert(1)</script>"
    change(home_copy, f"update core.dim_factor set name_en = '{name}'")
    page = next(
        path.read_text(encoding="utf-8")
        for path in write_reports(home_copy)
        if path.name.startswith("factors_")
    )
    assert name not in page
    table = read(page)
    assert {row[0] for row in table.cells["factor_ic"][1:]} == {name}
    assert name in json.dumps(table.charts["factor_ic_heat_map"], ensure_ascii=False)


def test_an_earlier_week_prints_nothing_of_what_came_later(
    small_settings: Settings, tmp_path: Path, ask: Ask
) -> None:
    """Its holdings and dates end with the week; totals of all the data are left out."""
    week, signal = ask(
        """
        select w.previous_week, max(h.signal_date)
        from core.dim_trade_week as w
        join rotation.fct_rotation_holding as h
            on h.strategy_code = 'diffusion_weekly' and h.signal_date <= w.previous_week
        where w.trade_week = ?
        group by w.previous_week
        """,
        newest(ask),
    )[0]
    totals = {
        *("strategy_performance", "timing_performance", "calendar_weekday"),
        "calendar_month",
        *("factor_ic_summary", "factor_decay", "low_volatility_performance"),
        *("model_ic_summary", "model_strategy_performance", "factor_layer_month"),
        *("factor_layer_year", "factor_long_short_to_date"),
    }
    # When a flow is known and a list is traded is told ahead; both lie after the week.
    ahead = {"known_date", "execution_date"}
    seen = set()
    for path in made(small_settings, tmp_path, week):
        if path.stem in ("index", "honesty"):
            continue
        page = read(path.read_text(encoding="utf-8"))
        for key, chart in page.charts.items():
            days = [
                *chart.get("dates", []),
                *re.findall(r"\d{4}-\d\d-\d\d", str(chart)),
            ]
            assert all(day <= str(week) for day in days), key
        for key, text in page.text.items():
            if key in totals:
                seen.add(key)
                assert "newest week only" in text, key
                assert not page.cells[key], key
            elif not any(word in query_of(key) for word in ahead):
                assert all(day <= str(week) for day in DAY.findall(text)), key
    assert seen == totals
    assert f"signal {signal}" in page_text(tmp_path, f"industry_rotation_{week}")


# Columns that date a row; an IC dates from its week and is known five days later.
DATES = (
    *("trade_date", "trade_week", "trade_month_end", "signal_date", "last_date"),
    *("last_label_date",),
)


def test_an_earlier_week_prints_what_it_would_have_printed(
    home_copy: Settings, ask: Ask
) -> None:
    """Every cell, name and point, as from tables without a row of a later day."""
    ((week,),) = ask(
        "select previous_week from core.dim_trade_week where trade_week = ?",
        newest(ask),
    )
    reports = [report.key for report in REPORTS if report.is_weekly]
    before = {key: written_page(home_copy, key, week) for key in reports}
    columns = ask(
        """
        select c.schema_name, c.table_name, c.column_name
        from duckdb_columns() as c
        join duckdb_tables() as t using (table_oid)
        where c.schema_name not in ('meta', 'archive')
            and c.table_name <> 'dim_trade_week'
        """
    )
    cut = [
        f"delete from {quote_identifier(schema)}.{quote_identifier(table)} "
        f"where {quote_identifier(column)} > date '{week}'"
        for schema, table, column in columns
        if column in DATES or (table, column) == ("fct_model_ic_weekly", "known_date")
    ]
    assert len(cut) > 40
    change(home_copy, *cut)
    for key in reports:
        after = written_page(home_copy, key, week)
        for section, cells in before[key].cells.items():
            assert after.cells[section] == cells, section
            assert after.chips[section] == before[key].chips[section], section
            assert after.charts.get(section) == before[key].charts.get(section), section


def page_text(home: Path, stem: str) -> str:
    """Return the English text of all sections of a page."""
    page = (home / "reports" / f"{stem}.html").read_text(encoding="utf-8")
    return " ".join(read(page).text.values())


def test_sections_and_queries_belong_together() -> None:
    """No query without a section, no key twice."""
    keys = [section.key for section in sections()]
    assert len(keys) == len(set(keys))
    used = {section.query or section.key for section in sections()}
    used |= {section.why for section in sections() if section.why}
    assert used == {path.stem for path in QUERIES.glob("*.sql")}


def test_no_missing_table_makes_a_report_fail(home_copy: Settings, ask: Ask) -> None:
    """With the calendar, the loads and the members alone every section says why."""
    kept = {"core.dim_trade_week", "core.dim_industry_member", "meta.meta_load"}
    kept |= {"meta.meta_publication"}
    tables = ask("select schema_name, table_name from duckdb_tables()")
    path = home_copy.published_path.resolve()
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        for schema, table in tables:
            if f"{schema}.{table}" not in kept:
                name = f"{quote_identifier(schema)}.{quote_identifier(table)}"
                connection.execute(f"drop table {name}")
    for written in write_reports(home_copy):
        page = read(written.read_text(encoding="utf-8"))
        for key, text in page.text.items():
            if key not in ("loaded", "not_loaded", "publication"):
                assert "has no" in text or "Not loaded" in text, key
                assert not page.cells[key], key


def test_a_damaged_table_costs_the_sections_that_read_it(home_copy: Settings) -> None:
    """A column that lacks, one that became text, a query that fails: a line each."""
    change(
        home_copy,
        "create or replace table microcap.fct_size_group_turnover_weekly as "
        "select * exclude (estimated_share) "
        "from microcap.fct_size_group_turnover_weekly",
        "create or replace table microcap.fct_index_rank_weekly as "
        "select * replace ('much' as weekly_return) "
        "from microcap.fct_index_rank_weekly",
        "create or replace table meta.meta_load as "
        "select * replace (9e37::hugeint as row_count_unchanged) "
        "from meta.meta_load cross join range(10)",
    )
    honesty = written_page(home_copy, "honesty")
    assert "the data are damaged: Out of Range Error" in honesty.text["loaded"]
    assert honesty.cells["publication"]
    page = written_page(home_copy, "microcap")
    for key, said in {
        "size_group": "is older than this section: Binder Error: Table "
        '"g" does not have a column named "estimated_share"',
        "index_rank": "the data are damaged: could not convert string to float: 'much'",
    }.items():
        title, reason = page.text[key].strip().split("\n")
        assert title
        assert said in reason
        assert not page.cells[key]
        assert key not in page.charts
    assert page.cells["microcap_days"]
    assert list((home_copy.home / "reports").glob("*.partial")) == []


def test_a_page_that_cannot_be_written_leaves_the_former_ones(
    home_copy: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in the midst of a page: every file is as it was."""
    write_reports(home_copy)
    former = {path: path.read_bytes() for path in home_copy.reports.glob("*.html")}
    change(home_copy, "update core.dim_strategy set name_en = 'renamed'")
    write = Path.write_text

    def fill_disk(path: Path, text: str, encoding: str | None = None) -> int:
        write(path, text[: len(text) // 2], encoding)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", fill_disk)
    with pytest.raises(OSError, match="No space"):
        write_reports(home_copy)
    assert former == {
        path: path.read_bytes() for path in home_copy.reports.glob("*.html")
    }


EVERYTHING_THERE = (
    "update core.dim_strategy set is_available = true, unavailable_reason = null",
    "update core.dim_factor set is_available = true, unavailable_reason = null",
)


def test_the_honesty_page_tells_what_is_wrong(home_copy: Settings) -> None:
    """Absent things, rows set aside, failed checks, figures compared: all by name."""
    change(
        home_copy,
        *EVERYTHING_THERE,
        "update core.dim_factor set is_available = false, "
        "unavailable_reason = 'no fundamentals' where factor_code = 'bp'",
        "update core.dim_strategy set is_available = false, "
        "unavailable_reason = 'no model' where strategy_code = 'ai_theme'",
        "update factors.dim_factor_universe set is_available = false, "
        "unavailable_reason = 'no members' where universe = 'csi500'",
        "insert into meta.meta_rejected_row (table_name, column_name, reason) "
        "values ('daily_bar', 'close_cny', 'below 0'), "
        "('daily_bar', 'close_cny', 'below 0'), ('etf', 'name', 'missing')",
        "insert into meta.meta_check_result "
        "(check_name, table_name, severity, status, failure_count, message) "
        "values ('covers_x', 'fct_x', 'warn', 'fail', 1234, 'rows lack')",
        "update meta.meta_reconciliation_summary set "
        "compared_count = figure_count, not_comparable_count = 0, "
        "mean_absolute_error = 0.0131, rank_correlation = 0.5, sign_agreement = 0.75 "
        "where metric = 'rank_ic_std'",
        "delete from meta.meta_load where table_name in ('etf', 'etf_bar')",
    )
    page = written_page(home_copy, "honesty")
    assert {row[0] for row in rows_of(page, "not_loaded", "Raw table")} >= {
        "etf",
        "etf_bar",
    }
    absent = rows_of(page, "absent", "Kind", "Reason")
    assert absent == [
        ("factor", "no fundamentals"),
        ("strategy", "no model"),
        ("universe", "no members"),
    ]
    assert page.cells["rejected"][1:] == [
        ["daily_bar", "close_cny", "below 0", "2"],
        ["etf", "name", "missing", "1"],
    ]
    assert page.cells["failed_check"][1:] == [
        ["covers_x", "fct_x", "reminds only", "failed", "1,234", "rows lack"]
    ]
    compared = rows_of(
        page,
        "reconciliation",
        *("Metric", "Mean abs. error", "Rank corr.", "Signs agree"),
    )
    assert compared
    assert set(compared) == {("rank_ic_std", "0.013", "0.500", "75.00%")}


def test_a_week_of_outflows_alone_has_no_inflow(home_copy: Settings) -> None:
    """Few funds, each on one side, and none among the inflows if all lost money."""
    week = "(select max(trade_week) from core.dim_trade_week where is_complete)"
    change(
        home_copy,
        "update flows.fct_etf_flow_weekly set net_inflow_cny = -abs(net_inflow_cny)",
        "delete from flows.fct_etf_flow_weekly where etf_code not in "
        f"(select etf_code from flows.fct_etf_flow_weekly where trade_week = {week} "
        "and net_inflow_cny <> 0 order by etf_code limit 3)",
        "delete from diffusion.fct_diffusion_index_weekly where industry_code not in "
        "(select industry_code from core.dim_industry "
        "where industry_system = 'citic1' order by 1 limit 7)",
    )
    page = written_page(home_copy, "industry_rotation")
    assert [row[0] for row in page.cells["etf_flow"][1:]] == ["outflow"] * 3
    sides = [row[0] for row in page.cells["diffusion_top_bottom"][1:]]
    assert 2 < len(sides) < 12
    assert sides == ["top"] * ((len(sides) + 1) // 2) + ["bottom"] * (len(sides) // 2)


def test_members_and_limit_ups_of_the_week_are_named(
    home_copy: Settings, ask: Ask
) -> None:
    """One stock comes in, one goes out; an industry has limit-ups on one day."""
    week = newest(ask)
    ((before,),) = ask(
        "select previous_week from core.dim_trade_week where trade_week = ?", week
    )
    came, left = (
        ask(
            "select name || ' ' || security_code, security_code "
            "from microcap.fct_microcap_member "
            "join core.dim_security using (security_code) "
            "where trade_date = ? and market_cap_rank = ?",
            week,
            rank,
        )[0]
        for rank in (1, 3)
    )
    change(
        home_copy,
        f"delete from microcap.fct_microcap_member where trade_date = '{before}' "
        f"and security_code = '{came[1]}'",
        f"delete from microcap.fct_microcap_member where trade_date = '{week}' "
        f"and security_code = '{left[1]}'",
        "update flows.fct_limit_up_daily set limit_up_count = 2, longest_run = 1, "
        "first_day_count = 2, second_day_count = 0, third_day_count = 0, "
        f"later_day_count = 0 where trade_date = '{week}' "
        "and industry_system = 'citic1' and industry_code = 'CI005002'",
    )
    assert written_page(home_copy, "microcap").chips["microcap_member"] == [
        ["in", "in", came[0]],
        ["out", "out", left[0]],
    ]
    days = ask(
        "select trade_date from microcap.fct_microcap_index_daily "
        "join core.dim_trade_week on trade_date between first_day and last_day "
        "where index_code = 'microcap400' and trade_week = ? order by 1",
        week,
    )
    chart = written_page(home_copy, "industry_rotation").charts["limit_up_industry"]
    assert points(chart) == [
        (str(day), "Coal", 2.0 if day == week else 0.0) for (day,) in days
    ]


def test_layers_of_an_index_are_its_own(home_copy: Settings, ask: Ask) -> None:
    """Those of the micro-cap universe, renamed, stand under the CSI 500 alone."""
    change(
        home_copy,
        *(
            statement
            for table in (
                "factors.fct_factor_layer_return_weekly",
                "factors.fct_factor_long_short_weekly",
                "bi.mart_factor_scorecard",
            )
            for statement in (
                f"delete from {table} where universe = 'csi500'",
                f"update {table} set universe = 'csi500' where universe = 'microcap'",
            )
        ),
    )
    page = written_page(home_copy, "factors")
    expected = ask(
        """
        select cast(layer as varchar), name_en, paper_return
        from factors.fct_factor_layer_return_weekly
        join core.dim_factor using (factor_code)
        where universe = 'microcap' and trade_week = ? and paper_return is not null
        """,
        newest(ask),
    )
    assert expected
    assert Counter(points(page.charts["factor_layer_csi500"])) == Counter(
        (layer, name, as_number(percent(value))) for layer, name, value in expected
    )
    assert not page.charts.keys() & {"factor_layer_csi300", "factor_layer_csi1000"}
    assert "enough members" in page.text["factor_layer_csi300"]
    to_date = ask(
        """
        select name_en, month_to_date_long_short_paper_return,
            year_to_date_long_short_paper_return
        from bi.mart_factor_scorecard where universe = 'microcap'
            and year_to_date_long_short_paper_return is not null
        """
    )
    columns = ("Factor", "CSI 500 MTD", "CSI 500 YTD")
    found = rows_of(page, "factor_long_short_to_date", *columns)
    assert Counter(found) == Counter(
        (name, percent(month), percent(year)) for name, month, year in to_date
    )
    of_week = rows_of(page, "factor_long_short_universe", "CSI 500", "Micro-cap")
    assert any(value != "—" for value, _ in of_week)
    assert {value for _, value in of_week} == {"—"}


def test_the_margin_curve_says_whose_balance_it_is(home_copy: Settings) -> None:
    """A curve a source, and a line where the source changes."""
    change(
        home_copy,
        "update flows.fct_margin_flow_weekly set balance_source = 'securities' "
        "where trade_week < (select max(trade_week) - 21 from core.dim_trade_week "
        "where is_complete)",
    )
    chart = written_page(home_copy, "industry_rotation").charts["margin_market"]
    weeks: dict[str, set[str]] = {}
    for _, name, week, _ in points(chart):
        weeks.setdefault(name, set()).add(week)
    assert weeks.keys() == {"sum of securities", "reported total"}
    assert max(weeks["sum of securities"]) < min(weeks["reported total"])
    assert chart["breaks"] == [min(weeks["reported total"])]


def test_the_start_page_lists_what_lies_there(
    small_settings: Settings, tmp_path: Path, ask: Ask
) -> None:
    """Two weeks, each with the three reports; every link leads to a file."""
    weeks = ask(
        """
        select trade_week, previous_week from core.dim_trade_week
        where trade_week = ?
        """,
        newest(ask),
    )[0]
    # The old week last: the start page still begins with the newest.
    made(small_settings, tmp_path, weeks[0])
    index, *_ = write_reports(replace(small_settings, home=tmp_path), weeks[1])
    page = index.read_text(encoding="utf-8")
    assert f"Newest: week {weeks[0]}" in page
    links = re.findall(r'<a href="([^"]+)"', page)
    assert len(links) == 7
    for link in links:
        assert (index.parent / link).exists(), link
    assert [link for link in links if str(weeks[0]) in link] == links[1:4]


def test_the_last_weeks_fill_the_start_page(
    small_settings: Settings, tmp_path: Path, ask: Ask, run_lundong: RunLundong
) -> None:
    """Three weeks at once, each the page that the week alone would have."""
    weeks = [
        week
        for (week,) in ask(
            """
            select trade_week from core.dim_trade_week where is_complete
            order by trade_week desc limit 3
            """
        )
    ]
    (tmp_path / "published").symlink_to(small_settings.published_path.parent)
    run_lundong(tmp_path, "report", "--last", "3", "--no-pdf")
    folder = tmp_path / "reports"
    index = (folder / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'<a href="([^"]+)"', index)
    assert Counter(DAY.search(link)[0] for link in links if DAY.search(link)) == {
        str(week): 3 for week in weeks
    }
    assert f"Newest: week {weeks[0]}" in index
    alone = made(small_settings, tmp_path / "alone", weeks[2])
    for path in alone[1:4]:
        assert (folder / path.name).read_bytes() == path.read_bytes()
    # A page of the publication is linked with its newest week.
    assert f"microcap_{weeks[0]}.html" in (folder / "honesty.html").read_text()


def test_a_week_that_is_not_there_is_named(
    small_settings: Settings, tmp_path: Path
) -> None:
    """One line says which week was asked for and where to look."""
    with pytest.raises(ValueError, match="no week ending 1999-01-01; see lundong"):
        made(small_settings, tmp_path, date(1999, 1, 1))


def test_make_real_prints_seconds_and_sizes(
    small_settings: Settings, tmp_path: Path
) -> None:
    """The command is timed; each page that it wrote stands beside its bound."""
    (tmp_path / "published").symlink_to(small_settings.published_path.parent)
    own = replace(small_settings, home=tmp_path)
    seconds, *sizes = measured_reports(own)
    assert seconds[0] == "the reports"
    assert 0.3 < seconds[1] < seconds[2] == 20
    assert [size[0] for size in sizes] == [
        path.name for path in sorted(own.reports.glob("*.html"))
    ]
    assert len(sizes) == len(REPORTS) + 1
    for name, megabytes, bound, unit in sizes:
        assert megabytes == (own.reports / name).stat().st_size / MEGABYTE
        assert (bound, unit) == (6, "MB")


NO_FUSION = (
    "update core.dim_model set is_available = false, "
    "unavailable_reason = 'no stock has scores of all parts' "
    "where model_code = 'fused'",
    "update core.dim_model set is_available = false, unavailable_reason = "
    "'not trained: set LUNDONG_MODELS to all or to its code, then refresh' "
    "where model_code = 'gru_high_frequency'",
    "update core.dim_strategy set is_available = false, unavailable_reason = "
    "'inputs not loaded: no scores model_score (fused) of ' || asset_pool "
    "where strategy_code in ('ai_theme', 'ai_concept')",
    "delete from scores.fct_index_score_weekly where model_code = 'fused'",
    "delete from scores.fct_score_correlation_weekly",
    "delete from rotation.fct_rotation_holding where strategy_code like 'ai_%'",
)


def test_an_empty_section_names_what_lacks_it(home_copy: Settings) -> None:
    """Other models have scores, other strategies hold: the reason is of its own."""
    change(home_copy, *NO_FUSION)
    text = written_page(home_copy, "factors").text
    why = (
        "High-frequency GRU: not trained: set LUNDONG_MODELS to all or to its code, "
        "then refresh."
    )
    for section in ("score_correlation", "index_score"):
        assert "Fused factor: no stock has scores of all parts." in text[section]
        assert why in text[section]
        assert "BERT" not in text[section]
    assert (
        "AI theme rotation: inputs not loaded: no scores model_score (fused) of theme."
        in text["index_holding"]
    )
    assert "GRU industry" not in text["index_holding"]


def test_reasons_are_said_in_chinese(home_copy: Settings) -> None:
    """Those of the sample market, with models and without, on a Chinese page."""
    change(home_copy, *NO_FUSION)
    (path,) = (path for path in write_reports(home_copy) if path.name == "honesty.html")
    page = read(path.read_text(encoding="utf-8"), "zh")
    reasons = {row[-1] for row in page.cells["absent"][1:]}
    untrained = "未训练：将 LUNDONG_MODELS 设为 all 或其代码，再运行 refresh"
    assert {reason for reason in reasons if "gru_" not in reason} == {
        *(
            f"输入未加载：{pool} 无 model_score（fused）评分"
            for pool in ("主题指数", "概念指数")
        ),
        untrained,
        "历史太短：过去 52 周中有秩相关 IC 的不足 26 周",
    }
    (of_parts,) = (reason for reason in reasons if "gru_" in reason)
    assert of_parts.count(untrained) == 3
    compared = {row[1] for row in page.cells["not_compared"][1:]}
    assert len(compared) == 2
    for said_so in (*reasons, *compared, *(row[-1] for row in page.cells["model"][1:])):
        assert "原文" not in said_so
        assert said_so == "—" or re.search("[一-鿿]", said_so)
    # What only real data show.
    seeds = ROOT / "dbt_project" / "seeds"
    with (seeds / "published_metric.csv").open(encoding="utf-8") as file:
        metrics = list(csv.DictReader(file))
    assert {row["system"] for row in metrics} <= LABELS.keys()
    for row in metrics:
        for reason in ("not built: needs ", "inputs not loaded: needs "):
            told = reason_words(reason + row["needs"]).zh
            assert not re.search("[a-z]{4}", told), told


@pytest.mark.parametrize(
    ("reason", "chinese"),
    [
        (
            "inputs not loaded: daily_bar, etf or index_bar",
            "输入未加载：daily_bar, etf or index_bar",
        ),
        (
            "history too short: no complete weekly period with 6 scores",
            "历史太短：没有评分达 6 个的完整周",
        ),
        (
            "a: inputs not loaded: minute_bar; b: not scored yet: refresh",
            "a：输入未加载：minute_bar；b：尚未评分：运行 refresh",
        ),
        ("nobody knows", "（原文）nobody knows"),
    ],
)
def test_a_reason_is_said_by_its_pattern(reason: str, chinese: str) -> None:
    """Names stay as they are; what no pattern knows is marked."""
    assert reason_words(reason) == (chinese, reason)


def test_every_reason_of_the_models_has_a_pattern() -> None:
    """Each text of the SQL that begins as reasons do is known."""
    texts = {
        text
        for path in (ROOT / "dbt_project" / "models" / "marts").rglob("dim_*.sql")
        for text in re.findall(
            r"'((?:inputs not loaded|history too short|no stock|not scored)[^']*)'",
            path.read_text(encoding="utf-8"),
        )
    }
    assert len(texts) > 8
    for text in texts:
        # What the SQL appends: a pool, an index, a model.
        whole = [
            text + tail for tail in ("", "x", "x (x) of x", "x period with 6 scores")
        ]
        assert any("原文" not in reason_words(each).zh for each in whole), text


def test_the_thresholds_are_those_of_the_timing(pages: dict[str, str]) -> None:
    """The dashed levels of the diffusion index are where two methods enter and exit."""
    project = yaml.safe_load(
        (ROOT / "dbt_project" / "dbt_project.yml").read_text(encoding="utf-8")
    )
    timing = project["vars"]["diffusion_timing"]
    assert read(pages["microcap"]).charts["microcap_diffusion"]["levels"] == [
        timing["entry_threshold"],
        timing["exit_threshold"],
    ]


def test_long_lists_begin_with_the_first_and_last(pages: dict[str, str]) -> None:
    """Ten of many factors are seen at once, ordered by what the section shows."""
    page = pages["microcap"]
    section = page[page.index('<section id="microcap_factor_ic"') :]
    section = section[: section.index("</section>")]
    rows = re.findall(r"<tr( class=\"rest\")?><td", section)
    assert 'class="folded"' in section
    assert len(rows) > 12
    assert [bool(rest) for rest in rows] == [
        5 <= place < len(rows) - 5 for place in range(len(rows))
    ]
    layers = read(pages["factors"]).charts["factor_layer"]
    spread = [
        sum(
            {0: 1.0, 9: -1.0}.get(x, 0.0) * value
            for x, y, value in layers["cells"]
            if y == place
        )
        for place in range(len(layers["y"]["values"]))
    ]
    # Ties to the printed digits.
    assert all(a >= b - 0.02 for a, b in pairwise(spread))
    assert spread[0] > 0 > spread[-1]


def test_every_code_has_words(ask: Ask) -> None:
    """Codes that the sample market never shows, too: those of the descriptions."""
    described = ask(
        """
        select column_name, comment from duckdb_columns()
        where schema_name <> 'archive' and (table_name, column_name) in (
            ('fct_signal_outlook', 'null_reason'), ('dim_etf', 'etf_class'),
            ('fct_margin_flow_weekly', 'balance_source'),
            ('fct_index_score_weekly', 'index_class'), ('dim_strategy', 'execution')
        )
        """
    )
    assert len(described) == 5
    for column, comment in described:
        codes = set(re.findall(r"`(\w+)`", comment))
        assert codes, column
        assert codes - LABELS.keys() == set(), column
