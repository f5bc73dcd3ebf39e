"""What is asked of Tushare Pro, and the queries that make raw tables of it.

``ENDPOINTS`` declares each endpoint with its fields, limits and partitions; ``TABLES``
holds one query per raw table over views of the endpoints' pages. Add an endpoint or a
column here; keep requests, files and loading out, they stand in ``tushare``.

Names, units and limits of rows are those documented at https://tushare.pro/document/2.
"""

# ruff: noqa: S608 - the queries are put together from constants of this module.

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa

# Broad indices that are loaded: code to name.
BROAD_INDICES = {
    "000001.SH": "上证指数",
    "000016.SH": "上证50",
    "000300.SH": "沪深300",
    "000688.SH": "科创50",
    "000852.SH": "中证1000",
    "000905.SH": "中证500",
    # What the layers of the fused factor are measured against.
    "000985.CSI": "中证全指",
    "399001.SZ": "深证成指",
    "399006.SZ": "创业板指",
    "899050.BJ": "北证50",
    "932000.CSI": "中证2000",
}
WEIGHTED_INDICES = ("000300.SH", "000852.SH", "000905.SH", "932000.CSI")

# Raw tables that are loaded only when named: five-minute bars of the whole market are a
# million requests a decade and a permission of their own.
ON_REQUEST = ("minute_bar",)

