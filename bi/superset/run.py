"""A Superset over the published warehouse, with the dashboards of ``assets``.

It installs Superset, starts PostgreSQL for its metadata, imports the assets, asks every
chart for its data and takes pictures. Add a step of that; keep out what a chart shows,
which is in ``assets``. Run it through ``make superset`` and ``make superset-check``.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import httpx
import psycopg
import yaml

from reports.browser import Page, find_browser, open_page
from warehouse.loopback_postgres import find_programs, loopback_server
from warehouse.settings import PROJECT_ROOT, read_settings

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
DATABASE_FILE = "databases/Lundong.yaml"
ENVIRONMENT = PROJECT_ROOT / "build" / "superset"
USER = "admin"
START_SECONDS = 180
DRAW_SECONDS = 120
# As wide as a desktop; so high that every chart is in sight, and drawn.
WIDTH, HEIGHT = 1500, 4300


# Charts of a model's scores: empty, with a reason, where it has none.
NEEDED_MODELS = {"Fused IC · 融合IC": "fused"}


class SupersetError(RuntimeError):
    """Superset, PostgreSQL or a chart failed; the message says at what."""


@dataclass(frozen=True)
class Server:
    """A running Superset, and a session that is logged in."""

    address: str
    password: str
    client: httpx.Client

    def send(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Ask the REST API; return its answer.

        Raises
        ------
        SupersetError
            The answer is not of the kind 2xx.
        """
        answer = self.client.request(method, f"/api/v1/{path}", **options)
        if not answer.is_success:
            raise SupersetError(f"{method} {path}: {answer.status_code} {answer.text}")
        content: dict[str, Any] = answer.json()
        return content


# ---------------------------------------------------------------- assets


def database_uri(database: str) -> str:
    """Return SQLAlchemy's address of a DuckDB file or of a PostgreSQL DSN."""
    scheme, found, rest = database.partition("://")
    if found and scheme in {"postgres", "postgresql"}:
        return f"postgresql+psycopg2://{rest}"
    if found:
        raise SupersetError(f"{scheme}: neither a DuckDB file nor a postgresql:// DSN")
    path = Path(database).resolve()
    if not path.is_file():
        raise SupersetError(f"{path} is not there: run `make refresh`, or name another")
    return f"duckdb:///{path}"


