"""Analysts' reports in Chinese and their forecasts.

A sentence's tone lies in negation, in what is said of what (rising stocks of goods are
bad, rising orders good) and in which half of a concession comes last: both tones use
the same words, but for a few that give it away. Add a way of saying something to
``_sentences``; keep what a tone does to prices in ``events``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from warehouse.sample_market.events import BROKERS, Reports
from warehouse.sample_market.fundamentals import Accounts
from warehouse.sample_market.universe import Floats, Integers, Universe
from warehouse.sample_market.write import raw_table, text_column

Texts = npt.NDArray[np.object_]

# What companies are judged by; 1 where a rise is good news, -1 where it is bad.
ASPECTS: tuple[tuple[str, int], ...] = (
    ("新签订单", 1),
    ("毛利率", 1),
    ("经营性现金流", 1),
    ("市场份额", 1),
    ("产能利用率", 1),
    ("产品均价", 1),
    ("存货规模", -1),
    ("销售费用率", -1),
    ("应收账款", -1),
    ("原材料成本", -1),
    ("客户流失率", -1),
    ("资产减值", -1),
)
RISES = ("上升", "走高", "增加")
FALLS = ("下降", "走低", "减少")
BROKER_NAMES = (
    "东海样本",
    "南山样本",
    "西岭样本",
    "北辰样本",
    "长河样本",
    "青松样本",
    "明湖样本",
    "云岭样本",
    "金石样本",
    "瑞丰样本",
    "恒泽样本",
    "安澜样本",
    "启明样本",
    "华亭样本",
    "天目样本",
    "海棠样本",
    "临江样本",
    "紫金样本",
    "白鹭样本",
    "星野样本",
)
SURNAMES = ("赵", "钱", "孙", "李", "周", "吴", "郑", "王", "冯", "陈", "褚", "卫")
OPENINGS = (
    "公司披露最新经营情况。",
    "我们近期对公司进行了调研。",
    "公司召开业绩说明会。",
    "公司发布定期报告。",
    "行业数据更新后,我们复核了公司的经营假设。",
)
FILLERS = (
    "公司主业结构保持稳定",
    "管理层重申了全年经营计划",
    "行业竞争格局短期难有大的变化",
    "新项目按计划推进",
    "研发投入维持既有节奏",
)
RISKS = (
    "风险提示:需求波动,原材料价格波动。",
    "风险提示:行业竞争加剧,项目进度不确定。",
    "风险提示:政策变化,汇率波动。",
)
RATINGS = ("买入", "增持", "中性")
SENTENCES = 5
# Probability of a good sentence is a logistic function of this times the tone.
CLARITY = 1.8
# Ways of speaking: plain, denied fear, hope not met, concession, turn, explicit.
MANNERS = 6
MANNER_SHARES = (0.22, 0.17, 0.17, 0.22, 0.14, 0.08)


def report_ids(count: int) -> list[str]:
    """Return the identifiers of reports in order of publication."""
    return [f"sample-{number:07d}" for number in range(1, count + 1)]


def _clause(aspect: int, mood: int, word: int) -> str:
    """Say that an aspect moves in the direction that is good (1) or bad (-1) news."""
    name, good = ASPECTS[aspect]
    moves = RISES if good * mood > 0 else FALLS
    return f"{name}{moves[word]}"


def _sentences() -> Texts:
    """Spell every sentence out: [manner, mood (bad, good), aspect, other aspect, word].

    For each manner but the last, both moods together use each word equally often.
    """
    shape = (MANNERS, 2, len(ASPECTS), len(ASPECTS), len(RISES))
    table = np.empty(shape, dtype=object)
    for _, mood_index, first, second, word in np.ndindex(1, *shape[1:]):
        mood = 1 if mood_index else -1
        own, opposite = _clause(first, mood, word), _clause(first, -mood, word)
        other = _clause(second, -mood, (word + 1) % len(RISES))
        name, good = ASPECTS[first]
        turn = "由低转高" if good * mood > 0 else "由高转低"
        beat = "好于" if mood > 0 else "差于"
        table[:, mood_index, first, second, word] = (
            f"{own},与行业数据相互印证",
            f"市场此前预计{opposite},这一情形并未出现",
            f"{opposite}的判断未得到数据支持",
            f"尽管{other},但{own}",
            f"{name}的变化趋势{turn}",
            f"{name}的表现{beat}我们此前的判断",
        )
    return table


@dataclass(frozen=True)
class _Forecasts:
    """Revised earnings a share of two years, (R, 2), and what they were before."""

    year: Integers
    profit: Floats
    earnings: Floats
    previous: Floats


def _grouped_sum(values: Floats, group: Integers) -> Floats:
    """Return running sums within each group, in the order of the rows."""
    order = np.argsort(group, kind="stable")
    total = np.cumsum(values[order])
    starts = np.r_[True, group[order][1:] != group[order][:-1]]
    before = np.where(starts, total - values[order], 0.0)
    offset = before[np.maximum.accumulate(np.where(starts, np.arange(len(total)), 0))]
    result = np.empty_like(total)
    result[order] = total - offset
    return result


def _forecasts(
    universe: Universe,
    reports: Reports,
    accounts: Accounts,
    shares: Floats,
    rng: np.random.Generator,
) -> _Forecasts:
    """Draw forecasts that a broker moves by 3 to 15% when it raises or lowers them.

    The base is the stock's mean annual profit of all periods growing with the year, and
    each broker has its own view of the stock's growth from one year to the next. Views
    come from a stream of their own: nothing else is drawn anew when they change.
    """
    pair = reports.stock * BROKERS + reports.broker
    step = reports.direction * rng.uniform(0.03, 0.15, len(pair))
    level = np.exp(0.5 * _grouped_sum(step, pair))
    before = level / np.exp(0.5 * step)
    view = np.exp(0.15 * rng.standard_normal((universe.stocks, BROKERS)))
    base = np.maximum(np.abs(accounts.profit.mean(axis=0) * 4.0), 1e6)
    base = (base[:, None] * view)[reports.stock, reports.broker]
    year = reports.published_at.astype("datetime64[Y]").astype(int) + 1970
    years = year[:, None] + np.arange(2)
    begin = int(universe.days[universe.first].astype("datetime64[Y]").astype(int))
    outlook = 0.08 + 0.12 * rng.spawn(1)[0].standard_normal((universe.stocks, BROKERS))
    growth = 1.08 ** (years - 1970 - begin)
    growth[:, 1] = growth[:, 0] * (1.0 + outlook[reports.stock, reports.broker])
    profit = base[:, None] * growth * level[:, None]
    count = shares[reports.stock][:, None]
    earnings = np.round(profit / count, 2)
    previous = np.round(base[:, None] * growth * before[:, None] / count, 2)
    return _Forecasts(years, np.round(profit, 0), earnings, previous)


def _pick(choices: tuple[str, ...], index: Integers) -> Texts:
    return np.asarray(np.array(choices, dtype=object)[index])


def _bodies(reports: Reports, rng: np.random.Generator) -> Texts:
    """Write five sentences with a mood each and one without, in random order."""
    count = len(reports.stock)
    table = _sentences()
    good = 1.0 / (1.0 + np.exp(-CLARITY * reports.tone))
    neutral_at = rng.integers(0, SENTENCES + 1, count)
    filler = _pick(FILLERS, rng.integers(0, len(FILLERS), count))
    body = np.full(count, "", dtype=object)
    start = rng.integers(0, len(ASPECTS), count)
    stride = rng.choice([1, 5, 7, 11], count)
    for number in range(SENTENCES):
        # Strides prime to 12: no aspect is judged twice in one report.
        aspect = (start + stride * number) % len(ASPECTS)
        other = (start + stride * (number + SENTENCES)) % len(ASPECTS)
        sentence = table[
            rng.choice(MANNERS, count, p=MANNER_SHARES),
            (rng.random(count) < good).astype(int),
            aspect,
            other,
            rng.integers(0, len(RISES), count),
        ]
        body = np.where(neutral_at == number, body + filler + "。", body)
        body = body + sentence + "。"
    return body


def _money(values: Floats) -> Texts:
    return np.asarray(np.char.mod("%.2f", values).astype(object))


def _adjustment(reports: Reports, forecasts: _Forecasts) -> Texts:
    """Say what becomes of the forecast: raised, lowered, kept, or given first."""
    year = np.char.mod("%d", forecasts.year[:, 0]).astype(object)
    now = _money(forecasts.earnings[:, 0])
    before = _money(forecasts.previous[:, 0])
    moved = before + "元调整至" + now + "元"
    verb = np.where(reports.direction > 0, "上调", "下调").astype(object)
    changed = "我们" + verb + "盈利预测," + year + "年每股收益由" + moved + "。"
    first = "首次覆盖,预计" + year + "年每股收益为" + now + "元。"
    kept = "我们维持盈利预测," + year + "年每股收益为" + now + "元。"
    return np.asarray(
        np.where(reports.is_first, first, np.where(reports.direction, changed, kept))
    )


def _titles(universe: Universe, reports: Reports, rng: np.random.Generator) -> Texts:
    """Write titles: the company, an aspect without a judgement, and the forecast."""
    count = len(reports.stock)
    name = np.array(universe.name, dtype=object)[reports.stock]
    aspects = tuple(aspect for aspect, _ in ASPECTS)
    aspect = _pick(aspects, rng.integers(0, len(aspects), count))
    ends = ("下调盈利预测", "维持盈利预测", "上调盈利预测", "首次覆盖")
    end = _pick(ends, np.where(reports.is_first, 3, reports.direction + 1))
    return np.asarray(name + ":关注" + aspect + "变化," + end)


def _ratings(reports: Reports, rng: np.random.Generator) -> Integers:
    """Draw ratings: a broker's one of a stock moves now and then with its forecast."""
    count = len(reports.stock)
    step = np.where(rng.random(count) < 0.3, -reports.direction, 0).tolist()
    begin = (rng.random(count) * len(RATINGS)).astype(int).tolist()
    pairs = (reports.stock * BROKERS + reports.broker).tolist()
    held: dict[int, int] = {}
    rating = np.empty(count, np.int64)
    for place, pair in enumerate(pairs):
        moved = held.get(pair, begin[place]) + step[place]
        rating[place] = held[pair] = min(max(moved, 0), len(RATINGS) - 1)
    return rating