Span = Literal["snapshot", "day", "month", "quarter", "year"]
Codes = Literal["none", "stock", "broad_index", "weighted_index", "concept"]


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of Tushare Pro and how it is cut into partitions.

    Attributes
    ----------
    name : str
        Folder of its pages and its name in the queries.
    text, numbers : str
        Fields to ask for, separated by blanks.
    span : str
        ``snapshot`` (the state of today), or the stretch of time of one partition.
    codes : str
        Set of codes that the endpoint must be asked for one by one.
    day_parameter : str
        Parameter of the day, for ``span`` "day"; a quarter is asked for with
        ``period``, other stretches with ``start_date`` and ``end_date``.
    timed : bool
        Whether ``start_date`` and ``end_date`` bear a time of day.
    variants : tuple of dict
        Parameters of the calls that make up a partition together.
    look_back : int
        Days before those wanted from which partitions are fetched too, for endpoints
        that are asked by the period reported on.
    settled_after : int
        Days after its last one until a partition is not fetched again: net asset
        values, margin balances and late announcements still come in.
    rows : int
        Documented greatest number of rows of one answer.
    per_minute : int
        Requests a minute, of the lowest grade of membership that may call it.
    never_empty : bool
        Whether a partition without rows is an error.
    keeps_history : bool
        Whether the queries read all partitions ever fetched, not those of the window.
    api : str
        ``api_name``, where it is not ``name``.
    fallback : Endpoint, optional
        What to ask instead where the account has no permission.
    """

    name: str
    text: str
    numbers: str = ""
    span: Span = "snapshot"
    codes: Codes = "none"
    day_parameter: str = "trade_date"
    timed: bool = False
    variants: tuple[dict[str, str], ...] = ({},)
    look_back: int = 0
    settled_after: int = 4
    rows: int = 5000
    per_minute: int = 200
    never_empty: bool = False
    keeps_history: bool = False
    api: str = ""
    fallback: Endpoint | None = None

    @property
    def api_name(self) -> str:
        """Name in the request."""
        return self.api or self.name

    @property
    def fields(self) -> list[str]:
        """All fields, texts first."""
        return self.text.split() + self.numbers.split()

    @property
    def schema(self) -> pa.Schema:
        """Columns of its pages; ``fetched_at`` is set when they are written."""
        return pa.schema(
            [(name, pa.string()) for name in self.text.split()]
            + [(name, pa.float64()) for name in self.numbers.split()]
            + [("fetched_at", pa.timestamp("us", tz="UTC"))]
        )


@dataclass(frozen=True)
class Query:
    """How a raw table is made.

    Attributes
    ----------
    needs : tuple of str
        Endpoints without which the table is left out.
    sql : str
        Query over views named like the endpoints, with units turned.
    uses : tuple of str
        Further endpoints; where the account may not call one, its view is empty.
    split_by : str, optional
        Date or time column by which the result is cut into files.
    split_format : str
        ``strftime`` format of a file's name.
    """

    needs: tuple[str, ...]
    sql: str
    uses: tuple[str, ...] = ()
    split_by: str | None = None
    split_format: str = "%Y"


# Consolidated statements: 1 the newest, 4 restated in the next year's report, 5 the
# figures before a correction. The default, 1, loses what was known first.
_CONSOLIDATED = tuple({"report_type": kind} for kind in ("1", "4", "5"))


def _statement(name: str, numbers: str, rows: int) -> Endpoint:
    """Declare a financial statement: by month of announcement, else stock by stock.

    Without ``_vip`` in its name, an endpoint must be asked for one stock at a time.
    """
    single = Endpoint(
        name,
        "ts_code ann_date f_ann_date end_date report_type update_flag",
        numbers,
        span="year",
        codes="stock",
        keeps_history=True,
        variants=_CONSOLIDATED,
        rows=rows,
    )
    return replace(
        single, api=f"{name}_vip", span="month", codes="none", fallback=single
    )


_BAR = "open high low close"
_MEMBER = (
    "l1_code l1_name l2_code l2_name l3_code l3_name ts_code in_date out_date is_new"
)
# The default is today's members only.
_BOTH_WAYS = ({"is_new": "Y"}, {"is_new": "N"})
# Its days are those of the period, not of the announcement: periods of the year before
# the days wanted may be announced on them.
_INDICATORS = Endpoint(
    "fina_indicator",
    "ts_code ann_date end_date update_flag",
    "roe roa debt_to_assets",
    span="year",
    codes="stock",
    keeps_history=True,
    look_back=400,
    settled_after=400,
    rows=100,
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("trade_cal", "exchange cal_date is_open", never_empty=True),
    Endpoint(
        "stock_basic",
        "ts_code name list_status list_date delist_date",
        variants=tuple({"list_status": status} for status in "LDP"),
        rows=6000,
        per_minute=50,
        never_empty=True,
    ),
    Endpoint(
        "daily",
        "ts_code trade_date",
        f"{_BAR} pre_close vol amount",
        span="day",
        rows=6000,
        never_empty=True,
    ),
    Endpoint(
        "adj_factor",
        "ts_code trade_date",
        "adj_factor",
        span="day",
        rows=6000,
        never_empty=True,
    ),
    Endpoint(
        "daily_basic",
        "ts_code trade_date",
        "turnover_rate pe_ttm pb ps_ttm dv_ttm total_share float_share free_share "
        "total_mv",
        span="day",
        rows=6000,
    ),
    Endpoint(
        "stk_limit", "ts_code trade_date", "up_limit down_limit", span="day", rows=5800
    ),
    Endpoint(
        "suspend_d",
        "ts_code trade_date suspend_timing suspend_type",
        span="day",
        variants=({"suspend_type": "S"},),
    ),
    Endpoint("namechange", "ts_code name start_date end_date ann_date", rows=10000),
    Endpoint("index_member_all", _MEMBER, variants=_BOTH_WAYS, rows=2000),
    Endpoint("ci_index_member", _MEMBER, variants=_BOTH_WAYS),
    Endpoint(
        "index_daily",
        "ts_code trade_date",
        f"{_BAR} vol amount",
        span="year",
        codes="broad_index",
        rows=8000,
    ),
    Endpoint(
        "ci_daily", "ts_code trade_date", f"{_BAR} vol amount", span="day", rows=4000
    ),
    Endpoint(
        "index_weight",
        "index_code con_code trade_date",
        "weight",
        span="month",
        codes="weighted_index",
        keeps_history=True,
    ),
    Endpoint("ths_index", "ts_code name exchange type"),
    Endpoint(
        "ths_member",
        "ts_code con_code",
        codes="concept",
        keeps_history=True,
    ),
    Endpoint(
        "fund_basic",
        "ts_code name list_date benchmark",
        variants=({"market": "E"},),
        rows=15000,
    ),
    Endpoint(
        "fund_daily", "ts_code trade_date", f"{_BAR} vol amount", span="day", rows=2000
    ),
    Endpoint("fund_adj", "ts_code trade_date", "adj_factor", span="day", rows=2000),
    Endpoint("fund_share", "ts_code trade_date", "fd_share", span="day", rows=2000),
    Endpoint(
        "fund_nav",
        "ts_code nav_date",
        "unit_nav",
        span="day",
        day_parameter="nav_date",
        variants=({"market": "E"},),
        rows=2000,
    ),
    Endpoint(
        "margin", "trade_date exchange_id", "rzye rzmre rqye", span="month", rows=4000
    ),
    Endpoint(
        "margin_detail", "ts_code trade_date", "rzye rzmre rqye", span="day", rows=6000
    ),
    Endpoint(
        "stk_mins",
        "ts_code trade_time",
        f"{_BAR} vol amount",
        span="month",
        codes="stock",
        timed=True,
        variants=({"freq": "5min"},),
        rows=8000,
    ),
    Endpoint(
        "report_rc",
        "ts_code report_date report_title org_name author_name quarter rating",
        "np eps",
        span="month",
        rows=3000,
    ),
    Endpoint(
        "research_report",
        "ts_code trade_date title abstr author inst_csname",
        span="month",
        variants=({"report_type": "个股研报"},),
        rows=1000,
    ),
    replace(
        _INDICATORS,
        api="fina_indicator_vip",
        span="quarter",
        codes="none",
        fallback=_INDICATORS,
    ),
    _statement("income", "revenue n_income_attr_p", rows=500),
    _statement(
        "balancesheet",
        "total_assets total_liab lt_borr bond_payable total_hldr_eqy_exc_min_int",
        rows=100,
    ),
    _statement("cashflow", "n_cashflow_act", rows=100),
    Endpoint(
        "dividend",
        "ts_code end_date div_proc ex_date imp_ann_date",
        "stk_div cash_div_tax",
        span="day",
        day_parameter="ex_date",
        rows=2000,
    ),
    Endpoint(
        "stk_holdernumber",
        "ts_code ann_date end_date",
        "holder_num",
        span="month",
        keeps_history=True,
        rows=3000,
        per_minute=100,
    ),
)
ENDPOINT_BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}

# Views and macros that the queries share.
PRELUDE = (
    """
    create macro to_day(text) as
        cast(try_strptime(left(replace(text, '-', ''), 8), '%Y%m%d') as date)
    """,
    """
    create view stock as
    select distinct ts_code
    from stock_basic
    """,
    """
    create view trading_day as
    select to_day(cal_date) as trade_date
    from trade_cal
    where exchange = 'SSE' and is_open = '1'
    """,
    """
    create view exchange_fund as
    select ts_code
    from fund_basic
    where name ilike '%ETF%'
    """,
)


def _merged(rows: str, key: str, value: str) -> str:
    """Return the query that joins adjacent ranges of the same value.

    Parameters
    ----------
    rows : str
        Query or table with ``key``, ``value``, ``range_start`` and ``range_end`` (the
        first day no longer in the range, NULL for none); ranges of a key do not
        overlap.
    """
    return f"""
        select
            {key},
            {value},
            min(range_start) as valid_from,
            case when bool_or(range_end is null) then null else max(range_end) end
                as valid_to,
        from (
            select
                *,
                count_if(is_new_range) over (
                    partition by {key}
                    order by range_start
                    rows between unbounded preceding and current row
                ) as range_number,
            from (
                select
                    *,
                    coalesce(
                        {value} != lag({value}) over ranges
                        or range_start != lag(range_end) over ranges,
                        true
                    ) as is_new_range,
                from ({rows})
                window ranges as (partition by {key} order by range_start)
            )
        )
        group by {key}, {value}, range_number
    """


# end_date of a name is its last day. The name is known when it is announced, which is
# never after its first day in the exchanges' practice; where the record says so, the
# later day counts.
_ST_STATUS = f"""
    with named as (
        select
            ts_code,
            greatest(to_day(start_date), to_day(ann_date)) as range_start,
            to_day(end_date) + 1 as day_after,
            case
                when name like '退市%' or name like '%退' then 'delisting'
                when regexp_matches(name, '^(G|N|XD|XR|DR)?S?\\*ST') then '*ST'
                when regexp_matches(name, '^(G|N|XD|XR|DR)?S?(ST|PT)') then 'ST'
                else 'none'
            end as status,
        from namechange
        where to_day(start_date) is not null
        qualify row_number() over (
            partition by ts_code, range_start
            order by ann_date desc nulls last, end_date nulls first, name
        ) = 1
    ),

    ranges as (
        select
            ts_code,
            status,
            range_start,
            least(day_after, lead(range_start) over by_start) as range_end,
        from named
        window by_start as (partition by ts_code order by range_start)
    ),

    merged as ({_merged("from ranges", "ts_code", "status")})

    select
        ts_code as security_code,
        valid_from,
        cast(valid_to as date) as valid_to,
        status,
    from merged
    semi join stock using (ts_code)
    where status != 'none' and valid_to is distinct from valid_from
