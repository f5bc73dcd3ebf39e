"""The reports in a real browser: tabs, charts, languages, widths, paper."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reports.browser import (
    LANGUAGES,
    PAPER_WIDTH,
    Page,
    find_browser,
    open_page,
    write_pdfs,
)
from reports.sections import REPORTS
from reports.weekly import write_reports
from tests.pdf_text import spaceless, words_of
from warehouse.settings import Settings

RunLundong = Callable[..., subprocess.CompletedProcess[str]]

WIDTHS = (1280, 390)
# A4 less the margins of report.css, in CSS pixels.
SHEET_HEIGHT = 1016
# Of each chart in sight how many shapes its numbers need, how many there are, and its
# words.
DRAWN = """
    [...document.querySelectorAll(".panel.shown .chart")].map((box) => {
        const spec = folded(charts[box.dataset.chart], box);
        const wanted = {
            bars: () => spec.series.flatMap((s) => s.values).filter(Boolean).length,
            heat: () => spec.cells.length,
            lines: () => spec.panels.length,
        };
        return [
            box.dataset.chart, wanted[spec.kind](),
            box.querySelectorAll("svg path").length, box.innerText.length,
        ];
    })
"""
DRAW_SECONDS = 10
WIDE = "document.documentElement.scrollWidth"


@pytest.fixture(scope="module")
def browser() -> str:
    """Return a Chromium, or skip."""
    found = find_browser()
    if found is None:
        pytest.skip("no Chromium is installed")
    return found


@pytest.fixture(scope="module")
def reports(
    small_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Return the files by report, made outside the shared store."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "published").symlink_to(small_settings.published_path.parent)
    index, *paths = write_reports(replace(small_settings, home=folder))
    return {
        "index": index,
        **{report.key: path for report, path in zip(REPORTS, paths, strict=True)},
    }


@pytest.fixture(scope="module")
def opened(browser: str) -> Iterator[Page]:
    """Open a browser for all tests."""
    with open_page(browser) as page:
        yield page


@pytest.fixture
def page(opened: Page) -> Iterator[Page]:
    """Return the browser's page; the console must stay silent, to the end and after."""
    yield opened
    opened.settle()
    said = opened.console.copy()
    opened.console.clear()
    assert said == []


def tabs_of(page: Page) -> list[str]:
    """Return the selectors of the tabs."""
    tabs: list[str] = page.evaluate(
        '[...document.querySelectorAll("[role=tab]")].map((tab) => "#" + tab.id)'
    )
    return tabs


def empty_charts(page: Page) -> list[str]:
    """Return the charts in sight that are not drawn within seconds."""
    deadline = time.monotonic() + DRAW_SECONDS
    while True:
        drawn = page.evaluate(DRAWN)
        empty = [
            chart
            for chart, wanted, shapes, words in drawn
            if shapes < wanted or not words
        ]
        if not empty or time.monotonic() > deadline:
            return empty


@pytest.mark.parametrize("width", WIDTHS)
def test_every_tab_is_drawn_and_nothing_overflows(
    page: Page, reports: dict[str, Path], width: int
) -> None:
    """Each tab of each report in both languages, at a desk's and a phone's width."""
    for path in reports.values():
        page.open(path, width=width)
        assert page.evaluate("innerWidth") == width
        for language in ("en", "zh"):
            page.evaluate(f"page.setLanguage('{language}')")
            for tab in tabs_of(page) or ["h1"]:
                page.click(tab)
                assert page.evaluate(WIDE) <= width, (path.name, tab, language)
                assert empty_charts(page) == [], (path.name, tab, language)


def test_a_tab_shows_its_panel_alone(page: Page, reports: dict[str, Path]) -> None:
    """A click shows one panel and is kept in the address."""
    page.open(reports["microcap"], width=1280)
    page.click("#tab-timing")
    shown = '[...document.querySelectorAll(".panel")].filter((p) => p.offsetHeight)'
    assert page.evaluate(f"{shown}.map((p) => p.id)") == ["timing"]
    assert page.evaluate("location.hash") == "#timing"


