"""The generated market: its contract, its phenomena, and what was planted in it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from models_ml.metrics import newey_west_t, rank_ic
from warehouse.raw_tables import RAW_TABLE_BY_NAME, RAW_TABLES
from warehouse.sample_market import make_sample
from warehouse.sample_market.calendar import is_open, trading_days
from warehouse.sample_market.config import DEFAULT, SMALL
from warehouse.sample_market.minutes import make_grid
from warehouse.sample_market.returns import limit_price
from warehouse.sample_market.texts import ASPECTS, FALLS, RISES
from warehouse.sample_market.universe import STAR_ST, limit_percent
from warehouse.settings import Settings

NOT_GENERATED = {
    "trade_tick",
    "order_tick",
    "model_score",
    "portfolio_weight",
    "text_score",
    "text_sentence",
}
MID = replace(
    DEFAULT,
    stocks=400,
    delisted=24,
    smallest_industry=3,
    basket_members=15,
    first_day="2022-01-04",
    minute_first_day=None,
)


def _files(folder: Path, table: str) -> str:
    lake = table == "minute_bar"
    return str(folder / (f"{table}/*.parquet" if lake else f"{table}.parquet"))


def _connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open a database with a view for every table and truth of a sample."""
    connection = duckdb.connect()
    connection.execute("set threads = 2")
    for name in (t.name for t in RAW_TABLES if t.name not in NOT_GENERATED):
        if name == "minute_bar" and not (folder / name).exists():
            continue
        path = _files(folder, name)
        connection.execute(f"create view {name} as from read_parquet('{path}')")
    for name in ("expected_return", "report_tone", "effect"):
        path = folder / "truth" / f"{name}.parquet"
        connection.execute(f"create view {name} as from read_parquet('{path}')")
    return connection


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    home = tmp_path_factory.mktemp("sample")
    return make_sample(Settings(home=home), small=True)


@pytest.fixture
def market(sample):
    with _connect(sample) as connection:
        yield connection


def _value(connection, query, *parameters):
    return connection.execute(query, parameters).fetchone()[0]


# Calendar


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2021-02-10", True),
        ("2021-02-17", False),
        ("2021-05-06", True),
        ("2021-10-07", False),
        ("2021-10-08", True),
        ("2022-01-31", False),
        ("2023-04-05", False),
        ("2024-02-09", False),
        ("2025-01-27", True),
        ("2025-02-04", False),
        ("2025-02-05", True),
        ("2024-06-29", False),
    ],
)
def test_the_exchange_was_open(day, expected):
    assert is_open(np.array([day], dtype="datetime64[D]"))[0] == expected


@pytest.mark.parametrize(("year", "count"), [(2021, 243), (2022, 242), (2023, 242)])
def test_trading_days_of_the_year(year, count):
    days = trading_days(np.datetime64(f"{year}-01-01"), np.datetime64(f"{year}-12-31"))
    assert len(days) == count


def test_a_year_without_known_holidays_is_refused():
    with pytest.raises(ValueError, match="2027-01-04"):
        trading_days(np.datetime64("2026-01-01"), np.datetime64("2027-01-04"))


def test_calendar_reaches_a_year_past_the_data(market):
    assert _value(
        market,
        """
        select (select max(calendar_date) from trading_calendar)
            >= (select max(trade_date) + interval 1 year from daily_bar)
        """,
    )


# The contract of the raw tables