"""

# out_date is given now as the last day, now as the day after it: a following range
# that starts within ten days ends the one before.
_INDUSTRY_MEMBER = f"""
    with classified as (
        select
            'shenwan1' as industry_system,
            ts_code,
            l1_code as industry_code,
            in_date,
            out_date,
        from index_member_all

        union all

        select
            'citic1' as industry_system,
            ts_code,
            split_part(l1_code, '.', 1) as industry_code,
            in_date,
            out_date,
        from ci_index_member

        union all

        select
            'citic2' as industry_system,
            ts_code,
            split_part(l2_code, '.', 1) as industry_code,
            in_date,
            out_date,
        from ci_index_member

        union all

        select
            'pool32' as industry_system,
            ts_code,
            case
                when l1_code like 'CI005019%' and l2_name like '%酒%' then 'CI005019C'
                when l1_code like 'CI005019%' and l2_name like '%饮料%'
                    then 'CI005019B'
                when l1_code like 'CI005019%' then 'CI005019A'
                when l1_code like 'CI005003%' and l2_name like '%贵金属%'
                    then 'CI005003B'
                when l1_code like 'CI005003%' and l2_name like '%稀有%'
                    then 'CI005003C'
                when l1_code like 'CI005003%' then 'CI005003A'
                else split_part(l1_code, '.', 1)
            end as industry_code,
            in_date,
            out_date,
        from ci_index_member
        where l1_code not like 'CI005029%' and l1_code not like 'CI005030%'
    ),

    started as (
        select
            industry_system,
            ts_code,
            industry_code,
            to_day(in_date) as range_start,
            to_day(out_date) as out_date,
        from classified
        where to_day(in_date) is not null
        qualify row_number() over (
            partition by industry_system, ts_code, range_start
            order by out_date desc nulls first, industry_code
        ) = 1
    ),

    followed as (
        select
            *,
            lead(range_start) over (
                partition by industry_system, ts_code
                order by range_start
            ) as next_start,
        from started
    ),

    ranges as (
        select
            concat_ws('|', industry_system, ts_code) as member_key,
            industry_code,
            range_start,
            case
                when out_date is null or next_start <= out_date + 10 then next_start
                else out_date
            end as range_end,
        from followed
        where out_date is null or out_date > range_start
    ),

    merged as ({_merged("from ranges", "member_key", "industry_code")})

    select
        split_part(member_key, '|', 2) as security_code,
        split_part(member_key, '|', 1) as industry_system,
        industry_code,
        known_from as valid_from,
        cast(valid_to as date) as valid_to,
        cast(null as date) as updated_date,
    from (
        -- The service gives Shenwan's edition of 2021 for earlier years too, on which
        -- it was put afterwards: nobody knew these industries then.
        select
            *,
            case
                when member_key like 'shenwan1|%'
                    then greatest(valid_from, date '2021-07-30')
                else valid_from
            end as known_from
        from merged
    )
    where
        split_part(member_key, '|', 2) in (select ts_code from stock)
        and (valid_to is null or valid_to > known_from)