def report_tables(
    universe: Universe,
    reports: Reports,
    accounts: Accounts,
    shares: Floats,
    rng: np.random.Generator,
) -> Iterator[tuple[str, pa.Table]]:
    """Yield the tables analyst_report and forecast.

    Parameters
    ----------
    shares : (N,) array
        Total shares, by which forecast profits are divided.
    """
    count = len(reports.stock)
    forecasts = _forecasts(universe, reports, accounts, shares, rng)
    opening = _pick(OPENINGS, rng.integers(0, len(OPENINGS), count))
    risk = _pick(RISKS, rng.integers(0, len(RISKS), count))
    body = _bodies(reports, rng)
    abstract = opening + body + _adjustment(reports, forecasts) + risk
    surname = rng.integers(0, len(SURNAMES), reports.broker.max(initial=0) + 1)
    analyst = np.array([f"{SURNAMES[k]}分析师" for k in surname])
    ids = report_ids(count)
    code = text_column(universe.code, reports.stock)
    broker = text_column([f"{name}证券" for name in BROKER_NAMES], reports.broker)
    published_at = reports.published_at.astype("datetime64[us]")
    rating = _ratings(reports, rng)
    yield (
        "analyst_report",
        raw_table(
            "analyst_report",
            {
                "report_id": ids,
                "security_code": code,
                "published_at": published_at,
                "has_time": np.ones(count, dtype=bool),
                "broker": broker,
                "analyst": text_column(analyst, reports.broker),
                "title": _titles(universe, reports, rng).tolist(),
                "abstract": abstract.tolist(),
                "rating": text_column(RATINGS, rating),
            },
        ),
    )
    row = np.repeat(np.arange(count), forecasts.year.shape[1])
    yield (
        "forecast",
        raw_table(
            "forecast",
            {
                "report_id": [ids[k] for k in row],
                "fiscal_year": forecasts.year.ravel(),
                "security_code": text_column(universe.code, reports.stock[row]),
                "published_at": published_at[row],
                "broker": text_column(
                    [f"{name}证券" for name in BROKER_NAMES], reports.broker[row]
                ),
                "earnings_per_share_cny": forecasts.earnings.ravel(),
                "net_profit_cny": forecasts.profit.ravel(),
            },
        ),
    )
