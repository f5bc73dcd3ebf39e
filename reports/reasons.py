"""The warehouse's reasons for what is absent, in both languages.

SQL composes them in English; the patterns here say the same in Chinese. Add a pattern
when a model says a new reason (a test asks for it); keep names of models, tables and
columns as they are: a reader sets and loads them by these names.
"""

# ruff: noqa: RUF001 - Chinese has its own punctuation.

from __future__ import annotations

import re

from reports.sections import LABELS, Words

# What published figures need, as the seed published_metric says.
NEEDS = {
    "closes of the CITIC level-1 indices, or daily bars, share capital and industry "
    "members of CITIC or Shenwan level 1": (
        "中信一级指数收盘价，或行情、股本与中信或申万一级行业成分"
    ),
    "daily bars, share capital and industry members of CITIC or Shenwan level 1": (
        "行情、股本与中信或申万一级行业成分"
    ),
    "daily bars, share capital and special-treatment status": "行情、股本与ST状态",
    "daily bars, share capital, special-treatment status and what the factor is made "
    "of": "行情、股本、ST状态与因子的构成",
    "margin balances and industry members of CITIC or Shenwan level 1": (
        "融资余额与中信或申万一级行业成分"
    ),
    "shares and prices of the funds": "基金份额与价格",
    "the 27 high-frequency factors: minute bars": "27个高频因子：分钟行情",
    "the AI concept rotation: model scores and concept indices": (
        "AI概念轮动：模型评分与概念指数"
    ),
    "the AI industry rotation: model scores and the pool of 32": (
        "AI行业轮动：模型评分与32行业池"
    ),
    "the AI theme rotation: model scores and theme indices": (
        "AI主题轮动：模型评分与主题指数"
    ),
    "the GRU industry rotation: minute bars and model scores": (
        "GRU行业轮动：分钟行情与模型评分"
    ),
    "the GRU top layers: minute bars and model scores": "GRU首层：分钟行情与模型评分",
    "the composite style factors": "合成风格因子",
    "the daily GRU baseline: model scores and index weights": (
        "日频GRU基准：模型评分与指数权重"
    ),
    "the daily-only network: model scores": "纯日频网络：模型评分",
    "the first layer of single high-frequency factors as a portfolio": (
        "单个高频因子首层的组合"
    ),
    "the four-task network: minute bars and model scores": (
        "四任务网络：分钟行情与模型评分"
    ),
    "the fused factor: minute bars and model scores": "融合因子：分钟行情与模型评分",
    "the high-frequency network: minute bars and model scores": (
        "高频网络：分钟行情与模型评分"
    ),
    "the index enhancement: model scores and index weights": (
        "指数增强：模型评分与指数权重"
    ),
    "the low-frequency factors: model scores": "低频因子：模型评分",
    "the low-volatility 50": "低波50",
    "the micro-cap index and its calendar effect": "微盘指数及其日历效应",
    "the micro-cap timing methods": "微盘择时方法",
    "the multi-task network without the shared GRU: model scores": (
        "无共享GRU的多任务网络：模型评分"
    ),
    "the multi-task network: model scores": "多任务网络：模型评分",
    "the relative-strength timing: index members": "相对强弱择时：指数成分",
    "the size groups' share of turnover": "市值分组的成交占比",
    "the text factor from word counts: analyst reports": "词频文本因子：研报",
    "the text factor: analyst reports and an encoder": "文本因子：研报与编码器",
}

