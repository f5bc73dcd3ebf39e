"""The contract: DDL, checks and mappings made from the declarations of the raw tables.

Add what can be shown without a market; keep files that are loaded in
``integration/load``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from warehouse import store
from warehouse.load import LoadError, _column_checks
from warehouse.raw_tables import RAW_TABLE_BY_NAME, RAW_TABLES, Column, RawTable
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.sources.folder import (
    LOADED_FIRST,
    Entry,
    Mapping,
    line_numbers,
    match_files,
    read_mapping,
)

MAPPINGS = PROJECT_ROOT / "warehouse" / "mappings"


def test_every_declared_column_is_in_the_store(tmp_path: Path) -> None:
    with store.connect_build(Settings(home=tmp_path)) as con:
        store.create_raw_tables(con)
        store.create_raw_tables(con)
        for table in RAW_TABLES:
            described = con.execute(f"describe raw.{table.name}").fetchall()
            found = [(name, kind) for name, kind, *_ in described]
            declared = [(column.name, column.type) for column in table.columns]
            versions = [("load_id", "BIGINT"), ("replaces_load_id", "BIGINT")]
            assert found == declared + versions, table.name
            if table.storage == "duckdb":
                required = {name for name, _, null, *_ in described if null == "NO"}
                declared_required = {
                    column.name for column in table.columns if column.required
                }
                assert required == declared_required | {"load_id"}


def test_a_column_declared_later_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    security = RAW_TABLE_BY_NAME["security"]
    isin = Column(name="isin", type="VARCHAR", description="Identifier.")
    wider = security.model_copy(update={"columns": (*security.columns, isin)})
    with store.connect_build(Settings(home=tmp_path)) as con:
        store.create_raw_tables(con)
        con.execute(
            "insert into raw.security (security_code, board, list_date, load_id) "
            "values ('600000.SH', 'main', date '1999-11-10', 1)"
        )
        monkeypatch.setattr(store, "RAW_TABLES", (wider,))
        store.create_raw_tables(con)
        assert con.execute(
            "select security_code, isin from raw.security"
        ).fetchall() == [("600000.SH", None)]


CASES = [
    (Column(name="x", type="DOUBLE", description="", positive=True), 0.0, 0.01),
    (Column(name="x", type="DOUBLE", description="", minimum=0), -0.01, 0.0),
    (Column(name="x", type="DOUBLE", description="", maximum=1), 1.01, 1.0),
    (Column(name="x", type="DOUBLE", description=""), float("inf"), 1.0),
    (Column(name="x", type="VARCHAR", description="", required=True), "", "a"),
    (Column(name="x", type="VARCHAR", description="", values=("a",)), "b", "a"),
    (Column(name="x", type="BIGINT", description="", values=("1",)), 2, 1),
    (Column(name="x", type="VARCHAR", description="", pattern=r"^\d$"), "12", "1"),
]


@pytest.mark.parametrize(("column", "bad", "good"), CASES)
def test_a_column_check_fails_on_the_bad_and_passes_the_good_value(
    column: Column, bad: object, good: object
) -> None:
    checks = _column_checks(column)
    con = duckdb.connect()

    def failed(value: object) -> list[str]:
        con.execute(f"create or replace table t (x {column.type})")
        con.execute("insert into t values (?)", [value])
        return [
            check.reason
            for check in checks
            if con.execute(f"select {check.failed} from t").fetchone() == (True,)
        ]

    assert len(failed(bad)) == 1
    assert failed(good) == []
    if not column.required:
        assert failed(None) == []


def test_an_optional_column_may_be_null_and_a_required_one_not() -> None:
    required = Column(name="x", type="DATE", description="", required=True)
    (check,) = _column_checks(required)
    row = duckdb.execute(
        f"select {check.failed} from (select null::date as x)"
    ).fetchone()
    assert row == (True,)


@pytest.mark.parametrize("path", sorted(MAPPINGS.glob("*.toml")), ids=lambda p: p.name)
def test_each_mapping_names_declared_columns_only(path: Path) -> None:
    mapping = read_mapping(path)
    tables = [entry.raw for entry in mapping.entries()]
    first = [tables.index(name) for name in LOADED_FIRST if name in tables]
    assert first == sorted(first)
    assert max(first) < tables.index("daily_bar")
    for entry in mapping.entries():
        required = {column.name for column in entry.table.columns if column.required}
        if entry.select:
            assert required <= set(entry.select), entry.raw


BAD_MAPPINGS = {
    "not toml": ("name = ", "TOML"),
    "undeclared table": (
        'name = "x"\n[[table]]\nraw = "daily_bars"\nfiles = ["*.csv"]',
        "'daily_bars' is not declared",
    ),
    "undeclared column": (
        'name = "x"\n[[table]]\nraw = "security"\nfiles = ["*.csv"]\n'
        'columns = { a = "VARCHAR" }\nselect = { codes = "a" }',
        "'codes' is not a column",
    ),
    "misspelt key": (
        'name = "x"\n[[table]]\nraw = "security"\nfile = ["*.csv"]',
        "table.0.file: unknown key",
    ),
    "required column left out": (
        'name = "x"\n[[table]]\nraw = "security"\nfiles = ["*.csv"]\n'
        'columns = { a = "VARCHAR" }\nselect = { security_code = "a" }',
        "select gives no board, which security requires",
    ),
    "no entries": ('name = "x"', "identity"),
}


@pytest.mark.parametrize("name", BAD_MAPPINGS)
def test_a_bad_mapping_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    text, part = BAD_MAPPINGS[name]
    path = tmp_path / "mapping.toml"
    path.write_text(text)
    with pytest.raises(LoadError) as caught:
        read_mapping(path)
    assert part in str(caught.value)
    assert "mapping.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_fingerprint_changes_with_mapping_and_contract_only() -> None:
    entry = Entry(raw="security", files=("a.csv",))
    assert entry.fingerprint() == Entry(raw="security", files=("a.csv",)).fingerprint()
    assert entry.fingerprint() != Entry(raw="security", files=("b.csv",)).fingerprint()


def test_an_identity_mapping_does_not_mistake_one_table_for_another(
    tmp_path: Path,
) -> None:
    for name in ("etf", "etf_bar", "etf_share", "index_bar", "index_bar-2"):
        (tmp_path / f"{name}.parquet").touch()
    mapping = Mapping(name="identity", identity=True)
    taken = [
        (entry.raw, path.name)
        for entry in mapping.entries()
        for path in match_files(tmp_path, entry.files, entry.exclude)
    ]
    assert sorted(taken) == [
        ("etf", "etf.parquet"),
        ("etf_bar", "etf_bar.parquet"),
        ("etf_share", "etf_share.parquet"),
        ("index_bar", "index_bar-2.parquet"),
        ("index_bar", "index_bar.parquet"),
    ]


def test_lines_of_records_count_breaks_in_quotes_and_blank_lines(
    tmp_path: Path,
) -> None:
    path = tmp_path / "records.csv"
    path.write_text('a,b\n1,"x\ny\nz"\n\n2,y\n3,"p\nq"\n4,z\n')
    entry = Entry(raw="security", files=("*.csv",))
    assert line_numbers(path, entry, [1, 2, 3, 4]) == {1: 2, 2: 6, 3: 7, 4: 9}


def version_table() -> tuple[duckdb.DuckDBPyConnection, RawTable]:
    """Return three versions of one row, one of another, loaded an hour apart."""
    table = RAW_TABLE_BY_NAME["trading_calendar"]
    con = duckdb.connect()
    con.execute("create schema raw")
    con.execute(
        "create table raw.load as select i as load_id, "
        "timestamptz '2024-01-01 00:00:00+00' + to_hours(i) as loaded_at "
        "from range(1, 5) as t(i)"
    )
    con.execute(
        "create table raw.trading_calendar as "
        "select * from (values (date '2024-01-02', true, 1, null), "
        "(date '2024-01-03', true, 1, null), (date '2024-01-02', false, 2, 1), "
        "(date '2024-01-02', true, 4, 2)) "
        "as t(calendar_date, is_open, load_id, replaces_load_id)"
    )
    return con, table


@pytest.mark.parametrize(
    ("known_at", "expected"),
    [(None, [4, 1]), ("04:30", [4, 1]), ("02:30", [2, 1]), ("01:30", [1, 1])],
)
def test_the_valid_version_is_the_newest_known(
    known_at: str | None, expected: list[int]
) -> None:
    con, table = version_table()
    query = store.current_rows_sql(
        table, ("calendar_date", "load_id"), known_at=known_at is not None
    )
    parameters = (
        {} if known_at is None else {"known_at": f"2024-01-01 {known_at}:00+00"}
    )
    rows = con.execute(f"{query} order by calendar_date", parameters).fetchall()
    assert [load_id for _, load_id in rows] == expected


def test_nothing_was_known_before_the_first_load() -> None:
    con, table = version_table()
    query = store.current_rows_sql(table, known_at=True)
    assert con.execute(query, {"known_at": "2023-12-31 00:00:00+00"}).fetchall() == []


def test_a_missing_store_says_what_to_do(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with (
        pytest.raises(store.StoreError, match="run `lundong refresh`"),
        store.connect_build(settings, read_only=True),
    ):
        pass
    with (
        pytest.raises(store.StoreError, match="run `lundong refresh`"),
        store.connect_published(settings),
    ):
        pass


HOLD = """
import duckdb, sys
con = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_store_in_use_names_the_process_that_holds_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(settings.build_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        holder.stdout.readline()
        with (
            pytest.raises(store.StoreError, match=f"process {holder.pid}: wait"),
            store.connect_build(settings),
        ):
            pass
        holder.stdin.close()


@pytest.mark.parametrize("name", ["a", 'a"b', "select", "a.b; drop table x"])
def test_identifiers_and_texts_are_quoted(name: str) -> None:
    con = duckdb.connect()
    quoted = store.quote_identifier(name)
    con.execute(f"create table {quoted} as select 1 as one")
    rows = con.execute("select table_name from duckdb_tables()").fetchall()
    assert rows == [(name,)]
    text = name + "'"
    row = con.execute(f"select {store.quote_literal(text)}").fetchone()
    assert row == (text,)
