"""Indices of the sample market: broad, industry, theme and concept, with members.

Members change on the first trading day of each half-year; levels chain the members'
returns with the weights of the previous close. Add an index to ``_declare``; keep funds
that track one in ``funds``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from warehouse.sample_market.bars import Ranges
from warehouse.sample_market.config import SampleConfig
from warehouse.sample_market.industries import CITIC1, CITIC1_NAMES
from warehouse.sample_market.returns import Paths
from warehouse.sample_market.universe import (
    BOARDS,
    NOT_ST,
    Booleans,
    Floats,
    Integers,
    Universe,
)
from warehouse.sample_market.write import raw_table, text_column

# Code, name, first and last rank by total market cap as shares of the listed stocks.
# The real indices hold 300, 500, 1000 and 2000 of about 5,300 stocks; the sample keeps
# their order and takes larger shares so that each has members enough.
BROAD = (
    ("000300.SH", "沪深300", 0.0, 0.15),
    ("000905.SH", "中证500", 0.15, 0.40),
    ("000852.SH", "中证1000", 0.40, 0.80),
    ("932000.CSI", "中证2000", 0.60, 1.0),
    ("000985.CSI", "中证全指", 0.0, 1.0),
)
CHINEXT_INDEX = ("399006.SZ", "创业板指")
STAR_INDEX = ("000688.SH", "科创50")
MICROCAP_INDEX = ("8841431.WI", "万得微盘股指数")
MICROCAP_SHARE = 0.4

THEME_NAMES = (
    "人工智能",
    "云计算",
    "半导体",
    "新能源车",
    "光伏",
    "储能",
    "机器人",
    "创新药",
    "医疗器械",
    "中药",
    "白酒",
    "消费电子",
    "军工",
    "稀土",
    "黄金",
    "煤炭",
    "证券",
    "银行",
    "红利",
    "央企",
    "游戏",
    "软件",
    "通信设备",
    "养殖",
    "家电",
)
CONCEPT_NAMES = (
    "低空经济",
    "数据要素",
    "固态电池",
    "脑机接口",
    "量子科技",
    "商业航天",
    "可控核聚变",
    "智能驾驶",
    "合成生物",
    "信创",
    "跨境电商",
    "冰雪经济",
    "银发经济",
    "减肥药",
    "钙钛矿",
    "算力租赁",
    "预制菜",
)


@dataclass(frozen=True)
class Index:
    """An index: its members on every written day, (D, N) weights before scaling."""

    code: str
    name: str
    index_class: str
    has_members: bool
    is_equal_weight: bool
    members: Booleans


@dataclass(frozen=True)
class IndexLevels:
    """Levels of one index on the written days."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    amount: Floats


def _half_years(universe: Universe) -> Integers:
    """Return, for each written day, the position of its half-year's first day."""
    month = universe.days[universe.first :].astype("datetime64[M]").astype(int)
    half = month // 6
    starts = np.flatnonzero(np.r_[True, half[1:] != half[:-1]])
    return starts[np.searchsorted(starts, np.arange(len(half)), side="right") - 1]


def _ranked(universe: Universe, cap: Floats, day: int) -> Integers:
    """Return eligible stocks by descending market cap on a written day.

    Eligible: listed for 60 days, no special treatment, not on the Beijing exchange.
    """
    absolute = day + universe.first
    eligible = universe.active[absolute] & (universe.status[absolute] == NOT_ST)
    eligible &= universe.list_index <= max(absolute - 60, 0)
    eligible &= universe.board != BOARDS.index("beijing")
    stocks = np.flatnonzero(eligible)
    return stocks[np.argsort(-cap[max(day - 1, 0), stocks], kind="stable")]


def _basket(
    pool: Integers,
    previous: Integers,
    size: int,
    rng: np.random.Generator,
) -> Integers:
    """Keep nine tenths of the members still in the pool and fill up at random."""
    kept = previous[np.isin(previous, pool)]
    kept = kept[rng.random(len(kept)) < 0.9]
    fresh = rng.permutation(np.setdiff1d(pool, kept))
    return np.concatenate([kept, fresh[: max(size - len(kept), 0)]])


def _daily(universe: Universe, starts: Integers, sets: dict[int, Integers]) -> Booleans:
    """Spread the sets of the half-years over their days; leavers drop out at once."""
    members = np.zeros((len(starts), universe.stocks), dtype=bool)
    for start, stocks in sets.items():
        members[np.ix_(starts == start, stocks)] = True
    return members & universe.active[universe.first :]


