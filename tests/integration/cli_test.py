"""The command line: each command, its exit code, and errors of one line."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import RunLundong
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_published

COMMANDS = ("sample", "load", "refresh", "status", "query", "sql", "report")


@pytest.mark.parametrize("command", ["", *COMMANDS, "load folder", "load qlib"])
def test_every_command_has_help(
    tmp_path: Path, run_lundong: RunLundong, command: str
) -> None:
    done = run_lundong(tmp_path, *command.split(), "--help")
    assert "Usage: lundong" in done.stdout
    if not command:
        for name in COMMANDS:
            assert re.search(rf"\b{name}\b", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["refresh"], "run `lundong sample`"),
        (["sql", "select 1"], "does not exist: run `lundong refresh`"),
        (["query", "industry_ranking"], "does not exist: run `lundong refresh`"),
        (["query", "industry_rankin"], "industry_ranking"),
        (["query"], "query --list"),
        (["query", "industry_ranking", "-p", "week"], "NAME=VALUE"),
        (["report"], "does not exist: run `lundong refresh`"),
        (["load", "folder", "no_such.toml", "--dir", "."], "no_such.toml"),
        (["load", "folder", "sample", "--dir", "no_such_folder"], "no_such_folder"),
        (["load", "qlib", "no_such_folder"], "no_such_folder"),
        (
            ["load", "tushare", "--from", "2024-06-03", "--to", "2024-06-07"],
            "TUSHARE_TOKEN",
        ),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_mistake_is_one_line_and_exit_code_1(
    tmp_path: Path,
    run_lundong: RunLundong,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.delenv("TUSHARE_TOKEN", raising=False)
    done = run_lundong(tmp_path / "empty", *arguments, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert told in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nothing"], "No such command 'nothing'"),
        (["refresh", "--week", "June"], "'--week'"),
        (["refresh", "--fully"], "--fully"),
        (["load", "folder"], "mapping"),
        (["query", "industry_ranking", "--format", "xls"], "'parquet'"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_words_that_are_not_understood_are_one_line_and_exit_code_2(
    tmp_path: Path, run_lundong: RunLundong, arguments: list[str], told: str
) -> None:
    done = run_lundong(tmp_path / "empty", *arguments, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert told in done.stderr
    assert "--help" in done.stderr
    assert done.stdout == ""


def test_port_in_use_is_said(tmp_path: Path, run_lundong: RunLundong) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run_lundong(tmp_path / "empty", "ui", "--port", port, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: port {port} of 127.0.0.1 cannot be used")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "empty").exists()


def test_status_of_an_empty_store(tmp_path: Path, run_lundong: RunLundong) -> None:
    done = run_lundong(tmp_path / "empty", "status")
    assert "nothing is loaded" in done.stdout
    assert "nothing is published" in done.stdout


def test_status_tells_what_is_there(
    small_home: Path, small_settings: Settings, run_lundong: RunLundong
) -> None:
    with connect_published(small_settings) as con:
        row = con.execute(
            "select publication_id, as_of_date from meta.meta_publication"
        ).fetchone()
        absent = con.execute(
            """
            select 'factor', factor_code, unavailable_reason
            from core.dim_factor where not is_available
            union all
            select 'model', model_code, unavailable_reason
            from core.dim_model where not is_available
            union all
            select 'strategy', strategy_code, unavailable_reason
            from core.dim_strategy where not is_available
            """
        ).fetchall()
    assert row is not None
    # The published ablations are trained only when they are asked for.
    assert len(absent) > 5
    shown = run_lundong(small_home, "status").stdout
    bars = next(line for line in shown.splitlines() if line.startswith("daily_bar"))
    assert str(row[1]) in bars
    assert f"publication {row[0]} as of {row[1]}" in shown
    assert "sample market: all data are made up" in shown
    assert "checks not passed: none" in shown
    assert f"absent: {len(absent)}" in shown
    for kind, code, reason in absent:
        assert f"  {kind} {code}: {reason}"[:150] in shown


def test_loading_the_same_again_changes_nothing(
    home_copy: Settings, run_lundong: RunLundong
) -> None:
    done = run_lundong(
        home_copy.home, "load", "folder", "sample", "--dir", home_copy.sample
    )
    bars = next(
        line for line in done.stdout.splitlines() if line.startswith("daily_bar")
    )
    read, accepted, unchanged, rejected = (
        int(number.replace(",", "")) for number in re.findall(r" ([\d,]+)\b", bars)[-4:]
    )
    assert accepted == 0
    assert read == unchanged + rejected > 0


def test_real_files_into_the_sample_store_are_refused(
    small_home: Path, run_lundong: RunLundong, tmp_path: Path
) -> None:
    done = run_lundong(
        small_home, "load", "folder", "real", "--dir", tmp_path, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "holds the sample market" in done.stderr
    assert "set LUNDONG_HOME to another folder" in done.stderr


def test_sample_if_empty_leaves_loaded_data_alone(
    small_home: Path, run_lundong: RunLundong
) -> None:
    done = run_lundong(small_home, "sample", "--if-empty")
    assert "no sample market is made" in done.stdout


def test_query_in_every_format(
    small_home: Path, run_lundong: RunLundong, tmp_path: Path
) -> None:
    listed = run_lundong(small_home, "query", "--list").stdout
    names = {path.stem for path in (PROJECT_ROOT / "sql" / "queries").glob("*.sql")}
    assert all(name in listed for name in names)
    asked = ["query", "industry_ranking"]
    table = run_lundong(small_home, *asked).stdout
    rows = json.loads(run_lundong(small_home, *asked, "--format", "json").stdout)
    assert rows
    assert next(iter(rows[0])) in table
    csv = run_lundong(small_home, *asked, "--format", "csv").stdout.splitlines()
    assert len(csv) == len(rows) + 1
    file = tmp_path / "answer.parquet"
    run_lundong(small_home, *asked, "--format", "parquet", "--output", file)
    assert pq.read_table(file).num_rows == len(rows)


def test_query_of_a_week(small_home: Path, run_lundong: RunLundong) -> None:
    newest = run_lundong(small_home, "query", "industry_ranking").stdout
    with connect_published(Settings(home=small_home)) as con:
        row = con.execute(
            """
            select last_day, first_day
            from core.dim_trade_week
            where is_complete
            order by trade_week desc
            limit 1 offset 10
            """
        ).fetchone()
    assert row is not None
    last_day, first_day = (str(day) for day in row)
    asked = ["query", "industry_ranking", "--week"]
    answer = run_lundong(small_home, *asked, last_day).stdout
    assert answer != newest
    # Any day of the week names it.
    assert run_lundong(small_home, *asked, first_day).stdout == answer


def test_sql_reads_and_refuses_to_write(
    small_home: Path, run_lundong: RunLundong
) -> None:
    statement = "select count(*) as n from core.dim_trade_week"
    answer = run_lundong(small_home, "sql", statement, "--format", "json").stdout
    assert json.loads(answer)[0]["n"] > 50
    refused = run_lundong(
        small_home, "sql", "drop table core.dim_trade_week", check=False
    )
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1


def test_report_is_written(home_copy: Settings, run_lundong: RunLundong) -> None:
    done = run_lundong(home_copy.home, "report", "--no-pdf")
    first, *names = done.stdout.splitlines()
    path = Path(first.removeprefix("report: "))
    assert path.name == "index.html"
    assert len(names) == 4
    for name in names:
        assert (path.parent / name.strip()).exists()
    assert path.is_file()
    assert home_copy.reports in path.parents


def test_second_writer_is_told_of_the_first(
    home_copy: Settings, run_lundong: RunLundong
) -> None:
    hold = (
        "import sys; from pathlib import Path; from warehouse.lock import writer_lock; "
        "from warehouse.settings import Settings\n"
        "with writer_lock(Settings(home=Path(sys.argv[1])), 'load'):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(home_copy.home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = run_lundong(home_copy.home, "refresh", check=False)
        holder.kill()
    assert done.returncode == 1
    assert f"is being written by load (process {holder.pid}" in done.stderr
    assert done.stderr.count("\n") == 1
