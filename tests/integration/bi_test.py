"""The wide tables against the tables they read, and Superset's assets against both.

Add what a BI table or a dashboard promises; keep out Superset itself, which has an
environment of its own: ``make superset-check``.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml

from bi.superset import run
from warehouse.settings import PROJECT_ROOT, Settings
from warehouse.store import connect_published

ASSETS = PROJECT_ROOT / "bi" / "superset" / "assets"
HALF_A_DIGIT = 0.51e-6


@pytest.fixture(scope="module")
def con(small_settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect_published(small_settings) as connection:
        yield connection


# ---------------------------------------------------------------- the wide tables


def test_net_values_and_drawdowns_follow_daily_returns(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Walked day by day in numpy, for every strategy."""
    daily = con.sql(
        "select strategy_code, trade_date, strategy_return, benchmark_return, "
        "excess_return from rotation.fct_rotation_return_daily order by all"
    ).df()
    shown = con.sql("select * from bi.mart_rotation_dashboard").df()
    walked = []
    for _, days in daily.groupby("strategy_code"):
        values = {"strategy_code": days.strategy_code, "trade_week": days.trade_date}
        for returns, value, fall in (
            ("strategy_return", "net_value", "drawdown"),
            ("benchmark_return", "benchmark_value", None),
            ("excess_return", "excess_value", "excess_drawdown"),
        ):
            path = np.cumprod(1 + days[returns].to_numpy())
            values[value] = path
            if fall:
                highest = np.maximum.accumulate(np.maximum(path, 1))
                values[fall] = 1 - path / highest
        walked.append(pd.DataFrame(values))
    keys = ["strategy_code", "trade_week"]
    both = shown.merge(pd.concat(walked), on=keys, suffixes=("", "_walked"))
    assert len(both) == len(shown) > 100
    assert both.strategy_code.nunique() > 10
    for name in (
        "net_value", "benchmark_value", "excess_value", "drawdown", "excess_drawdown"
    ):  # fmt: skip
        assert (both[name] - both[f"{name}_walked"]).abs().max() < HALF_A_DIGIT
    assert both.drawdown.max() > 0.01