def test_hovering_a_chart_shows_the_printed_number(
    page: Page, reports: dict[str, Path]
) -> None:
    """The box at the mouse names a day and the index with three digits."""
    page.open(reports["microcap"], width=1280)
    page.click("#tab-timing")
    chart = '[data-chart="microcap_diffusion"]'
    page.hover(chart)
    # The box at the mouse stands behind the drawing.
    box = f"document.querySelector('{chart}').lastElementChild.innerText"
    deadline = time.monotonic() + DRAW_SECONDS
    while "扩散指数" not in page.evaluate(box) and time.monotonic() < deadline:
        page.hover(chart)
    day, index, *_ = page.evaluate(box).split("\n")
    spec = (
        "JSON.parse(document.getElementById('charts').textContent).microcap_diffusion"
    )
    place = page.evaluate(f"{spec}.dates").index(day)
    value = page.evaluate(f"{spec}.panels[0][0].values")[place]
    assert index == f"扩散指数 {value:.3f}"


def test_a_click_switches_the_language_and_is_remembered(
    page: Page, reports: dict[str, Path]
) -> None:
    """Chinese first; after one click English, on the next page too."""
    heading = "document.querySelector('h1').innerText"
    page.open(reports["industry_rotation"], width=1280)
    assert page.evaluate(heading) == "行业轮动周报"
    page.click("#language")
    assert page.evaluate(heading) == "Industry rotation weekly"
    page.open(reports["factors"], width=1280)
    assert page.evaluate(heading) == "Factor weekly"
    page.click("#language")
    assert page.evaluate(heading) == "因子周报"


def test_what_a_page_says_late_is_heard(opened: Page, reports: dict[str, Path]) -> None:
    """An error after the last answer of a test is kept for its end."""
    opened.open(reports["microcap"])
    opened.evaluate("void setTimeout(() => { throw new Error('late') }, 100)")
    assert opened.console == []
    opened.settle()
    (said,) = opened.console
    opened.console.clear()
    assert "late" in said


def drawn_name(chart: dict[str, Any], place: int) -> str:
    """Return a name that a chart draws: its last bar, last row or first curve."""
    match chart:
        case {"kind": "bars", "categories": [*_, name]}:
            return str(name[place])
        case {"kind": "heat", "y": {"values": [*_, name]}}:
            return str(name[place])
        case {"kind": "lines", "panels": [[{"name": name}, *_], *_]}:
            return str(name[place])
    raise AssertionError(chart["kind"])


@pytest.mark.parametrize("report", ["microcap", "industry_rotation"])
def test_paper_has_every_tab(
    page: Page, browser: str, reports: dict[str, Path], report: str
) -> None:
    """Titles, numbers and charts of all tabs, in both languages, and no picture."""
    path = reports[report]
    (tabs,) = (each.tabs for each in REPORTS if each.key == report)
    made = write_pdfs(browser, [path])
    for place, (language, pdf) in enumerate(zip(LANGUAGES, made, strict=True)):
        assert pdf == path.with_suffix(f".{language}.pdf")
        content = pdf.read_bytes()
        printed = words_of(content)
        page.open(path, width=PAPER_WIDTH, query=f"?print&lang={language}")
        page.send("Emulation.setEmulatedMedia", media="print")
        written = spaceless(page.evaluate("document.body.innerText"))
        page.send("Emulation.setEmulatedMedia", media="")
        for tab in tabs:
            assert spaceless(tab.title[place]) in printed
            for section in tab.sections:
                assert spaceless(section.title[place]) in printed, section.key
        cells = page.evaluate(
            "[...document.querySelectorAll('td.percent, td.number')].map("
            "(cell) => cell.innerText)"
        )
        assert len(cells) > 200
        assert [cell for cell in cells if cell not in printed] == []
        # What the page writes and what its charts draw.
        charts = page.evaluate("charts")
        assert len(charts) > 5
        names = Counter(
            spaceless(drawn_name(chart, place)) for chart in charts.values()
        )
        for name, count in names.items():
            assert printed.count(name) >= written.count(name) >= count, name
        drawn = Counter(
            map(
                spaceless,
                page.evaluate(
                    "[...document.querySelectorAll('.chart svg text')].map("
                    "(text) => text.textContent)"
                ),
            )
        )
        assert drawn.total() > 500
        assert {text for text in drawn if printed.count(text) < drawn[text]} == set()
        # A picture would be soft on paper: charts are lines and letters.
        assert b"/Subtype /Image" not in content


