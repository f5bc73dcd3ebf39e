"""What the index enhancements need of the store: what is due, and what was known then.

Questions around ``raw.portfolio_weight``. Add a question here; keep the solving and the
writing out, they are in ``dagster_defs.portfolios``.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import duckdb
import pandas as pd

from warehouse.raw_tables import RAW_TABLE_BY_NAME
from warehouse.store import current_rows_sql

# Tables of the connection: signals after the newest portfolio and their inputs. What
# lies behind it was not decided on its evening, and is not made up later. Weeks without
# any score are left out first: the view of the inputs has no short way to tell them.
DUE = """
create or replace temp table due_signal as
select signal.*
from intermediate.int_enhancement_signal as signal
semi join (
    select distinct trade_week
    from raw.model_score
) as scored
    on signal.signal_date = scored.trade_week
anti join (
    select
        strategy_code,
        max(signal_date) as signal_date,
    from raw.portfolio_weight
    group by strategy_code
) as newest
    on
        signal.strategy_code = newest.strategy_code
        and signal.signal_date <= newest.signal_date
"""

INPUT = """
create or replace temp table due_input as
select input.*
from intermediate.int_enhancement_input as input
semi join due_signal as due
    on
        input.index_code = due.index_code
        and input.model_code = due.model_code
        and input.trade_week = due.signal_date
-- A semi join reads all weeks of the view, a condition only those that it leaves.
where input.trade_week >= ?
"""

WITH_INPUT = """
select
    due.strategy_code,
    due.index_code,
    due.model_code,
    due.signal_date,
from due_signal as due
semi join due_input as input
    on
        due.index_code = input.index_code
        and due.model_code = input.model_code
        and due.signal_date = input.trade_week
order by due.strategy_code, due.signal_date
"""

STOCKS = """
select * exclude (index_code, model_code, trade_week)
from due_input
where
    index_code = ?
    and model_code = ?
    and trade_week = ?
order by security_code
"""

CURRENT = current_rows_sql(RAW_TABLE_BY_NAME["portfolio_weight"])
NEWEST = f"""
select
    signal_date,
    security_code,
    target_weight,
from ({CURRENT})
where strategy_code = ?
qualify signal_date = max(signal_date) over ()
order by security_code
"""  # noqa: S608

# From the moment at which a portfolio was traded, the next open, to a later close. A
# suspended stock has its last price.
GROWTH = """
select
    now.security_code,
    now.adjusted_close
    / coalesce(entry.adjusted_open, entry.adjusted_close) as growth,
from intermediate.int_security_day as now
left join intermediate.int_security_day as entry
    on
        now.security_code = entry.security_code
        and entry.trade_date = (
            select next_trade_date
            from intermediate.int_trading_day
            where trade_date = ?
        )
where now.trade_date = ?
order by now.security_code
"""


class Due(NamedTuple):
    """A signal after the newest portfolio, whose inputs are there."""

    strategy_code: str
    index_code: str
    model_code: str
    signal_date: date


def due_portfolios(con: duckdb.DuckDBPyConnection) -> list[Due]:
    """Return the portfolios to make, by strategy in order of their dates.

    Their inputs stay with the connection, for ``read_stocks``.
    """
    con.execute(DUE)
    [first] = con.execute("select min(signal_date) from due_signal").fetchall()
    if first[0] is None:
        return []
    con.execute(INPUT, first)
    return [Due(*row) for row in con.execute(WITH_INPUT).fetchall()]


def read_bounds(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return the bounds of the strategies, by strategy."""
    return (
        con.execute("from intermediate.int_enhancement").df().set_index("strategy_code")
    )


def read_stocks(
    con: duckdb.DuckDBPyConnection, signal_date: date, index_code: str, model_code: str
) -> pd.DataFrame:
    """Return what was known of each listed stock at the close, by ``security_code``.

    ``score``, ``industry`` and the styles are NaN where they are not known.
    """
    key = [index_code, model_code, signal_date]
    return con.execute(STOCKS, key).df().set_index("security_code")


def read_newest(
    con: duckdb.DuckDBPyConnection, strategy_code: str
) -> tuple[date, pd.Series] | None:
    """Return a strategy's newest portfolio, None where it has none.

    Its signal date and its weights by ``security_code``.
    """
    rows = con.execute(NEWEST, [strategy_code]).df()
    if rows.empty:
        return None
    made: date = rows["signal_date"].iloc[0].date()
    return made, rows.set_index("security_code")["target_weight"]


def read_growth(con: duckdb.DuckDBPyConnection, now: date, made: date) -> pd.Series:
    """Return what prices did between the trade of a portfolio and a later close.

    By ``security_code``, of the stocks listed at that close; NaN of those that were
    not listed before.
    """
    rows = con.execute(GROWTH, [made, now]).df()
    return rows.set_index("security_code")["growth"]
