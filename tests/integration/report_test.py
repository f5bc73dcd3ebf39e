"""The weekly page prints what the published tables hold."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from html import unescape
from typing import TYPE_CHECKING

import pytest

from reports.weekly import write_report
from warehouse.store import connect_published

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.settings import Settings


def page_of(settings: Settings, folder: Path, week: date | None = None) -> str:
    """Return the page of a week, written outside the shared store."""
    folder.mkdir(parents=True, exist_ok=True)
    own = replace(settings, home=folder)
    (folder / "published").symlink_to(settings.published_path.parent)
    return unescape(write_report(own, week).read_text(encoding="utf-8"))


def test_every_industry_row_equals_the_tables(
    small_settings: Settings, tmp_path: Path
) -> None:
    """Index, change and return of each industry, to the printed digit."""
    page = page_of(small_settings, tmp_path)
    with connect_published(small_settings) as con:
        rows = con.execute(
            """
            select i.name_en, d.diffusion_index, d.change, r.float_cap_return
            from diffusion.fct_diffusion_index_weekly as d
            join core.dim_industry as i using (industry_system, industry_code)
            left join industry.fct_industry_return_weekly as r
                using (industry_system, industry_code, trade_week)
            where d.variant = 'default' and d.industry_system = 'citic1'
                and d.trade_week = (
                    select max(trade_week) from core.dim_trade_week where is_complete
                )
            """
        ).fetchall()
    assert len(rows) == 30
    for name, index, change, weekly_return in rows:
        found = re.search(
            rf"<td class=\"text minor\">{re.escape(name)}</td>\s*"
            r"<td>(.*?)</td><td>(.*?)</td><td><span[^>]*>(.*?)</span></td>",
            page,
        )
        assert found, name
        expected = (
            "—" if index is None else f"{index:z.3f}",
            "—" if change is None else f"{change:z.3f}",
            "—" if weekly_return is None else f"{100 * weekly_return:z.2f}%",
        )
        assert found.groups() == expected, name


def test_made_up_data_are_called_so(small_settings: Settings, tmp_path: Path) -> None:
    """The sample market must not pass for the market."""
    assert "all data are made up" in page_of(small_settings, tmp_path)


def test_an_earlier_week_has_a_page_of_its_own(
    small_settings: Settings, tmp_path: Path
) -> None:
    """Holdings of the page are those known in its week."""
    with connect_published(small_settings) as con:
        week, signal = con.execute(
            """
            select w.previous_week, max(h.signal_date)
            from core.dim_trade_week as w
            join rotation.fct_rotation_holding as h
                on h.strategy_code = 'diffusion_weekly'
                and h.signal_date <= w.previous_week
            where w.trade_week = (
                select max(trade_week) from core.dim_trade_week where is_complete
            )
            group by w.previous_week
            """
        ).fetchall()[0]
    page = page_of(small_settings, tmp_path, week)
    assert f"week {week}" in page
    assert f"signal {signal}" in page


def test_only_the_newest_week_has_the_performance_to_the_end_of_the_data(
    small_settings: Settings, tmp_path: Path
) -> None:
    """A page of an earlier week prints no figure of what came after it."""
    with connect_published(small_settings) as con:
        newest, before, as_of = con.execute(
            """
            select
                max(trade_week),
                max_by(previous_week, trade_week),
                (
                    select max_by(as_of_date, publication_id)
                    from meta.meta_publication
                )
            from core.dim_trade_week
            where is_complete
            """
        ).fetchall()[0]
        annual = con.execute(
            """
            select annualised_return
            from rotation.fct_rotation_performance
            where strategy_code = 'diffusion_weekly' and period = 'all'
            """
        ).fetchall()[0][0]
    page = page_of(small_settings, tmp_path / "newest", newest)
    assert f"data to {as_of}</span></h2>" in page
    assert f">{100 * annual:z.2f}%<" in page
    earlier = page_of(small_settings, tmp_path / "before", before)
    assert "历史表现" not in earlier
    assert "Sharpe" not in earlier


def test_a_week_that_is_not_there_is_named(
    small_settings: Settings, tmp_path: Path
) -> None:
    """One line says which week was asked for and where to look."""
    with pytest.raises(ValueError, match="no week ending 1999-01-01; see lundong"):
        page_of(small_settings, tmp_path, date(1999, 1, 1))
