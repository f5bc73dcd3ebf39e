"""Asking the publication: headers, values, formats, and that nothing can be written."""

from __future__ import annotations

import io
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from warehouse import query as query_module
from warehouse.publish import publish
from warehouse.query import (
    QueryError,
    format_result,
    list_queries,
    read_query,
    run_query,
    run_sql,
)
from warehouse.settings import Settings
from warehouse.status import trade_week_of
from warehouse.store import StoreError

HEADER = """-- question: Which industries lead, and
--     which lag?
-- parameter: week (date) = latest_week(): Any day of the week: asked
--     for.
-- parameter: at_most (integer) = 2: Industries.
-- parameter: industry (text): Industry.
-- column: trade_week (date): Week.
-- column: industry_code (text): Industry.
-- column: diffusion_index (number): Index.
-- rows: some
select trade_week, industry_code, diffusion_index
from diffusion.fct_diffusion_index_weekly
where trade_week = week_of($week) and industry_code >= $industry
order by industry_code
limit $at_most
"""


@pytest.fixture
def published(tiny_build: Any) -> Settings:
    publish(
        tiny_build.settings,
        manifest_path=tiny_build.manifest_path,
        code_version="test",
    )
    settings: Settings = tiny_build.settings
    return settings


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a library of one query in the place of the project's."""
    folder = tmp_path / "queries"
    folder.mkdir()
    (folder / "leaders.sql").write_text(HEADER, encoding="utf-8")
    monkeypatch.setattr(query_module, "QUERIES", folder)
    return folder


@pytest.mark.usefixtures("library")
def test_a_header_is_read() -> None:
    (query,) = list_queries()
    assert query == read_query("leaders")
    assert query.name == "leaders"
    assert query.question == "Which industries lead, and which lag?"
    assert [(p.name, p.type, p.default) for p in query.parameters] == [
        ("week", "date", "latest_week()"),
        ("at_most", "integer", "2"),
        ("industry", "text", None),
    ]
    assert query.parameters[0].description == "Any day of the week: asked for."
    assert [(c.name, c.type) for c in query.columns] == [
        ("trade_week", "date"),
        ("industry_code", "text"),
        ("diffusion_index", "number"),
    ]
    assert query.rows == "some"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("-- parametre: week (date): Week.", "header line not understood"),
        ("-- parameter: week: Week.", "header line not understood"),
        ("-- rows: plenty", "header line not understood"),
        ("-- column: week (day): Week.", "unknown type day"),
    ],
)
def test_a_broken_header_is_named(library: Path, line: str, message: str) -> None:
    (library / "broken.sql").write_text(line + "\n" + HEADER, encoding="utf-8")
    with pytest.raises(QueryError, match=f"broken.sql: {message}"):
        read_query("broken")
    (library / "broken.sql").write_text("select 1", encoding="utf-8")
    with pytest.raises(QueryError, match="needs a question and its columns"):
        read_query("broken")


@pytest.mark.usefixtures("library")
def test_values_are_bound_and_defaults_evaluated(published: Settings) -> None:
    answer = run_query(published, "leaders", {"industry": "CI005002"})
    assert answer.column_names == ["trade_week", "industry_code", "diffusion_index"]
    assert answer.column("trade_week").to_pylist() == [date(2024, 1, 19)] * 2
    # Any day of the week, as text or as a date.
    for week in ("2024-01-09", date(2024, 1, 9), datetime.fromisoformat("2024-01-09")):
        answer = run_query(
            published, "leaders", {"industry": "CI", "week": week, "at_most": "1"}
        )
        assert answer.to_pylist() == [
            {
                "trade_week": date(2024, 1, 12),
                "industry_code": "CI005001",
                "diffusion_index": 0.1,
            }
        ]
    # A value is never part of the statement.
    hostile = "'; drop table diffusion.fct_diffusion_index_weekly; --"
    assert run_query(published, "leaders", {"industry": hostile}).num_rows == 2


