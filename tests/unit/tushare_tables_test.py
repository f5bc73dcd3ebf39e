"""The queries that make raw tables of Tushare's pages, on rows written by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from warehouse.raw_tables import RAW_TABLE_BY_NAME
from warehouse.sources.tushare_tables import (
    BROAD_INDICES,
    ENDPOINT_BY_NAME,
    ENDPOINTS,
    ON_REQUEST,
    PRELUDE,
    TABLES,
)

# Endpoints that the weekly refresh is promised to draw on.
PROMISED = (
    "trade_cal stock_basic daily adj_factor daily_basic stk_limit suspend_d namechange "
    "index_member_all ci_index_member index_daily ci_daily index_weight ths_index "
    "ths_member fund_basic fund_daily fund_share fund_nav margin margin_detail "
    "stk_mins report_rc research_report fina_indicator income balancesheet cashflow "
    "dividend stk_holdernumber"
)
STOCK = {"ts_code": "600000.SH", "name": "浦发银行", "list_date": "19991110"}
EARLY = datetime(2024, 1, 5, 12, tzinfo=UTC)


def _query(table: str, **pages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run a raw table's query over some rows of the endpoints."""
    pages.setdefault("stock_basic", [STOCK])
    pages.setdefault(
        "trade_cal",
        [
            {"exchange": "SSE", "cal_date": day, "is_open": "1"}
            for day in ("20240426", "20240429", "20240430", "20240506", "20240507")
        ],
    )
    with duckdb.connect() as con:
        con.execute("set variable today = date '2030-01-01'")
        con.execute("set timezone = 'Asia/Shanghai'")
        views = {endpoint.name: endpoint for endpoint in ENDPOINTS}
        views["previous_basic"] = ENDPOINT_BY_NAME["daily_basic"]
        views["period_end_basic"] = ENDPOINT_BY_NAME["daily_basic"]
        for name, endpoint in views.items():
            rows = [
                dict.fromkeys(endpoint.schema.names) | {"fetched_at": EARLY} | row
                for row in pages.get(name, [])
            ]
            con.register(name, pa.Table.from_pylist(rows, schema=endpoint.schema))
        codes = {"index_code": list(BROAD_INDICES), "name": list(BROAD_INDICES)}
        con.register("broad_index", pa.table(codes))
        for statement in PRELUDE:
            con.execute(statement)
        return (
            con.execute(f"from ({TABLES[table].sql}) order by all")
            .to_arrow_table()
            .to_pylist()
        )


def test_every_promised_endpoint_is_used():
    named = {name for query in TABLES.values() for name in query.needs + query.uses}
    missing = set(PROMISED.split()) - named - {"suspend_d"}
    assert missing == set()
    assert "suspend_d" in ENDPOINT_BY_NAME
    assert named <= set(ENDPOINT_BY_NAME)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_columns_are_declared_and_required_ones_present(table):
    declared = RAW_TABLE_BY_NAME[table]
    given = _columns(table)
    assert given <= {column.name for column in declared.columns}
    required = {column.name for column in declared.columns if column.required}
    assert required <= given


def _columns(table: str) -> set[str]:
    with duckdb.connect() as con:
        con.execute("set variable today = date '2030-01-01'")
        for endpoint in ENDPOINTS:
            con.register(endpoint.name, endpoint.schema.empty_table())
        basic = ENDPOINT_BY_NAME["daily_basic"].schema.empty_table()
        con.register("previous_basic", basic)
        con.register("period_end_basic", basic)
        con.register("broad_index", pa.table({"index_code": ["a"], "name": ["b"]}))
        for statement in PRELUDE:
            con.execute(statement)
        described = con.execute(f"describe {TABLES[table].sql}").fetchall()
    return {row[0] for row in described}


def test_minute_bars_are_loaded_on_request_only():
    assert ON_REQUEST == ("minute_bar",)


def test_daily_bar_turns_lots_thousands_and_per_cent():
    day = {"ts_code": "600000.SH", "trade_date": "20240506"}
    (row,) = _query(
        "daily_bar",
        daily=[
            day
            | {"open": 8.0, "high": 8.2, "low": 7.9, "close": 8.1, "pre_close": 8.05}
            | {"vol": 235.5, "amount": 190.123}
        ],
        adj_factor=[day | {"adj_factor": 12.5}],
        daily_basic=[day | {"turnover_rate": 1.25}],
    )
    assert row["volume_shares"] == 23_550
    assert row["amount_cny"] == 190_123
    assert row["turnover_ratio"] == 0.0125
    assert row["adjust_factor"] == 12.5
    assert row["trade_date"] == date(2024, 5, 6)


