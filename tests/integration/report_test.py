"""The weekly reports print what the published tables hold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest

from reports.sections import REPORTS, Section
from reports.weekly import QUERIES, write_reports
from warehouse.settings import Settings
from warehouse.store import connect_published, quote_identifier

Ask = Callable[..., list[tuple[Any, ...]]]

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
    """

    language: str
    cells: dict[str, list[list[str]]] = field(default_factory=dict)
    text: dict[str, str] = field(default_factory=dict)
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


def test_every_industry_row_equals_the_tables(pages: dict[str, str], ask: Ask) -> None:
    """Index, change and return of each industry, to the printed digit."""
    expected = ask(
        """
        select i.name_en, d.diffusion_index, d.change, r.float_cap_return
        from diffusion.fct_diffusion_index_weekly as d
        join core.dim_industry as i using (industry_system, industry_code)
        left join industry.fct_industry_return_weekly as r
            using (industry_system, industry_code, trade_week)
        where d.variant = 'default' and d.industry_system = 'citic1'
            and d.trade_week = ?
        """,
        newest(ask),
    )
    page = read(pages["industry_rotation"])
    printed = rows_of(
        page, "industry_ranking", "Industry", "Diffusion index", "Change", "Return"
    )
    assert len(printed) == 30
    assert set(printed) == {
        (name, three(index), three(change), percent(week_return))
        for name, index, change, week_return in expected
    }
    chart = page.charts["industry_return"]
    drawn = dict(
        zip(
            (words[1] for words in chart["categories"]),
            chart["series"][0]["values"],
            strict=True,
        )
    )
    assert drawn == {name: float(percent(value)[:-1]) for name, *_, value in expected}


def test_strategies_and_factors_equal_the_tables(
    pages: dict[str, str], ask: Ask
) -> None:
    """Excess of each strategy, IC of each factor, level of the micro-cap index."""
    week = newest(ask)
    returns = ask(
        """
        select s.name_en, r.strategy_return, r.excess_return,
            r.month_to_date_excess_return, r.year_to_date_excess_return
        from rotation.fct_rotation_return_weekly as r
        join core.dim_strategy as s using (strategy_code)
        where r.trade_week = ? and s.asset_type = 'industry'
        """,
        week,
    )
    assert returns
    assert set(
        rows_of(
            read(pages["industry_rotation"]),
            "strategy_week",
            *("Strategy", "Week", "Excess", "MTD excess", "YTD excess"),
        )
    ) == {(name, *map(percent, values)) for name, *values in returns}
    ics = ask(
        """
        select d.name_en, f.rank_ic, f.historical_mean_ic
        from microcap.fct_microcap_factor_ic_weekly as f
        join core.dim_factor as d using (factor_code)
        where f.trade_week = ? and f.rank_ic is not null
        """,
        week,
    )
    assert ics
    assert set(
        rows_of(
            read(pages["microcap"]),
            "microcap_factor_ic",
            *("Factor", "Rank IC", "Mean so far"),
        )
    ) == {(name, *map(three, values)) for name, *values in ics}


@dataclass(frozen=True)
class Printed:
    """A table of a report: its headings, how each is printed, and the same from SQL."""

    report: str
    section: str
    headings: dict[str, Callable[[Any], str]]
    sql: str


def two(value: float | None) -> str:
    """Print a number of two digits as the pages do."""
    return "—" if value is None else f"{value:z,.2f}"


def hundred_million(value: float | None) -> str:
    """Print an amount in CNY as the pages do."""
    return "—" if value is None else f"{value / 1e8:z,.2f}"


