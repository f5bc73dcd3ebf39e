"""Exchange-traded funds and margin balances.

Funds track the sample's indices with a fee, a small premium and shares that flow in and
out; margin lending follows float cap. Add a kind of money flow here; keep index levels
in ``indices``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from warehouse.sample_market.indices import Index, IndexLevels
from warehouse.sample_market.returns import Paths, autoregressive
from warehouse.sample_market.universe import Floats, Universe
from warehouse.sample_market.write import raw_table, text_column

# Code, name, class, index tracked.
NAMED_FUNDS = (
    ("510300.SH", "沪深300ETF", "broad", "000300.SH"),
    ("510500.SH", "中证500ETF", "broad", "000905.SH"),
    ("512100.SH", "中证1000ETF", "broad", "000852.SH"),
    ("563300.SH", "中证2000ETF", "broad", "932000.CSI"),
    ("159915.SZ", "创业板ETF", "broad", "399006.SZ"),
    ("588000.SH", "科创50ETF", "broad", "000688.SH"),
    ("512800.SH", "银行ETF", "finance_real_estate", "CI005021.CI"),
    ("512880.SH", "证券ETF", "finance_real_estate", "CI005022.CI"),
    ("512200.SH", "房地产ETF", "finance_real_estate", "CI005023.CI"),
)
# Words in a theme's name and the class of the fund that tracks it.
THEME_CLASSES = {
    "人工智能": "tmt",
    "云计算": "tmt",
    "半导体": "tmt",
    "新能源车": "midstream_manufacturing",
    "光伏": "midstream_manufacturing",
    "储能": "midstream_manufacturing",
    "机器人": "midstream_manufacturing",
    "创新药": "pharma",
    "医疗器械": "pharma",
    "中药": "pharma",
    "白酒": "consumption",
    "消费电子": "tmt",
    "军工": "defence",
    "稀土": "upstream_materials",
    "黄金": "upstream_materials",
    "煤炭": "upstream_materials",
    "证券": "finance_real_estate",
    "银行": "finance_real_estate",
    "红利": "dividend",
    "央企": "dividend",
    "游戏": "tmt",
    "软件": "tmt",
    "通信设备": "tmt",
    "养殖": "consumption",
    "家电": "consumption",
}
ANNUAL_FEE = 0.006
TRADING_DAYS_OF_YEAR = 242
FUND_TICK = 0.001
# One fund gives two shares for one in the middle of the period.
SPLIT_FUND = "510500.SH"
SPLIT_RATIO = 2.0
MARGIN_SHARE = 0.65


@dataclass(frozen=True)
class Fund:
    """A fund, its index by position, and its first written day."""

    code: str
    name: str
    etf_class: str
    index: int
    first: int


def make_funds(indices: list[Index], days: int, rng: np.random.Generator) -> list[Fund]:
    """Return one fund for each named index and each theme; two list in the period."""
    position = {index.code: number for number, index in enumerate(indices)}
    listed = [(*fund[:3], position[fund[3]]) for fund in NAMED_FUNDS]
    for index in indices:
        if index.index_class == "theme":
            word = index.name.split(" ")[1]
            code = f"5169{len(listed):02d}.SH"
            etf_class = THEME_CLASSES[word]
            listed.append((code, f"样本{word}ETF", etf_class, position[index.code]))
    late = rng.choice(np.arange(len(NAMED_FUNDS), len(listed)), 2, replace=False)
    return [
        Fund(*fund, first=int(days * 0.4) if number in late else 0)
        for number, fund in enumerate(listed)
    ]


def _fund_days(
    level: IndexLevels, split_day: int, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return the daily columns of one fund; shares rise after its index fell."""
    days = len(level.close)
    age = np.arange(days)
    fee = (1.0 - ANNUAL_FEE / TRADING_DAYS_OF_YEAR) ** age
    factor = np.where(age >= split_day, SPLIT_RATIO, 1.0)
    scale = rng.uniform(0.8, 1.6) / 1000.0 * fee / factor
    premium = np.exp(0.0008 * rng.standard_normal((4, days)))

    def price(values: Floats, number: int) -> Floats:
        ticks = np.rint(values * scale * premium[number] / FUND_TICK)
        return np.asarray(np.maximum(ticks, 1.0) * FUND_TICK)

    opened, closed = price(level.open, 0), price(level.close, 1)
    high = np.maximum.reduce([price(level.high, 2), opened, closed])
    low = np.minimum.reduce([price(level.low, 3), opened, closed])
    index_return = np.diff(np.log(level.close), prepend=np.log(level.close[0]))
    flow = 0.006 * rng.standard_normal(days) - 0.08 * index_return
    flow[0] = 0.0
    held = rng.lognormal(np.log(3e9), 0.8) * np.exp(np.cumsum(flow)) * factor
    shares = np.rint(held / 1e4) * 1e4
    volume = np.rint(shares * 0.04 * rng.lognormal(0.0, 0.4, days) / 100.0) * 100.0
    return {
        "open_cny": np.round(opened, 3),
        "high_cny": np.round(high, 3),
        "low_cny": np.round(low, 3),
        "close_cny": np.round(closed, 3),
        "net_asset_value_cny": np.round(level.close * scale, 4),
        "volume_shares": volume,
        "amount_cny": np.round(volume * (opened + high + low + closed) / 4.0, 2),
        "adjust_factor": factor,
        "total_shares": shares,
    }