def test_bar_without_factor_keeps_none_for_the_loader_to_refuse():
    day = {"ts_code": "600000.SH", "trade_date": "20240506", "close": 8.1}
    (row,) = _query("daily_bar", daily=[day])
    assert row["adjust_factor"] is None


def test_share_capital_is_a_row_per_change_across_the_window():
    def basic(day: str, total: float, free: float) -> dict[str, Any]:
        return {
            "ts_code": "600000.SH",
            "trade_date": day,
            "total_share": total,
            "float_share": total,
            "free_share": free,
        }

    rows = _query(
        "share_capital",
        previous_basic=[basic("20240426", 100.0001, 60)],
        daily_basic=[
            basic("20240429", 100.0001, 60),
            basic("20240430", 120.0, 60),
            basic("20240506", 120.0, 61),
            basic("20240507", 120.0, 61),
        ],
    )
    assert [(row["valid_from"].isoformat(), row["total_shares"]) for row in rows] == [
        ("2024-04-30", 1_200_000),
        ("2024-05-06", 1_200_000),
    ]
    (first,) = _query("share_capital", daily_basic=[basic("20240426", 100.0001, 60)])
    assert first["total_shares"] == 1_000_001


def _name(name: str, start: str, end: str | None, ann: str | None = None) -> dict:
    return {
        "ts_code": "600000.SH",
        "name": name,
        "start_date": start,
        "end_date": end,
        "ann_date": ann,
    }


def test_names_become_st_periods():
    rows = _query(
        "st_status",
        namechange=[
            _name("自仪股份", "19940324", "20010507"),
            _name("ST自仪", "20010508", "20061008", "20010430"),
            _name("SST自仪", "20061009", "20061025"),
            _name("ST自仪", "20061026", "20070513"),
            _name("自仪股份", "20070514", "20190429"),
            _name("*ST自仪", "20190430", "20201101"),
            _name("*ST自仪", "20190430", "20201101"),
            _name("退市自仪", "20201102", None),
        ],
    )
    assert [
        (row["status"], str(row["valid_from"]), str(row["valid_to"])) for row in rows
    ] == [
        ("ST", "2001-05-08", "2007-05-14"),
        ("*ST", "2019-04-30", "2020-11-02"),
        ("delisting", "2020-11-02", "None"),
    ]


def test_a_name_announced_late_counts_from_its_announcement():
    (row,) = _query(
        "st_status", namechange=[_name("ST甲", "20240426", None, "20240506")]
    )
    assert row["valid_from"] == date(2024, 5, 6)


def test_an_open_name_ends_where_the_next_begins():
    (row,) = _query(
        "st_status",
        namechange=[_name("ST甲", "20240426", None), _name("甲", "20240506", None)],
    )
    assert row["valid_to"] == date(2024, 5, 6)


def test_a_company_whose_name_only_contains_st_is_not_st():
    assert _query("st_status", namechange=[_name("BEST股份", "20240426", None)]) == []


def _member(level1: str, level2: str, start: str, end: str | None) -> dict[str, Any]:
    return {
        "l1_code": level1,
        "l1_name": "一级",
        "l2_code": "CI005800.CI",
        "l2_name": level2,
        "ts_code": "600000.SH",
        "in_date": start,
        "out_date": end,
        "is_new": "Y" if end is None else "N",
    }


def test_old_and_new_members_make_ranges_without_gaps_or_overlap():
    rows = _query(
        "industry_member",
        ci_index_member=[
            _member("CI005006.CI", "化学", "20030101", "20191129"),
            _member("CI005019.CI", "酒类", "20191202", "20211231"),
            _member("CI005019.CI", "饮料", "20211231", None),
        ],
    )
    found = {
        system: [
            (row["industry_code"], str(row["valid_from"]), str(row["valid_to"]))
            for row in rows
            if row["industry_system"] == system
        ]
        for system in ("citic1", "pool32")
    }
    assert found["citic1"] == [
        ("CI005006", "2003-01-01", "2019-12-02"),
        ("CI005019", "2019-12-02", "None"),
    ]
    assert found["pool32"] == [
        ("CI005006", "2003-01-01", "2019-12-02"),
        ("CI005019B", "2021-12-31", "None"),
        ("CI005019C", "2019-12-02", "2021-12-31"),
    ]


def test_a_member_that_left_long_before_its_next_industry_has_a_gap():
    rows = _query(
        "industry_member",
        index_member_all=[
            _member("801010.SI", "", "20210802", "20220105"),
            _member("801120.SI", "", "20220701", None),
        ],
    )
    assert [str(row["valid_to"]) for row in rows] == ["2022-01-05", "None"]