@pytest.mark.parametrize(
    "name", [t.name for t in RAW_TABLES if t.name not in NOT_GENERATED]
)
def test_every_row_keeps_the_contract(market, name):
    table = RAW_TABLE_BY_NAME[name]
    described = market.execute(f"describe {name}").fetchall()
    assert [(row[0], row[1]) for row in described] == [
        (column.name, column.type) for column in table.columns
    ]
    conditions = [check.condition for check in table.row_checks]
    for column in table.columns:
        value = column.name
        if column.required:
            conditions.append(f"({value} is not null)")
        if column.positive:
            conditions.append(f"{value} > 0")
        if column.type == "DOUBLE":
            conditions.append(f"isfinite({value})")
        if column.minimum is not None:
            conditions.append(f"{value} >= {column.minimum}")
        if column.maximum is not None:
            conditions.append(f"{value} <= {column.maximum}")
        if column.pattern is not None:
            conditions.append(f"regexp_matches({value}, '{column.pattern}')")
        if column.values:
            allowed = ", ".join(f"'{text}'" for text in column.values)
            conditions.append(f"cast({value} as varchar) in ({allowed})")
    for condition in conditions:
        broken = f"select count(*) from {name} where not coalesce({condition}, true)"
        assert _value(market, broken) == 0, condition
    key = ", ".join(table.key)
    assert _value(market, f"select count(*) from {name}") > 0
    assert _value(market, f"select count(*) - count(distinct ({key})) from {name}") == 0
    if table.references_security:
        unknown = f"from {name} anti join security using (security_code)"
        assert market.execute(unknown).fetchall() == []
    if table.calendar_column is not None:
        closed = f"""
            from {name} anti join (from trading_calendar where is_open) as c
            on {name}.{table.calendar_column} = c.calendar_date
        """
        assert market.execute(closed).fetchall() == []


# Prices


def test_previous_close_times_factor_is_carried_to_the_tick(market):
    largest = _value(
        market,
        """
        with pairs as (
            select
                previous_close_cny,
                adjust_factor,
                lag(close_cny * adjust_factor) over (
                    partition by security_code order by trade_date
                ) as carried
            from daily_bar
        )
        select max(abs(carried / adjust_factor - previous_close_cny)) from pairs
        """,
    )
    assert largest < 1e-9


def test_prices_are_ticks_and_shares_are_lots(market):
    assert (
        _value(
            market,
            """
            select count(*) from daily_bar
            where abs(close_cny * 100 - round(close_cny * 100)) > 1e-6
                or abs(open_cny * 100 - round(open_cny * 100)) > 1e-6
                or volume_shares % 100 != 0
                or amount_cny / volume_shares not between low_cny and high_cny
            """,
        )
        == 0
    )


def test_no_price_lies_beyond_its_limits(market):
    assert (
        _value(
            market,
            """
            select count(*)
            from daily_bar inner join price_limit using (security_code, trade_date)
            where high_cny > limit_up_cny or low_cny < limit_down_cny
            """,
        )
        == 0
    )


def test_limit_prices_round_half_up():
    # 5% of 10.10 is 0.505: 10.605 rounds to 10.61 and 9.595 to 9.60.
    reference = np.array([10.10, 10.10, 3.33, 10.10])
    percent = np.array([5.0, -5.0, 10.0, np.nan])
    assert limit_price(reference, percent)[:3].tolist() == [10.61, 9.60, 3.66]
    assert np.isnan(limit_price(reference, percent)[3])