"""

# Each published list of an index holds until the next one. A range per list, so that
# lists loaded later do not move the beginning of those before. Concepts are known from
# the day of the snapshot: the service gives no days of entry.
_INDEX_MEMBER = """
    with list_day as (
        select
            index_code,
            to_day(trade_date) as valid_from,
        from index_weight
        group by index_code, valid_from
    ),

    list_range as (
        select
            index_code,
            valid_from,
            lead(valid_from) over (
                partition by index_code
                order by valid_from
            ) as valid_to,
        from list_day
    ),

    listed as (
        select
            member.index_code,
            member.con_code,
            list_range.valid_from,
            list_range.valid_to,
        from index_weight as member
        inner join list_range
            on
                member.index_code = list_range.index_code
                and to_day(member.trade_date) = list_range.valid_from
    ),

    seen as (
        select distinct
            ts_code,
            con_code,
            cast(fetched_at as date) as seen_on,
        from ths_member
    ),

    snapshot as (
        select
            ts_code,
            seen_on,
            row_number() over by_day as snapshot_number,
            lead(seen_on) over by_day as next_seen_on,
        from (select distinct ts_code, seen_on from seen)
        window by_day as (partition by ts_code order by seen_on)
    ),

    numbered as (
        select
            seen.ts_code,
            seen.con_code,
            seen.seen_on,
            snapshot.next_seen_on,
            snapshot.snapshot_number - row_number() over (
                partition by seen.ts_code, seen.con_code
                order by seen.seen_on
            ) as range_number,
        from seen
        inner join snapshot using (ts_code, seen_on)
    ),

    concept as (
        select
            ts_code as index_code,
            con_code,
            min(seen_on) as valid_from,
            max_by(coalesce(next_seen_on, date '9999-12-31'), seen_on) as valid_to,
        from numbered
        group by index_code, con_code, range_number
    )

    select
        index_code,
        con_code as security_code,
        valid_from,
        nullif(valid_to, date '9999-12-31') as valid_to,
    from (
        from listed
        union all by name
        from concept
    )
    where con_code in (select ts_code from stock)
