"""The reports in a real browser: tabs, charts, languages, widths, paper."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

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
# Share of the pixels that are drawn: lines and names everywhere, cells in a heat map.
DRAWN = """
    [...document.querySelectorAll(".panel.shown .chart")].map((box) => {
        // Cells have a canvas of their own.
        const layers = box.querySelectorAll("canvas");
        const canvas = layers[0];
        const copy = new OffscreenCanvas(canvas.width, canvas.height)
            .getContext("2d", { willReadFrequently: true });
        layers.forEach((layer) => copy.drawImage(layer, 0, 0));
        const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
        let inked = 0;
        for (let at = 3; at < pixels.length; at += 4) inked += pixels[at] > 0;
        return [
            box.dataset.chart, charts[box.dataset.chart].kind, 4 * inked / pixels.length
        ];
    })
"""
DRAW_SECONDS = 10
LEAST = {"bars": 0.01, "lines": 0.01, "heat": 0.15}
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
        empty = [chart for chart, kind, inked in drawn if inked < LEAST[kind]]
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
    box = f"document.querySelector('{chart}').innerText"
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
        # What a chart draws beside what the page writes.
        charts = page.evaluate("charts")
        assert len(charts) > 5
        names = Counter(
            spaceless(drawn_name(chart, place)) for chart in charts.values()
        )
        for name, count in names.items():
            assert printed.count(name) >= written.count(name) + count, name
        # A picture would be soft on paper: charts are lines and letters.
        assert b"/Subtype /Image" not in content


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