@pytest.mark.parametrize(
    ("day", "week"),
    [
        ("2023-12-31", None),
        ("2024-01-01", "2024-01-05"),
        ("2024-01-07", "2024-01-05"),
        ("2024-01-08", "2024-01-12"),
        ("2024-01-12", "2024-01-12"),
        ("2024-01-13", "2024-01-12"),
        ("2024-01-14 20:00", "2024-01-12"),
        ("2024-01-21", "2024-01-19"),
        ("2024-01-22", None),
    ],
)
def test_a_week_runs_from_monday_to_sunday(
    published: Settings, day: str, week: str | None
) -> None:
    """The macro of the queries and the report's look-up give the same week."""
    expected = date.fromisoformat(week) if week else None
    asked = f"select week_of(timestamp '{day}') as week"
    assert run_sql(published, asked).column("week").to_pylist() == [expected]
    calendar_day = datetime.fromisoformat(day).date()
    if expected is None:
        with pytest.raises(StoreError, match="has no trading day"):
            trade_week_of(published, calendar_day)
    else:
        assert trade_week_of(published, calendar_day) == expected


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("leader", {}, r"no query 'leader': did you mean leaders\?"),
        ("leaders", {"weak": "x"}, r"'weak': did you mean week\?; leaders takes week"),
        ("leaders", {}, "leaders needs industry: Industry."),
        (
            "leaders",
            {"industry": "CI", "week": "19.1.2024"},
            "week is '19.1.2024', which is no date: write it like 2024-06-21",
        ),
        ("leaders", {"industry": "CI", "at_most": "two"}, "no integer"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(
    published: Settings, name: str, parameters: dict[str, str], message: str
) -> None:
    with pytest.raises(QueryError, match=message) as error:
        run_query(published, name, parameters)
    assert "\n" not in str(error.value)


KNOWN = """-- question: Which industries lead?
-- parameter: week (date) = latest_week(): Any day of the week.
-- parameter: industry (text) = 'CI005001': Industry.
-- parameter: publication (integer) = 1: Publication.
-- parameter: sought (timestamp) = timestamp '2024-01-19 00:00': Time.
-- known: week as week_of($week): select w.trade_week from core.dim_trade_week as w
-- known: industry: select d.industry_code from
--     diffusion.fct_diffusion_index_weekly as d where d.trade_week = week_of($week)
-- known: publication: select p.publication_id from meta.meta_publication as p
-- known: sought: select w.trade_week from core.dim_trade_week as w
-- column: count (integer): Rows.
select count(*) as count
from diffusion.fct_diffusion_index_weekly
where trade_week = week_of($week) and industry_code = $industry
    and $publication > 0 and $sought is not null
"""


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("week", "2024-01-22", "no week '2024-01-22'; nearest: 2024-01-05, 2024-01-12"),
        ("week", "2023-06-20", "no week '2023-06-20'; nearest: 2024-01-05"),
        ("industry", "CI005009", "no industry 'CI005009'; nearest: CI00500"),
        ("industry", "银行", "there are: CI005001, CI005002, CI005003"),
        ("publication", 7, "no publication '7'; nearest: 1"),
        ("sought", "2024-01-18 20:00", "nearest: 2024-01-05, 2024-01-12, 2024-01-19"),
    ],
)
def test_a_value_that_no_row_has_is_said_with_the_nearest(
    published: Settings, library: Path, name: str, value: object, message: str
) -> None:
    (library / "known.sql").write_text(KNOWN, encoding="utf-8")
    assert run_query(published, "known", {"week": "2024-01-17"}).num_rows == 1
    with pytest.raises(QueryError, match=message) as error:
        run_query(published, "known", {name: value})
    assert "\n" not in str(error.value)


def test_values_known_of_a_parameter_that_is_not_there(library: Path) -> None:
    strange = KNOWN.replace("known: week as", "known: weak as")
    (library / "strange.sql").write_text(strange, encoding="utf-8")
    with pytest.raises(QueryError, match=r"strange\.sql: no parameter weak"):
        read_query("strange")


def test_nothing_published_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="lundong refresh"):
        run_sql(Settings(home=tmp_path), "select 1")


@pytest.mark.parametrize(
    "statement",
    [
        "select 42 as answer",
        "from core.dim_trade_week",
        "with w as (select 1 as i) select * from w",
        "describe core.dim_trade_week",
        "summarize core.dim_trade_week",
        "show all tables",
        "explain select 1",
        "select latest_week()",
        "from archive.diffusion_index_weekly_as_published(now()::timestamp)",
    ],
)
def test_reading_is_answered(published: Settings, statement: str) -> None:
    assert run_sql(published, statement).num_rows > 0