def test_lists_and_places_are_those_of_the_tables(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """Ins and outs of the week's list, and places by excess, counted in pandas."""
    shown = con.sql("select * from bi.mart_rotation_dashboard").df()
    holding = con.sql("select * from rotation.fct_rotation_holding").df()
    counted = (
        holding.groupby(["strategy_code", "signal_date", "action"])
        .size()
        .unstack(fill_value=0)
    )
    made = shown[shown.new_list_date.notna()]
    assert len(made) > 50
    expected = counted.loc[list(zip(made.strategy_code, made.trade_week, strict=True))]
    assert (made.in_count.to_numpy() == expected["in"].to_numpy()).all()
    assert (made.out_count.to_numpy() == expected["out"].to_numpy()).all()
    listed = (expected["in"] + expected["hold"]).to_numpy()
    assert (made.new_list_count.to_numpy() == listed).all()
    exact = con.sql("select * from rotation.fct_rotation_return_weekly").df()
    for measure, place in (
        ("excess_return", "excess_rank"),
        ("year_to_date_excess_return", "year_to_date_excess_rank"),
    ):
        exact[place] = exact.groupby("trade_week")[measure].rank(
            method="min", ascending=False
        )
        both = shown.merge(exact, on=["strategy_code", "trade_week"])
        assert (both[f"{place}_x"] == both[f"{place}_y"]).all()


def test_weeks_say_what_their_tables_say(con: duckdb.DuckDBPyConnection) -> None:
    """Industries, flows, limits and ICs of each week, put together in pandas."""
    overview = con.sql("select * from bi.mart_weekly_overview").df()
    shown = overview.set_index("trade_week").sort_index()
    returns = con.sql(
        "select r.*, i.name_en from industry.fct_industry_return_weekly as r "
        "join core.dim_industry as i using (industry_system, industry_code) "
        "where industry_system = 'citic1' and float_cap_return is not null "
        "order by industry_code"
    ).df()
    weeks = returns.groupby("trade_week")
    with_returns = shown.loc[list(weeks.groups)]
    assert len(with_returns) > 50
    assert (with_returns.industry_system == "citic1").all()
    risen = weeks.float_cap_return.apply(lambda column: (column > 0).sum())
    assert (with_returns.rising_industry_count == risen).all()
    for place, found in (("best", weeks.idxmax), ("worst", weeks.idxmin)):
        rows = returns.loc[found(numeric_only=True).float_cap_return]
        assert (with_returns[f"{place}_industry_en"].to_numpy() == rows.name_en).all()
        exact = rows.set_index("trade_week").float_cap_return
        difference = with_returns[f"{place}_industry_return"] - exact
        assert difference.abs().max() < HALF_A_DIGIT
    flows = con.sql("select * from flows.fct_etf_flow_class_weekly").df()
    inflow = flows.groupby("trade_week").net_inflow_cny.sum(min_count=1)
    assert (shown.etf_net_inflow_cny - inflow).abs().max() < 0.011
    days = con.sql(
        "select w.trade_week, f.limit_up_count from flows.fct_limit_up_daily as f "
        "join core.dim_trade_week as w "
        "on f.trade_date between w.first_day and w.last_day and w.is_complete "
        "where industry_system = 'citic1' and industry_code = 'all'"
    ).df()
    counts = days.groupby("trade_week").limit_up_count
    whole = counts.size() == shown.day_count.reindex(counts.size().index)
    ups = counts.sum()[whole]
    assert (shown.limit_up_count.dropna() == ups).all()
    assert ups.sum() > 0
    ic = con.sql(
        "select trade_week, rank_ic from factors.fct_factor_ic_weekly "
        "where universe = 'all' and factor_code = 'log_market_cap'"
    ).df()
    difference = shown.size_ic - ic.set_index("trade_week").rank_ic
    assert difference.abs().max() < HALF_A_DIGIT


# ---------------------------------------------------------------- Superset's assets


@cache
def assets(kind: str) -> dict[str, dict[str, Any]]:
    """Return the assets of a kind by their uuid."""
    found = [
        yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((ASSETS / kind).rglob("*.yaml"))
    ]
    by_uuid = {asset["uuid"]: asset for asset in found}
    assert len(by_uuid) == len(found) > 0
    return by_uuid


def relation(dataset: dict[str, Any]) -> str:
    """Return what a dataset reads, as a part of a query."""
    if dataset["sql"]:
        return f"({dataset['sql']})"
    return f"{dataset['schema']}.{dataset['table_name']}"


def column_names(dataset: dict[str, Any]) -> set[str]:
    return {column["column_name"] for column in dataset["columns"]}


def used_columns(params: dict[str, Any]) -> set[str]:
    """Return the columns that a chart reads outside its metrics."""
    used: set[str] = set()
    for key in ("all_columns", "groupby", "groupbyRows", "groupbyColumns", "x_axis"):
        value = params.get(key) or []
        used |= {value} if isinstance(value, str) else set(value)
    used |= {where["subject"] for where in params["adhoc_filters"]}
    return used | {json.loads(order)[0] for order in params.get("order_by_cols", [])}


def metrics(params: dict[str, Any]) -> list[dict[str, str]]:
    one = [params["metric"]] if "metric" in params else []
    return one + list(params.get("metrics") or [])


def test_datasets_have_the_columns_of_the_published_tables(
    con: duckdb.DuckDBPyConnection,
) -> None:
    databases = assets("databases")
    for dataset in assets("datasets").values():
        name = dataset["table_name"]
        assert dataset["database_uuid"] in databases, name
        described = con.sql(f"describe select * from {relation(dataset)}").fetchall()
        stored = {c["column_name"] for c in dataset["columns"] if not c["expression"]}
        assert stored == {row[0] for row in described}, name
        for column in dataset["columns"]:
            if column["expression"]:
                con.sql(f"select {column['expression']} from {relation(dataset)}")
        assert dataset["main_dttm_col"] in column_names(dataset) | {None}, name


def test_charts_ask_for_what_their_dataset_has(con: duckdb.DuckDBPyConnection) -> None:
    """The saved query asks for the same columns and metrics as the chart shows."""
    datasets = assets("datasets")
    for chart in assets("charts").values():
        name, params = chart["slice_name"], chart["params"]
        assert chart["dataset_uuid"] in datasets, name
        dataset = datasets[chart["dataset_uuid"]]
        assert used_columns(params) <= column_names(dataset), name
        for metric in metrics(params):
            con.sql(f"select {metric['sqlExpression']} from {relation(dataset)}")
        (query,) = json.loads(chart["query_context"])["queries"]
        wanted = [metric["sqlExpression"] for metric in metrics(params)]
        asked = [metric["sqlExpression"] for metric in query.get("metrics") or []]
        assert asked == wanted, name
        plain = {column for column in query["columns"] if isinstance(column, str)}
        assert plain <= column_names(dataset), name
        filters = {(where["col"], where["op"]) for where in query["filters"]}
        assert filters == {
            (where["subject"], where["operator"]) for where in params["adhoc_filters"]
        }, name


def test_heads_of_tables_are_labels() -> None:
    """A reader sees words, in the case of words, and methods by name."""
    datasets = assets("datasets")
    shown = {
        (column, label)
        for chart in assets("charts").values()
        if chart["viz_type"] == "table"
        for column in chart["params"]["all_columns"]
        for label in (
            each["verbose_name"]
            for each in datasets[chart["dataset_uuid"]]["columns"]
            if each["column_name"] == column
        )
    }
    assert len(shown) > 30
    assert [
        pair for pair in sorted(shown) if pair[1] == pair[0].replace("_", " ")
    ] == []
    assert "method" not in {column for column, _ in shown}


def test_labels_of_the_grid_sort_as_numbers(con: duckdb.DuckDBPyConnection) -> None:
    (grid,) = (
        dataset
        for dataset in assets("datasets").values()
        if dataset["table_name"] == "critical_grid_latest"
    )
    sql = f"select distinct ratio, price_ratio from ({grid['sql']}) order by ratio"
    rows = con.sql(sql).fetchall()
    assert len(rows) > 3
    assert [row[1] for row in rows] == sorted(row[1] for row in rows)
    assert [row[0] for row in rows if row[0].startswith("0")] == []


def test_an_empty_chart_is_excused_by_the_model_it_needs(tmp_path: Path) -> None:
    names = {chart["slice_name"] for chart in assets("charts").values()}
    assert set(run.NEEDED_MODELS) <= names
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "create schema core; create table core.dim_model as from (values "
            "('fused', false, 'not trained'), ('gru_daily', true, null)) "
            "as t (model_code, is_available, unavailable_reason)"
        )
    assert run.excused(str(path)) == {"Fused IC · 融合IC": "fused: not trained"}
    with duckdb.connect(str(path)) as connection:
        connection.execute("update core.dim_model set is_available = true")
    assert run.excused(str(path)) == {}


