"""Loading from Tushare, against a loopback server that speaks the documented protocol.

The server pages, limits rows and frequency, fails and cuts connections as the service
does; no request leaves the machine.
"""

# ruff: noqa: RUF001 - the service's messages have Chinese punctuation.

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from warehouse.load import LoadError
from warehouse.settings import Settings
from warehouse.sources import tushare
from warehouse.sources.tushare import TushareClient, load_tushare
from warehouse.sources.tushare_tables import ENDPOINT_BY_NAME, TABLES
from warehouse.store import connect_build

TOKEN = "secret-token-0123456789abcdef"  # noqa: S105
DATES = ("trade_date", "cal_date", "ex_date", "nav_date", "report_date", "ann_date")
DAYS = ["20240603", "20240604", "20240605", "20240606", "20240607"]
FROM, TO = date(2024, 6, 3), date(2024, 6, 7)
STOCKS = ("600000.SH", "000001.SZ", "688981.SH")

TOO_FREQUENT = {
    "code": 40203,
    "msg": "抱歉，您每分钟最多访问该接口200次，权限的具体详情访问："
    "https://tushare.pro/document/1?doc_id=108。",
}
USED_UP = {"code": 40203, "msg": "抱歉，您每天最多访问该接口10次，权限的具体详情访问。"}
NOT_PERMITTED = {"code": 40203, "msg": "抱歉，您没有接口访问权限，权限的具体详情访问。"}