def whole(value: int | None) -> str:
    """Print a count as the pages do."""
    return "—" if value is None else f"{value:,}"


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
PRINTED = [
    Printed(
        "industry_rotation",
        "etf_class_flow",
        {**FLOW, "Funds": whole, "Known": str},
        """
        select net_inflow_cny, weekly_return, assets_previous_cny, assets_cny,
            fund_count, known_date
        from flows.fct_etf_flow_class_weekly where trade_week = $week
        """,
    ),
    Printed(
        "industry_rotation",
        "etf_flow",
        {"Code": str, **FLOW},
        """
        with flow as (
            select etf_code, net_inflow_cny, weekly_return, assets_previous_cny,
                assets_cny
            from flows.fct_etf_flow_weekly
            where trade_week = $week and net_inflow_cny is not null
        )
        (from flow order by net_inflow_cny desc limit 5)
        union (from flow order by net_inflow_cny limit 5)
        """,
    ),
    Printed(
        "industry_rotation",
        "margin_flow",
        {"Change": hundred_million, "Balance": hundred_million, "Securities": whole},
        """
        select financing_balance_change_cny, financing_balance_cny, security_count
        from flows.fct_margin_flow_weekly
        where trade_week = $week and industry_system = 'citic1'
            and industry_code <> 'all'
        """,
    ),
    Printed(
        "industry_rotation",
        "limit_up_ladder",
        {"Day": str, "Up": whole, "Down": whole, "Longest run": whole},
        f"""
        select trade_date, limit_up_count, limit_down_count, longest_run
        from flows.fct_limit_up_daily {IN_WEEK}
            and industry_code = 'all' and industry_system = 'citic1'
        """,
    ),
    Printed(
        "industry_rotation",
        "industry_return",
        {"Float cap": percent, "Overnight": percent, "Intraday": percent},
        """
        select float_cap_return, overnight_return, intraday_return
        from industry.fct_industry_return_weekly
        where trade_week = $week and industry_system = 'citic1'
            and float_cap_return is not null
        """,
    ),
    Printed(
        "industry_rotation",
        "strategy_performance",
        {"Annualised": percent, "Sharpe": two, "Drawdown": percent, "From": str},
        """
        select annualised_return, sharpe, max_drawdown, first_date
        from rotation.fct_rotation_performance
        join core.dim_strategy using (strategy_code)
        where period = 'all' and asset_type = 'industry'
        """,
    ),
    Printed(
        "microcap",
        "microcap_days",
        {"Day": str, "Level": two, "Return": percent, "Tradable": percent, "In": whole},
        f"""
        select trade_date, index_level, index_return, tradable_return, new_member_count
        from microcap.fct_microcap_index_daily {IN_WEEK} and index_code = 'microcap400'
        """,
    ),
    Printed(
        "microcap",
        "size_group",
        {"Share of turnover": percent, "Value, 100m": hundred_million, "Stocks": whole},
        """
        select turnover_share, traded_value_cny, stock_count
        from microcap.fct_size_group_turnover_weekly where trade_week = $week
        """,
    ),
    Printed(
        "microcap",
        "index_rank",
        {"Index": str, "Week": percent, "MTD": percent, "YTD": percent},
        """
        select index_name, weekly_return, month_to_date_return, year_to_date_return
        from microcap.fct_index_rank_weekly where trade_week = $week
        """,
    ),
    Printed(
        "microcap",
        "timing_performance",
        {"Return": percent, "Sharpe": two, "Drawdown": percent, "Switches": whole},
        """
        select total_return, sharpe, max_drawdown, rebalance_count
        from microcap.fct_microcap_timing_performance
        where index_code = 'microcap400'
            and period in ('week', 'month_to_date', 'year_to_date', 'all')
        """,
    ),
    Printed(
        "microcap",
        "calendar_effect",
        {"Mean return": percent, "Win rate": percent, "Count": whole},
        """
        select mean_return, win_rate, observation_count
        from microcap.fct_calendar_effect where index_code = 'microcap400'
        """,
    ),
    Printed(
        "factors",
        "factor_ic",
        {"Factor": str, "All": three, "CSI 300": three, "Micro-cap": three},
        """
        pivot (
            select name_en, universe, rank_ic from factors.fct_factor_ic_weekly
            join core.dim_factor using (factor_code) where trade_week = $week
        ) on universe in ('all', 'csi300', 'microcap') using max(rank_ic)
        """,
    ),
    Printed(
        "factors",
        "factor_ic_summary",
        {"Factor": str, "Mean": three, "ICIR": two, "t value": two, "Weeks": whole},
        """
        select name_en, mean, icir, t_value, week_count
        from factors.fct_factor_ic_summary join core.dim_factor using (factor_code)
        where universe = 'all' and period = 'all' and mean is not null
        """,
    ),
    Printed(
        "factors",
        "factor_long_short",
        {"Factor": str, "Paper": percent, "Tradable": percent, "Turnover": percent},
        """
        select name_en, paper_return, tradable_return, turnover
        from factors.fct_factor_long_short_weekly join core.dim_factor
            using (factor_code)
        where universe = 'all' and trade_week = $week and paper_return is not null
        """,
    ),
    Printed(
        "factors",
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
        "factors",
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
        "honesty",
        "ledger",
        {"Annualised": percent},
        """
        select annualised_return from rotation.fct_rule_ledger
        where period = 'all' and rule_off = 'none'
        """,
    ),
]


@pytest.mark.parametrize("printed", PRINTED, ids=lambda printed: printed.section)
def test_a_table_equals_the_warehouse(
    printed: Printed, pages: dict[str, str], small_settings: Settings
) -> None:
    """Every row, to the printed digit, by SQL that is not the report's own."""
    with connect_published(small_settings) as connection:
        week = connection.execute(
            "select max(trade_week) from core.dim_trade_week where is_complete"
        ).fetchall()[0][0]
        values = {"week": week} if "$week" in printed.sql else {}
        rows = connection.execute(printed.sql, values).fetchall()
    assert rows
    found = rows_of(read(pages[printed.report]), printed.section, *printed.headings)
    assert sorted(found) == sorted(
        tuple(
            show(value)
            for show, value in zip(printed.headings.values(), row, strict=True)
        )
        for row in rows
    )