@pytest.mark.parametrize(
    "statement",
    [
        "insert into core.dim_trade_week values (today(), today(), today(), true)",
        "update core.dim_trade_week set is_complete = false",
        "delete from core.dim_trade_week",
        "drop table core.dim_trade_week",
        "create table core.mine (i integer)",
        "create temp table mine (i integer)",
        "alter table core.dim_trade_week add column i integer",
        "copy core.dim_trade_week to '{folder}/copy.csv'",
        "export database '{folder}/copy'",
        "attach '{folder}/other.duckdb'",
        "checkpoint",
        "vacuum",
        "install httpfs",
        "load httpfs",
        "set threads = 1",
        "set enable_external_access = true",
        "pragma enable_profiling",
        "call pragma_version()",
        "select 1; drop table core.dim_trade_week",
        "",
        "select * from read_csv('{folder}/secret.csv')",
        "select * from '{folder}/secret.csv'",
        "select content from read_text('{folder}/secret.csv')",
        "select * from glob('{folder}/*')",
        "select * from read_parquet('https://example.com/x.parquet')",
    ],
)
def test_nothing_but_reading_the_publication(
    published: Settings, tmp_path: Path, statement: str
) -> None:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.csv").write_text("a,b\n1,2\n")
    before = published.published_path.read_bytes()
    with pytest.raises(QueryError) as error:
        run_sql(published, statement.format(folder=folder))
    assert "\n" not in str(error.value)
    assert published.published_path.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["secret.csv"]


def test_a_wrong_name_is_said_with_candidates(published: Settings) -> None:
    with pytest.raises(QueryError, match="trade_week") as error:
        run_sql(published, "select trade_weak from core.dim_trade_week")
    assert "LINE 1" not in str(error.value)


ANSWER = pa.table(
    {
        "day": pa.array([date(2024, 1, 19), None]),
        "name": ["食品饮料, 酒", 'with "quotes"\nand a line'],
        "share": [0.1 + 0.2, float("nan")],
        "count": pa.array([2**53 + 1, None], pa.int64()),
        "flag": [True, False],
        "list": [[1.5, None], None],
        "at": [datetime.fromisoformat("2024-01-19 20:00:00"), None],
    }
)


def test_json_keeps_every_digit() -> None:
    rows = json.loads(format_result(ANSWER, "json"))
    assert rows == [
        {
            "day": "2024-01-19",
            "name": "食品饮料, 酒",
            "share": 0.1 + 0.2,
            "count": 2**53 + 1,
            "flag": True,
            "list": [1.5, None],
            "at": "2024-01-19T20:00:00",
        },
        {
            "day": None,
            "name": 'with "quotes"\nand a line',
            "share": None,
            "count": None,
            "flag": False,
            "list": None,
            "at": None,
        },
    ]


def test_csv_is_read_back_whole() -> None:
    assert format_result(ANSWER, "csv").decode() == (
        "day,name,share,count,flag,list,at\n"
        '2024-01-19,"食品饮料, 酒",0.30000000000000004,9007199254740993,true,'
        '"[1.5, null]",2024-01-19T20:00:00\n'
        ',"with ""quotes""\nand a line",,,false,,\n'
    )


def test_parquet_is_the_answer() -> None:
    back = pq.read_table(io.BytesIO(format_result(ANSWER, "parquet")))
    assert back.drop(["share"]).equals(ANSWER.drop(["share"]))


def test_the_table_is_aligned_and_not_endless() -> None:
    long = pa.table(
        {"industry": ["银行", "[red]x"] * 600, "value": [1 / 3, 12345678.9] * 600}
    )
    lines = format_result(long).decode().splitlines()
    assert lines[0].split() == ["industry", "value"]
    assert lines[1].split() == ["银行", "0.333333"]
    assert lines[2].split() == ["[red]x", "12,345,679"]
    assert len(lines) == 1002
    assert "200 more rows" in lines[-1]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (743_991_234.5, "743,991,234"), (-2.5e9, "-2,500,000,000"),
        (999_999.9, "1,000,000"), (99_999.4, "99999.4"), (1.5e-7, "1.5e-07"),
        (1e300, "1e+300"), (float("inf"), "inf"),
    ],
)  # fmt: skip
def test_large_amounts_have_separators(value: float, shown: str) -> None:
    answer = pa.table({"net_inflow_cny": [value]})
    assert format_result(answer).decode().split()[1] == shown


def test_an_unknown_format_is_said() -> None:
    with pytest.raises(QueryError, match="did you mean table or csv or json"):
        format_result(ANSWER, "xlsx")  # type: ignore[arg-type]