@dataclass
class Service:
    """What the server holds, what it shall do next, and what it was asked."""

    data: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    actions: dict[str, list[Any]] = field(default_factory=dict)
    refused: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows_per_page: int = 5000
    says_has_more: bool = True
    requests: list[dict[str, Any]] = field(default_factory=list)
    is_hanging: threading.Event = field(default_factory=threading.Event)
    let_go: threading.Event = field(default_factory=threading.Event)

    def count(self) -> Counter[str]:
        """Return how often each endpoint was called."""
        return Counter(request["api_name"] for request in self.requests)

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer a request as the service would."""
        if request["token"] != TOKEN:
            text = f"您的token不对，请确认。{request['token']}"
            return {"code": 40101, "msg": text, "data": None}
        name = request["api_name"]
        if name in self.refused:
            return self.refused[name] | {"data": None}
        known = ENDPOINT_BY_NAME.get(name.removesuffix("_vip"))
        if known is None:
            return {"code": 40101, "msg": "请指定正确的接口名", "data": None}
        parameters = request["params"]
        rows = [row for row in self.data.get(known.name, []) if _fits(row, parameters)]
        offset = int(parameters.get("offset", 0))
        limit = min(int(parameters.get("limit", 5000)), self.rows_per_page)
        page = rows[offset : offset + limit]
        fields = request["fields"].split(",")
        data = {
            "fields": fields,
            "items": [[row.get(name) for name in fields] for row in page],
        }
        if self.says_has_more:
            data["has_more"] = offset + limit < len(rows)
        return {"request_id": "1", "code": 0, "msg": "", "data": data}


def _fits(row: dict[str, Any], parameters: dict[str, Any]) -> bool:
    for name, value in parameters.items():
        if name in ("offset", "limit", "freq"):
            continue
        if name in ("start_date", "end_date"):
            stated = next((row[day] for day in DATES if row.get(day)), None)
            if "roe" in row:
                stated = row["end_date"]
            stated = stated or str(row.get("trade_time", ""))
            if name == "start_date" and stated < value:
                return False
            if name == "end_date" and stated > value:
                return False
        elif name == "period":
            if row["end_date"] != value:
                return False
        elif name in row and row[name] is not None and str(row[name]) != value:
            return False
    return True


class _Handler(BaseHTTPRequestHandler):
    service: Service

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = json.loads(body)
        self.service.requests.append(request)
        pending = self.service.actions.get(request["api_name"], [])
        action = pending.pop(0) if pending else None
        if isinstance(action, int):
            self.send_error(action)
            return
        if action == "hang":
            self.service.is_hanging.set()
            self.service.let_go.wait(30)
            return
        content = json.dumps(self.service.answer(request)).encode()
        if isinstance(action, dict):
            content = json.dumps(action | {"data": None}).encode()
        if action == "html":
            content = b"<html>gateway</html>"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if action == "cut":
            content = content[: len(content) // 2]
            self.close_connection = True
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Service:
    return Service(data=_market())


@pytest.fixture
def address(service: Service) -> Iterator[str]:
    handler = type("Handler", (_Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(address: str, waits: list[float]) -> Iterator[TushareClient]:
    made = TushareClient(TOKEN, address, sleep=waits.append, timeout=5)
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", tushare_token=TOKEN, memory_limit="1GB")


def _market() -> dict[str, list[dict[str, Any]]]:
    """Three stocks, a fund and an index over a week, as the service gives them."""
    first, calendar = date(2024, 1, 1), []
    for offset in range(731):
        day = first + timedelta(days=offset)
        row = {"exchange": "SSE", "cal_date": f"{day:%Y%m%d}"}
        calendar.append(row | {"is_open": int(day.weekday() < 5)})
    status = {"list_status": "L", "delist_date": None}
    securities = [
        status | {"ts_code": "600000.SH", "name": "浦发银行", "list_date": "19991110"},
        status | {"ts_code": "000001.SZ", "name": "平安银行", "list_date": "19910403"},
        status | {"ts_code": "688981.SH", "name": "中芯国际", "list_date": "20200716"},
        {
            "ts_code": "000005.SZ",
            "name": "ST星源",
            "list_date": "19901210",
            "delist_date": "20240426",
            "list_status": "D",
        },
    ]
    each = [{"ts_code": code, "trade_date": day} for day in DAYS for code in STOCKS]
    # 688981.SH is suspended on one day, and simply absent on another.
    traded = [
        row
        for row in each
        if row["ts_code"] != "688981.SH" or row["trade_date"] not in DAYS[2:4]
    ]
    fund = {"ts_code": "510300.SH"}
    statement = {
        "ts_code": "600000.SH",
        "ann_date": "20240605",
        "f_ann_date": "20240605",
        "end_date": "20240331",
        "report_type": "1",
        "update_flag": "1",
    }
    return {
        "trade_cal": calendar,
        "stock_basic": securities,
        "daily": [
            row
            | {"open": 8.0, "high": 8.4, "low": 7.9, "close": 8.1, "pre_close": 8.1}
            | {"vol": 1234.56, "amount": 1000.5 + number}
            for number, row in enumerate(traded)
        ],
        "adj_factor": [row | {"adj_factor": 2.5} for row in each],
        "daily_basic": [
            row
            | {"turnover_rate": 0.5, "total_share": 100.5, "float_share": 80.0}
            | {"free_share": 60.0, "total_mv": 814.05}
            for row in traded
        ],
        "stk_limit": [row | {"up_limit": 8.8, "down_limit": 7.2} for row in each],
        "suspend_d": [
            {
                "ts_code": "688981.SH",
                "trade_date": DAYS[2],
                "suspend_timing": None,
                "suspend_type": "S",
            }
        ],
        "namechange": [
            {
                "ts_code": "000005.SZ",
                "name": "ST星源",
                "start_date": "20220506",
                "end_date": None,
                "ann_date": "20220505",
            },
            {
                "ts_code": "000005.SZ",
                "name": "世纪星源",
                "start_date": "20010101",
                "end_date": "20220505",
                "ann_date": None,
            },
        ],
        "index_member_all": _members("801780.SI", "801080.SI", "in 2021"),
        "ci_index_member": _members("CI005021.CI", "CI005025.CI", "two lists"),
        "index_daily": [
            {"ts_code": "000300.SH", "trade_date": day, "close": 3600.0, "vol": 5}
            for day in DAYS
        ],
        "ci_daily": [
            {"ts_code": "CI005021.CI", "trade_date": day, "close": 7000.0, "vol": 5}
            for day in DAYS
        ],
        "index_weight": [
            {
                "index_code": "000300.SH",
                "con_code": "600000.SH",
                "trade_date": "20240603",
                "weight": 0.7,
            }
        ],
        "ths_index": [
            {"ts_code": "885800.TI", "name": "概念", "exchange": "A", "type": "N"}
        ],
        "ths_member": [{"ts_code": "885800.TI", "con_code": "600000.SH"}],
        "fund_basic": [
            fund | {"name": "沪深300ETF", "list_date": "20120528", "market": "E"}
        ],
        "fund_daily": [
            fund | {"trade_date": day, "close": 3.6, "vol": 10.0, "amount": 3.6}
            for day in DAYS
        ],
        "fund_adj": [fund | {"trade_date": day, "adj_factor": 1.1} for day in DAYS],
        "fund_share": [fund | {"trade_date": day, "fd_share": 55.5} for day in DAYS],
        "fund_nav": [
            fund | {"nav_date": day, "unit_nav": 3.61, "market": "E"} for day in DAYS
        ],
        "margin": [
            {"trade_date": day, "exchange_id": code, "rzye": 1e11, "rzmre": 1e10}
            | {"rqye": 1e9}
            for day in DAYS
            for code in ("SSE", "SZSE")
        ],
        "margin_detail": [row | {"rzye": 1e9} for row in each],
        "stk_mins": [
            {
                "ts_code": code,
                "trade_time": f"2024-06-03 09:{minute}:00",
                **dict.fromkeys(("open", "high", "low", "close"), 8.0),
                "vol": 100.0,
                "amount": 800.0,
            }
            for code in STOCKS
            for minute in (35, 40)
        ],
        "report_rc": [
            {
                "ts_code": "600000.SH",
                "report_date": "20240604",
                "report_title": "业绩点评",
                "org_name": "某证券",
                "author_name": "甲",
                "quarter": f"{year}Q4",
                "rating": "买入",
                "np": 100.0,
                "eps": 1.0,
            }
            for year in (2024, 2025)
        ],
        "research_report": [],
        "fina_indicator": [
            {
                "ts_code": "600000.SH",
                "ann_date": "20240605",
                "end_date": "20240331",
                "update_flag": "1",
                "roe": 3.0,
            }
        ],
        "income": [statement | {"revenue": 5e9, "n_income_attr_p": 1e9}],
        "balancesheet": [statement | {"total_assets": 9e11}],
        "cashflow": [statement | {"n_cashflow_act": 2e9}],
        "dividend": [
            {
                "ts_code": "600000.SH",
                "end_date": "20231231",
                "div_proc": "实施",
                "ex_date": "20240606",
                "imp_ann_date": "20240531",
                "stk_div": 0.0,
                "cash_div_tax": 0.321,
            }
        ],
        "stk_holdernumber": [
            {
                "ts_code": "600000.SH",
                "ann_date": "20240605",
                "end_date": "20240331",
                "holder_num": 150000,
            }
        ],
    }


def _members(bank: str, chips: str, level2: str) -> list[dict[str, Any]]:
    """Memberships; 000001.SZ changed its industry, so the default would lose half."""

    def member(code: str, level1: str, start: str, end: str | None) -> dict[str, Any]:
        return {
            "l1_code": level1,
            "l1_name": f"name of {level1}",
            "l2_code": f"{level1[:5]}800{level1[-3:]}",
            "l2_name": level2,
            "l3_code": f"{level1[:5]}900{level1[-3:]}",
            "l3_name": level2,
            "ts_code": code,
            "in_date": start,
            "out_date": end,
            "is_new": "Y" if end is None else "N",
        }

    return [
        member("600000.SH", bank, "19991110", None),
        member("000001.SZ", chips, "19910403", "20220630"),
        member("000001.SZ", bank, "20220701", None),
        member("688981.SH", chips, "20200716", None),
    ]


def _load(settings: Settings, client: TushareClient, *tables: str, **more: Any) -> list:
    return load_tushare(
        settings, FROM, TO, client=client, tables=tables or None, **more
    )


def _fetch(settings: Settings, query: str) -> list[tuple]:
    with connect_build(settings, read_only=True) as con:
        return con.execute(query).fetchall()


def test_every_table_is_loaded_with_its_units(settings, client):
    results = _load(settings, client, *TABLES)
    loaded = {result.table_name for result in results if result.load_id is not None}
    assert loaded == set(TABLES)
    assert sum(result.rejected for result in results) == 0
    bar = _fetch(
        settings,
        "select volume_shares, amount_cny, adjust_factor, turnover_ratio "
        "from raw.daily_bar where security_code = '600000.SH' order by trade_date",
    )
    assert bar[0] == (123_456, 1_000_500, 2.5, 0.005)
    assert len(bar) == 5
    assert _fetch(settings, "select distinct total_shares from raw.share_capital") == [
        (1_005_000,)
    ]
    assert _fetch(settings, "select distinct total_shares from raw.etf_share") == [
        (555_000,)
    ]
    assert _fetch(
        settings,
        "select financing_balance_cny from raw.margin_balance "
        "where security_code = 'all' limit 1",
    ) == [(2e11,)]
    assert _fetch(
        settings,
        "select known_date, revenue_cny, return_on_equity, shareholder_count "
        "from raw.fundamental",
    ) == [(date(2024, 6, 6), 5e9, 0.03, 150_000)]
    assert _fetch(settings, "select count(*) from raw.minute_bar") == [(6,)]
    assert _fetch(
        settings,
        "select count(*) from raw.load where source != 'tushare'",
    ) == [(0,)]


def test_both_lists_of_members_make_ranges(settings, client, service):
    _load(settings, client, "industry_member")
    asked = {
        request["params"]["is_new"]
        for request in service.requests
        if request["api_name"] == "ci_index_member"
    }
    assert asked == {"Y", "N"}
    assert _fetch(
        settings,
        "select industry_code, valid_from, valid_to from raw.industry_member "
        "where security_code = '000001.SZ' and industry_system = 'citic1' "
        "order by valid_from",
    ) == [
        ("CI005025", date(1991, 4, 3), date(2022, 7, 1)),
        ("CI005021", date(2022, 7, 1), None),
    ]


def test_names_become_st_periods(settings, client):
    _load(settings, client, "st_status")
    assert _fetch(
        settings,
        "select security_code, status, valid_from, valid_to from raw.st_status",
    ) == [("000005.SZ", "ST", date(2022, 5, 6), None)]


def test_a_bar_that_is_absent_without_suspension_is_reported(settings, client):
    results = _load(settings, client, "daily_bar")
    (message,) = [r.message for r in results if r.message.startswith("1 stock-days")]
    assert "20240606 688981.SH" in message


def test_pages_are_followed_to_the_end(settings, client, service):
    service.rows_per_page = 2
    _load(settings, client, "daily_bar")
    assert _fetch(settings, "select count(*) from raw.daily_bar") == [(13,)]
    # Three rows a day but for two days of two: one page more than has_more asks for
    # would be a request too many.
    assert service.count()["daily"] == 3 * 2 + 2
    assert service.count()["adj_factor"] == 5 * 2


def test_pages_are_followed_where_has_more_is_left_out(client, service):
    service.says_has_more = False
    rows = client.rows(ENDPOINT_BY_NAME["daily"], {"trade_date": DAYS[0]})
    assert len(rows) == 3
    # Nothing says that the page was the last one.
    assert service.count()["daily"] == 2


def test_a_page_of_the_documented_size_is_followed(client, service, monkeypatch):
    monkeypatch.setattr(service, "answer", _without_more(service.answer))
    endpoint = replace(ENDPOINT_BY_NAME["daily"], rows=2)
    assert len(client.rows(endpoint, {"trade_date": DAYS[0]})) == 3


def _without_more(answer: Any) -> Any:
    """Let every page say that it is the last one."""

    def answer_wrongly(request: dict[str, Any]) -> dict[str, Any]:
        given = answer(request)
        given["data"]["has_more"] = False
        return given

    return answer_wrongly


def test_frequency_limit_waits_a_minute_and_goes_on(settings, client, service, waits):
    service.actions["daily"] = [TOO_FREQUENT, TOO_FREQUENT]
    _load(settings, client, "daily_bar")
    assert waits == [60, 60]
    assert service.count()["daily"] == 5 + 2


@pytest.mark.parametrize("failure", [502, 500, "html", "cut"], ids=str)
def test_what_may_pass_is_tried_again(settings, client, service, waits, failure):
    service.actions["daily"] = [failure, failure, failure]
    _load(settings, client, "daily_bar")
    assert waits == [1, 2, 4]
    assert _fetch(settings, "select count(*) from raw.daily_bar") == [(13,)]


def test_what_does_not_pass_is_given_up_with_one_line(settings, client, service, waits):
    service.actions["daily"] = [503] * 20
    with pytest.raises(LoadError, match=r"tushare daily: .*status 503 \(tried 6 times"):
        _load(settings, client, "daily_bar")
    assert waits == [1, 2, 4, 8, 16]


def test_requests_keep_to_the_documented_frequency(address):
    now = [0.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    client = TushareClient(TOKEN, address, sleep=sleep, clock=lambda: now[0])
    endpoint = ENDPOINT_BY_NAME["daily"]
    for number in range(endpoint.per_minute + 1):
        now[0] = max(now[0], number * 0.1)
        client.rows(endpoint, {"trade_date": DAYS[0]})
    assert waits == [pytest.approx(40.0)]
    client.close()


def test_used_up_quota_is_an_error_at_once(settings, client, service, waits):
    service.refused["daily"] = USED_UP
    with pytest.raises(LoadError, match=r"每天最多访问.*what is fetched is kept"):
        _load(settings, client, "daily_bar")
    assert waits == []


def test_refused_token_is_told_without_showing_it(settings, address, waits):
    wrong = "another-secret-token"
    client = TushareClient(wrong, address, sleep=waits.append)
    with pytest.raises(
        LoadError, match=r"token is refused.*set TUSHARE_TOKEN"
    ) as error:
        _load(settings, client)
    assert wrong not in str(error.value)
    assert error.value.__cause__ is None
    assert waits == []
    client.close()


def test_without_a_token_nothing_is_asked(tmp_path, service, address):
    settings = Settings(home=tmp_path)
    with pytest.raises(LoadError, match="TUSHARE_TOKEN"):
        load_tushare(settings, FROM, TO, base_url=address)
    assert service.requests == []


def test_token_is_in_no_file_log_or_message(settings, address, service, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    service.actions["daily"] = [500, "html", "cut"]
    service.refused["ths_index"] = {"code": 40203, "msg": f"没有权限 {TOKEN}"}
    slept: list[float] = []
    client = TushareClient(TOKEN, address, sleep=slept.append)
    results = _load(settings, client)
    assert TOKEN not in repr(client) + repr(vars(client)) + repr(settings)
    client.close()
    assert TOKEN not in caplog.text
    output = capfd.readouterr()
    assert TOKEN not in output.out + output.err
    assert TOKEN not in "".join(result.message for result in results)
    assert "***" in "".join(result.message for result in results)
    for path in settings.home.rglob("*"):
        if path.is_file():
            assert TOKEN.encode() not in path.read_bytes(), path


def test_refused_endpoints_leave_their_tables_out(settings, client, service):
    service.refused = dict.fromkeys(
        ("ths_index", "ths_member", "margin", "research_report"), NOT_PERMITTED
    )
    results = _load(settings, client)
    notes = {r.table_name: r.message for r in results if r.load_id is None}
    assert "margin could not be called" in notes["margin_balance"]
    assert "not permitted" in notes["ths_index"]
    loaded = {result.table_name for result in results if result.load_id is not None}
    assert {"market_index", "analyst_report", "daily_bar"} <= loaded


def test_a_refused_endpoint_of_a_named_table_is_an_error(settings, client, service):
    service.refused["margin"] = NOT_PERMITTED
    with pytest.raises(LoadError, match=r"tushare margin: not permitted"):
        _load(settings, client, "margin_balance")


def test_statements_fall_back_to_one_stock_at_a_time(settings, client, service):
    apis = ("income", "balancesheet", "cashflow", "fina_indicator")
    service.refused = {f"{name}_vip": NOT_PERMITTED for name in apis}
    _load(settings, client, "fundamental")
    assert service.count()["income"] == 3 * 4
    # Figures announced in 2024 may be of a period of 2023.
    years = {
        request["params"]["start_date"]
        for request in service.requests
        if request["api_name"] == "fina_indicator"
    }
    assert years == {"20230101", "20240101"}
    assert _fetch(settings, "select revenue_cny from raw.fundamental") == [(5e9,)]


def test_indicators_are_asked_for_by_period(settings, client, service):
    _load(settings, client, "fundamental")
    asked = [
        request["params"]
        for request in service.requests
        if request["api_name"] == "fina_indicator_vip"
    ]
    periods = [parameters["period"] for parameters in asked]
    assert periods == [
        "20230630",
        "20230930",
        "20231231",
        "20240331",
        "20240630",
    ]
    assert not any("start_date" in parameters for parameters in asked)


def test_a_stopped_run_goes_on_where_it_was(settings, client, service):
    service.actions["adj_factor"] = [None, None, None] + [503] * 6
    with pytest.raises(LoadError):
        _load(settings, client, "daily_bar")
    assert service.count()["daily"] == 5
    assert service.count()["adj_factor"] == 3 + 6
    assert not settings.build_path.exists()
    service.requests.clear()
    _load(settings, client, "daily_bar")
    # Two days of factors were missing; nothing that was whole is asked for again.
    assert service.count() == {"adj_factor": 2, "daily_basic": 5, "suspend_d": 5}
    service.requests.clear()
    again = _load(settings, client, "daily_bar")
    assert service.count() == {}
    assert sum(result.accepted for result in again) == 0


def test_a_killed_process_goes_on_where_it_was(settings, client, service, address):
    service.actions["adj_factor"] = [None, None, "hang"]
    program = (
        "from datetime import date\n"
        "from warehouse.settings import read_settings\n"
        "from warehouse.sources.tushare import load_tushare\n"
        f"load_tushare(read_settings(), date(2024, 6, 3), date(2024, 6, 7), "
        f"base_url={address!r}, tables=['daily_bar'])\n"
    )
    environment = {"LUNDONG_HOME": str(settings.home), "TUSHARE_TOKEN": TOKEN}
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=os.environ | environment
    )
    try:
        assert service.is_hanging.wait(60)
    finally:
        process.kill()
        process.wait()
        service.let_go.set()
    assert not settings.build_path.exists()
    service.requests.clear()
    _load(settings, client, "daily_bar")
    assert service.count() == {"adj_factor": 3, "daily_basic": 5, "suspend_d": 5}
    assert _fetch(settings, "select count(*) from raw.daily_bar") == [(13,)]


def test_a_half_written_partition_does_not_count(settings, client, service):
    folder = settings.home / "landing" / "tushare" / "raw" / "daily"
    folder.mkdir(parents=True)
    (folder / "20240603.part").write_bytes(b"PAR1 cut off")
    _load(settings, client, "daily_bar")
    assert service.count()["daily"] == 5
    assert _fetch(settings, "select count(*) from raw.daily_bar") == [(13,)]


def test_the_latest_days_are_fetched_again(settings, client, service, monkeypatch):
    monkeypatch.setattr(tushare, "_today", lambda: date(2024, 6, 8))
    _load(settings, client, "daily_bar")
    service.requests.clear()
    service.data["daily"][-1]["close"] = 8.2
    results = _load(settings, client, "daily_bar")
    # The Monday is five days ago and settled.
    assert service.count()["daily"] == 4
    assert sum(result.accepted for result in results) == 1
    monkeypatch.setattr(tushare, "_today", lambda: date(2024, 7, 8))
    _load(settings, client, "daily_bar")
    service.requests.clear()
    monkeypatch.setattr(tushare, "_today", lambda: date(2024, 7, 9))
    _load(settings, client, "daily_bar")
    # The lists of the day are new, the days themselves settled.
    assert service.count() == {"trade_cal": 1, "stock_basic": 3}


def test_an_open_day_without_bars_is_an_error(settings, client, service):
    service.data["daily"] = [
        row for row in service.data["daily"] if row["trade_date"] != DAYS[1]
    ]
    with pytest.raises(LoadError, match=r"tushare daily: no rows for 20240604"):
        _load(settings, client, "daily_bar")


def test_an_answer_without_a_field_is_an_error(settings, client, service, monkeypatch):
    answer = service.answer

    def without_close(request: dict[str, Any]) -> dict[str, Any]:
        request["fields"] = request["fields"].replace("close,pre_close", "pre_close")
        return answer(request)

    monkeypatch.setattr(service, "answer", without_close)
    with pytest.raises(LoadError, match=r"tushare daily: the answer lacks close"):
        _load(settings, client, "daily_bar")


def test_text_in_a_number_is_an_error(settings, client, service):
    service.data["daily"][0]["close"] = "n/a"
    with pytest.raises(LoadError, match=r"daily 20240603, column close.*'n/a'"):
        _load(settings, client, "daily_bar")


@pytest.mark.parametrize(
    ("days", "tables", "message"),
    [
        ((TO, FROM), None, "no days"),
        ((FROM, TO), ["daily_bars"], "unknown table 'daily_bars'"),
    ],
    ids=["reversed", "unknown"],
)
def test_wrong_arguments(settings, client, days, tables, message):
    with pytest.raises(LoadError, match=message):
        load_tushare(settings, *days, client=client, tables=tables)


def test_progress_names_endpoint_and_partition(settings, client):
    seen: list[tuple[str, str, int]] = []

    def progress(name: str, part: str, rows: int) -> None:
        seen.append((name, part, rows))

    _load(settings, client, "daily_bar", progress=progress)
    assert ("daily", "20240603", 3) in seen