# An English reason, and the Chinese one with its groups. The first that fits counts.
REASONS = tuple(
    (re.compile(pattern), chinese)
    for pattern, chinese in (
        (
            "not trained: set LUNDONG_MODELS to all or to its code, then refresh",
            "未训练：将 LUNDONG_MODELS 设为 all 或其代码，再运行 refresh",
        ),
        ("not scored yet: refresh", "尚未评分：运行 refresh"),
        (
            "(?:inputs not loaded: )?no stock has scores of all parts",
            "没有股票同时有全部组成模型的评分",
        ),
        ("inputs not loaded: no returns of (.+)", "输入未加载：{} 无收益"),
        ("inputs not loaded: no scores of (.+)", "输入未加载：{} 无评分"),
        (
            r"inputs not loaded: no scores (\S+) \((\S+)\) of (\S+)",
            "输入未加载：{2} 无 {0}（{1}）评分",
        ),
        (
            "inputs not loaded: closes of the benchmark (.+)",
            "输入未加载：基准 {} 的收盘价",
        ),
        ("inputs not loaded: members of (.+)", "输入未加载：{} 的成分"),
        ("inputs not loaded: nothing of (.+)", "输入未加载：没有 {}"),
        (
            "inputs not loaded: no high-frequency factors are built",
            "输入未加载：没有高频因子",
        ),
        ("inputs not loaded: needs (.+)", "输入未加载：需要{}"),
        (
            "inputs not loaded: members and weights of (.+)",
            "输入未加载：{} 的成分与权重",
        ),
        (
            r"inputs not loaded: (\S+(?: or \S+)*(?:, \S+(?: or \S+)*)*)",
            "输入未加载：{}",
        ),
        ("history too short: no complete week has a value", "历史太短：没有完整周有值"),
        (
            "history too short: no complete week has a return",
            "历史太短：没有完整周有收益",
        ),
        (
            "history too short: no complete week has members with a return",
            "历史太短：没有完整周的成分有收益",
        ),
        (
            r"history too short: no complete (\w+) period with (\d+) scores",
            "历史太短：没有评分达 {1} 个的完整{0}",
        ),
        (
            r"history too short: fewer than (\d+) of the past (\d+) weeks have.*",
            "历史太短：过去 {1} 周中有秩相关 IC 的不足 {0} 周",
        ),
        ("the rank IC is constant", "秩相关 IC 不变"),
        (
            r"history too short: no complete (\w+) period with scores and index "
            "weights",
            "历史太短：没有评分与指数权重齐全的完整{}",
        ),
        (
            "history too short: no complete week from (.+) on",
            "历史太短：{} 起没有完整周",
        ),
        (
            r"history too short: no period has (\d+) reports.*",
            "历史太短：各期研报不足 {} 篇",
        ),
        (
            r"history too short: (\d+) sample days before.*",
            "历史太短：训练样本只有 {} 天",
        ),
        ("not built: needs (.+)", "未建：需要{}"),
        ("the printed subject names no single (.+)", "公布的对象不是单一的{}"),
        (
            "no as-of date: the loaded calendar does not hold (.+)",
            "无对应日期：已加载的日历不含 {}",
        ),
        ("date not loaded", "日期未加载"),
        (
            "the loaded market is generated: its figures say nothing of the "
            "published ones",
            "加载的是生成的示例市场：其数字与公布的数字无关",
        ),
        (
            "definition differs: this year-to-date value comes from another base than "
            "the rest of its series",
            "口径不同：这个年初至今的值与其序列其余部分的基期不同",
        ),
    )
)
# The reasons of several parts, each behind its code.
_PARTS = re.compile(r"\w+: \S[^;]*(?:; \w+: \S[^;]*)*")


def reason_words(text: str) -> Words:
    """Return a reason in both languages.

    Parameters
    ----------
    text : str
        As the warehouse has it, in English.

    Returns
    -------
    Words
        A sentence that no pattern knows is marked as the source's in Chinese.
    """
    for pattern, chinese in REASONS:
        if found := pattern.fullmatch(text):
            return Words(chinese.format(*map(_chinese, found.groups())), text)
    if _PARTS.fullmatch(text):
        parts = (part.split(": ", 1) for part in text.split("; "))
        return Words(
            "；".join(f"{code}：{reason_words(reason).zh}" for code, reason in parts),
            text,
        )
    return Words(f"（原文）{text}", text)


def _chinese(text: str) -> str:
    return NEEDS.get(text) or LABELS.get(text, Words(text, text)).zh