FLOWS = """
create schema flows;
update core.dim_trade_week set first_day = trade_week - 4;
create table core.dim_industry (
    industry_system varchar, industry_code varchar, name_cn varchar, name_en varchar
);
create table flows.dim_etf (etf_code varchar, name varchar);
create table flows.fct_etf_flow_weekly as
select
    date '2024-01-12' + cast(7 * week as integer) as trade_week,
    'F' || fund as etf_code,
    'broad' as etf_class,
    -- Week 0: all lose but the third, which has none; week 1: -2 to 2.
    case when week = 0 then least(fund - 3, 0) else fund - 3 end as net_inflow_cny,
    0.0 as weekly_return,
    1.0 as assets_previous_cny,
    1.0 as assets_cny,
    'close' as price_source,
    date '2024-01-22' as known_date
from range(2) as w (week), range(1, 6) as f (fund)
where week = 1 or fund <= 3;
create table flows.fct_etf_flow_class_weekly as
select * replace (etf_code as etf_class), 1 as fund_count
from flows.fct_etf_flow_weekly;
create table flows.fct_margin_flow_weekly as
select
    trade_week,
    'citic1' as industry_system,
    etf_code as industry_code,
    net_inflow_cny as financing_balance_change_cny,
    1.0 as financing_balance_cny,
    'reported' as balance_source,
    known_date
from flows.fct_etf_flow_weekly;
insert into flows.fct_margin_flow_weekly
select distinct trade_week, 'citic1', 'all', -7, 1, 'reported', known_date
from flows.fct_etf_flow_weekly;
create table flows.fct_limit_up_daily as
select
    'citic1' as industry_system,
    'all' as industry_code,
    date '2024-01-08' + day as trade_date,
    10 ** (day % 7) as limit_up_count,
    1 as limit_down_count,
    7 - day % 7 as longest_run,
    0 as first_day_count,
    0 as second_day_count,
    0 as third_day_count,
    0 as later_day_count
from unnest([0, 1, 2, 3, 4, 7, 8, 9, 10, 11]) as d (day);
"""


@pytest.fixture
def flows(tiny_build: Any) -> Settings:
    """Publish made-up flows of two weeks."""
    tiny_build.execute(FLOWS)
    for schema, name in (
        ("core", "dim_industry"),
        *(("flows", f"fct_{kind}_weekly") for kind in ("etf_flow", "etf_flow_class")),
        ("flows", "fct_margin_flow_weekly"),
        ("flows", "fct_limit_up_daily"),
        ("flows", "dim_etf"),
    ):
        node = tiny_build.model("meta_summary") | {"name": name, "alias": name}
        node |= {"schema": schema, "columns": {}}
        tiny_build.manifest["nodes"][f"model.lundong.{name}"] = node
    tiny_build.save_manifest()
    publish(
        tiny_build.settings,
        manifest_path=tiny_build.manifest_path,
        code_version="test",
    )
    settings: Settings = tiny_build.settings
    return settings


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("etf_flows", "etf_code"),
        ("etf_class_flows", "etf_class"),
        ("margin_flows", "industry_code"),
    ],
)
@pytest.mark.parametrize(
    ("week", "length", "top", "bottom"),
    [
        ("2024-01-12", 5, [], ["F2", "F1"]),
        ("2024-01-12", 1, [], ["F1"]),
        ("2024-01-19", 5, ["F5", "F4"], ["F2", "F1"]),
        ("2024-01-19", 1, ["F5"], ["F1"]),
    ],
)
def test_money_came_in_on_top_and_left_at_the_bottom(
    flows: Settings,
    name: str,
    key: str,
    week: str,
    length: int,
    top: list[str],
    bottom: list[str],
) -> None:
    """Where every fund lost money none is on top; one without a flow is nowhere."""
    rows = run_query(flows, name, {"week": week, "length": length}).to_pylist()
    found = [(row["side"], row[key]) for row in rows if row[key] != "all"]
    assert found == [("top", code) for code in top] + [("bottom", c) for c in bottom]
    if name == "margin_flows":
        assert [row["side"] for row in rows if row[key] == "all"] == ["market"]


def test_a_week_so_far_begins_before_the_first_day_asked_for(flows: Settings) -> None:
    rows = run_query(flows, "limit_up_history", {"since": "2024-01-11"}).to_pylist()
    assert [
        (
            *(row["trade_date"].day, row["week_limit_up_count"]),
            *(row["week_limit_down_count"], row["week_longest_run"]),
        )
        for row in rows
    ] == [
        *((11, 1111, 4, 7), (12, 11111, 5, 7), (15, 1, 1, 7), (16, 11, 2, 7)),
        *((17, 111, 3, 7), (18, 1111, 4, 7), (19, 11111, 5, 7)),
    ]