# Square pixels of the shapes of all charts that are neither grey nor pale.
COLOURED = """
    showAll();
    [...document.querySelectorAll(".chart svg path")].reduce((sum, path) => {
        const [, ...rgb] = /^rgb\\((\\d+),\\s*(\\d+),\\s*(\\d+)\\)$/
            .exec(getComputedStyle(path).fill) || [0, 0, 0, 0];
        const isColoured = Math.max(...rgb) - Math.min(...rgb) > 40;
        const box = path.getBoundingClientRect();
        return sum + (isColoured ? box.width * box.height : 0);
    }, 0)
"""


@pytest.mark.parametrize("report", ["microcap", "industry_rotation", "factors"])
def test_paper_has_the_colours_of_the_charts(
    page: Page, browser: str, reports: dict[str, Path], report: str
) -> None:
    """Cells and bars of the page are on the sheets, seen as a reader of PDF shows them.

    Words alone do not tell: letters that are cut off or white stand in the file too.
    """
    reader = shutil.which("pdftoppm")
    if reader is None:
        pytest.skip("poppler's pdftoppm is not installed")
    page.open(reports[report], width=PAPER_WIDTH, query="?print&lang=zh")
    wanted = page.evaluate(COLOURED)
    assert wanted > 20_000
    pdf, _ = write_pdfs(browser, [reports[report]])
    # One point of the picture is one CSS pixel.
    sheets = subprocess.run(
        [reader, "-r", "96", str(pdf)], capture_output=True, check=True
    ).stdout
    assert 0.85 * wanted < coloured_pixels(sheets)


def coloured_pixels(pictures: bytes) -> int:
    """Count the pixels of portable pixmaps that are neither grey nor pale."""
    count = at = 0
    while at < len(pictures):
        magic, size, most, rest = pictures[at:].split(b"\n", 3)
        assert (magic, most) == (b"P6", b"255")
        width, height = map(int, size.split())
        colours = np.frombuffer(rest, np.uint8, 3 * width * height).reshape(-1, 3)
        count += int((np.ptp(colours.astype(int), axis=1) > 40).sum())
        at = len(pictures) - len(rest) + colours.size
    return count


def test_no_chart_is_longer_than_a_sheet(page: Page, reports: dict[str, Path]) -> None:
    """With its heading a chart fits on one sheet, however many names it has."""
    page.open(reports["factors"], width=PAPER_WIDTH, query="?print&lang=en")
    heights = page.evaluate(
        "[...document.querySelectorAll('.group')].map((each) => each.offsetHeight)"
    )
    assert max(heights) > 700
    assert max(heights) < SHEET_HEIGHT


def test_a_long_list_opens(page: Page, reports: dict[str, Path]) -> None:
    """Ten factors first; a click shows all in the table and in the chart."""
    page.open(reports["microcap"], width=1280)
    page.click("#tab-factors")
    section = "document.getElementById('microcap_factor_ic')"
    rows = (
        f"[...{section}.querySelectorAll('tbody tr')].filter((row) => row.offsetHeight)"
        ".length"
    )
    whole = page.evaluate("charts.microcap_factor_ic.categories.length")
    assert page.evaluate(rows) == 10 < whole
    assert empty_charts(page) == []
    page.click("#microcap_factor_ic .fold")
    assert page.evaluate(rows) == whole
    names = page.evaluate(f"{section}.querySelector('.chart').innerText")
    last = page.evaluate("charts.microcap_factor_ic.categories.map((name) => name[0])")
    assert all(spaceless(name) in spaceless(names) for name in last)
    # Values at both ends of a long list.
    assert names.count("-0.2\n") == 2