@pytest.mark.parametrize(
    ("day", "board", "listed", "status", "delisting", "expected"),
    [
        pytest.param("2022-06-01", 0, 999, 0, 0, 10, id="main"),
        pytest.param("2020-08-21", 1, 999, 0, 0, 10, id="chinext before reform"),
        pytest.param("2020-08-24", 1, 999, 0, 0, 20, id="chinext after reform"),
        pytest.param("2022-06-01", 2, 999, 0, 0, 20, id="star"),
        pytest.param("2022-06-01", 3, 999, 0, 0, 30, id="beijing"),
        pytest.param("2022-06-01", 0, 999, STAR_ST, 0, 5, id="main *ST"),
        pytest.param("2026-07-06", 0, 999, STAR_ST, 0, 10, id="main *ST from 2026"),
        pytest.param("2022-06-01", 1, 999, STAR_ST, 0, 20, id="chinext *ST"),
        pytest.param("2023-04-07", 0, 1, 0, 0, 44, id="first day, old rule"),
        pytest.param("2023-04-10", 0, 1, 0, 0, None, id="first day, new rule"),
        pytest.param("2023-04-14", 0, 5, 0, 0, None, id="fifth day, new rule"),
        pytest.param("2023-04-17", 0, 6, 0, 0, 10, id="sixth day, new rule"),
        pytest.param("2022-06-01", 2, 5, 0, 0, None, id="star, fifth day"),
        pytest.param("2022-06-01", 3, 1, 0, 0, None, id="beijing, first day"),
        pytest.param("2022-06-01", 3, 2, 0, 0, 30, id="beijing, second day"),
        pytest.param("2022-06-01", 0, 999, 3, 1, None, id="delisting, first day"),
        pytest.param("2022-06-01", 0, 999, 3, 2, 10, id="delisting, second day"),
    ],
)
def test_price_limit_of_the_day(day, board, listed, status, delisting, expected):
    percent = limit_percent(
        np.array([day], dtype="datetime64[D]"),
        np.array([board]),
        np.array([[listed]]),
        np.array([[status]], dtype=np.int8),
        np.array([[delisting]]),
    )[0, 0]
    assert np.isnan(percent) if expected is None else percent == expected


# Phenomena

WEEKS = """
    select date_trunc('week', calendar_date) as week, count(*) filter (is_open) as days
    from trading_calendar
    where calendar_date
        between (select min(trade_date) from daily_bar)
        and (select max(trade_date) from daily_bar)
    group by week
"""
LIMITS = "from daily_bar inner join price_limit using (security_code, trade_date)"
PHENOMENA = {
    "a week without trading": f"select count(*) from ({WEEKS}) where days = 0",
    "a week of one day": f"select count(*) from ({WEEKS}) where days = 1",
    "a week of two days": f"select count(*) from ({WEEKS}) where days = 2",
    "main board": "select count(*) from security where board = 'main'",
    "ChiNext": "select count(*) from security where board = 'chinext'",
    "STAR": "select count(*) from security where board = 'star'",
    "Beijing from its opening on": """
        select count(*) filter (list_date = date '2021-11-15')
            * cast(min(list_date) = date '2021-11-15' as integer)
        from security where board = 'beijing'
    """,
    "a listing in the period": """
        select count(*) from security as s
        where list_date > (select min(trade_date) from daily_bar)
            and exists (
                from daily_bar as b
                where b.security_code = s.security_code and b.trade_date = s.list_date
            )
    """,
    "a listing under the rule of 2023-04-10": """
        select count(*) from security
        where board = 'main' and list_date >= date '2023-04-10'
    """,
    "a delisting with its fall": """
        select count(*) from (
            select arg_max(close_cny * adjust_factor, trade_date)
                / max(close_cny * adjust_factor) as kept
            from daily_bar inner join security using (security_code)
            where delist_date is not null
            group by security_code
        ) where kept < 0.5
    """,
    "a delisting period": "select count(*) from st_status where status = 'delisting'",
    "an ST period that ended": """
        select count(*) from st_status where status = 'ST' and valid_to is not null
    """,
    "an ST period that lasts": "select count(*) from st_status where valid_to is null",
    "a suspension": """
        select count(*) from price_limit
        anti join daily_bar using (security_code, trade_date)
    """,
    "a limit-up close": f"select count(*) {LIMITS} where close_cny = limit_up_cny",
    "a limit-down close": f"select count(*) {LIMITS} where close_cny = limit_down_cny",
    "a limit-up touched and lost": f"""
        select count(*) {LIMITS}
        where high_cny = limit_up_cny and close_cny < limit_up_cny
    """,
    "a limit-up at one price": f"""
        select count(*) {LIMITS} where low_cny = limit_up_cny
    """,
    "a day without limits": """
        select count(*) from price_limit where limit_up_cny is null
    """,
    "a cash dividend": """
        select count(*) from corporate_action where cash_dividend_cny > 0
    """,
    "bonus shares": "select count(*) from corporate_action where bonus_share_ratio > 0",
    "a change of share capital": """
        select count(*)
        from share_capital inner join security using (security_code)
        where valid_from > list_date
    """,
    "a CITIC reclassification": """
        select count(*) from industry_member
        where industry_system = 'citic1' and valid_to is not null
    """,
    "the Shenwan edition of 2021": """
        select count(*) from industry_member
        where industry_system = 'shenwan1' and valid_to = date '2021-07-30'
    """,
    "a member that left an index": """
        select count(*) from index_member where valid_to is not null
    """,
    "a split of fund shares": """
        select count(*) from etf_bar where adjust_factor = 2
    """,
    "a restatement": """
        select count(*) from (
            from fundamental select security_code, period_end
            group by all having count(*) > 1
        )
    """,
    "a raised forecast": """
        select count(*) from analyst_report where abstract like '%上调盈利预测%'
    """,
    "a first coverage": "select count(*) from analyst_report where title like '%首次%'",
    "a report after the close": """
        select count(*) from analyst_report where hour(published_at) >= 15
    """,
}