def test_curves_equal_the_tables(pages: dict[str, str], ask: Ask) -> None:
    """Net value and deepest drawdown against a loop over the daily returns."""
    drawn = {
        (tuple(curve["name"]), panel, week): value
        for report, section in (
            ("industry_rotation", "net_value"),
            ("microcap", "low_volatility_net_value"),
            ("factors", "model_net_value"),
        )
        for chart in [read(pages[report]).charts.get(section, {"panels": []})]
        for panel, curves in enumerate(chart["panels"])
        for curve in curves
        for week, value in zip(chart["dates"], curve["values"], strict=True)
        if value is not None
    }
    returns = ask(
        """
        select s.name_cn, s.name_en, cast(w.trade_week as varchar), r.strategy_return
        from rotation.fct_rotation_return_daily as r
        join core.dim_strategy as s using (strategy_code)
        join core.dim_trade_week as w on r.trade_date between w.first_day and w.last_day
        where r.trade_date <= ?
        order by r.strategy_code, r.trade_date
        """,
        newest(ask),
    )
    value, high = {}, {}
    expected: dict[tuple[tuple[str, str], int, str], float] = {}
    for cn, en, week, daily in returns:
        name = (cn, en)
        value[name] = value.get(name, 1.0) * (1 + daily)
        high[name] = max(high.get(name, 1.0), value[name])
        expected[name, 0, week] = value[name]
        below = 100 * (value[name] / high[name] - 1)
        expected[name, 1, week] = min(expected.get((name, 1, week), 0.0), below)
    assert len(value) >= 10
    assert drawn.keys() == expected.keys()
    for (name, panel, week), number in expected.items():
        # Half of the last digit, and what adding logarithms leaves.
        half = 0.000501 if panel == 0 else 0.00501
        assert abs(drawn[name, panel, week] - number) < half, (name, panel, week)


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


def test_data_cannot_end_the_script(home_copy: Settings) -> None:
    """A name with markup is text in the tables and in the charts' data."""
    name = "</script><script>alert(1)</script>"
    path = home_copy.published_path.resolve()
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute("update core.dim_factor set name_en = ?", [name])
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
        *("strategy_performance", "timing_performance", "calendar_effect"),
        *("factor_ic_summary", "factor_decay", "low_volatility_performance"),
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


def page_text(home: Path, stem: str) -> str:
    """Return the English text of all sections of a page."""
    page = (home / "reports" / f"{stem}.html").read_text(encoding="utf-8")
    return " ".join(read(page).text.values())


def sections() -> list[Section]:
    """Return every section of every report."""
    return [
        section for report in REPORTS for tab in report.tabs for section in tab.sections
    ]


def query_of(key: str) -> str:
    """Return the SQL of a section."""
    (section,) = (section for section in sections() if section.key == key)
    return (QUERIES / f"{section.query or section.key}.sql").read_text(encoding="utf-8")


def test_sections_and_queries_belong_together() -> None:
    """No query without a section, no key twice."""
    keys = [section.key for section in sections()]
    assert len(keys) == len(set(keys))
    used = {section.query or section.key for section in sections()}
    assert used == {path.stem for path in QUERIES.glob("*.sql")}


def test_a_section_is_filled_or_says_why_not(pages: dict[str, str], ask: Ask) -> None:
    """Whatever has rows in this publication has cells, names or a chart."""
    tables = {
        name
        for (name,) in ask(
            "select schema_name || '.' || table_name from duckdb_tables()"
        )
    }
    for page in map(read, pages.values()):
        for key, text in page.text.items():
            needed = set(re.findall(r"(?:from|join) (\w+\.\w+)", query_of(key)))
            shown = page.cells[key] or key in page.charts or "signal" in text
            assert "is older" not in text, text
            if needed - tables:
                assert not shown, key
                assert "has no" in text or "Not loaded" in text, key
            else:
                assert shown or "." in text, key


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


def test_a_publication_without_a_column_says_so(home_copy: Settings) -> None:
    """An older publication costs the section that asks for more, and no other."""
    path = home_copy.published_path.resolve()
    path.chmod(0o644)
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create or replace table microcap.fct_size_group_turnover_weekly as "
            "select * exclude (estimated_share) "
            "from microcap.fct_size_group_turnover_weekly"
        )
    (page,) = (
        read(written.read_text(encoding="utf-8"))
        for written in write_reports(home_copy)
        if written.name.startswith("microcap_")
    )
    assert "is older than this section" in page.text["size_group"]
    assert "estimated_share" in page.text["size_group"]
    assert page.cells["index_rank"]


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
    made(small_settings, tmp_path, weeks[1])
    index, *_ = write_reports(replace(small_settings, home=tmp_path), weeks[0])
    links = re.findall(r'<a href="([^"]+)"', index.read_text(encoding="utf-8"))
    assert len(links) == 7
    for link in links:
        assert (index.parent / link).exists(), link
    assert [link for link in links if str(weeks[0]) in link] == links[1:4]


def test_a_week_that_is_not_there_is_named(
    small_settings: Settings, tmp_path: Path
) -> None:
    """One line says which week was asked for and where to look."""
    with pytest.raises(ValueError, match="no week ending 1999-01-01; see lundong"):
        made(small_settings, tmp_path, date(1999, 1, 1))
