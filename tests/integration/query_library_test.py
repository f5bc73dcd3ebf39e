"""Every named query against the small warehouse: names, parameters, columns, rows."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify

from warehouse.publish import publish
from warehouse.query import Query, QueryError, list_queries, run_query, run_sql
from warehouse.settings import Settings
from warehouse.store import connect_build

QUERIES = list_queries()
NAMES = [query.name for query in QUERIES]

# Values of parameters that have no default.
EXAMPLES = {
    "factor": "beta",
    "industry": "银行",
    "stock": "000003.SZ",
    "word": "Diffusion",
    "table_name": "fct_diffusion_index_weekly",
}
# What a person mistypes: a value that no row has is refused, not answered with nothing.
LOOKED_UP = {
    *("factor", "industry", "industry_system", "model", "period", "strategy"),
    *("universe", "variant", "week"),
}
IS_TYPE = {
    "date": pa.types.is_date,
    "timestamp": pa.types.is_timestamp,
    "text": pa.types.is_string,
    "integer": pa.types.is_integer,
    "number": pa.types.is_floating,
    "boolean": pa.types.is_boolean,
}
Catalogue = dict[str, dict[str, dict[str, str]]]


@pytest.fixture(scope="module")
def catalogue(small_settings: Settings) -> Catalogue:
    """Return schema -> table -> column -> type of the published file.

    A table macro of the archive has the columns of the table that it reads.
    """
    found: Catalogue = {}
    rows = run_sql(
        small_settings,
        "select schema_name, table_name, column_name, data_type from duckdb_columns()",
    ).to_pylist()
    for row in rows:
        schema = found.setdefault(row["schema_name"], {})
        table = schema.setdefault(row["table_name"], {})
        table[row["column_name"]] = row["data_type"]
    for name, columns in list(found["archive"].items()):
        macro = f"{name.removeprefix('fct_')}_as_published"
        found["archive"][macro] = columns
    found["archive"]["as_published"] = found["meta"]["meta_publication"]
    found["main"] = {
        "duckdb_tables": dict.fromkeys(
            ("database_name", "schema_name", "table_name", "comment"), "VARCHAR"
        )
    }
    return found


def resolved(sql: str, catalogue: Catalogue) -> exp.Expression:
    """Resolve every table and column of a statement against the catalogue.

    Raises
    ------
    OptimizeError
        A table or a column is not there.
    """
    (statement,) = sqlglot.parse(sql, read="duckdb")
    assert statement is not None
    for table in list(statement.find_all(exp.Table)):
        if isinstance(table.this, exp.Func):
            table.set("this", exp.to_identifier(table.this.name))
            if not table.db:
                table.set("db", exp.to_identifier("main"))
        if table.db and table.name not in catalogue.get(table.db, {}):
            raise OptimizeError(f"there is no table {table.db}.{table.name}")
    return qualify(statement, schema=catalogue, dialect="duckdb")


def test_there_is_a_library() -> None:
    assert len(QUERIES) >= 12


@pytest.mark.parametrize("query", QUERIES, ids=NAMES)
def test_every_name_is_in_the_catalogue(query: Query, catalogue: Catalogue) -> None:
    statement = resolved(query.sql, catalogue)
    assert [column.name for column in query.columns] == statement.named_selects
    bound = sqlglot.parse_one(query.sql, read="duckdb").find_all(exp.Placeholder)
    used = {placeholder.name for placeholder in bound}
    assert used == {parameter.name for parameter in query.parameters}


@pytest.mark.parametrize("query", QUERIES, ids=NAMES)
def test_values_are_looked_up_where_they_stand(
    query: Query, catalogue: Catalogue
) -> None:
    known = {p.name: p.known for p in query.parameters if p.known is not None}
    assert known.keys() >= LOOKED_UP & {p.name for p in query.parameters}
    for name, values in known.items():
        resolved(values.sql, catalogue)
        assert f"${name}" in values.expression


@pytest.mark.parametrize(
    "query",
    [q for q in QUERIES if any(p.known for p in q.parameters)],
    ids=lambda query: query.name,
)
def test_a_value_that_is_not_there_is_refused(
    query: Query, small_settings: Settings
) -> None:
    wrong = {"date": "1903-05-07", "text": "no such", "integer": 987654}
    given = {p.name: EXAMPLES[p.name] for p in query.parameters if p.default is None}
    for parameter in query.parameters:
        if parameter.known is None:
            continue
        message = f"there is no {parameter.name} '{wrong[parameter.type]}'; "
        with pytest.raises(QueryError, match=message):
            run_query(
                small_settings,
                query.name,
                {**given, parameter.name: wrong[parameter.type]},
            )


def test_a_missing_name_is_found(catalogue: Catalogue) -> None:
    good = (
        "with w as (select d.diffusion_index from "
        "diffusion.fct_diffusion_index_weekly as d) select w.diffusion_index from w"
    )
    resolved(good, catalogue)
    for bad in (
        good.replace("d.diffusion_index", "d.diffusion_indices"),
        good.replace("w.diffusion_index", "w.missing"),
        good.replace("index_weekly", "index_yearly"),
        "select d.missing from archive.diffusion_index_weekly_as_published($e) as d",
        "select t.missing from duckdb_tables() as t",
        "select 1 from archive.missing_as_published($e)",
    ):
        with pytest.raises(OptimizeError):
            resolved(bad, catalogue)


@pytest.mark.parametrize("query", QUERIES, ids=NAMES)
def test_the_answer_has_the_shape_of_the_header(
    query: Query, small_settings: Settings
) -> None:
    given: dict[str, Any] = {
        parameter.name: EXAMPLES[parameter.name]
        for parameter in query.parameters
        if parameter.default is None
    }
    answer = run_query(small_settings, query.name, given)
    assert answer.column_names == [column.name for column in query.columns]
    for column, kind in zip(query.columns, answer.schema.types, strict=True):
        assert IS_TYPE[column.type](kind), f"{column.name} is {kind}"
    if query.rows == "some":
        assert answer.num_rows > 0
        empty = [
            name
            for name in answer.column_names
            if answer.column(name).null_count == answer.num_rows
        ]
        assert len(empty) < len(answer.column_names) / 2, empty
    elif query.rows != "any":
        assert answer.num_rows == int(query.rows)


def test_both_ends_of_the_ranking(small_settings: Settings) -> None:
    rows = run_query(small_settings, "diffusion_top_bottom", {"length": 4}).to_pylist()
    assert [row["side"] for row in rows] == ["top"] * 4 + ["bottom"] * 4
    values = [row["diffusion_index"] for row in rows]
    assert values == sorted(values, reverse=True)
    table = run_sql(
        small_settings,
        "select max(diffusion_index), min(diffusion_index) "
        "from diffusion.fct_diffusion_index_weekly where trade_week = latest_week() "
        "and industry_system = default_industry_system() and variant = 'default'",
    ).to_pylist()
    assert [values[0], values[-1]] == list(table[0].values())


def test_drawdown_and_cost_agree_with_the_performance(small_settings: Settings) -> None:
    (whole,) = run_sql(
        small_settings,
        "select max_drawdown, total_return, cost "
        "from rotation.fct_rotation_performance "
        "where period = 'all' and strategy_code = default_strategy()",
    ).to_pylist()
    days = run_query(small_settings, "strategy_drawdown").to_pylist()
    deepest = -min(day["drawdown"] for day in days)
    assert deepest == pytest.approx(whole["max_drawdown"], rel=1e-9)
    assert days[-1]["net_value"] - 1 == pytest.approx(whole["total_return"], rel=1e-9)
    years = run_query(small_settings, "turnover_and_cost").to_pylist()
    cost = sum(year["cost"] for year in years)
    assert cost == pytest.approx(whole["cost"], rel=1e-9)


def test_a_revision_is_found_by_publication_and_by_evening(
    home_copy: Settings,
) -> None:
    at_first = run_query(home_copy, "diffusion_that_evening").to_pylist()
    leader = at_first[0]
    with connect_build(home_copy) as connection:
        connection.execute(
            "update diffusion.fct_diffusion_index_weekly "
            "set diffusion_index = diffusion_index / 2 "
            "where industry_code = ? and trade_week = ? and variant = 'default' "
            "and industry_system = 'citic1'",
            [leader["industry_code"], leader["trade_week"]],
        )
    publication = publish(
        home_copy, manifest_path=home_copy.home / "dbt/manifest.json", code_version="2"
    )

    (change,) = run_query(home_copy, "published_changes").to_pylist()
    assert change["kind"] == "changed"
    assert change["industry_code"] == leader["industry_code"]
    assert change["former_diffusion_index"] == leader["diffusion_index"]
    assert change["diffusion_index"] == leader["diffusion_index"] / 2
    then = run_query(
        home_copy, "diffusion_that_evening", {"evening": leader["published_at"]}
    ).to_pylist()
    assert then[0]["diffusion_index"] == leader["diffusion_index"]
    assert then[0]["current_diffusion_index"] == leader["diffusion_index"] / 2
    assert then[1:] == at_first[1:]
    newest, former = run_query(home_copy, "publications", {"length": 2}).to_pylist()
    assert newest["publication_id"] == publication.publication_id
    assert former["publication_id"] == leader["publication_id"]
    assert newest["changed_tables"] == "diffusion.fct_diffusion_index_weekly"