def make_indices(
    universe: Universe, paths: Paths, config: SampleConfig, rng: np.random.Generator
) -> list[Index]:
    """Draw the members of all indices over the written days."""
    first = universe.first
    cap = np.nan_to_num(paths.close[first:] * paths.total_shares[first:])
    starts = _half_years(universe)
    turns = np.unique(starts)
    ranked = {int(day): _ranked(universe, cap, int(day)) for day in turns}
    indices = []
    for code, name, low, high in BROAD:
        sets = {
            day: order[int(low * len(order)) : int(high * len(order))]
            for day, order in ranked.items()
        }
        indices.append(
            Index(code, name, "broad", True, False, _daily(universe, starts, sets))
        )
    for (code, name), board in ((CHINEXT_INDEX, "chinext"), (STAR_INDEX, "star")):
        on_board = universe.board == BOARDS.index(board)
        sets = {
            day: order[on_board[order]][: max(config.stocks // 12, 8)]
            for day, order in ranked.items()
        }
        indices.append(
            Index(code, name, "broad", True, False, _daily(universe, starts, sets))
        )
    indices.append(_microcap(universe, cap))
    indices.extend(_industry_indices(universe))
    indices.extend(_baskets(universe, ranked, starts, config, rng))
    return indices


def _microcap(universe: Universe, cap: Floats) -> Index:
    """Return the smallest stocks without ST, chosen anew at every close."""
    first = universe.first
    eligible = universe.active[first:] & (universe.status[first:] == NOT_ST)
    size = round(MICROCAP_SHARE * universe.stocks)
    values = np.where(eligible, cap, np.inf)
    order = np.argsort(values, axis=1, kind="stable")[:, :size]
    members = np.zeros(eligible.shape, dtype=bool)
    np.put_along_axis(members, order, values=True, axis=1)
    # The ranking of one close is held on the next day.
    members = np.vstack([members[:1], members[:-1]]) & universe.active[first:]
    code, name = MICROCAP_INDEX
    return Index(code, name, "broad", False, True, members)


def _industry_indices(universe: Universe) -> list[Index]:
    """Return the CITIC level-1 indices with the membership of the day."""
    first = universe.first
    industry = np.stack(
        [universe.industry(day) for day in range(first, len(universe.days))]
    )
    active = universe.active[first:]
    return [
        Index(
            code=f"{code}.CI",
            name=f"中信{name}",
            index_class="industry",
            has_members=False,
            is_equal_weight=False,
            members=active & (industry == k),
        )
        for k, (code, name) in enumerate(zip(CITIC1, CITIC1_NAMES, strict=True))
    ]


def _baskets(
    universe: Universe,
    ranked: dict[int, Integers],
    starts: Integers,
    config: SampleConfig,
    rng: np.random.Generator,
) -> list[Index]:
    """Draw theme and concept indices: members of a few related industries."""
    baskets = []
    kinds = [("theme", "T", k) for k in range(config.themes)]
    kinds += [("concept", "C", k) for k in range(config.concepts)]
    for kind, letter, number in kinds:
        chosen = rng.choice(len(CITIC1), 5, replace=False)
        previous = np.zeros(0, dtype=np.int64)
        sets = {}
        for day, order in ranked.items():
            industry = universe.industry(day + universe.first)
            pool = order[np.isin(industry[order], chosen)]
            previous = _basket(pool, previous, config.basket_members, rng)
            sets[day] = previous
        names = THEME_NAMES if kind == "theme" else CONCEPT_NAMES
        label = "主题" if kind == "theme" else "概念"
        name = f"样本{label}{number + 1:02d} {names[number % len(names)]}"
        members = _daily(universe, starts, sets)
        code = f"SAMPLE_{letter}{number + 1:02d}"
        baskets.append(Index(code, name, kind, True, False, members))
    return baskets


def index_weights(index: Index, float_cap: Floats) -> Floats:
    """Return the members' shares of the index on each day, rows summing to 1.

    ``float_cap`` (D, N) is the cap at the close before the day.
    """
    raw = index.members * (1.0 if index.is_equal_weight else float_cap)
    total = raw.sum(axis=1, keepdims=True)
    return np.asarray(raw / np.where(total > 0, total, 1.0))


def previous_float_cap(universe: Universe, paths: Paths) -> Floats:
    """Return the float cap at the previous close (the reference price on day one)."""
    first = universe.first
    cap = np.nan_to_num(paths.close * paths.float_shares)
    opening = np.nan_to_num(paths.reference[first:] * paths.float_shares[first:])
    return np.where(cap[first - 1 : -1] > 0, cap[first - 1 : -1], opening)


def index_levels(
    universe: Universe, paths: Paths, ranges: Ranges, weights: Floats
) -> IndexLevels:
    """Chain the weighted returns of the members from 1,000 points on.

    High and low lie 0.6 of the members' mean distance beyond open and close, since
    members do not reach theirs at the same time.
    """
    first = universe.first
    trading = universe.trading[first:]
    reference = paths.reference[first:]

    def mean_return(prices: Floats) -> Floats:
        moves = np.where(trading, prices / reference - 1.0, 0.0)
        return np.asarray((weights * np.nan_to_num(moves)).sum(axis=1))

    close_return = mean_return(paths.close[first:])
    open_return = mean_return(paths.open[first:])
    top = np.maximum(open_return, close_return)
    bottom = np.minimum(open_return, close_return)
    high_return = top + 0.6 * np.maximum(mean_return(ranges.high) - top, 0.0)
    low_return = bottom + 0.6 * np.minimum(mean_return(ranges.low) - bottom, 0.0)
    close = 1000.0 * np.cumprod(1.0 + close_return, dtype=np.float64)
    before = close / (1.0 + close_return)
    held = (weights > 0) & trading
    return IndexLevels(
        open=before * (1.0 + open_return),
        high=before * (1.0 + high_return),
        low=before * (1.0 + low_return),
        close=close,
        volume=np.where(held, paths.volume[first:], 0.0).sum(axis=1),
        amount=np.where(held, ranges.amount, 0.0).sum(axis=1),
    )


def market_index_table(indices: list[Index]) -> pa.Table:
    """Return the list of indices."""
    return raw_table(
        "market_index",
        {
            "index_code": [index.code for index in indices],
            "name": [index.name for index in indices],
            "index_class": [index.index_class for index in indices],
        },
    )


def index_bar_table(
    universe: Universe, indices: list[Index], levels: list[IndexLevels]
) -> pa.Table:
    """Return the daily bars of all indices, ordered by day."""
    written = universe.days[universe.first :]
    day = np.repeat(np.arange(len(written)), len(indices))
    number = np.tile(np.arange(len(indices)), len(written))

    def column(name: str) -> npt.NDArray[np.float64]:
        values = np.stack([getattr(level, name) for level in levels], axis=1)
        return np.round(values, 4).ravel()

    high = np.maximum.reduce([column("high"), column("open"), column("close")])
    low = np.minimum.reduce([column("low"), column("open"), column("close")])
    return raw_table(
        "index_bar",
        {
            "index_code": text_column([index.code for index in indices], number),
            "trade_date": written[day],
            "open": column("open"),
            "high": high,
            "low": low,
            "close": column("close"),
            "volume_shares": column("volume"),
            "amount_cny": np.round(column("amount"), 2),
        },
    )


def index_member_table(universe: Universe, indices: list[Index]) -> pa.Table:
    """Return the membership ranges of the indices that publish them."""
    days = universe.days[universe.first :]
    codes, stocks, begins, ends = [], [], [], []
    for index in (index for index in indices if index.has_members):
        edge = np.zeros((1, universe.stocks), dtype=np.int8)
        step = np.diff(np.vstack([edge, index.members.astype(np.int8), edge]), axis=0)
        stock, begin = np.nonzero(step.T == 1)
        _, end = np.nonzero(step.T == -1)
        codes += [index.code] * len(stock)
        stocks.append(stock)
        begins.append(begin)
        ends.append(end)
    end_index = np.concatenate(ends)
    valid_to = np.full(len(end_index), np.datetime64("NaT"), dtype="datetime64[D]")
    ended = end_index < len(days)
    valid_to[ended] = days[end_index[ended]]
    return raw_table(
        "index_member",
        {
            "index_code": codes,
            "security_code": text_column(universe.code, np.concatenate(stocks)),
            "valid_from": days[np.concatenate(begins)],
            "valid_to": valid_to,
        },
    )


def index_weight_table(
    universe: Universe, indices: list[Index], float_cap: Floats
) -> pa.Table:
    """Return the weights on the last trading day of each month.

    ``float_cap`` (D, N) is the cap at the close of the day itself.
    """
    days = universe.days[universe.first :]
    month = days.astype("datetime64[M]")
    ends = np.flatnonzero(np.r_[month[1:] != month[:-1], False])
    codes, day_column, stock_column, weight_column = [], [], [], []
    for index in (index for index in indices if index.has_members):
        held = index.members[ends]
        raw = np.where(held, float_cap[ends], 0.0)
        weights = raw / np.maximum(raw.sum(axis=1, keepdims=True), 1.0)
        day, stock = np.nonzero(weights > 0)
        codes += [index.code] * len(day)
        day_column.append(ends[day])
        stock_column.append(stock)
        weight_column.append(np.round(weights[day, stock], 8))
    return raw_table(
        "index_weight",
        {
            "index_code": codes,
            "security_code": text_column(universe.code, np.concatenate(stock_column)),
            "trade_date": days[np.concatenate(day_column)],
            "weight": np.concatenate(weight_column),
        },
    )