def fund_tables(
    universe: Universe,
    indices: list[Index],
    levels: list[IndexLevels],
    rng: np.random.Generator,
) -> dict[str, pa.Table]:
    """Return the tables etf, etf_bar and etf_share.

    The split halves price and net asset value and doubles shares and factor on one day.
    """
    days = universe.days[universe.first :]
    funds = make_funds(indices, len(days), rng)
    paths = [
        _fund_days(
            levels[fund.index],
            len(days) // 2 if fund.code == SPLIT_FUND else len(days),
            rng,
        )
        for fund in funds
    ]
    exists = np.arange(len(days))[:, None] >= np.array([fund.first for fund in funds])
    day, number = np.nonzero(exists)
    columns = {
        name: np.stack([path[name] for path in paths], axis=1)[day, number]
        for name in paths[0]
    }
    shares = columns.pop("total_shares")
    codes = [fund.code for fund in funds]
    keys = {"etf_code": text_column(codes, number), "trade_date": days[day]}
    return {
        "etf": raw_table(
            "etf",
            {
                "etf_code": codes,
                "name": [fund.name for fund in funds],
                "list_date": np.array(
                    [days[fund.first] - (0 if fund.first else 700) for fund in funds]
                ),
                "etf_class": [fund.etf_class for fund in funds],
                "index_code": [indices[fund.index].code for fund in funds],
            },
        ),
        "etf_bar": raw_table("etf_bar", {**keys, **columns}),
        "etf_share": raw_table("etf_share", {**keys, "total_shares": shares}),
    }


def margin_balance_table(
    universe: Universe, paths: Paths, amount: Floats, rng: np.random.Generator
) -> pa.Table:
    """Return margin balances of the larger stocks and of the whole market.

    A stock is in the scheme from its 60th day on, if it was large at its start.
    Balances are a share of float cap that wanders with a half-life of about two months;
    a suspended day keeps its own.
    """
    first = universe.first
    shape = universe.active[first:].shape
    day_index = np.arange(first, first + shape[0])[:, None]
    cap = np.nan_to_num(paths.close[first:] * paths.float_shares[first:])
    opening = cap[np.maximum(universe.list_index - first, 0), np.arange(shape[1])]
    rank = np.argsort(np.argsort(-opening, kind="stable"), kind="stable")
    member = universe.active[first:] & (rank < MARGIN_SHARE * universe.stocks)
    member &= (day_index >= universe.list_index + 60) | (universe.list_index == 0)
    noise = rng.standard_normal(shape)
    drift = autoregressive(noise, 0.985)
    level = rng.lognormal(np.log(0.035), 0.4, universe.stocks)
    balance = np.round(cap * level * np.exp(0.3 * drift), 0)
    bought = np.round(amount * rng.uniform(0.04, 0.12, shape), 0)
    lent = np.round(cap * 0.0006 * np.exp(0.3 * noise), 0)
    values = [np.where(member, np.nan_to_num(v), 0.0) for v in (balance, bought, lent)]
    market = np.ones((shape[0], 1), dtype=bool)
    row, stock = np.nonzero(np.hstack([member, market]))
    columns = [np.hstack([v, v.sum(axis=1, keepdims=True)])[row, stock] for v in values]
    return raw_table(
        "margin_balance",
        {
            "security_code": text_column([*universe.code, "all"], stock),
            "trade_date": universe.days[row + first],
            "financing_balance_cny": columns[0],
            "financing_buy_cny": columns[1],
            "lending_balance_cny": columns[2],
        },
    )