def test_shenwan_industries_of_2021_are_not_known_before():
    rows = _query(
        "industry_member",
        index_member_all=[
            _member("801010.SI", "", "20100104", "20150105"),
            _member("801120.SI", "", "20150105", None),
        ],
    )
    ranges = [
        (row["industry_code"], str(row["valid_from"]), row["valid_to"]) for row in rows
    ]
    assert ranges == [("801120.SI", "2021-07-30", None)]


def test_two_industries_stay_out_of_the_pool_of_32():
    rows = _query(
        "industry_member",
        ci_index_member=[_member("CI005029.CI", "综合", "20030101", None)],
    )
    assert {row["industry_system"] for row in rows} == {"citic1", "citic2"}


def test_index_bars_turn_the_units_of_both_endpoints():
    rows = _query(
        "index_bar",
        index_daily=[
            {"ts_code": "000300.SH", "trade_date": "20240506", "vol": 2, "amount": 3}
        ],
        ci_daily=[
            {"ts_code": "CI005001.CI", "trade_date": "20240506", "vol": 2, "amount": 3}
        ],
    )
    assert [
        (row["index_code"], row["volume_shares"], row["amount_cny"]) for row in rows
    ] == [("000300.SH", 200, 3000), ("CI005001", 20_000, 30_000)]


def test_each_published_list_holds_until_the_next():
    rows = _query(
        "index_member",
        stock_basic=[STOCK, STOCK | {"ts_code": "600004.SH"}],
        index_weight=[
            {"index_code": "000300.SH", "con_code": code, "trade_date": day}
            for code, day in (
                ("600000.SH", "20240430"),
                ("600004.SH", "20240430"),
                ("600000.SH", "20240531"),
            )
        ],
    )
    assert [
        (row["security_code"], str(row["valid_from"]), str(row["valid_to"]))
        for row in rows
    ] == [
        ("600000.SH", "2024-04-30", "2024-05-31"),
        ("600000.SH", "2024-05-31", "None"),
        ("600004.SH", "2024-04-30", "2024-05-31"),
    ]


def test_concepts_are_known_from_the_day_they_were_seen():
    def seen(code: str, day: int) -> dict[str, Any]:
        at = datetime(2024, 6, day, 12, tzinfo=UTC)
        return {"ts_code": "885800.TI", "con_code": code, "fetched_at": at}

    rows = _query(
        "index_member",
        stock_basic=[STOCK, STOCK | {"ts_code": "600004.SH"}],
        ths_member=[
            seen("600000.SH", 1),
            seen("600000.SH", 8),
            seen("600000.SH", 15),
            seen("600004.SH", 1),
            seen("600004.SH", 15),
        ],
    )
    assert [
        (
            row["security_code"],
            row["valid_from"].day,
            row["valid_to"] and row["valid_to"].day,
        )
        for row in rows
    ] == [("600000.SH", 1, None), ("600004.SH", 1, 8), ("600004.SH", 15, None)]


def test_weights_are_decimals():
    (row,) = _query(
        "index_weight",
        index_weight=[
            {
                "index_code": "000300.SH",
                "con_code": "600000.SH",
                "trade_date": "20240430",
                "weight": 0.8656,
            }
        ],
    )
    assert row["weight"] == pytest.approx(0.008656)


def test_funds_keep_exchange_funds_with_a_class():
    classes = {
        "沪深300ETF": "broad",
        "证券ETF": "finance_real_estate",
        "消费电子ETF": "tmt",
        "金融科技ETF": "finance_real_estate",
        "新能源汽车ETF": "midstream_manufacturing",
        "酒ETF": "consumption",
        "红利低波ETF": "dividend",
        "创新药ETF": "pharma",
        "稀土ETF": "upstream_materials",
        "军工龙头ETF": "defence",
        "日经ETF": None,
    }
    rows = _query(
        "etf",
        fund_basic=[
            *({"ts_code": f"{name}.SH", "name": name} for name in classes),
            {"ts_code": "501000.SH", "name": "国金鑫新LOF"},
        ],
    )
    assert {row["name"]: row["etf_class"] for row in rows} == classes