"""


def _announced(endpoint: str, day: str, columns: str) -> str:
    """Return the query for the figures of a statement as announced on each day."""
    return f"""
        select
            ts_code,
            to_day(end_date) as period_end,
            {day} as announced_on,
            {columns},
        from {endpoint}
        qualify row_number() over (
            partition by ts_code, period_end, announced_on
            order by update_flag desc nulls last, report_type nulls last
        ) = 1
    """


_ANNOUNCED = "coalesce(to_day(f_ann_date), to_day(ann_date))"
_FIGURES = (
    "return_on_equity",
    "return_on_assets",
    "debt_to_assets",
    "revenue_cny",
    "net_profit_cny",
    "operating_cash_flow_cny",
    "total_assets_cny",
    "total_liabilities_cny",
    "long_term_debt_cny",
    "book_equity_cny",
    "shareholder_count",
)
_KNOWN_FIGURES = ",\n".join(
    f"arg_max({name}, announced_on) filter (where {name} is not null) as {name}"
    for name in _FIGURES
)
_FILLED_FIGURES = ",\n".join(
    f"last_value({name} ignore nulls) over known as {name}" for name in _FIGURES
)
_INDICATOR = _announced(
    "(select *, '1' as report_type from fina_indicator)",
    "to_day(ann_date)",
    """
    roe / 100 as return_on_equity,
    roa / 100 as return_on_assets,
    debt_to_assets / 100 as debt_to_assets
    """,
)
_INCOME = _announced(
    "income", _ANNOUNCED, "revenue as revenue_cny, n_income_attr_p as net_profit_cny"
)
_BALANCE = _announced(
    "balancesheet",
    _ANNOUNCED,
    """
    total_assets as total_assets_cny,
    total_liab as total_liabilities_cny,
    case
        when lt_borr is not null or bond_payable is not null
            then coalesce(lt_borr, 0) + coalesce(bond_payable, 0)
    end as long_term_debt_cny,
    total_hldr_eqy_exc_min_int as book_equity_cny
    """,
)
_CASH = _announced("cashflow", _ANNOUNCED, "n_cashflow_act as operating_cash_flow_cny")
_HOLDERS = _announced(
    "(select *, '1' as report_type, '1' as update_flag from stk_holdernumber)",
    "to_day(ann_date)",
    "holder_num as shareholder_count",
)

# One row per day on which something about a period became known, with all that was
# known of the period by then: a restatement is a row of its own, an earlier row never
# changes. What is announced on a day can be used from the next trading day.
_FUNDAMENTAL = f"""
    with announced as (
        from ({_INDICATOR})
        union all by name
        from ({_INCOME})
        union all by name
        from ({_BALANCE})
        union all by name
        from ({_CASH})
        union all by name
        from ({_HOLDERS})
    ),

    known as (
        select
            announced.ts_code,
            announced.period_end,
            trading_day.trade_date as known_date,
            {_KNOWN_FIGURES},
        from announced
        asof join trading_day
            on announced.announced_on < trading_day.trade_date
        semi join stock
            on announced.ts_code = stock.ts_code
        where
            month(announced.period_end) % 3 = 0
            and announced.period_end = last_day(announced.period_end)
            and trading_day.trade_date <= getvariable('today')
        group by announced.ts_code, announced.period_end, known_date
    ),

    filled as (
        select
            ts_code,
            period_end,
            known_date,
            {_FILLED_FIGURES},
        from known
        window known as (
            partition by ts_code, period_end
            order by known_date
            rows between unbounded preceding and current row
        )
    ),

    valuation as (
        select
            ts_code,
            last_day(to_day(trade_date)) as period_end,
            total_mv * 10000 as market_cap_cny,
            pe_ttm as pe_ratio,
            pb as pb_ratio,
            ps_ttm as ps_ratio,
            dv_ttm / 100 as dividend_yield,
        from period_end_basic
    )

    select
        filled.ts_code as security_code,
        filled.* exclude (ts_code),
        valuation.* exclude (ts_code, period_end),
    from filled
    left join valuation using (ts_code, period_end)