@pytest.mark.parametrize("query", PHENOMENA.values(), ids=PHENOMENA.keys())
def test_the_market_has(market, query):
    assert _value(market, query) > 0


def test_the_market_is_large_enough(market):
    days, systems = market.execute(
        """
        select
            (select count(distinct trade_date) from daily_bar),
            (
                select map(array_agg(s), array_agg(n)) from (
                    select industry_system as s, count(distinct industry_code) as n
                    from industry_member group by s
                )
            )
        """
    ).fetchone()
    assert days >= 420
    assert systems["citic1"] == 30
    assert systems["pool32"] == 32


def test_a_bonus_multiplies_the_shares_on_its_day(market):
    ratios = market.execute(
        """
        with capital as (
            select *, lag(total_shares) over (
                partition by security_code order by valid_from
            ) as before
            from share_capital
        )
        select total_shares / before / (1 + bonus_share_ratio + rights_share_ratio)
        from corporate_action inner join capital
            on corporate_action.security_code = capital.security_code
            and ex_date = valid_from
        where bonus_share_ratio + rights_share_ratio > 0 and before is not null
        """
    ).fetchall()
    assert ratios
    assert np.allclose(np.array(ratios), 1.0, atol=1e-4)


def test_index_weights_sum_to_one_over_members(market):
    sums = market.execute(
        "select sum(weight) from index_weight group by index_code, trade_date"
    ).fetchall()
    assert np.allclose(np.array(sums), 1.0, atol=1e-5)
    strangers = """
        select count(*) from index_weight as w where not exists (
            from index_member as m
            where m.index_code = w.index_code and m.security_code = w.security_code
                and w.trade_date >= m.valid_from
                and (m.valid_to is null or w.trade_date < m.valid_to)
        )
    """
    assert _value(market, strangers) == 0


def test_fund_assets_do_not_jump_at_the_split(market):
    change = _value(
        market,
        """
        with assets as (
            select
                trade_date,
                adjust_factor,
                net_asset_value_cny * total_shares as assets,
                lag(adjust_factor) over days as factor_before,
                lag(net_asset_value_cny * total_shares) over days as before
            from etf_bar inner join etf_share using (etf_code, trade_date)
            window days as (partition by etf_code order by trade_date)
        )
        select assets / before - 1 from assets where adjust_factor > factor_before
        """,
    )
    assert abs(change) < 0.1


def test_market_margin_is_the_sum_of_its_stocks(market):
    largest = _value(
        market,
        """
        select max(abs(sum_of_stocks - whole)) from (
            select
                sum(financing_balance_cny) filter (security_code != 'all')
                    as sum_of_stocks,
                sum(financing_balance_cny) filter (security_code = 'all') as whole
            from margin_balance group by trade_date
        )
        """,
    )
    assert largest < 1.0