def test_fund_shares_and_bars_turn_units():
    fund = {"ts_code": "510300.SH", "name": "沪深300ETF"}
    day = {"ts_code": "510300.SH", "trade_date": "20240506"}
    (share,) = _query(
        "etf_share", fund_basic=[fund], fund_share=[day | {"fd_share": 206733.2898}]
    )
    assert share["total_shares"] == 2_067_332_898
    (bar,) = _query(
        "etf_bar",
        fund_basic=[fund],
        fund_daily=[day | {"close": 3.9, "vol": 10.25, "amount": 4.0}],
        fund_nav=[{"ts_code": "510300.SH", "nav_date": "20240506", "unit_nav": 3.91}],
        fund_adj=[day | {"adj_factor": 1.2}],
    )
    assert (bar["volume_shares"], bar["amount_cny"]) == (1025, 4000)
    assert (bar["net_asset_value_cny"], bar["adjust_factor"]) == (3.91, 1.2)


def test_margin_of_the_market_needs_both_large_exchanges():
    def exchange(code: str, day: str, balance: float) -> dict[str, Any]:
        return {"exchange_id": code, "trade_date": day, "rzye": balance}

    rows = _query(
        "margin_balance",
        margin=[
            exchange("SSE", "20240506", 5e11),
            exchange("SZSE", "20240506", 3e11),
            exchange("BSE", "20240506", 1e9),
            exchange("SSE", "20240507", 5e11),
        ],
        margin_detail=[
            {"ts_code": "600000.SH", "trade_date": "20240506", "rzye": 1e9},
            {"ts_code": "510300.SH", "trade_date": "20240506", "rzye": 1e9},
        ],
    )
    assert [(row["security_code"], row["financing_balance_cny"]) for row in rows] == [
        ("600000.SH", 1e9),
        ("all", 8.01e11),
    ]


def _income(announced: str, revenue: float, kind: str = "1", flag: str = "0") -> dict:
    return {
        "ts_code": "600000.SH",
        "ann_date": "20240427",
        "f_ann_date": announced,
        "end_date": "20240331",
        "report_type": kind,
        "update_flag": flag,
        "revenue": revenue,
        "n_income_attr_p": revenue / 10,
    }


def test_fundamentals_are_known_on_the_next_trading_day_and_restated_apart():
    rows = _query(
        "fundamental",
        income=[
            # Announced on a Saturday, corrected on the Monday of the next week.
            _income("20240427", 100.0, kind="5"),
            _income("20240506", 90.0, flag="1"),
        ],
        balancesheet=[
            _income("20240427", 0) | {"total_assets": 500.0, "lt_borr": 20.0},
        ],
        fina_indicator=[
            {
                "ts_code": "600000.SH",
                "ann_date": "20240430",
                "end_date": "20240331",
                "roe": 12.5,
                "debt_to_assets": 60.0,
            }
        ],
        stk_holdernumber=[
            {
                "ts_code": "600000.SH",
                "ann_date": "20240427",
                "end_date": "20240331",
                "holder_num": 1000,
            },
            {
                "ts_code": "600000.SH",
                "ann_date": "20240427",
                "end_date": "20240410",
                "holder_num": 900,
            },
        ],
        period_end_basic=[
            {
                "ts_code": "600000.SH",
                "trade_date": "20240329",
                "total_mv": 2500.0,
                "dv_ttm": 3.0,
                "pe_ttm": 7.0,
            }
        ],
    )
    assert [str(row["known_date"]) for row in rows] == [
        "2024-04-29",
        "2024-05-06",
        "2024-05-07",
    ]
    assert [row["revenue_cny"] for row in rows] == [100, 100, 90]
    assert [row["return_on_equity"] for row in rows] == [None, 0.125, 0.125]
    assert [row["shareholder_count"] for row in rows] == [1000, 1000, 1000]
    assert {row["long_term_debt_cny"] for row in rows} == {20}
    assert {row["market_cap_cny"] for row in rows} == {25_000_000}
    assert {row["dividend_yield"] for row in rows} == {0.03}
    assert {str(row["period_end"]) for row in rows} == {"2024-03-31"}


def test_figures_that_were_put_right_on_the_same_day_count_once():
    (row,) = _query(
        "fundamental",
        income=[_income("20240427", 100.0), _income("20240427", 90.0, flag="1")],
    )
    assert row["revenue_cny"] == 90


def test_dividends_that_were_paid_are_summed_per_ex_date():
    def plan(process: str, end: str, cash: float, share: float) -> dict[str, Any]:
        return {
            "ts_code": "600000.SH",
            "end_date": end,
            "div_proc": process,
            "ex_date": "20240506",
            "imp_ann_date": "20240426",
            "stk_div": share,
            "cash_div_tax": cash,
        }

    (row,) = _query(
        "corporate_action",
        dividend=[
            plan("实施", "20231231", 0.321, 0.4),
            plan("实施", "20231231", 0.321, 0.4),
            plan("实施", "20240331", 0.1, 0.0),
            plan("预案", "20240331", 9.0, 9.0),
        ],
    )
    assert row["cash_dividend_cny"] == pytest.approx(0.421)
    assert row["bonus_share_ratio"] == pytest.approx(0.4)
    assert row["announce_date"] == date(2024, 4, 26)