def bundle(database: str) -> bytes:
    """Return the assets as the zip that Superset imports, for one database.

    Parameters
    ----------
    database : str
        Path of a published file, or a ``postgresql://`` DSN; its password is part of
        the zip.
    """
    uri = database_uri(database)
    config = yaml.safe_load((ASSETS / DATABASE_FILE).read_text(encoding="utf-8"))
    config["sqlalchemy_uri"] = uri
    if uri.startswith("postgresql"):
        del config["extra"]["engine_params"]
    metadata = {
        "version": "1.0.0",
        "type": "Dashboard",
        "timestamp": datetime.now(UTC).isoformat(),
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lundong/metadata.yaml", yaml.safe_dump(metadata))
        for path in sorted(ASSETS.rglob("*.yaml")):
            name = path.relative_to(ASSETS).as_posix()
            text = path.read_text(encoding="utf-8")
            if name == DATABASE_FILE:
                text = yaml.safe_dump(config)
            archive.writestr(f"lundong/{name}", text)
    return content.getvalue()


# ---------------------------------------------------------------- servers


def install() -> Path:
    """Make Superset's environment where it is missing or old; return its programs."""
    wanted = (HERE / "requirements.txt").read_text(encoding="utf-8")
    programs, stamp = ENVIRONMENT / "bin", ENVIRONMENT / "requirements.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return programs
    tell(f"installing Superset in {ENVIRONMENT.relative_to(PROJECT_ROOT)} (0.9 GB)")
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    run([programs / "python", "-m", "pip", "install", "--quiet",
         "--disable-pip-version-check", "-r", HERE / "requirements.txt"])  # fmt: skip
    stamp.write_text(wanted, encoding="utf-8")
    return programs


@contextmanager
def superset_server(port: int) -> Iterator[Server]:
    """Run a fresh Superset on loopback, and log in."""
    postgres = find_programs()
    if postgres is None:
        raise SupersetError("no PostgreSQL found: apt-get install postgresql")
    programs = install()
    password = os.environ.get("SUPERSET_PASSWORD") or secrets.token_urlsafe(12)
    with (
        loopback_server(postgres, owner="superset") as metadata,
        tempfile.TemporaryDirectory() as home,
    ):
        environment = {
            **os.environ,
            "FLASK_APP": "superset.app:create_app()",
            # The pixel that counts installations stays off.
            "SCARF_ANALYTICS": "false",
            "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
            "SUPERSET_HOME": home,
            "SUPERSET_METADATA_URI": metadata.dsn(scheme="postgresql+psycopg2"),
            "SUPERSET_SECRET_KEY": secrets.token_urlsafe(42),
        }
        superset = programs / "superset"
        tell("preparing its metadata")
        run([superset, "db", "upgrade"], env=environment)
        # Asked for, so that no list of processes shows the password; without a terminal
        # it is read from the standard input.
        run([superset, "fab", "create-admin", "--username", USER, "--firstname", USER,
             "--lastname", USER, "--email", "admin@localhost"], env=environment,
            input=f"{password}\n{password}\n", start_new_session=True)  # fmt: skip
        run([superset, "init"], env=environment)
        tell("starting Superset")
        with (Path(home) / "log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(  # noqa: S603 - own program and arguments
                [superset, "run", "--host", "127.0.0.1", "--port", str(port),
                 "--with-threads"],
                env=environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                address = f"http://127.0.0.1:{port}"
                with httpx.Client(
                    base_url=address,
                    timeout=120,
                    trust_env=False,
                    follow_redirects=True,
                ) as client:
                    wait_until_up(client, process, Path(log.name))
                    log_in(client, password)
                    yield Server(address, password, client)
            finally:
                process.terminate()
                process.wait(timeout=30)


def wait_until_up(
    client: httpx.Client, process: subprocess.Popen[bytes], log: Path
) -> None:
    """Wait for the first answer; tell the end of the log where none comes."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.get("/health").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.5)
        else:
            return
    raise SupersetError(f"Superset does not start:\n{log.read_text()[-2000:]}")


def log_in(client: httpx.Client, password: str) -> None:
    """Log in; cookie and token against forgery stay with the client."""
    tokens = client.post(
        "/api/v1/security/login",
        json={
            "username": USER,
            "password": password,
            "provider": "db",
            "refresh": False,
        },
    )
    tokens.raise_for_status()
    bearer = {"Authorization": f"Bearer {tokens.json()['access_token']}"}
    token = client.get("/api/v1/security/csrf_token/", headers=bearer).json()["result"]
    client.post(
        "/login/",
        data={"username": USER, "password": password, "csrf_token": token},
    ).raise_for_status()
    token = client.get("/api/v1/security/csrf_token/").json()["result"]
    client.headers["X-CSRFToken"] = token
    client.headers["Referer"] = str(client.base_url)


# ---------------------------------------------------------------- what it is for


def import_assets(server: Server, database: str) -> list[str]:
    """Import the dashboards with all that they show; return their slugs."""
    server.send(
        "POST",
        "dashboard/import/",
        files={"formData": ("lundong.zip", bundle(database), "application/zip")},
        data={"overwrite": "true"},
    )
    found = server.send("GET", "dashboard/")["result"]
    return sorted(str(dashboard["slug"]) for dashboard in found)


def absent_models(database: str) -> dict[str, str]:
    """Return the models without scores, each with the published reason."""
    sql = "select model_code, unavailable_reason from core.dim_model "
    sql += "where not is_available"
    if "://" in database:
        with psycopg.connect(database) as server:
            return dict(server.execute(sql).fetchall())
    with duckdb.connect(database, read_only=True) as file:
        return dict(file.execute(sql).fetchall())


def excused(database: str) -> dict[str, str]:
    """Return the charts that may be empty, each with the published reason."""
    absent = absent_models(database)
    return {
        chart: f"{model}: {absent[model]}"
        for chart, model in NEEDED_MODELS.items()
        if model in absent
    }


def ask_charts(server: Server, may_be_empty: Mapping[str, str]) -> list[str]:
    """Ask each chart for its data by the query saved with it; return what fails."""
    charts = server.send("GET", "chart/?q=(page_size:100)")["result"]
    expected = len(list((ASSETS / "charts").glob("*.yaml")))
    faults = []
    if len(charts) != expected:
        faults.append(f"{len(charts)} of {expected} charts were imported")
    for chart in sorted(charts, key=lambda chart: str(chart["slice_name"])):
        name = chart["slice_name"]
        try:
            answer = server.send("GET", f"chart/{chart['id']}/data/?force=true")
        except SupersetError as error:
            faults.append(f"{name}: {error}")
            continue
        for result in answer["result"]:
            if result["error"]:
                faults.append(f"{name}: {result['error']}")
            elif not result["rowcount"] and name in may_be_empty:
                tell(f"{name}: no rows ({may_be_empty[name]})")
            elif not result["rowcount"]:
                faults.append(f"{name}: no rows")
    tell(f"{len(charts)} charts asked, {len(faults)} faults")
    return faults


# What a dashboard has drawn, still loads, and could not draw.
STATE = """
    JSON.stringify({
        height: 40 + Math.max(
            100, ...[...document.querySelectorAll(".dashboard-chart")].map(
                (chart) => chart.getBoundingClientRect().bottom
            )
        ),
        charts: document.querySelectorAll(".dashboard-chart").length,
        drawn: document.querySelectorAll(".slice_container").length,
        loading: document.querySelectorAll(".loading, [aria-busy=true]").length,
        faults: [...document.querySelectorAll(
            ".dashboard-chart [role=alert], .dashboard-chart .ant-alert-error, "
            + ".dashboard-chart .ant-empty"
        )].map((fault) => fault.closest(".dashboard-chart").innerText.slice(0, 200)),
    })
"""


def picture(
    page: Page,
    server: Server,
    slug: str,
    folder: Path,
    may_be_empty: Mapping[str, str],
) -> list[str]:
    """Take a picture of a dashboard as a person sees it; return what is not drawn."""
    for cookie in server.client.cookies.jar:
        page.send(
            "Network.setCookie",
            name=cookie.name,
            value=cookie.value or "",
            url=server.address,
        )
    page.send(
        "Emulation.setDeviceMetricsOverride",
        width=WIDTH,
        height=HEIGHT,
        deviceScaleFactor=1,
        mobile=False,
    )
    page.send("Page.navigate", url=f"{server.address}/superset/dashboard/{slug}/")
    deadline = time.monotonic() + DRAW_SECONDS
    state: Mapping[str, Any] = {}
    quiet = 0
    while time.monotonic() < deadline and quiet < 4:
        time.sleep(1)
        state = json.loads(page.evaluate(STATE))
        is_drawn = state["charts"] and state["drawn"] == state["charts"]
        quiet = quiet + 1 if is_drawn and not state["loading"] else 0
    # As high as what is drawn; a resized window would draw all anew.
    answer = page.send(
        "Page.captureScreenshot",
        clip={"x": 0, "y": 0, "width": WIDTH, "height": state["height"], "scale": 1},
    )
    (folder / f"{slug}.png").write_bytes(base64.b64decode(answer["data"]))
    # What is said of a chart begins with its name.
    faults = [
        f"{slug}: {fault!r}"
        for fault in state["faults"]
        if not fault.startswith(tuple(may_be_empty))
    ]
    if quiet < 4:
        faults.append(f"{slug}: not drawn in {DRAW_SECONDS} s: {state}")
    tell(f"{slug}: {state['drawn']} of {state['charts']} charts drawn")
    return faults


def check(database: str, folder: Path, port: int) -> list[str]:
    """Import, ask and look; return what fails."""
    with superset_server(port) as server:
        slugs = import_assets(server, database)
        tell(f"imported: {', '.join(slugs)}")
        may_be_empty = excused(database)
        faults = ask_charts(server, may_be_empty)
        browser = find_browser()
        if browser is None:
            tell("no Chromium found: no pictures were taken")
            return faults
        folder.mkdir(parents=True, exist_ok=True)
        with open_page(browser) as page:
            for slug in slugs:
                faults += picture(page, server, slug, folder, may_be_empty)
    return faults


def serve(database: str, port: int) -> None:
    """Import, then run until interrupted."""
    with superset_server(port) as server:
        slugs = import_assets(server, database)
        tell(f"{server.address}   user {USER}   password {server.password}")
        for slug in slugs:
            tell(f"{server.address}/superset/dashboard/{slug}/")
        tell("Ctrl-C ends it")
        while True:
            time.sleep(3600)


# ---------------------------------------------------------------- small parts


def run(command: list[Any], **options: Any) -> None:
    """Run a program; where it fails, tell what it said last."""
    # A file, not a pipe: a server that goes on would keep the pipe open.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        done = subprocess.run(  # noqa: S603 - own programs and arguments
            [str(part) for part in command],
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **options,
        )
        said.seek(0)
        if done.returncode:
            raise SupersetError(f"{command[0]} failed:\n{said.read()[-2000:]}")


def tell(line: str) -> None:
    """Say what is done."""
    sys.stderr.write(f"superset: {line}\n")


def interrupt(_number: int, _frame: object) -> None:
    """End as Ctrl-C does."""
    raise KeyboardInterrupt


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=("serve", "check", "bundle"))
    parser.add_argument(
        "--database",
        default=str(read_settings().published_path),
        help="a published DuckDB file, or a postgresql:// DSN",
    )
    parser.add_argument("--port", type=int, default=8088)
    parser.add_argument("--output", type=Path, default=ENVIRONMENT.parent)
    options = parser.parse_args()
    # Whatever ends it, the servers end with it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    try:
        if options.command == "bundle":
            path = options.output / "lundong_superset.zip"
            path.parent.mkdir(parents=True, exist_ok=True)
            # For its owner alone, whatever stood there: a password can be in it.
            path.unlink(missing_ok=True)
            path.touch(mode=0o600, exist_ok=False)
            path.write_bytes(bundle(options.database))
            tell(f"wrote {path}")
        elif options.command == "serve":
            serve(options.database, options.port)
        else:
            faults = check(options.database, options.output, options.port)
            for fault in faults:
                tell(f"FAULT {fault}")
            return 1 if faults else 0
    except (SupersetError, subprocess.CalledProcessError) as error:
        tell(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        tell("ended")
    return 0


if __name__ == "__main__":
    sys.exit(main())