def test_fundamentals_are_known_on_trading_days_after_the_period(market):
    assert (
        _value(
            market,
            """
            select count(*) from fundamental
            left join trading_calendar on known_date = calendar_date
            where known_date <= period_end
                or (known_date >= (select min(trade_date) from daily_bar)
                    and not is_open)
            """,
        )
        == 0
    )


# Minute bars


def test_minute_bars_add_up_to_the_day(market):
    different, days = market.execute(
        """
        with minutes as (
            select
                security_code,
                cast(bar_time as date) as trade_date,
                arg_min(open_cny, bar_time) as open_cny,
                max(high_cny) as high_cny,
                min(low_cny) as low_cny,
                arg_max(close_cny, bar_time) as close_cny,
                sum(volume_shares) as volume_shares,
                sum(amount_cny) as amount_cny,
                count(*) as bars
            from minute_bar
            group by all
        )
        select
            count(*) filter (
                d.open_cny is distinct from m.open_cny
                or d.high_cny is distinct from m.high_cny
                or d.low_cny is distinct from m.low_cny
                or d.close_cny is distinct from m.close_cny
                or d.volume_shares is distinct from m.volume_shares
                or abs(d.amount_cny - m.amount_cny) > 0.01
                or m.bars is distinct from 48
            ),
            count(distinct d.trade_date)
        from minutes as m
        full join (
            from daily_bar
            where trade_date >= (select min(cast(bar_time as date)) from minute_bar)
        ) as d using (security_code, trade_date)
        """
    ).fetchone()
    assert different == 0
    assert days > 55


@pytest.mark.parametrize("minutes", [1, 5, 15])
def test_bars_end_on_the_grid_of_the_session(minutes):
    times = make_grid(minutes).times(np.datetime64("2023-05-25")).astype(str).tolist()
    half = 120 // minutes
    assert len(times) == 240 // minutes
    assert times[0] == f"2023-05-25T09:{30 + minutes}"
    assert times[half - 1] == "2023-05-25T11:30"
    assert times[half] == f"2023-05-25T13:{minutes:02d}"
    assert times[-1] == "2023-05-25T15:00"


def test_bar_length_is_a_parameter(tmp_path):
    config = replace(SMALL, bar_minutes=15, minute_first_day="2023-05-22")
    folder = make_sample(Settings(home=tmp_path), config=config)
    with _connect(folder) as market:
        rows = market.execute(
            "select distinct bar_minutes, count(*) over (partition by security_code, "
            "cast(bar_time as date)) from minute_bar"
        ).fetchall()
    assert rows == [(15, 16)]
    with pytest.raises(ValueError, match="got 7"):
        make_grid(7)


def test_the_hidden_states_show_in_minutes_only(market):
    early, skew = market.execute(
        """
        with days as (
            select
                security_code,
                cast(bar_time as date) as trade_date,
                sum(volume_shares) filter (
                    cast(bar_time as time) between time '10:01' and time '11:30'
                ) / sum(volume_shares) as early,
                sum(power(ln(close_cny / open_cny), 2)) filter (close_cny < open_cny)
                    / nullif(sum(power(ln(close_cny / open_cny), 2)), 0) as falling
            from minute_bar
            group by all
        )
        select corr(early, early_volume_state), corr(falling, skew_state)
        from days inner join expected_return using (security_code, trade_date)
        """
    ).fetchone()
    assert early > 0.7
    assert skew < -0.4
    daily = market.execute(
        """
        select
            corr(ln(high_cny / low_cny), early_volume_state),
            corr(ln(high_cny / low_cny), skew_state),
            corr(ln(volume_shares), early_volume_state),
            corr((high_cny + low_cny) / (open_cny + close_cny), skew_state)
        from daily_bar inner join expected_return using (security_code, trade_date)
        """
    ).fetchone()
    assert np.abs(daily).max() < 0.05


# Texts