def test_a_phone_is_told_what_it_does_not_show(
    page: Page, reports: dict[str, Path]
) -> None:
    """Wide tables say that they move, left-out columns and numbers where they are."""
    seen = """
        [...document.querySelectorAll(".panel.shown .wide")].map((box) => [
            box.scrollWidth > box.clientWidth + 1,
            box.previousElementSibling.matches(".hint:not(.cut)")
                && box.previousElementSibling.offsetHeight > 0,
        ])
    """
    moves = []
    for report in ("honesty", "factors"):
        page.open(reports[report], width=390)
        for tab in tabs_of(page):
            page.click(tab)
            moves += page.evaluate(seen)
    assert all(moving == told for moving, told in moves)
    assert {moving for moving, _ in moves} == {True, False}
    page.open(reports["industry_rotation"], width=390)
    page.click("#tab-diffusion")
    cut = "document.querySelector('#industry_ranking .hint.cut').offsetHeight > 0"
    assert page.evaluate(cut)
    page.open(reports["microcap"], width=390)
    page.click("#tab-timing")
    grid = '[data-chart="critical_grid"]'
    assert "点一格看数值" in page.evaluate(
        f"document.querySelector('{grid}').innerText"
    )
    page.open(reports["industry_rotation"], width=1280)
    page.click("#tab-diffusion")
    assert not page.evaluate(cut)


def test_zero_is_white_and_little_is_pale(page: Page, reports: dict[str, Path]) -> None:
    """A loss of 1% in a year is a light green however small all others are."""
    page.open(reports["industry_rotation"], width=1280)
    page.evaluate(
        """
        charts.strategy_year.cells.forEach((cell, place) => {
            cell[2] = place ? 0 : -1;
        })
        """
    )
    page.click("#tab-strategies")
    fills = page.evaluate(
        """
        [...document.querySelectorAll('[data-chart="strategy_year"] svg path')]
            .map((path) => path.getAttribute("fill"))
            .filter((fill) => /^rgb/.test(fill))
        """
    )
    first, *others = ([int(n) for n in re.findall(r"\d+", fill)] for fill in fills)
    assert min(first) > 200
    assert first[1] == max(first) > first[0]
    assert [255, 255, 255] in others


def test_contours_run_along_the_cells(page: Page, reports: dict[str, Path]) -> None:
    """No line strikes through a number: each level is the lower edge of cells."""
    page.open(reports["microcap"], width=1280)
    page.click("#tab-timing")
    edges, levels = page.evaluate(
        """
        (() => {
            const paths = [...document.querySelectorAll(
                '[data-chart="critical_grid"] svg path'
            )];
            const top = (path) => path.getBoundingClientRect();
            return [
                paths.filter((path) => /^rgb/.test(path.getAttribute("fill")))
                    .map((path) => top(path).bottom),
                paths.filter((path) => path.getAttribute("fill") === "none"
                    && Number(path.getAttribute("stroke-width")) > 2)
                    .map((path) => top(path).bottom),
            ];
        })()
        """
    )
    assert len(edges) >= 231
    assert len(levels) > 3
    for level in levels:
        assert min(abs(level - edge) for edge in edges) < 5


def test_a_legend_has_all_curves(page: Page, reports: dict[str, Path]) -> None:
    """It has as many rows as it needs; six curves are drawn at first."""
    page.open(reports["industry_rotation"], width=1280)
    page.click("#tab-strategies")
    names = page.evaluate("charts.net_value.panels[0].map((curve) => curve.name[0])")
    assert len(names) > 6
    chart = "document.querySelector('[data-chart=\"net_value\"]')"
    written = spaceless(page.evaluate(f"{chart}.innerText"))
    assert [name for name in names if spaceless(name) not in written] == []
    # Which page of a legend that turns its pages.
    assert not re.search(r"\d/\d", written)
    curves = f"""
        [...{chart}.querySelectorAll("path")].filter((path) =>
            path.getAttribute("fill") === "none"
            && path.getAttribute("stroke-width") === "1.6").length
    """
    assert page.evaluate(curves) == 2 * 6


def test_without_a_browser_one_line_says_so(
    small_settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_lundong: RunLundong,
) -> None:
    """The pages are made all the same."""
    (tmp_path / "published").symlink_to(small_settings.published_path.parent)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = run_lundong(tmp_path, "report").stdout
    assert "no PDF: Chromium is not installed" in said
    assert (tmp_path / "reports" / "index.html").exists()