"""

# Class of a fund by words of its name and benchmark; the first that fits counts.
_ETF_CLASSES = (
    ("dividend", "红利|股息"),
    ("defence", "军工|国防|航空航天|卫星"),
    ("pharma", "医|药|生物|疫苗"),
    ("finance_real_estate", "银行|证券公司|证券ETF|券商|保险|金融|非银|地产"),
    (
        "tmt",
        "芯片|半导体|电子|通信|计算机|软件|人工智能|传媒|游戏|信息|5G|互联网|"
        "大数据|云计算|科技",
    ),
    (
        "midstream_manufacturing",
        "新能源|光伏|储能|电池|电力|电网|机械|装备|制造|机器人|碳中和|环保|基建",
    ),
    ("consumption", "消费|食品|饮料|酒|家电|旅游|农业|养殖|畜牧|汽车"),
    (
        "upstream_materials",
        "煤炭|有色|钢铁|化工|石化|石油|稀土|稀有金属|黄金|资源|建材|材料",
    ),
    (
        "broad",
        "沪深300|中证500|中证1000|中证2000|中证800|中证A|上证50|上证180|科创50|"
        "科创100|科创板|创业板|深证|A50|A500|上证指数|综指|双创|北证",
    ),
)
_ETF_CLASS = "\n".join(
    f"when regexp_matches(name || coalesce(benchmark, ''), '{words}') then '{name}'"
    for name, words in _ETF_CLASSES
)

_REPORT_ID = "md5(concat_ws('|', ts_code, report_date, org_name, report_title))"

TABLES: dict[str, Query] = {
    "trading_calendar": Query(
        needs=("trade_cal",),
        sql="""
            select
                to_day(cal_date) as calendar_date,
                is_open = '1' as is_open,
            from trade_cal
            where exchange = 'SSE'
        """,
    ),
    "security": Query(
        needs=("stock_basic",),
        sql="""
            select
                ts_code as security_code,
                name,
                case
                    when ts_code like '%.BJ' then 'beijing'
                    when ts_code like '68%.SH' then 'star'
                    when ts_code like '30%.SZ' then 'chinext'
                    else 'main'
                end as board,
                to_day(list_date) as list_date,
                to_day(delist_date) as delist_date,
            from stock_basic
            qualify row_number() over (
                partition by ts_code
                order by delist_date desc nulls last
            ) = 1
        """,
    ),
    # vol in lots of 100 shares, amount in thousand yuan, turnover_rate in per cent.
    "daily_bar": Query(
        needs=("daily", "adj_factor"),
        uses=("daily_basic",),
        split_by="trade_date",
        sql="""
            select
                daily.ts_code as security_code,
                to_day(daily.trade_date) as trade_date,
                daily.open as open_cny,
                daily.high as high_cny,
                daily.low as low_cny,
                daily.close as close_cny,
                daily.pre_close as previous_close_cny,
                round(daily.vol * 100) as volume_shares,
                round(daily.amount * 1000, 2) as amount_cny,
                adj_factor.adj_factor as adjust_factor,
                daily_basic.turnover_rate / 100 as turnover_ratio,
                'vendor' as bar_source,
            from daily
            left join adj_factor using (ts_code, trade_date)
            left join daily_basic using (ts_code, trade_date)
        """,
    ),
    # Shares in units of 10,000, with four decimals: exact to the share.
    "share_capital": Query(
        needs=("daily_basic",),
        sql="""
            with counted as (
                select
                    ts_code,
                    trade_date,
                    round(total_share * 10000) as total_shares,
                    round(float_share * 10000) as float_shares,
                    round(free_share * 10000) as free_float_shares,
                from (
                    from daily_basic
                    union all
                    from previous_basic
                )
            )

            select
                ts_code as security_code,
                to_day(trade_date) as valid_from,
                total_shares,
                float_shares,
                free_float_shares,
            from counted
            window by_day as (partition by ts_code order by trade_date)
            qualify
                trade_date not in (select trade_date from previous_basic)
                and (
                    row_number() over by_day = 1
                    or total_shares is distinct from lag(total_shares) over by_day
                    or float_shares is distinct from lag(float_shares) over by_day
                    or free_float_shares
                    is distinct from lag(free_float_shares) over by_day
                )
        """,
    ),
    # Holds B-shares and funds too.
    "price_limit": Query(
        needs=("stk_limit",),
        split_by="trade_date",
        sql="""
            select
                ts_code as security_code,
                to_day(trade_date) as trade_date,
                up_limit as limit_up_cny,
                down_limit as limit_down_cny,
            from stk_limit
            semi join stock using (ts_code)
        """,
    ),
    "st_status": Query(needs=("namechange",), sql=_ST_STATUS),
    "industry_member": Query(
        needs=(),
        uses=("index_member_all", "ci_index_member"),
        sql=_INDUSTRY_MEMBER,
    ),
    "market_index": Query(
        needs=(),
        uses=("index_member_all", "ci_index_member", "ths_index"),
        sql="""
            select
                index_code,
                name,
                'broad' as index_class,
            from broad_index

            union all

            select
                l1_code as index_code,
                min(l1_name) as name,
                'industry' as index_class,
            from index_member_all
            group by l1_code

            union all

            select
                split_part(code, '.', 1) as index_code,
                min(name) as name,
                'industry' as index_class,
            from (
                select l1_code as code, l1_name as name from ci_index_member
                union all
                select l2_code as code, l2_name as name from ci_index_member
                union all
                select l3_code as code, l3_name as name from ci_index_member
            )
            group by split_part(code, '.', 1)

            union all

            select
                ts_code as index_code,
                name,
                case type
                    when 'N' then 'concept'
                    when 'TH' then 'theme'
                    when 'I' then 'industry'
                    when 'BB' then 'broad'
                    else 'style'
                end as index_class,
            from ths_index
            where exchange = 'A' and type in ('N', 'TH', 'I', 'BB', 'S', 'ST')
        """,
    ),
    # index_daily: vol in lots, amount in thousand yuan; ci_daily: in 10,000 of both.
    "index_bar": Query(
        needs=(),
        uses=("index_daily", "ci_daily"),
        split_by="trade_date",
        sql="""
            with bar as (
                select
                    ts_code as index_code,
                    trade_date,
                    open,
                    high,
                    low,
                    close,
                    vol * 100 as volume_shares,
                    amount * 1000 as amount_cny,
                from index_daily

                union all

                select
                    split_part(ts_code, '.', 1) as index_code,
                    trade_date,
                    open,
                    high,
                    low,
                    close,
                    vol * 10000 as volume_shares,
                    amount * 10000 as amount_cny,
                from ci_daily
            )

            select
                index_code,
                to_day(trade_date) as trade_date,
                open,
                high,
                low,
                close,
                round(volume_shares) as volume_shares,
                round(amount_cny, 2) as amount_cny,
            from bar
        """,
    ),
    "index_member": Query(
        needs=(), uses=("index_weight", "ths_member"), sql=_INDEX_MEMBER
    ),
    # Weights in per cent.
    "index_weight": Query(
        needs=("index_weight",),
        sql="""
            select
                index_code,
                con_code as security_code,
                to_day(trade_date) as trade_date,
                weight / 100 as weight,
            from index_weight
            where con_code in (select ts_code from stock)
        """,
    ),
    # Minute bars are in shares and yuan.
    "minute_bar": Query(
        needs=("stk_mins",),
        split_by="bar_time",
        split_format="%Y-%m-%d",
        sql="""
            select
                ts_code as security_code,
                cast(trade_time as timestamp) as bar_time,
                5 as bar_minutes,
                open as open_cny,
                high as high_cny,
                low as low_cny,
                close as close_cny,
                vol as volume_shares,
                amount as amount_cny,
            from stk_mins
        """,
    ),
    "etf": Query(
        needs=("fund_basic",),
        sql=f"""
            select
                ts_code as etf_code,
                name,
                to_day(list_date) as list_date,
                case
                    {_ETF_CLASS}
                end as etf_class,
            from fund_basic
            semi join exchange_fund using (ts_code)
        """,
    ),
    # vol in lots of 100, amount in thousand yuan.
    "etf_bar": Query(
        needs=("fund_basic", "fund_daily"),
        uses=("fund_nav", "fund_adj"),
        split_by="trade_date",
        sql="""
            select
                fund_daily.ts_code as etf_code,
                to_day(fund_daily.trade_date) as trade_date,
                fund_daily.open as open_cny,
                fund_daily.high as high_cny,
                fund_daily.low as low_cny,
                fund_daily.close as close_cny,
                nav.unit_nav as net_asset_value_cny,
                round(fund_daily.vol * 100) as volume_shares,
                round(fund_daily.amount * 1000, 2) as amount_cny,
                fund_adj.adj_factor as adjust_factor,
            from fund_daily
            semi join exchange_fund
                on fund_daily.ts_code = exchange_fund.ts_code
            left join (
                select
                    ts_code,
                    nav_date,
                    max(unit_nav) as unit_nav,
                from fund_nav
                group by ts_code, nav_date
            ) as nav
                on
                    fund_daily.ts_code = nav.ts_code
                    and fund_daily.trade_date = nav.nav_date
            left join fund_adj
                on
                    fund_daily.ts_code = fund_adj.ts_code
                    and fund_daily.trade_date = fund_adj.trade_date
        """,
    ),
    # Shares in units of 10,000.
    "etf_share": Query(
        needs=("fund_basic", "fund_share"),
        split_by="trade_date",
        sql="""
            select
                ts_code as etf_code,
                to_day(trade_date) as trade_date,
                round(fd_share * 10000) as total_shares,
            from fund_share
            semi join exchange_fund using (ts_code)
        """,
    ),
    # Yuan. The market is the sum of the exchanges, once the two large ones are there.
    "margin_balance": Query(
        needs=("margin",),
        uses=("margin_detail",),
        split_by="trade_date",
        sql="""
            select
                'all' as security_code,
                to_day(trade_date) as trade_date,
                sum(rzye) as financing_balance_cny,
                sum(rzmre) as financing_buy_cny,
                sum(rqye) as lending_balance_cny,
            from margin
            group by to_day(trade_date)
            having
                count_if(exchange_id = 'SSE') > 0
                and count_if(exchange_id = 'SZSE') > 0

            union all

            select
                ts_code as security_code,
                to_day(trade_date) as trade_date,
                rzye as financing_balance_cny,
                rzmre as financing_buy_cny,
                rqye as lending_balance_cny,
            from margin_detail
            semi join stock using (ts_code)
        """,
    ),
    "fundamental": Query(
        needs=(),
        uses=(
            "fina_indicator",
            "income",
            "balancesheet",
            "cashflow",
            "stk_holdernumber",
            "daily_basic",
        ),
        sql=_FUNDAMENTAL,
    ),
    # A company may have several plans on one ex-date; a plan may stand twice. Rights
    # issues are not served.
    "corporate_action": Query(
        needs=("dividend",),
        sql="""
            with plan as (
                select
                    ts_code,
                    ex_date,
                    end_date,
                    max(imp_ann_date) as imp_ann_date,
                    max(cash_div_tax) as cash_div_tax,
                    max(stk_div) as stk_div,
                from dividend
                semi join stock using (ts_code)
                where div_proc = '实施'
                group by ts_code, ex_date, end_date
            )

            select
                ts_code as security_code,
                to_day(ex_date) as ex_date,
                to_day(max(imp_ann_date)) as announce_date,
                sum(cash_div_tax) as cash_dividend_cny,
                sum(stk_div) as bonus_share_ratio,
            from plan
            group by ts_code, to_day(ex_date)
        """,
    ),
    # A report that stands in both is one, whichever comes first; its forecasts bear the
    # id of report_rc.
    "analyst_report": Query(
        needs=(),
        uses=("report_rc", "research_report"),
        sql=f"""
            with rated as (
                select
                    {_REPORT_ID} as report_id,
                    ts_code,
                    to_day(report_date) as day,
                    org_name as broker,
                    report_title as title,
                    max(author_name) as analyst,
                    max(rating) as rating,
                from report_rc
                group by ts_code, report_date, org_name, report_title
            ),

            written as (
                select
                    md5(concat_ws('|', ts_code, trade_date, inst_csname, title))
                        as report_id,
                    ts_code,
                    to_day(trade_date) as day,
                    inst_csname as broker,
                    title,
                    max(author) as analyst,
                    max(abstr) as abstract,
                from research_report
                group by ts_code, trade_date, inst_csname, title
            )

            select
                coalesce(rated.report_id, written.report_id) as report_id,
                ts_code as security_code,
                cast(day as timestamp) as published_at,
                false as has_time,
                broker,
                coalesce(rated.analyst, written.analyst) as analyst,
                title,
                written.abstract,
                rated.rating,
            from rated
            full join written using (ts_code, day, broker, title)
            semi join stock using (ts_code)
        """,
    ),
    # np in 10,000 yuan; quarter is 2024Q4 for a fiscal year.
    "forecast": Query(
        needs=("report_rc",),
        sql=f"""
            select
                {_REPORT_ID} as report_id,
                cast(left(quarter, 4) as bigint) as fiscal_year,
                ts_code as security_code,
                cast(to_day(report_date) as timestamp) as published_at,
                org_name as broker,
                max(eps) as earnings_per_share_cny,
                max(np) * 10000 as net_profit_cny,
            from report_rc
            semi join stock using (ts_code)
            where regexp_matches(quarter, '^[0-9]{{4}}Q4$')
            group by ts_code, report_date, org_name, report_title, quarter
        """,
    ),
}