def test_a_rating_moves_only_with_the_forecast(market):
    """Or else every third report that keeps its forecast would be an adjustment."""
    moves = market.execute(
        """
        select
            case when title like '%上调%' then 1 when title like '%下调%' then -1
            else 0 end as direction,
            sign(rank - lag(rank) over (
                partition by security_code, broker order by published_at, report_id
            )) as moved
        from (
            select *, list_position(['中性', '增持', '买入'], rating) as rank
            from analyst_report
        )
        qualify moved <> 0
        """
    ).fetchall()
    assert len(moves) > 50
    assert all(direction == moved for direction, moved in moves)


def test_both_tones_use_the_same_words(market):
    good, bad = (
        market.execute(
            f"""
            select string_agg(abstract, '') from analyst_report
            inner join report_tone using (report_id) where {condition}
            """
        ).fetchone()[0]
        for condition in ("tone > 1", "tone < -1")
    )
    words = (*RISES, *FALLS, *(name for name, _ in ASPECTS), "尽管", "并未", "未得到")
    for word in words:
        ratio = (good.count(word) / len(good)) / (bad.count(word) / len(bad))
        assert 0.75 < ratio < 1.33, word


def test_a_reader_finds_the_tone(market):
    """Reading the last half of each sentence for what rises or falls gives the tone."""
    rows = market.execute(
        "select abstract, tone from analyst_report inner join report_tone "
        "using (report_id)"
    ).fetchall()
    read = [_read_tone(abstract) for abstract, _ in rows]
    tone = [tone for _, tone in rows]
    assert rank_ic(np.array([read]), np.array([tone]))[0] > 0.6


def _read_tone(abstract: str) -> int:
    """Sum the moods of the sentences, as a person who knows the language would."""
    total = 0
    for sentence in abstract.split("。"):
        own = sentence.split(",但")[-1]
        for name, good in ASPECTS:
            if name not in own:
                continue
            rises = any(word in own for word in (*RISES, "由低转高", "好于"))
            mood = 1 if rises else -1
            if not ("好于" in own or "差于" in own):
                mood *= good
            if "并未出现" in own or "未得到" in own:
                mood = -mood
            total += mood
    return total


# Seeds and files


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.parquet"))
    }


def test_same_seed_gives_the_same_files(sample, tmp_path):
    again = make_sample(Settings(home=tmp_path), small=True)
    assert _hashes(again) == _hashes(sample)
    other = _hashes(make_sample(Settings(home=tmp_path), small=True, seed=8))
    assert other["daily_bar.parquet"] != _hashes(sample)["daily_bar.parquet"]


def test_truth_lies_apart_and_no_raw_table_bears_it(sample):
    top = {path.stem for path in sample.glob("*.parquet")} | {"minute_bar"}
    assert top == {t.name for t in RAW_TABLES} - NOT_GENERATED
    assert {path.name for path in (sample / "truth").iterdir()} == {
        "expected_return.parquet",
        "report_tone.parquet",
        "effect.parquet",
    }


# Planted effects

SIGNALS = """
    with days as (
        select
            security_code,
            trade_date,
            lead(close_cny * adjust_factor, 5) over (
                partition by security_code order by trade_date
            ) / (close_cny * adjust_factor) - 1 as forward_return
        from daily_bar
    ),
    week_ends as (
        select max(trade_date) as trade_date from daily_bar
        group by date_trunc('week', trade_date)
    )
    select expected_return.*, forward_return
    from days
    inner join week_ends using (trade_date)
    inner join expected_return using (security_code, trade_date)
    anti join st_status as s
        on days.security_code = s.security_code
        and days.trade_date >= s.valid_from
        and (s.valid_to is null or days.trade_date < s.valid_to)
    where forward_return is not null
    order by trade_date, security_code
"""
LINEAR_INPUTS = (
    "industry_momentum",
    "size",
    "volatility",
    "reversal",
    "turnover",
    "early_volume_state",
    "skew_state",
    "tone",
)


