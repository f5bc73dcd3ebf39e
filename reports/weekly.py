"""The weekly industry-rotation page, one self-contained HTML file.

Add a section by adding a query to ``SECTIONS`` and a block to the template. Keep
arithmetic out: the page prints what the published tables hold, rounded, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined

from warehouse.settings import Settings
from warehouse.store import connect_published

HEAT_MAP_WEEKS = 12
ABSENT = "—"

INDUSTRY_SYSTEMS = """
    select industry_system, count(distinct industry_code) as industry_count
    from diffusion.fct_diffusion_index_weekly
    where variant = 'default' and trade_week = $week and diffusion_index is not null
    group by industry_system
    order by case industry_system when 'citic1' then 1 when 'shenwan1' then 2 else 3 end
"""

SECTIONS = {
    "industries": """
        select
            i.industry_code,
            i.name_cn,
            i.name_en,
            r.float_cap_return,
            d.diffusion_index,
            d.diffusion_rank,
            d.change,
            d.member_count
        from diffusion.fct_diffusion_index_weekly as d
        inner join core.dim_industry as i using (industry_system, industry_code)
        left join industry.fct_industry_return_weekly as r
            using (industry_system, industry_code, trade_week)
        where
            d.variant = 'default'
            and d.industry_system = $industry_system
            and d.trade_week = $week
        order by d.diffusion_rank nulls last, i.industry_code
    """,
    "heat_map": """
        select
            d.industry_code,
            d.trade_week,
            d.diffusion_index
        from diffusion.fct_diffusion_index_weekly as d
        where
            d.variant = 'default'
            and d.industry_system = $industry_system
            and d.trade_week in (
                select w.trade_week
                from core.dim_trade_week as w
                where w.trade_week <= $week
                order by w.trade_week desc
                limit $heat_map_weeks
            )
        order by d.trade_week, d.industry_code
    """,
    "holdings": """
        select
            s.strategy_code,
            s.name_cn,
            s.name_en,
            h.signal_date,
            h.execution_date,
            i.name_cn as asset_name_cn,
            i.name_en as asset_name_en,
            h.weight,
            h.rank,
            h.action
        from rotation.fct_rotation_holding as h
        inner join core.dim_strategy as s using (strategy_code)
        inner join core.dim_industry as i
            on
                h.asset_code = i.industry_code
                and s.asset_pool = i.industry_system
        where h.signal_date = (
            select max(latest.signal_date)
            from rotation.fct_rotation_holding as latest
            where
                latest.strategy_code = h.strategy_code
                and latest.signal_date <= $week
        )
        order by s.strategy_code, h.action = 'out', h.rank, i.industry_code
    """,
    "weekly_returns": """
        select
            s.strategy_code,
            s.name_cn,
            s.name_en,
            s.execution,
            r.strategy_return,
            r.benchmark_return,
            r.excess_return,
            r.month_to_date_excess_return,
            r.year_to_date_excess_return
        from rotation.fct_rotation_return_weekly as r
        inner join core.dim_strategy as s using (strategy_code)
        where r.trade_week = $week
        order by s.strategy_code
    """,
    "performance": """
        select
            p.strategy_code,
            s.name_cn,
            p.period,
            p.annualised_return,
            p.annualised_excess,
            p.volatility,
            p.sharpe,
            p.max_drawdown,
            p.calmar,
            p.win_rate
        from rotation.fct_rotation_performance as p
        inner join core.dim_strategy as s using (strategy_code)
        where
            (p.period = 'all' or regexp_matches(p.period, '^\\d{4}$'))
            -- The block reaches to the end of the data: no page of an earlier week may
            -- print what came after it.
            and $week = (
                select max(w.trade_week)
                from core.dim_trade_week as w
                where w.is_complete
            )
        order by p.strategy_code, p.period = 'all' desc, p.period
    """,
    "absent": """
        select strategy_code, name_cn, name_en, unavailable_reason
        from core.dim_strategy
        where not is_available
        order by strategy_code
    """,
    "made_up": """
        select 1 as is_made_up
        from meta.meta_load
        where source = 'sample'
        limit 1
    """,
    "failed_checks": """
        select check_name, table_name, status, failure_count
        from meta.meta_check_result
        where status not in ('pass', 'success')
        order by check_name
    """,
}

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Publication:
    """Which publication a page was made from."""

    publication_id: int
    published_at: str
    as_of_date: date


def write_report(settings: Settings, week: date | None = None) -> Path:
    """Write the page of one exchange week and return its path.

    Parameters
    ----------
    settings : Settings
        Paths of the warehouse; the published file must exist.
    week : date, optional
        Last trading day of the week; the latest complete week if None.

    Raises
    ------
    ValueError
        If the warehouse has no complete week, or none that ends on ``week``.
    """
    with connect_published(settings) as connection:
        chosen = _choose_week(connection, week)
        page = _render(connection, chosen)
    settings.reports.mkdir(parents=True, exist_ok=True)
    path = settings.reports / f"industry_rotation_{chosen}.html"
    path.write_text(page, encoding="utf-8")
    return path


def _choose_week(connection: duckdb.DuckDBPyConnection, week: date | None) -> date:
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


def _render(connection: duckdb.DuckDBPyConnection, week: date) -> str:
    systems = _query(connection, INDUSTRY_SYSTEMS, {"week": week})
    parameters = {
        "week": week,
        "industry_system": systems[0]["industry_system"] if systems else None,
        "heat_map_weeks": HEAT_MAP_WEEKS,
    }
    sections = {
        name: _query(connection, sql, _named_in(sql, parameters))
        for name, sql in SECTIONS.items()
    }
    publication = connection.execute(
        """
        select publication_id, cast(published_at as varchar), as_of_date
        from meta.meta_publication
        order by publication_id desc
        limit 1
        """
    ).fetchone()
    environment = Environment(
        loader=PackageLoader("reports"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["percent"] = _percent
    environment.filters["number"] = _number
    return environment.get_template("weekly.html").render(
        week=week,
        industry_system=parameters["industry_system"],
        publication=Publication(*publication) if publication else None,
        weeks=sorted({row["trade_week"] for row in sections["heat_map"]}),
        heat={
            (row["industry_code"], row["trade_week"]): row["diffusion_index"]
            for row in sections["heat_map"]
        },
        **sections,
    )


def _named_in(sql: str, parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if f"${name}" in sql}


def _query(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any]
) -> Rows:
    cursor = connection.execute(sql, parameters)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _percent(value: float | None, digits: int = 2) -> str:
    """Format a decimal as a percentage; an absent value as a dash."""
    return ABSENT if value is None else f"{100 * value:z.{digits}f}%"


def _number(value: float | None, digits: int = 3) -> str:
    """Format a number; an absent value as a dash."""
    return ABSENT if value is None else f"{value:z.{digits}f}"