def test_reports_and_forecasts():
    report = {
        "ts_code": "600000.SH",
        "report_date": "20240506",
        "report_title": "业绩超预期",
        "org_name": "某证券",
        "rating": "买入",
    }
    pages = [
        report | {"quarter": "2024Q4", "np": 120.5, "eps": 1.2},
        report | {"quarter": "2025Q4", "np": 150.0, "eps": 1.5},
        report | {"quarter": "2024Q2", "np": 60.0, "eps": 0.6},
    ]
    (one,) = _query("analyst_report", report_rc=pages)
    assert (one["has_time"], one["title"]) == (False, "业绩超预期")
    assert one["published_at"] == datetime(2024, 5, 6)  # noqa: DTZ001
    forecasts = _query("forecast", report_rc=pages)
    assert {row["report_id"] for row in forecasts} == {one["report_id"]}
    assert {(row["fiscal_year"], row["net_profit_cny"]) for row in forecasts} == {
        (2024, 1_205_000),
        (2025, 1_500_000),
    }


def test_research_reports_bring_their_abstract():
    (row,) = _query(
        "analyst_report",
        research_report=[
            {
                "ts_code": "600000.SH",
                "trade_date": "20240506",
                "title": "深度报告",
                "abstr": "我们上调盈利预测",
                "inst_csname": "某证券",
            }
        ],
    )
    assert row["abstract"] == "我们上调盈利预测"


def test_a_report_in_both_endpoints_is_one():
    """Abstract and rating in one row, under the id that its forecasts bear."""
    both = {"ts_code": "600000.SH", "report_date": "20240506", "org_name": "某证券"}
    rated = [
        both | {"report_title": title, "rating": "买入", "quarter": "2024Q4", "np": 1.0}
        for title in ("深度报告", "只有评级")
    ]
    written = [
        {"ts_code": "600000.SH", "trade_date": day, "title": title, "abstr": "上调"}
        | {"inst_csname": broker}
        for day, title, broker in (
            ("20240506", "深度报告", "某证券"),
            ("20240506", "深度报告", "另一证券"),
            ("20240507", "深度报告", "某证券"),
            ("20240506", "只有摘要", "某证券"),
        )
    ]
    rows = _query("analyst_report", report_rc=rated, research_report=written)
    assert len(rows) == len({row["report_id"] for row in rows}) == 5
    found = {
        (row["published_at"].day, row["title"], row["broker"]): row for row in rows
    }
    one = found[6, "深度报告", "某证券"]
    assert (one["abstract"], one["rating"]) == ("上调", "买入")
    assert found[6, "只有评级", "某证券"]["abstract"] is None
    for other in ((6, "深度报告", "另一证券"), (7, "深度报告", "某证券"),
                  (6, "只有摘要", "某证券")):  # fmt: skip
        assert (found[other]["abstract"], found[other]["rating"]) == ("上调", None)
    alone = _query("analyst_report", research_report=written[:1])
    assert [row["report_id"] for row in alone] == [one["report_id"]]
    forecasts = _query("forecast", report_rc=rated)
    assert {row["report_id"] for row in forecasts} == {
        one["report_id"],
        found[6, "只有评级", "某证券"]["report_id"],
    }


def test_limit_prices_leave_out_what_is_no_a_share():
    day = {"trade_date": "20240506", "up_limit": 9.0, "down_limit": 7.4}
    rows = _query(
        "price_limit",
        stk_limit=[day | {"ts_code": "600000.SH"}, day | {"ts_code": "900901.SH"}],
    )
    assert [row["security_code"] for row in rows] == ["600000.SH"]


def test_minute_bars_keep_shares_and_yuan():
    (row,) = _query(
        "minute_bar",
        stk_mins=[
            {
                "ts_code": "600000.SH",
                "trade_time": "2024-05-06 09:35:00",
                "close": 7.05,
                "vol": 235500.0,
                "amount": 1660275.0,
            }
        ],
    )
    assert row["bar_time"] == datetime(2024, 5, 6, 9, 35)  # noqa: DTZ001
    assert (row["volume_shares"], row["amount_cny"]) == (235_500, 1_660_275)
