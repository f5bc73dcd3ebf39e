"""Checks of coverage see what is missing: days, weeks, keys taken out of every table.

Rows are deleted from a copy of a built warehouse, and dbt's tests must name each table.
Add a line when a table gets a check of its coverage; keep values out, other tests have
them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.dbt_process import run_dbt
from warehouse.settings import PROJECT_ROOT, Settings

DBT_PROJECT = PROJECT_ROOT / "dbt_project"
LOSSES = {
    "intermediate.int_security_price_day": (
        "trade_date in (select distinct trade_date from {t} "
        "order by 1 limit 3 offset 9)"
    ),
    "core.fct_tradability_daily": (
        "trade_date in (select distinct trade_date from {t} "
        "order by 1 limit 100 offset 50)"
    ),
    "core.dim_trade_week": (
        "trade_week in (select trade_week from {t} order by 1 limit 10 offset 20)"
    ),
    "core.dim_security": "board = 'star'",
    "core.dim_industry": "industry_code = 'CI005001'",
    "core.dim_industry_member": "industry_system = 'pool32'",
    "industry.fct_industry_return_daily": "industry_code = 'CI005002'",
    "industry.fct_industry_return_weekly": (
        "trade_week in (select distinct trade_week from {t} "
        "order by 1 limit 20 offset 10)"
    ),
    "industry.fct_industry_benchmark_daily": "month(trade_date) = 6",
    "industry.fct_industry_coverage_daily": "month(trade_date) = 7",
    "diffusion.fct_diffusion_index_daily": (
        "trade_date in (select distinct trade_date from {t} "
        "order by 1 limit 30 offset 250)"
    ),
    "diffusion.fct_diffusion_index_weekly": (
        "trade_week in (select distinct trade_week from {t} "
        "order by 1 limit 20 offset 55)"
    ),
    "diffusion.fct_diffusion_index_monthly": (
        "trade_date in (select distinct trade_date from {t} "
        "order by 1 limit 5 offset 12)"
    ),
    "core.dim_strategy": "strategy_code = 'diffusion_weekly'",
    "intermediate.int_style_factor_weekly": (
        "trade_week in (select distinct trade_week from {t} "
        "order by 1 limit 6 offset 30)"
    ),
    "factors.fct_high_frequency_factor_daily": (
        "trade_date in (select distinct trade_date from {t} "
        "order by 1 limit 3 offset 5)"
    ),
    "core.dim_factor": "factor_code = 'beta'",
    "factors.fct_factor_value_weekly": "factor_code = 'bp'",
    "factors.dim_factor_universe": "universe = 'csi500'",
    "factors.fct_factor_ic_weekly": (
        "trade_week in (select distinct trade_week from {t} "
        "order by 1 limit 9 offset 40)"
    ),
    "factors.fct_factor_ic_summary": "period = '2022'",
    "factors.fct_factor_ic_decay": "horizon_weeks = 7",
    "factors.fct_factor_layer_return_weekly": "layer = 4",
    "factors.fct_factor_long_short_weekly": "universe = 'all'",
    "microcap.fct_microcap_factor_ic_weekly": "factor_code = 'beta'",
    "bi.mart_factor_scorecard": "universe = 'microcap' and factor_code = 'beta'",
    "rotation.fct_rotation_holding": (
        "signal_date in (select distinct signal_date from {t} "
        "order by 1 limit 8 offset 5)"
    ),
    "rotation.fct_enhancement_portfolio": (
        "signal_date = (select max(signal_date) from {t})"
    ),
    "rotation.fct_rotation_return_daily": (
        "trade_date = (select max(trade_date) from {t})"
    ),
    "rotation.fct_rotation_return_weekly": (
        "trade_week in (select distinct trade_week from {t} "
        "order by 1 limit 8 offset 5)"
    ),
    "diffusion.fct_diffusion_timing_daily": "method = 'relative_strength'",
    "microcap.fct_microcap_member": (
        "trade_date in (select distinct trade_date from {t} "
        "order by 1 limit 40 offset 90)"
    ),
    "microcap.fct_microcap_index_daily": "month(trade_date) = 8",
    "microcap.fct_microcap_diffusion_daily": "month(trade_date) = 9",
    "microcap.fct_microcap_critical_grid": "lookback_days = 15",
    "microcap.fct_microcap_signal": "action = 'enter'",
    "microcap.fct_signal_outlook": "method = 'first_threshold'",
    "microcap.fct_microcap_timing_daily": (
        "trade_date = (select max(trade_date) from {t})"
    ),
    "microcap.fct_microcap_timing_performance": "method = 'index'",
    "bi.mart_microcap_dashboard": "trade_date = (select max(trade_date) from {t})",
    "bi.mart_weekly_overview": (
        "trade_week in (select trade_week from {t} order by 1 limit 6 offset 30)"
    ),
    "bi.mart_factor_layer": "layer = 3",
    "bi.mart_net_value_weekly": "kind = 'timing' and method = 'index'",
    "bi.mart_rotation_dashboard": (
        "trade_week in (select distinct trade_week from {t} "
        "order by 1 limit 8 offset 5)"
    ),
    "rotation.fct_rule_ledger": "rule_off = 'limits' and period <> 'all'",
    "microcap.fct_calendar_effect": "effect = 'weekday' and bucket = 3",
    "microcap.fct_size_group_turnover_weekly": "size_group = 4",
    "microcap.fct_index_rank_weekly": "is_microcap",
    "flows.dim_etf": "etf_class = 'pharma'",
    "flows.fct_etf_flow_daily": "month(trade_date) = 6",
    "flows.fct_etf_flow_weekly": "etf_code = '510300.SH'",
    "flows.fct_etf_flow_class_weekly": "etf_class = 'broad'",
    "flows.fct_margin_flow_daily": "month(trade_date) = 8",
    "flows.fct_margin_flow_weekly": "industry_code = 'all'",
    "flows.fct_limit_up_daily": "industry_code = 'CI005021'",
    "flows.fct_limit_up_stock_daily": (
        "trade_date in (select distinct trade_date from {t} "
        "order by 1 limit 9 offset 9)"
    ),
    "core.dim_model": "model_code = 'fused'",
    "scores.fct_stock_score_weekly": "model_code = 'fused'",
    "scores.fct_factor_blend_weight_weekly": "factor_code = 'late_skew_ret'",
    "scores.fct_industry_score_weekly": "industry_system = 'pool32'",
    "scores.fct_index_score_weekly": "index_class = 'concept'",
    "scores.fct_model_ic_weekly": "trade_week = (select max(trade_week) from {t})",
    "scores.fct_model_ic_summary": "period = 'all'",
    "scores.fct_score_correlation_weekly": (
        "trade_week = (select max(trade_week) from {t})"
    ),
    "scores.fct_text_score": "encoder_code = 'bert'",
    "scores.fct_text_sentence": "sentence_number = 3",
    "scores.fct_text_calibration": "class = 'middle'",
    "scores.fct_text_factor_monthly": "is_in_base_pool",
    "scores.fct_report_rule_yearly": "rule = 'used'",
    "rotation.fct_rotation_performance": (
        "period = (select max(period) from {t} where period < 'a')"
    ),
}


def dbt(path: Path, verb: str, selection: str) -> list[dict[str, Any]]:
    """Run dbt on a selection; return the results of its nodes."""
    arguments = [
        "--no-use-colors", "--quiet", verb, "--select", selection,
        "--target-path", str(path.parent / "target"),
        "--log-path", str(path.parent / "logs"),
    ]  # fmt: skip
    run_dbt(arguments, {"LUNDONG_BUILD_PATH": str(path)})
    content = json.loads((path.parent / "target" / "run_results.json").read_text())
    results: list[dict[str, Any]] = content["results"]
    assert {r["status"] for r in results} <= {"success", "pass", "fail"}
    return results


def failures(path: Path, selection: str) -> dict[str, int]:
    """Run dbt's tests of a selection; return the rows at fault by test."""
    return {
        result["unique_id"].split(".")[2]: result["failures"]
        for result in dbt(path, "test", selection)
        if result["unique_id"].startswith("test.")
    }


