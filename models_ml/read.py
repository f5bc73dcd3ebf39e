"""Reading: a query of the builder's file becomes a panel, through Arrow.

Add a relation that models read here; what is done with the tensor belongs to
``models_ml.panel``.
"""

# ruff: noqa: S608 - relation and column names are ours, values are bound

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from models_ml.config import DAILY, HIGH_FREQUENCY, PRICE_VOLUME, WITH_FACTORS
from models_ml.panel import Floats, Panel, PanelError, prepare_high_frequency

DAILY_TABLE = "intermediate.int_model_input_daily"
INDUSTRY_TABLE = "intermediate.int_model_input_industry_daily"
STYLE_TABLE = "intermediate.int_style_factor_weekly"
HIGH_FREQUENCY_TABLE = "factors.fct_high_frequency_factor_daily"
BATCH_ROWS = 500_000

# What a `barra` label is neutral to beside the industry; those that are loaded.
STYLES = (
    "beta",
    "log_market_cap",
    "nonlinear_size_orthogonal",
    "residual_volatility",
    "liquidity",
    "momentum",
    "bp",
    "earnings_yield",
    "growth",
    "leverage",
)


def trading_days(
    con: duckdb.DuckDBPyConnection, first: date | None = None, last: date | None = None
) -> tuple[date, ...]:
    """Return the loaded trading days from ``first`` to ``last``, both included."""
    rows = con.execute(
        """
        select trade_date
        from intermediate.int_trading_day
        where
            is_loaded
            and trade_date >= coalesce(?, trade_date)
            and trade_date <= coalesce(?, trade_date)
            and trade_date >= (select min(trade_date) from raw.daily_bar)
        order by trade_date
        """,
        [first, last],
    ).fetchall()
    return tuple(row[0] for row in rows)


def read_panel(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    features: Sequence[str],
    *,
    days: Sequence[date],
    codes: Sequence[str] | None = None,
) -> Panel:
    """Read a table by trade_date and security_code into one tensor.

    Parameters
    ----------
    relation : str
        Table, view or subquery with those columns and the features, numbers or truths.
    days : sequence of date
        Trading days in order, without gaps; rows of other days are not read.
    codes : sequence of str, optional
        Securities in order; those that have a row by default.

    Raises
    ------
    PanelError
        No day is given, or the table has no row of them.

    Notes
    -----
    Rows stream in batches, so that the tensor is all that is held: T x N x F x 4 bytes.
    """
    if not days:
        raise PanelError(f"no trading days to read of {relation}")
    span = [days[0], days[-1]]
    if codes is None:
        rows = con.execute(
            f"select distinct security_code from {relation} "
            "where trade_date between ? and ? order by security_code",
            span,
        ).fetchall()
        codes = [row[0] for row in rows]
    if not codes:
        raise PanelError(f"{relation} has no row from {days[0]} to {days[-1]}")
    values = np.full((len(days), len(codes), len(features)), np.nan, dtype=np.float32)
    day_numbers = np.array(days, dtype="datetime64[D]").astype(np.int64)
    known_codes = pa.array(codes, pa.string())
    selected = ", ".join(f"cast({name} as float) as {name}" for name in features)
    reader = con.execute(
        f"select trade_date, security_code, {selected} from {relation} "
        "where trade_date between ? and ?",
        span,
    ).to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        day = batch.column(0).cast(pa.int32()).to_numpy(zero_copy_only=False)
        place = np.searchsorted(day_numbers, day)
        stock = pc.index_in(batch.column(1), value_set=known_codes)
        stock = stock.fill_null(-1).to_numpy(zero_copy_only=False)
        inside = np.flatnonzero(
            (stock >= 0) & (day_numbers[np.minimum(place, len(days) - 1)] == day)
        )
        for number in range(len(features)):
            column = batch.column(number + 2).to_numpy(zero_copy_only=False)
            values[place[inside], stock[inside], number] = column[inside]
    return Panel(tuple(days), tuple(codes), tuple(features), torch.from_numpy(values))


def read_styles(
    con: duckdb.DuckDBPyConnection, *, days: Sequence[date], codes: Sequence[str]
) -> dict[date, Floats]:
    """Return the style factors by week, each (N, len(STYLES)), NaN where missing."""
    weeks = con.execute(
        f"select distinct trade_week from {STYLE_TABLE} "
        "where trade_week between ? and ? order by trade_week",
        [days[0], days[-1]],
    ).fetchall()
    if not weeks:
        return {}
    by_day = f"(select *, trade_week as trade_date from {STYLE_TABLE})"
    panel = read_panel(
        con, by_day, STYLES, days=[week for (week,) in weeks], codes=codes
    )
    values = panel.values.double().numpy()
    return dict(zip(panel.days, values, strict=True))


def read_inputs(
    con: duckdb.DuckDBPyConnection,
    inputs: str,
    *,
    days: Sequence[date],
    is_neutral: bool = False,
) -> Panel:
    """Read what a kind of inputs, and its labels, need of some days.

    Parameters
    ----------
    con : duckdb.DuckDBPyConnection
        The builder's file with the models' input tables.
    inputs : str
        ``high_frequency``, ``low_frequency``, ``all_frequency`` or ``daily``.
    days : sequence of date
        Trading days in order; nothing dated outside of them is read.
    is_neutral : bool
        Whether a label is to be neutral to industry and styles.

    Raises
    ------
    PanelError
        The tables have no row of these days.
    """
    has_factors = inputs in WITH_FACTORS
    columns = (*DAILY, "vwap") if inputs == "daily" else PRICE_VOLUME
    columns = (*columns, "is_eligible")
    if has_factors:
        columns = (*columns, "log_market_cap")
    panel = read_panel(con, DAILY_TABLE, columns, days=days)
    if has_factors or is_neutral:
        numbers = read_panel(
            con, INDUSTRY_TABLE, ("industry",), days=days, codes=panel.codes
        )
        panel = _beside(panel, numbers)
    if has_factors:
        if not has_table(con, HIGH_FREQUENCY_TABLE):
            raise PanelError("inputs not loaded: no high-frequency factors are built")
        # Nothing but the joined panel is held while its factors are made ready: over
        # 3,500 days of 5,000 stocks each of the two takes 2.5 GB.
        panel = _beside(
            panel,
            read_panel(
                con, HIGH_FREQUENCY_TABLE, HIGH_FREQUENCY, days=days, codes=panel.codes
            ),
        )
        panel = prepare_high_frequency(panel)
    return panel


def _beside(panel: Panel, other: Panel) -> Panel:
    """Return a panel with the features of another of the same days and stocks."""
    return replace(
        panel,
        features=(*panel.features, *other.features),
        values=torch.cat([panel.values, other.values], dim=2),
    )


def has_table(con: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether a table or view ``schema.name`` is there."""
    schema, table = name.split(".")
    row = con.execute(
        "select count(*) from information_schema.tables "
        "where table_schema = ? and table_name = ?",
        [schema, table],
    ).fetchone()
    return row is not None and row[0] > 0
