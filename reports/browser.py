"""A headless Chromium, driven through its own protocol: pages as PDF, tests of them.

Add what the printing or several tests need of a browser as a method of ``Page``; keep
out what a page looks like on paper, which is the print part of ``report.css``.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

LANGUAGES = ("zh", "en")
# A4 less the margins of report.css, in CSS pixels.
PAPER_WIDTH = 718
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 60.0
ANSWER_SECONDS = 60.0
# Longer than the delay with which the pages answer another width.
SETTLE_MILLISECONDS = 300


class BrowserError(OSError):
    """The browser failed; the message says at what."""


def find_browser() -> str | None:
    """Return the program of an installed Chromium."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@dataclass
class Page:
    """An open page; what its console says is kept in ``console``."""

    socket: ClientConnection
    console: list[str] = field(default_factory=list)
    last: int = 0

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Have the browser do something; return its answer."""
        self.last += 1
        self.socket.send(
            json.dumps({"id": self.last, "method": method, "params": parameters})
        )
        while True:
            message = self.receive()
            if message.get("id") == self.last:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result

    def receive(self) -> dict[str, Any]:
        """Take a message; keep what was logged or thrown."""
        message: dict[str, Any] = json.loads(self.socket.recv(ANSWER_SECONDS))
        if message.get("method") in {
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
        }:
            self.console.append(json.dumps(message["params"])[:500])
        return message

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of the page."""
        answer = self.send(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def open(
        self, path: Path, *, width: int = 1120, height: int = 900, query: str = ""
    ) -> None:
        """Open a file at a width, below 600 px as a phone; wait until it is there."""
        address = path.resolve().as_uri() + query
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self.send("Page.navigate", url=address)
        deadline = time.monotonic() + START_SECONDS
        while (
            self.evaluate("location.href + document.readyState") != f"{address}complete"
        ):
            if time.monotonic() > deadline:
                raise BrowserError(f"{address} does not open")
            time.sleep(0.05)

    def settle(self) -> None:
        """Wait for what the page does later, and for what its console says of it."""
        self.evaluate(f"new Promise((done) => setTimeout(done, {SETTLE_MILLISECONDS}))")

    def click(self, selector: str) -> None:
        """Click the middle of an element with the mouse."""
        x, y = self.middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="left",
                clickCount=1,
            )

    def hover(self, selector: str) -> None:
        """Move the mouse onto the middle of an element."""
        x, y = self.middle(selector)
        for step in (1, 0):
            self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x - step, y=y)

    def middle(self, selector: str) -> tuple[float, float]:
        """Scroll an element into sight and return its middle."""
        x, y = self.evaluate(
            f"""(() => {{
                const element = document.querySelector({json.dumps(selector)});
                element.scrollIntoView({{ block: "center" }});
                const box = element.getBoundingClientRect();
                return [box.x + box.width / 2, box.y + box.height / 2];
            }})()"""
        )
        return x, y

    def picture(self, path: Path) -> None:
        """Save a picture of the whole page."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        answer = self.send(
            "Page.captureScreenshot",
            captureBeyondViewport=True,
            clip={
                "x": 0,
                "y": 0,
                "width": size["width"],
                "height": size["height"],
                "scale": 1,
            },
        )
        path.write_bytes(base64.b64decode(answer["data"]))


@contextmanager
def open_page(program: str) -> Iterator[Page]:
    """Start a browser with one page; it has no way out to a network."""
    with tempfile.TemporaryDirectory("_browser", ignore_cleanup_errors=True) as folder:
        process = subprocess.Popen(  # noqa: S603 - a found program, own arguments
            [
                program,
                "--headless=new",
                "--remote-debugging-port=0",
                f"--user-data-dir={folder}",
                "--no-first-run",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
                *(["--no-sandbox"] if os.geteuid() == 0 else []),
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # What it leaves behind goes with the folder.
            env={**os.environ, "TMPDIR": folder},
        )
        try:
            with connect(
                _address(process, Path(folder)), max_size=None, proxy=None
            ) as socket:
                page = Page(socket)
                for domain in ("Page", "Runtime", "Log"):
                    page.send(f"{domain}.enable")
                yield page
        finally:
            process.terminate()
            process.wait(timeout=30)


def _address(process: subprocess.Popen[bytes], folder: Path) -> str:
    """Return the address of the first page once the browser listens."""
    deadline = time.monotonic() + START_SECONDS
    told = folder / "DevToolsActivePort"
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BrowserError(f"the browser ended with {process.returncode}")
        lines = told.read_text().splitlines() if told.exists() else []
        if lines:
            targets = httpx.get(
                f"http://127.0.0.1:{lines[0]}/json/list", trust_env=False
            ).json()
            for target in targets:
                if target["type"] == "page":
                    return str(target["webSocketDebuggerUrl"])
        time.sleep(0.1)
    raise BrowserError("the browser does not listen")


def write_pdfs(
    browser: str,
    pages: Sequence[Path],
    show: Callable[[str, int, int], None] | None = None,
) -> list[Path]:
    """Print pages beside themselves, once in each language.

    Parameters
    ----------
    browser : str
        Program of a Chromium.
    pages : sequence of Path
        Files of reports.
    show : callable, optional
        Told what is printed: name, number, of how many.

    Returns
    -------
    list of Path
        ``<page>.zh.pdf`` and ``<page>.en.pdf`` of each page.

    Raises
    ------
    BrowserError
        The browser did not start, answer or print.
    """
    wanted = [(page, language) for page in pages for language in LANGUAGES]
    made = []
    with open_page(browser) as printer:
        for done, (page, language) in enumerate(wanted, 1):
            path = page.with_suffix(f".{language}.pdf")
            if show:
                show(path.name, done, len(wanted))
            # As wide as the paper, so that the charts are drawn for it.
            printer.open(page, width=PAPER_WIDTH, query=f"?print&lang={language}")
            answer = printer.send(
                "Page.printToPDF", printBackground=True, preferCSSPageSize=True
            )
            partial = path.with_suffix(".partial")
            partial.write_bytes(base64.b64decode(answer["data"]))
            made.append(partial.replace(path))
    return made