def _panels(folder: Path) -> dict[str, np.ndarray]:
    """Return weekly panels [date, stock] of the truth and the next five days."""
    with _connect(folder) as connection:
        columns = connection.execute(SIGNALS).fetchnumpy()
    _, date = np.unique(columns.pop("trade_date"), return_inverse=True)
    _, stock = np.unique(columns.pop("security_code"), return_inverse=True)
    panels = {}
    for name, values in columns.items():
        panels[name] = np.full((date.max() + 1, stock.max() + 1), np.nan)
        panels[name][date, stock] = np.asarray(values, dtype=float)
    return panels


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda seed: f"seed {seed}")
def planted(request, tmp_path_factory):
    home = tmp_path_factory.mktemp("planted")
    return make_sample(Settings(home=home), config=MID, seed=request.param)


def test_the_oracle_is_realistic_and_a_third_of_it_not_linear(planted):
    panels = _panels(planted)
    outcome, oracle = panels["forward_return"], panels["expected_return_5d"]
    oracle_ic = np.nanmean(rank_ic(oracle, outcome))
    assert 0.08 < oracle_ic < 0.15
    known = ~np.isnan(oracle)
    inputs = np.stack([panels[name][known] for name in LINEAR_INPUTS], axis=1)
    inputs = np.column_stack([inputs, np.ones(len(inputs))])
    weights = np.linalg.lstsq(inputs, oracle[known], rcond=None)[0]
    linear = np.full(oracle.shape, np.nan)
    linear[known] = inputs @ weights
    linear_ic = np.nanmean(rank_ic(linear, outcome))
    assert linear_ic**2 < oracle_ic**2 * 2 / 3
    assert 1 - np.var(linear[known]) / np.var(oracle[known]) > 1 / 3
    for name in ("industry_momentum", "reversal_turnover", "intraday_product", "tone"):
        assert newey_west_t(rank_ic(panels[name], outcome)) > 2, name


def test_tone_explains_little_of_a_report_label(planted):
    with _connect(planted) as connection:
        share, slope = connection.execute(
            """
            with days as (
                select
                    security_code,
                    trade_date,
                    lead(close_cny * adjust_factor) over stock_days
                        / lag(close_cny * adjust_factor) over stock_days - 1 as gain
                from daily_bar
                window stock_days as (partition by security_code order by trade_date)
            ),
            labels as (
                select *, gain - avg(gain) over (partition by trade_date) as label
                from days
            )
            select regr_r2(label, tone), regr_slope(label, tone)
            from report_tone inner join labels
                on report_tone.security_code = labels.security_code
                and known_date = trade_date
            """
        ).fetchone()
    assert 0.01 < share < 0.05
    assert slope > 0


def test_the_null_market_plants_nothing_and_is_alike_else(tmp_path):
    config = replace(MID, stocks=300, delisted=18)
    null = make_sample(Settings(home=tmp_path / "a"), config=config, null=True, seed=4)
    full = make_sample(Settings(home=tmp_path / "b"), config=config, seed=4)
    same = ("trading_calendar", "security", "st_status", "industry_member")
    left, right = _hashes(null), _hashes(full)
    assert all(left[f"{name}.parquet"] == right[f"{name}.parquet"] for name in same)
    assert left["daily_bar.parquet"] != right["daily_bar.parquet"]
    with _connect(null) as connection:
        planted = connection.execute(
            "select max(abs(expected_return_5d - decline)) from expected_return"
        ).fetchone()[0]
        effects = connection.execute(
            "select max(abs(return_5d_per_unit)) from effect"
        ).fetchone()[0]
    assert planted == 0
    assert effects == 0
    outcome = _panels(null)["forward_return"]
    drivers = _panels(full)
    # The full market's drivers of the same week are near the null market's own: the
    # shocks are the same. Their mean |t| under chance is 0.8.
    t_values = [
        newey_west_t(rank_ic(drivers[name], outcome))
        for name in ("size", "early_volume_state", "skew_state", "intraday_product")
    ]
    assert np.mean(np.abs(t_values)) < 1.8