@pytest.fixture
def build_path(small_settings: Settings, tmp_path: Path) -> Path:
    path = tmp_path / "build.duckdb"
    shutil.copy(small_settings.build_path, path)
    return path


def test_rows_missing_from_any_table_fail_its_check(build_path: Path) -> None:
    with duckdb.connect(str(build_path)) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        lost = {}
        for table, condition in LOSSES.items():
            query = f"delete from {table} where {condition.format(t=table)}"
            row = con.execute(query).fetchone()
            lost[f"covers_{table.split('.')[1]}"] = row[0] if row else 0
    assert min(lost.values()) > 0
    found = failures(build_path, "test_name:covers")
    assert found.keys() == lost.keys()
    assert [name for name, count in found.items() if count == 0] == []


def test_a_member_lost_from_the_returns_does_not_add_up(build_path: Path) -> None:
    """The count without industry does not come from the returns themselves."""
    name = "assert_counts_of_coverage_add_up"
    assert failures(build_path, name) == {name: 0}
    with duckdb.connect(str(build_path)) as con:
        con.execute(
            "update industry.fct_industry_return_daily "
            "set member_count = member_count - 1, weighted_count = weighted_count - 1 "
            "where industry_code = 'CI005002' and weighted_count > 1"
        )
    dbt(build_path, "run", "fct_industry_coverage_daily")
    assert failures(build_path, name)[name] > 0