def test_dashboards_show_charts_that_exist() -> None:
    charts, datasets = assets("charts"), assets("datasets")
    shown: set[str] = set()
    assert {dashboard["slug"] for dashboard in assets("dashboards").values()} == {
        "lundong-weekly",
        "lundong-microcap",
    }
    for dashboard in assets("dashboards").values():
        position = dashboard["position"]
        parts = {
            part["meta"]["chartId"]: part["meta"]["uuid"]
            for part in position.values()
            if isinstance(part, dict) and part["type"] == "CHART"
        }
        assert set(parts.values()) <= charts.keys()
        shown |= set(parts.values())
        for part in position.values():
            if isinstance(part, dict) and part["type"] == "ROW":
                row = [position[child]["meta"] for child in part["children"]]
                assert sum(meta["width"] for meta in row) == 12
        for choice in dashboard["metadata"]["native_filter_configuration"]:
            (target,) = choice["targets"]
            column = target["column"]["name"]
            assert column in column_names(datasets[target["datasetUuid"]])
            left_out = set(choice["scope"]["excluded"])
            assert left_out < parts.keys()
            # A chart without the column would ignore the filter and seem to obey it.
            for number in parts.keys() - left_out:
                dataset = datasets[charts[parts[number]]["dataset_uuid"]]
                assert column in column_names(dataset)
    assert shown == charts.keys()


def test_a_bundle_is_read_by_its_owner_alone(tmp_path: Path) -> None:
    """Also where a readable one stood before: a password can be in it."""
    path = tmp_path / "lundong_superset.zip"
    path.touch(mode=0o644)
    subprocess.run(
        [
            *(sys.executable, PROJECT_ROOT / "bi" / "superset" / "run.py", "bundle"),
            *("--database", "postgresql://anna:sesam@localhost/lundong"),
            *("--output", tmp_path),
        ],
        check=True,
        env={**os.environ, "PYTHONPATH": str(PROJECT_ROOT)},
    )
    with zipfile.ZipFile(path) as archive:
        assert b"sesam" in archive.read("lundong/databases/Lundong.yaml")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
