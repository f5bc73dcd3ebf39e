"""What the reports say: reports, their tabs, and the sections of each tab.

A section is a query of ``reports/sql`` with the columns of its table, its chart, and
the raw tables that it needs. Add a section here and its query there; keep drawing
(``charts``, ``assets/report.js``) and writing (``weekly``) out.
"""

# ruff: noqa: RUF001 - Chinese has its own punctuation.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from warehouse.raw_tables import RAW_TABLES

Format = Literal[
    "text",
    "name",
    "label",
    "reason",
    "date",
    "count",
    "percent",
    "number",
    "short",
    "money",
]


class Words(NamedTuple):
    """The same words in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    name : str
        Column of the query; ``name`` stands for ``name_cn`` and ``name_en``, and so on.
    words : Words
        Heading.
    format : str
        ``percent`` and ``money`` (100m CNY) print a value in another unit, ``number``
        three digits, ``short`` two; ``label`` is a code with an entry in ``LABELS``,
        ``reason`` an English sentence of the warehouse with one in ``REASONS``.
    is_signed : bool
        Gains and losses differ in colour.
    is_minor : bool
        Left out on a narrow screen.
    """

    name: str
    words: Words
    format: Format
    is_signed: bool = False
    is_minor: bool = False


@dataclass(frozen=True)
class Bars:
    """Bars of one or more columns for each row."""

    category: Column
    values: tuple[Column, ...]


@dataclass(frozen=True)
class Heat:
    """A heat map: a cell for each row.

    Attributes
    ----------
    is_diverging : bool
        Zero is white, gains are red, losses green.
    overlays : tuple of Column
        Columns that hold, for each value of ``x``, a value of ``y``.
    full_colour : float
        Value, as printed, below which no cell has the full colour.
    """

    x: Column
    y: Column
    value: Column
    is_diverging: bool = False
    overlays: tuple[Column, ...] = ()
    full_colour: float = 0.0


@dataclass(frozen=True)
class Lines:
    """Curves over dates.

    Attributes
    ----------
    date : str
        Column of the dates.
    upper, lower : tuple of Column
        Curves of the upper and of the lower panel.
    series : Column or None
        Column that tells the curves of one value apart.
    marks : tuple of Column
        Columns whose value, where there is one, is marked on the first curve.
    is_lower_down : bool
        The lower panel grows downwards: a drawdown is positive.
    has_one_series_a_date : bool
        A vertical line stands where ``series`` changes.
    levels : tuple of float
        Horizontal lines of the upper panel.
    """

    date: str
    upper: tuple[Column, ...]
    lower: tuple[Column, ...] = ()
    series: Column | None = None
    marks: tuple[Column, ...] = ()
    is_lower_down: bool = False
    has_one_series_a_date: bool = False
    levels: tuple[float, ...] = ()


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Attributes
    ----------
    key : str
        Anchor in the page, and name of the query unless ``query`` is given.
    columns : tuple of Column
        The table; none, and the section is its chart.
    inputs : tuple of str
        Raw tables without which the section is empty.
    empty : Words
        Why there may be nothing although the inputs are loaded.
    why : str
        Query of what lacks the section: names in both languages, and
        ``unavailable_reason``.
    note : Words or None
        How to read it.
    is_folded : bool
        Of more than twelve names the first and last five are shown until asked.
    is_of_all_data : bool
        Its numbers reach to the end of the data: for the newest week's report only,
        as that of an earlier week may print nothing of what came later.
    last_date : str
        Column of the day to which a row's numbers reach; the latest is printed.
    group_by : Column or None
        Rows of one value are one paragraph of names in place of table rows.
    parameters : mapping
        Values of the query beside the week.
    """

    key: str
    title: Words
    empty: Words
    columns: tuple[Column, ...] = ()
    chart: Bars | Heat | Lines | None = None
    inputs: tuple[str, ...] = ()
    why: str = ""
    note: Words | None = None
    is_folded: bool = False
    is_of_all_data: bool = False
    last_date: str = ""
    query: str = ""
    group_by: Column | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tab:
    """Sections that are shown together."""

    key: str
    title: Words
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Report:
    """A report: one file a week, or one a publication."""

    key: str
    title: Words
    tabs: tuple[Tab, ...]
    is_weekly: bool = True


LABELS: dict[str, Words] = {
    "top": Words("前列", "top"),
    "bottom": Words("后列", "bottom"),
    "in": Words("调入", "in"),
    "out": Words("调出", "out"),
    "hold": Words("持有", "hold"),
    "up": Words("上涨", "up"),
    "middle": Words("居中", "middle"),
    "down": Words("下跌", "down"),
    "enter": Words("入场", "enter"),
    "exit": Words("离场", "exit"),
    "inflow": Words("流入", "inflow"),
    "outflow": Words("流出", "outflow"),
    "True": Words("是", "yes"),
    "False": Words("否", "no"),
    "next_open": Words("次日开盘", "next open"),
    "next_close": Words("次日收盘", "next close"),
    "signal_close": Words("信号日收盘（纸面）", "signal close (paper)"),
    "first_threshold": Words("首次阈值", "first threshold"),
    "delayed_threshold": Words("延迟阈值", "delayed threshold"),
    "dual_moving_average": Words("双均线", "dual moving average"),
    "index": Words("指数", "index"),
    "tradable": Words("可交易", "tradable"),
    "paper": Words("纸面", "paper"),
    "week": Words("本周", "week"),
    "month_to_date": Words("本月", "month to date"),
    "year_to_date": Words("今年", "year to date"),
    "all": Words("全部", "all"),
    "no_signal_on_path": Words("路径上无信号", "no signal on the path"),
    "average_too_short": Words("均线天数不足", "too few days for the averages"),
    "strategy": Words("策略", "strategy"),
    "factor": Words("因子", "factor"),
    "universe": Words("股票池", "universe"),
    "style": Words("风格", "style"),
    "score": Words("模型", "model"),
    "theme": Words("主题指数", "theme index"),
    "concept": Words("概念指数", "concept index"),
    "citic1": Words("中信一级", "CITIC level 1"),
    "shenwan1": Words("申万一级", "Shenwan level 1"),
    "pool32": Words("32行业池", "pool of 32"),
    "reported": Words("公布的总额", "reported total"),
    "securities": Words("个券加总", "sum of securities"),
    "pass": Words("通过", "passed"),
    "error": Words("错误", "error"),
    "warn": Words("警告", "warning"),
    "severity_error": Words(
        "必须通过，否则不发布", "must pass, or nothing is published"
    ),
    "severity_warn": Words("只提醒", "reminds only"),
    "fail": Words("未通过", "failed"),
    "broad": Words("宽基", "broad"),
    "tmt": Words("TMT", "TMT"),
    "consumption": Words("消费", "consumption"),
    "pharma": Words("医药", "pharma"),
    "finance_real_estate": Words("金融地产", "finance, real estate"),
    "midstream_manufacturing": Words("中游制造", "midstream manufacturing"),
    "upstream_materials": Words("上游材料", "upstream materials"),
    "defence": Words("国防军工", "defence"),
    "dividend": Words("红利", "dividend"),
    "unclassified": Words("未分类", "unclassified"),
    "microcap400": Words("微盘400", "Micro-cap 400"),
    "microcap": Words("微盘", "micro-cap"),
    "csi300": Words("沪深300", "CSI 300"),
    "csi500": Words("中证500", "CSI 500"),
    "csi1000": Words("中证1000", "CSI 1000"),
    "weekly": Words("周", "weekly"),
    "monthly": Words("月", "monthly"),
    "ai_concept_index_rotation": Words("AI概念指数轮动", "AI concept index rotation"),
    "ai_csi1000_enhanced": Words("AI中证1000增强", "AI CSI 1000 enhancement"),
    "ai_industry_rotation": Words("AI行业轮动", "AI industry rotation"),
    "ai_theme_index_rotation": Words("AI主题指数轮动", "AI theme index rotation"),
    "all_frequency_fusion_factor": Words(
        "全频段融合因子", "fused factor of all frequencies"
    ),
    "all_frequency_multitask_factor": Words(
        "全频段多任务因子", "multi-task factor of all frequencies"
    ),
    "barra_style_definition": Words("Barra风格定义", "definition of Barra styles"),
    "calendar_effect": Words("日历效应", "calendar effect"),
    "citic_l1_index": Words("中信一级指数", "CITIC level 1 indices"),
    "diffusion_index_rotation": Words("扩散指数轮动", "diffusion index rotation"),
    "forecast_adj_txt": Words(
        "盈利预测调整文本因子", "text factor of forecast changes"
    ),
    "forecast_adjust_txt_bert": Words(
        "盈利预测调整BERT因子", "BERT factor of forecast changes"
    ),
    "fund_flow": Words("资金流", "flows"),
    "gru_daily_baseline": Words("日频GRU基准", "daily GRU baseline"),
    "gru_industry_rotation": Words("GRU行业轮动", "GRU industry rotation"),
    "gru_long_only": Words("GRU多头", "GRU long only"),
    "hf_deep_learning_factor": Words(
        "高频深度学习因子", "high-frequency network factor"
    ),
    "hf_equal_weight_factor": Words(
        "高频等权因子", "high-frequency factors, equal weight"
    ),
    "hf_icir_weight_factor": Words(
        "高频ICIR加权因子", "high-frequency factors, weight by ICIR"
    ),
    "hf_single_factor": Words("单个高频因子", "single high-frequency factors"),
    "index_enhanced_csi1000": Words("中证1000指数增强", "CSI 1000 enhancement"),
    "index_enhanced_csi500": Words("中证500指数增强", "CSI 500 enhancement"),
    "lf_daily_only_factor": Words("纯日频因子", "daily-only factor"),
    "lf_equal_weight_factor": Words(
        "低频等权因子", "low-frequency factors, equal weight"
    ),
    "lf_multitask_factor": Words("低频多任务因子", "low-frequency multi-task factor"),
    "lf_multitask_no_shared_gru": Words(
        "低频多任务因子（无共享GRU）", "low-frequency multi-task factor, no shared GRU"
    ),
    "market_structure": Words("市场结构", "market structure"),
    "microcap_diffusion_index": Words("微盘扩散指数", "micro-cap diffusion index"),
    "microcap_diffusion_timing": Words("微盘扩散择时", "micro-cap diffusion timing"),
    "microcap_factor": Words("微盘因子", "micro-cap factors"),
    "relative_strength_diffusion_timing": Words(
        "相对强弱扩散择时", "relative-strength diffusion timing"
    ),
    "smallcap_lowvol50": Words("小盘低波50", "small-cap low-volatility 50"),
    "wind_microcap_index": Words("万得微盘股指数", "Wind micro-cap index"),
    "weekday": Words("星期", "weekday"),
    "month": Words("月份", "month"),
    **{
        f"weekday_{number}": Words(f"周{zh}", en)
        for number, (zh, en) in enumerate(
            zip("一二三四五", ("Mon", "Tue", "Wed", "Thu", "Fri"), strict=True), 1
        )
    },
    **{
        f"month_{number}": Words(f"{number}月", en)
        for number, en in enumerate(
            [
                "Jan",
                "Feb",
                "Mar",
                "Apr",
                "May",
                "Jun",
                "Jul",
                "Aug",
                "Sep",
                "Oct",
                "Nov",
                "Dec",
            ],
            1,
        )
    },
}


def reason(name: str, zh: str, en: str) -> Column:
    """Return a column of reasons why something is absent."""
    return Column(name, Words(zh, en), "reason")


def text(name: str, zh: str, en: str, *, minor: bool = False) -> Column:
    """Return a column of texts."""
    return Column(name, Words(zh, en), "text", is_minor=minor)


def name(column: str, zh: str, en: str) -> Column:
    """Return a column of names in both languages."""
    return Column(column, Words(zh, en), "name")


def label(column: str, zh: str, en: str, *, minor: bool = False) -> Column:
    """Return a column of codes with words for them."""
    return Column(column, Words(zh, en), "label", is_minor=minor)


def day(column: str, zh: str, en: str, *, minor: bool = False) -> Column:
    """Return a column of days."""
    return Column(column, Words(zh, en), "date", is_minor=minor)


def count(column: str, zh: str, en: str, *, minor: bool = False) -> Column:
    """Return a column of whole numbers."""
    return Column(column, Words(zh, en), "count", is_minor=minor)


def number(
    column: str, zh: str, en: str, *, signed: bool = False, minor: bool = False
) -> Column:
    """Return a column of numbers, printed with three digits."""
    return Column(column, Words(zh, en), "number", signed, minor)


def short(
    column: str, zh: str, en: str, *, signed: bool = False, minor: bool = False
) -> Column:
    """Return a column of numbers, printed with two digits."""
    return Column(column, Words(zh, en), "short", signed, minor)


def gain(column: str, zh: str, en: str, *, minor: bool = False) -> Column:
    """Return a column of returns, printed in percent and coloured."""
    return Column(column, Words(zh, en), "percent", is_signed=True, is_minor=minor)


def share(column: str, zh: str, en: str, *, minor: bool = False) -> Column:
    """Return a column of shares, printed in percent."""
    return Column(column, Words(zh, en), "percent", is_minor=minor)


def money(
    column: str, zh: str, en: str, *, signed: bool = False, minor: bool = False
) -> Column:
    """Return a column of amounts, printed in 100m CNY."""
    return Column(column, Words(zh, en), "money", signed, minor)


INDUSTRY = name("name", "行业", "Industry")
STRATEGY = name("name", "策略", "Strategy")
FACTOR = name("name", "因子", "Factor")
MODEL = name("model_name", "模型", "Model")
METHOD = label("method", "方法", "Method")
NET_VALUE = number("net_value", "净值", "Net value")
DRAWDOWN = share("deepest_drawdown", "回撤", "Drawdown")
WEEK = day("trade_week", "周", "Week")
DAY = day("trade_date", "日期", "Day")
LAYER = count("layer", "层（1最高）", "Layer (1 highest)")
DIFFUSION = number("diffusion_index", "扩散指数", "Diffusion index")

# Raw tables that models read or write.
SCORES = ("model_score",)
REPORTS_READ = ("analyst_report",)
# Codes of strategies that belong together.
INDUSTRIES = {"strategies": "^diffusion_|industry"}
LOW_VOLATILITY = {"strategies": "^low_volatility_50"}
ON_MODELS = {
    "strategies": "^ai_|^gru_|_top_layer$|^low_frequency|^bert_|enhanced",
}
ON_TEXTS = {"strategies": "^bert_"}

# Entry and exit of the two threshold methods, as in dbt_project.yml.
THRESHOLDS = (0.1, 0.9)

ONLY_NEWEST = Words(
    "统计到数据末日，只印在最新一周的报告中。",
    "Figures to the end of the data stand in the report of the newest week only.",
)
NO_PRICES = Words(
    "本周无数据：需要行情、股本与行业成分。",
    "Nothing for this week: needs prices, share capital and industry members.",
)
NO_DIFFUSION = Words(
    "本周无扩散指数：需要 220 个交易日的行情与行业成分。",
    "No diffusion index this week: needs 220 days of prices and industry members.",
)
NO_STRATEGY = Words("本周无可用策略。", "No strategy is available this week.")
NO_FLOW = Words("本周无资金流数据。", "No flows for this week.")
NO_SCORE = Words("本周无模型评分。", "No scores for this week.")
NO_ROTATION_SCORE = Words(
    "本周无行业轮动所用模型的评分。",
    "No scores of the models behind the industry rotations this week.",
)
NO_FUSION = Words("本周无融合因子评分。", "No scores of the fused factor this week.")
NO_PAIR = Words(
    "没有一对待融合的模型在本周都有评分。",
    "No pair of models that are fused has scores of this week.",
)
NO_MICROCAP = Words(
    "本周无微盘数据：需要行情与股本。",
    "Nothing for this week: needs prices and share capital.",
)
NO_FACTOR = Words(
    "本周无因子数据：需要一年的行情。",
    "Nothing for this week: factors need a year of prices.",
)
WEEKS_SUMMED = Words("纸面收益，各周相加。", "Paper returns, summed over the weeks.")
BY_SPREAD = Words(
    "按首层减末层排列。", "In the order of the first layer less the last."
)
SUMMED_BY_SPREAD = Words(
    WEEKS_SUMMED.zh + BY_SPREAD.zh, f"{WEEKS_SUMMED.en} {BY_SPREAD.en}"
)
NO_TEXT = Words("无文本因子。", "No text factor.")


def strategy_week(
    key: str, parameters: Mapping[str, Any], inputs: tuple[str, ...] = ()
) -> Section:
    """Return the week, month and year so far of some strategies."""
    return Section(
        key,
        Words("本周表现", "This week"),
        NO_STRATEGY,
        (
            STRATEGY,
            label("execution", "成交", "Execution", minor=True),
            gain("strategy_return", "本周", "Week"),
            gain("benchmark_return", "基准", "Benchmark", minor=True),
            gain("excess_return", "周超额", "Excess"),
            gain("month_to_date_return", "本月", "MTD", minor=True),
            gain("month_to_date_excess_return", "月超额", "MTD excess"),
            gain("year_to_date_return", "今年", "YTD", minor=True),
            gain("year_to_date_excess_return", "年超额", "YTD excess"),
            share("turnover", "换手", "Turnover", minor=True),
        ),
        Bars(
            STRATEGY,
            (
                gain("excess_return", "周超额", "Week's excess"),
                gain("month_to_date_excess_return", "月超额", "MTD excess"),
            ),
        ),
        inputs=inputs,
        query="strategy_week",
        why="why_strategy",
        parameters=parameters,
    )


def strategy_curves(
    key: str, parameters: Mapping[str, Any], inputs: tuple[str, ...] = ()
) -> Section:
    """Return net values and drawdowns of some strategies."""
    return Section(
        key,
        Words("净值与回撤", "Net value and drawdown"),
        NO_STRATEGY,
        chart=Lines(
            "trade_week", (NET_VALUE,), (DRAWDOWN,), STRATEGY, is_lower_down=True
        ),
        note=Words(
            "每周一点：周末净值与周内最深回撤。先画六条，点图例显示或隐去。",
            "A point a week: net value at its end and deepest drawdown within. Six are "
            "drawn at first; a click on the legend shows or hides a curve.",
        ),
        inputs=inputs,
        query="strategy_net_value",
        why="why_strategy",
        parameters=parameters,
    )


def strategy_history(
    key: str, parameters: Mapping[str, Any], inputs: tuple[str, ...] = ()
) -> tuple[Section, ...]:
    """Return the years and the whole of some strategies."""
    return (
        Section(
            f"{key}_year",
            Words("分年超额", "Excess by year"),
            Words("尚无完整年份。", "No year is over yet."),
            chart=Heat(
                text("period", "年份", "Year"),
                STRATEGY,
                gain("excess_return", "超额", "Excess"),
                is_diverging=True,
                full_colour=10,
            ),
            inputs=inputs,
            query="strategy_year",
            last_date="last_date",
            parameters=parameters,
        ),
        Section(
            f"{key}_performance",
            Words("历史表现", "Performance"),
            NO_STRATEGY,
            (
                STRATEGY,
                day("first_date", "自", "From", minor=True),
                gain("annualised_return", "年化", "Annualised"),
                gain(
                    "annualised_benchmark_return", "基准年化", "Benchmark", minor=True
                ),
                gain("annualised_excess", "年化超额", "Excess"),
                share("volatility", "波动率", "Volatility", minor=True),
                short("sharpe", "夏普", "Sharpe"),
                short("excess_sharpe", "超额夏普", "Excess Sharpe", minor=True),
                share("max_drawdown", "最大回撤", "Drawdown"),
                share(
                    "max_drawdown_of_excess",
                    "超额回撤",
                    "Excess drawdown",
                    minor=True,
                ),
                short("calmar", "卡玛", "Calmar", minor=True),
                share("win_rate", "周胜率", "Win rate", minor=True),
                short("annual_turnover", "年换手", "Turnover a year", minor=True),
            ),
            inputs=inputs,
            query="strategy_performance",
            why="why_strategy",
            parameters=parameters,
            is_of_all_data=True,
            last_date="last_date",
        ),
    )


def holdings(
    key: str,
    parameters: Mapping[str, Any],
    empty: Words,
    inputs: tuple[str, ...] = (),
) -> Section:
    """Return what some strategies hold, with ins and outs."""
    return Section(
        key,
        Words("持仓与调入调出", "Holdings, in and out"),
        empty,
        (name("name", "资产", "Asset"),),
        group_by=name("strategy_name", "策略", "Strategy"),
        inputs=inputs,
        query="strategy_holding",
        why="why_strategy",
        parameters=parameters,
    )


def layers(key: str, universe: str, zh: str, en: str) -> Section:
    """Return the ten layers of a universe in the week."""
    return Section(
        key,
        Words(f"本周十层收益（{zh}）", f"Ten layers, {en}, this week"),
        Words(
            "本周无分层：因子需要一年的行情，股票池需要足够的成分。",
            "No layers this week: factors need a year of prices, the universe enough "
            "members.",
        ),
        chart=Heat(
            LAYER,
            FACTOR,
            gain("paper_return", "收益", "Return"),
            is_diverging=True,
            full_colour=5,
        ),
        note=BY_SPREAD,
        is_folded=True,
        query="factor_layer",
        parameters={"universe": universe},
    )


def calendar(effect: str, zh: str, en: str) -> Section:
    """Return the mean returns of the micro-cap index by weekday or by month."""
    return Section(
        f"calendar_{effect}",
        Words(zh, en),
        NO_MICROCAP,
        (
            label("bucket", "", ""),
            gain("mean_return", "平均收益", "Mean return"),
            share("win_rate", "胜率", "Win rate"),
            gain("mean_excess_return", "平均超额", "Mean excess"),
            share("excess_win_rate", "超额胜率", "Excess win rate"),
            count("observation_count", "样本数", "Count", minor=True),
            text("benchmark_code", "基准", "Benchmark", minor=True),
        ),
        Bars(
            label("bucket", "", ""),
            (
                gain("mean_return", "平均收益", "Mean return"),
                gain("mean_excess_return", "平均超额", "Mean excess"),
            ),
        ),
        query="calendar_effect",
        is_of_all_data=True,
        last_date="last_date",
        parameters={"effect": effect},
    )


ROTATION = Report(
    "industry_rotation",
    Words("行业轮动周报", "Industry rotation weekly"),
    (
        Tab(
            "diffusion",
            Words("扩散指数", "Diffusion index"),
            (
                Section(
                    "diffusion_top_bottom",
                    Words("前六与后六", "Top six, bottom six"),
                    NO_DIFFUSION,
                    (
                        label("side", "", "Side"),
                        count("diffusion_rank", "排名", "Rank"),
                        INDUSTRY,
                        DIFFUSION,
                        number("change", "周变动", "Change", signed=True),
                    ),
                ),
                Section(
                    "diffusion_heat_map",
                    Words("近十二周热力图", "Past twelve weeks"),
                    NO_DIFFUSION,
                    chart=Heat(
                        WEEK, INDUSTRY, short("diffusion_index", "扩散指数", "Index")
                    ),
                ),
                Section(
                    "industry_ranking",
                    Words("全部行业", "All industries"),
                    NO_DIFFUSION,
                    (
                        count("diffusion_rank", "排名", "Rank"),
                        INDUSTRY,
                        DIFFUSION,
                        number("change", "周变动", "Change", signed=True),
                        gain("float_cap_return", "周收益", "Return"),
                        gain("equal_weight_return", "等权", "Equal weight", minor=True),
                        count("member_count", "成分", "Members"),
                        count("excluded_count", "未计入", "Excluded", minor=True),
                    ),
                ),
            ),
        ),
        Tab(
            "returns",
            Words("行业收益", "Industry returns"),
            (
                Section(
                    "industry_return",
                    Words("本周行业收益", "Returns of the week"),
                    NO_PRICES,
                    (
                        INDUSTRY,
                        gain("float_cap_return", "流通市值加权", "Float cap"),
                        gain("equal_weight_return", "等权", "Equal weight"),
                        gain("overnight_return", "隔夜", "Overnight"),
                        gain("intraday_return", "日内", "Intraday"),
                        count("member_count", "成分", "Members", minor=True),
                    ),
                    Bars(
                        INDUSTRY,
                        (
                            gain("float_cap_return", "流通市值加权", "Float cap"),
                            gain("equal_weight_return", "等权", "Equal weight"),
                        ),
                    ),
                ),
            ),
        ),
        Tab(
            "flows",
            Words("资金流", "Flows"),
            (
                Section(
                    "etf_class_flow",
                    Words("ETF净流入（按类别）", "ETF net inflow by class"),
                    NO_FLOW,
                    (
                        label("etf_class", "类别", "Class"),
                        money(
                            "net_inflow_cny", "净流入（亿元）", "Inflow", signed=True
                        ),
                        gain("weekly_return", "周收益", "Return"),
                        money("assets_previous_cny", "上周规模", "Assets before"),
                        money("assets_cny", "本周规模", "Assets"),
                        count("fund_count", "基金数", "Funds", minor=True),
                        day("known_date", "可知日", "Known", minor=True),
                    ),
                    Bars(
                        label("etf_class", "类别", "Class"),
                        (
                            money(
                                "net_inflow_cny",
                                "净流入（亿元）",
                                "Net inflow, 100m CNY",
                                signed=True,
                            ),
                        ),
                    ),
                    inputs=("etf", "etf_bar", "etf_share"),
                    note=Words(
                        "金额单位：亿元。份额于次一交易日可知。",
                        "In 100m CNY. Shares are known on the next trading day.",
                    ),
                ),
                Section(
                    "etf_flow",
                    Words("ETF净流入与净流出前五", "Largest ETF inflows and outflows"),
                    NO_FLOW,
                    (
                        label("side", "", "Side"),
                        text("name", "基金", "Fund"),
                        text("etf_code", "代码", "Code", minor=True),
                        label("etf_class", "类别", "Class", minor=True),
                        money(
                            "net_inflow_cny", "净流入（亿元）", "Inflow", signed=True
                        ),
                        gain("weekly_return", "周收益", "Return"),
                        money("assets_previous_cny", "上周规模", "Assets before"),
                        money("assets_cny", "本周规模", "Assets"),
                        day("known_date", "可知日", "Known", minor=True),
                    ),
                    inputs=("etf", "etf_bar", "etf_share"),
                ),
                Section(
                    "margin_flow",
                    Words("融资余额变动（按行业）", "Margin flow by industry"),
                    NO_FLOW,
                    (
                        INDUSTRY,
                        money(
                            "financing_balance_change_cny",
                            "变动（亿元）",
                            "Change",
                            signed=True,
                        ),
                        money("financing_balance_cny", "余额（亿元）", "Balance"),
                        count("security_count", "标的数", "Securities", minor=True),
                        day("known_date", "可知日", "Known", minor=True),
                    ),
                    Bars(
                        INDUSTRY,
                        (
                            money(
                                "financing_balance_change_cny",
                                "融资余额变动（亿元）",
                                "Change of balance, 100m CNY",
                                signed=True,
                            ),
                        ),
                    ),
                    inputs=("margin_balance",),
                    note=Words(
                        "金额单位：亿元。融资数据晚一个交易日可知。",
                        "In 100m CNY. Margin data are known one trading day late.",
                    ),
                ),
                Section(
                    "margin_market",
                    Words("全市场融资余额", "Margin balance of the market"),
                    NO_FLOW,
                    chart=Lines(
                        "trade_week",
                        (
                            money(
                                "financing_balance_cny",
                                "余额（亿元）",
                                "Balance, 100m CNY",
                            ),
                        ),
                        (
                            money(
                                "financing_balance_change_cny",
                                "周变动（亿元）",
                                "Change, 100m CNY",
                            ),
                        ),
                        label("balance_source", "口径", "Source"),
                        has_one_series_a_date=True,
                    ),
                    inputs=("margin_balance",),
                    note=Words(
                        "图例为余额口径：公布的总额，或无总额时个券之和；竖线处口径改变。",
                        "The legend says whose balance it is: the reported total or, "
                        "without one, the sum of securities; a line where it changes.",
                    ),
                ),
                Section(
                    "limit_up_ladder",
                    Words("涨停梯队", "Limit-up ladder"),
                    NO_FLOW,
                    (
                        DAY,
                        count("limit_up_count", "涨停", "Up"),
                        count("limit_down_count", "跌停", "Down"),
                        count("longest_run", "最长连板", "Longest run"),
                        count("first_day_count", "首板", "1st day"),
                        count("second_day_count", "二板", "2nd", minor=True),
                        count("third_day_count", "三板", "3rd", minor=True),
                        count("later_day_count", "四板及以上", "Later", minor=True),
                    ),
                    inputs=("daily_bar",),
                ),
                Section(
                    "limit_up_industry",
                    Words("各行业涨停家数", "Limit-ups by industry"),
                    Words("本周无涨停。", "No stock closed at its limit this week."),
                    chart=Heat(
                        DAY, INDUSTRY, count("limit_up_count", "涨停", "Limit-ups")
                    ),
                    inputs=("daily_bar",),
                    note=Words(
                        "只列本周有涨停的行业。",
                        "Industries with a limit-up in the week only.",
                    ),
                ),
            ),
        ),
        Tab(
            "scores",
            Words("模型评分", "Model scores"),
            (
                Section(
                    "industry_score_heat_map",
                    Words("各模型行业评分（z值）", "Industry scores by model (z)"),
                    NO_SCORE,
                    chart=Heat(
                        MODEL,
                        INDUSTRY,
                        short("z_score", "z值", "z-score"),
                        is_diverging=True,
                        full_colour=2,
                    ),
                    inputs=SCORES,
                    why="why_model",
                    parameters={"models": "."},
                ),
                Section(
                    "industry_score",
                    Words("各模型前六与后六", "Top and bottom six by model"),
                    NO_ROTATION_SCORE,
                    (
                        MODEL,
                        label("industry_system", "行业体系", "System", minor=True),
                        count("score_rank", "排名", "Rank"),
                        INDUSTRY,
                        number("score", "评分", "Score", signed=True),
                        short("z_score", "z值", "z"),
                        number("change", "周变动", "Change", minor=True),
                        count("member_count", "成分", "Members", minor=True),
                    ),
                    inputs=SCORES,
                    why="why_strategy",
                    parameters={"strategies": "^(ai|gru|low_frequency)_industry"},
                ),
            ),
        ),
        Tab(
            "strategies",
            Words("策略", "Strategies"),
            (
                strategy_week("strategy_week", INDUSTRIES),
                strategy_curves("net_value", INDUSTRIES),
                holdings("holding", INDUSTRIES, NO_STRATEGY),
                *strategy_history("strategy", INDUSTRIES),
            ),
        ),
    ),
)

MICROCAP = Report(
    "microcap",
    Words("微盘股周报", "Micro-cap weekly"),
    (
        Tab(
            "index",
            Words("指数", "Index"),
            (
                Section(
                    "index_rank",
                    Words("在宽基指数中的位置", "Among broad indices"),
                    NO_MICROCAP,
                    (
                        count("return_rank", "排名", "Rank"),
                        label("index_name", "指数", "Index"),
                        gain("weekly_return", "本周", "Week"),
                        gain("month_to_date_return", "本月", "MTD"),
                        count("month_to_date_rank", "月排名", "MTD rank", minor=True),
                        gain("year_to_date_return", "今年", "YTD"),
                        count("year_to_date_rank", "年排名", "YTD rank", minor=True),
                    ),
                    Bars(
                        label("index_name", "指数", "Index"),
                        (
                            gain("weekly_return", "本周", "Week"),
                            gain("month_to_date_return", "本月", "MTD"),
                        ),
                    ),
                ),
                Section(
                    "microcap_level",
                    Words("微盘指数", "Micro-cap index"),
                    NO_MICROCAP,
                    chart=Lines(
                        "trade_date",
                        (
                            short("index_level", "每日等权（纸面）", "Daily, paper"),
                            short("tradable_level", "可交易", "Tradable"),
                            short("monthly_rebalanced_level", "每月等权", "Monthly"),
                        ),
                    ),
                ),
                Section(
                    "microcap_days",
                    Words("逐日与成分变动", "Day by day, members in and out"),
                    NO_MICROCAP,
                    (
                        DAY,
                        short("index_level", "点位", "Level"),
                        gain("index_return", "收益", "Return"),
                        gain("net_return", "扣费", "After cost", minor=True),
                        gain("tradable_return", "可交易", "Tradable"),
                        share("unfillable_share", "无法成交", "Unfillable"),
                        share("turnover", "换手", "Turnover", minor=True),
                        count("member_count", "成分", "Members", minor=True),
                        count("new_member_count", "调入", "In"),
                        count("left_member_count", "调出", "Out"),
                        count("suspended_count", "停牌", "Suspended", minor=True),
                    ),
                ),
                Section(
                    "microcap_member",
                    Words("本周成分变动", "Members in and out over the week"),
                    Words(
                        "本周成分未变，或上周无成分。",
                        "No member changed, or the week before had none.",
                    ),
                    (text("name", "股票", "Stock"),),
                    note=Words(
                        "周末成分与上周末相比；股票为现名。",
                        "Members at the end of the week against those a week before; "
                        "names are those of today.",
                    ),
                    group_by=label("action", "变动", "Change"),
                ),
                Section(
                    "size_group",
                    Words("市值分组的成交占比", "Share of turnover by size group"),
                    NO_MICROCAP,
                    (
                        count("size_group", "组（1最小）", "Group (1 smallest)"),
                        share("turnover_share", "成交占比", "Share of turnover"),
                        money("traded_value_cny", "成交额（亿元）", "Value, 100m"),
                        share("estimated_share", "估算占比", "Estimated", minor=True),
                        count("stock_count", "股票数", "Stocks"),
                        money("lowest_cap_cny", "最低市值", "Lowest cap", minor=True),
                        money("highest_cap_cny", "最高市值", "Highest cap", minor=True),
                    ),
                    Bars(
                        count("size_group", "组", "Group"),
                        (share("turnover_share", "成交占比", "Share of turnover"),),
                    ),
                ),
            ),
        ),
        Tab(
            "timing",
            Words("扩散与择时", "Diffusion and timing"),
            (
                Section(
                    "microcap_diffusion",
                    Words("扩散指数与信号", "Diffusion index and signals"),
                    NO_MICROCAP,
                    chart=Lines(
                        "trade_date",
                        (
                            DIFFUSION,
                            number("fast_average", "10日均线", "Average of 10 days"),
                            number("slow_average", "26日均线", "Average of 26 days"),
                        ),
                        marks=(
                            label("first_threshold", "首次阈值", "First threshold"),
                            label("delayed_threshold", "延迟阈值", "Delayed threshold"),
                            label("dual_moving_average", "双均线", "Dual average"),
                        ),
                        levels=THRESHOLDS,
                    ),
                    note=Words(
                        "△ 入场，▽ 离场；收盘可知，次日收盘起生效。"
                        "虚线：两种阈值法的入场与离场阈值。",
                        "△ enter, ▽ exit; known at the close, in force from the next. "
                        "Dashed: the levels at which the two threshold methods enter "
                        "and exit.",
                    ),
                ),
                Section(
                    "critical_grid",
                    Words("临界点网格", "Critical-point grid"),
                    NO_MICROCAP,
                    chart=Heat(
                        short("price_ratio", "未来价格 / 现价", "Price then over now"),
                        count("days_ahead", "N日后", "Days ahead"),
                        Column(
                            "diffusion_index",
                            Words("扩散指数", "Diffusion index"),
                            "short",
                        ),
                        overlays=(
                            count("first_threshold", "首次阈值", "First threshold"),
                            count("delayed_threshold", "延迟阈值", "Delayed threshold"),
                            count("dual_moving_average", "双均线", "Dual average"),
                        ),
                    ),
                    note=Words(
                        "格：若 N 日后价格为现价的 c 倍，扩散指数为多少。"
                        "线：价格在 10 日内匀速走到 c 倍时，各择时方法最早触发的日子，"
                        "画在该日格子的下边；没有线即路径上不触发。",
                        "Cell: the index if all prices stand at c times today's after "
                        "N days. Line, at the lower edge of a cell: first day on which "
                        "a method fires if prices drift evenly to c within 10 days; no "
                        "line: no signal then.",
                    ),
                ),
                Section(
                    "signal_outlook",
                    Words("下一信号需要什么", "What the next signal needs"),
                    NO_MICROCAP,
                    (
                        METHOD,
                        label("is_full", "持有", "In the index"),
                        short("price_ratio", "10日后价格比", "Price ratio in 10 days"),
                        count("days_to_signal", "几日后触发", "Days to signal"),
                        label("action", "动作", "Action"),
                        label("null_reason", "无信号原因", "Why none", minor=True),
                    ),
                ),
                Section(
                    "timing_net_value",
                    Words("三种择时的净值与回撤", "Net values of the three timings"),
                    NO_MICROCAP,
                    chart=Lines(
                        "trade_week",
                        (NET_VALUE,),
                        (DRAWDOWN,),
                        METHOD,
                        is_lower_down=True,
                    ),
                    note=Words(
                        "可交易口径，扣双边千分之三。每周一点：周末净值与周内最深回撤。",
                        "Tradable, after 0.3% two-way. A point a week: net value at "
                        "its end and the deepest drawdown within.",
                    ),
                ),
                Section(
                    "microcap_signal",
                    Words("最近的信号", "Latest signals"),
                    Words("尚无信号。", "No signal yet."),
                    (
                        DAY,
                        METHOD,
                        label("action", "动作", "Action"),
                        DIFFUSION,
                        number("fast_average", "快线", "Fast average", minor=True),
                        number("slow_average", "慢线", "Slow average", minor=True),
                    ),
                ),
                Section(
                    "timing_performance",
                    Words("择时表现", "Performance of the timings"),
                    NO_MICROCAP,
                    (
                        label("period", "区间", "Period"),
                        METHOD,
                        label("variant", "口径", "Variant"),
                        gain("total_return", "收益", "Return"),
                        gain("annualised_return", "年化", "Annualised", minor=True),
                        gain("annualised_excess", "年化超额", "Excess", minor=True),
                        share("volatility", "波动率", "Volatility", minor=True),
                        short("sharpe", "夏普", "Sharpe", minor=True),
                        share("max_drawdown", "最大回撤", "Drawdown"),
                        short("calmar", "卡玛", "Calmar", minor=True),
                        count("rebalance_count", "次数", "Switches", minor=True),
                    ),
                    is_of_all_data=True,
                    last_date="last_date",
                ),
            ),
        ),
        Tab(
            "factors",
            Words("因子", "Factors"),
            (
                Section(
                    "microcap_factor_ic",
                    Words("本周因子IC与历史", "Factor ICs against history"),
                    NO_FACTOR,
                    (
                        count("ic_rank", "排名", "Rank"),
                        FACTOR,
                        number("rank_ic", "本周IC", "Rank IC", signed=True),
                        number("tradable_rank_ic", "可交易", "Tradable", minor=True),
                        number("historical_mean_ic", "历史均值", "Mean so far"),
                        short("icir", "ICIR", "ICIR", minor=True),
                        short("t_value", "t值", "t value"),
                        count("week_count", "周数", "Weeks", minor=True),
                        count("member_count", "股票数", "Stocks", minor=True),
                        share("unfillable_share", "无法买入", "Unfillable", minor=True),
                    ),
                    Bars(
                        FACTOR,
                        (
                            number("rank_ic", "本周IC", "Rank IC of the week"),
                            number("historical_mean_ic", "历史均值", "Mean so far"),
                        ),
                    ),
                    is_folded=True,
                ),
            ),
        ),
        Tab(
            "low_volatility",
            Words("低波50", "Low-volatility 50"),
            (
                strategy_week("low_volatility_week", LOW_VOLATILITY),
                strategy_curves("low_volatility_net_value", LOW_VOLATILITY),
                holdings("low_volatility_holding", LOW_VOLATILITY, NO_STRATEGY),
                *strategy_history("low_volatility", LOW_VOLATILITY),
            ),
        ),
        Tab(
            "calendar",
            Words("日历效应", "Calendar effect"),
            (
                calendar("weekday", "按星期（日收益）", "By weekday (daily returns)"),
                calendar("month", "按月份（月收益）", "By month (monthly returns)"),
            ),
        ),
    ),
)

FACTORS = Report(
    "factors",
    Words("因子周报", "Factor weekly"),
    (
        Tab(
            "ic",
            Words("因子IC", "Factor IC"),
            (
                Section(
                    "factor_ic",
                    Words("本周Rank IC（各股票池）", "Rank IC of the week by universe"),
                    NO_FACTOR,
                    (
                        FACTOR,
                        number("ic_all", "全A", "All", signed=True),
                        number("tradable_ic_all", "全A可交易", "All, tradable"),
                        number("ic_csi300", "沪深300", "CSI 300"),
                        number("ic_csi500", "中证500", "CSI 500"),
                        number("ic_csi1000", "中证1000", "CSI 1000"),
                        number("ic_microcap", "微盘", "Micro-cap"),
                        share("unfillable_share", "无法买入", "Unfillable", minor=True),
                    ),
                    Bars(
                        FACTOR,
                        (
                            number("ic_all", "全A", "All"),
                            number("tradable_ic_all", "全A可交易", "All, tradable"),
                        ),
                    ),
                    is_folded=True,
                ),
                Section(
                    "factor_ic_heat_map",
                    Words("全A近十二周Rank IC", "Rank IC, all stocks, past 12 weeks"),
                    NO_FACTOR,
                    chart=Heat(
                        WEEK,
                        FACTOR,
                        short("rank_ic", "IC", "Rank IC"),
                        is_diverging=True,
                        full_colour=0.2,
                    ),
                    note=Words(
                        "按最近一周的IC排列。", "In the order of the latest week's IC."
                    ),
                    is_folded=True,
                ),
                Section(
                    "factor_ic_summary",
                    Words("IC统计（全A）", "IC so far (all stocks)"),
                    NO_FACTOR,
                    (
                        FACTOR,
                        number("month_ic", "本月", "MTD", signed=True),
                        number("year_ic", "今年", "YTD", signed=True),
                        number("mean", "全部均值", "Mean", signed=True),
                        number("tradable_mean", "可交易均值", "Tradable", minor=True),
                        short("icir", "ICIR", "ICIR", minor=True),
                        short("t_value", "t值", "t value"),
                        share("positive_share", "正比例", "Positive", minor=True),
                        count("week_count", "周数", "Weeks", minor=True),
                    ),
                    is_folded=True,
                    is_of_all_data=True,
                    last_date="last_week",
                ),
                Section(
                    "factor_decay",
                    Words("IC衰减（全A）", "IC decay (all stocks)"),
                    NO_FACTOR,
                    chart=Heat(
                        count("horizon_weeks", "第几周", "Weeks ahead"),
                        FACTOR,
                        short("mean", "平均IC", "Mean IC"),
                        is_diverging=True,
                        full_colour=0.1,
                    ),
                    note=Words(
                        "按第一周的平均IC排列。",
                        "In the order of the first week's mean.",
                    ),
                    is_folded=True,
                    is_of_all_data=True,
                    last_date="last_week",
                ),
            ),
        ),
        Tab(
            "layers",
            Words("分层与多空", "Layers"),
            (
                layers("factor_layer", "all", "全A", "all stocks"),
                layers("factor_layer_csi300", "csi300", "沪深300", "CSI 300"),
                layers("factor_layer_csi500", "csi500", "中证500", "CSI 500"),
                layers("factor_layer_csi1000", "csi1000", "中证1000", "CSI 1000"),
                Section(
                    "factor_layer_month",
                    Words("本月十层收益（全A）", "Ten layers, all stocks, this month"),
                    NO_FACTOR,
                    chart=Heat(
                        LAYER,
                        FACTOR,
                        gain("month_to_date_paper_return", "收益", "Return"),
                        is_diverging=True,
                        full_colour=10,
                    ),
                    note=SUMMED_BY_SPREAD,
                    is_folded=True,
                    is_of_all_data=True,
                    last_date="last_week",
                ),
                Section(
                    "factor_layer_year",
                    Words("今年十层收益（全A）", "Ten layers, all stocks, this year"),
                    NO_FACTOR,
                    chart=Heat(
                        LAYER,
                        FACTOR,
                        gain("year_to_date_paper_return", "收益", "Return"),
                        is_diverging=True,
                        full_colour=20,
                    ),
                    note=SUMMED_BY_SPREAD,
                    is_folded=True,
                    is_of_all_data=True,
                    last_date="last_week",
                ),
                Section(
                    "factor_long_short",
                    Words("首层减末层（全A）", "First layer less last (all stocks)"),
                    NO_FACTOR,
                    (
                        FACTOR,
                        gain("paper_return", "纸面", "Paper"),
                        gain("tradable_return", "可交易", "Tradable"),
                        share("long_unfillable_share", "首层无法买入", "Long unfilled"),
                        share(
                            "short_unfillable_share", "末层无法卖出", "Short unfilled"
                        ),
                        share("turnover", "换手", "Turnover", minor=True),
                        count("stock_count", "股票数", "Stocks", minor=True),
                    ),
                    Bars(
                        FACTOR,
                        (
                            gain("paper_return", "纸面", "Paper"),
                            gain("tradable_return", "可交易", "Tradable"),
                        ),
                    ),
                    is_folded=True,
                ),
                Section(
                    "factor_long_short_universe",
                    Words(
                        "本周首层减末层（各股票池）",
                        "First layer less last by universe",
                    ),
                    NO_FACTOR,
                    (
                        FACTOR,
                        gain("all_return", "全A", "All"),
                        gain("csi300_return", "沪深300", "CSI 300"),
                        gain("csi500_return", "中证500", "CSI 500"),
                        gain("csi1000_return", "中证1000", "CSI 1000"),
                        gain("microcap_return", "微盘", "Micro-cap"),
                    ),
                    note=Words("纸面收益。", "Paper returns of the week."),
                    is_folded=True,
                ),
                Section(
                    "factor_long_short_to_date",
                    Words(
                        "本月与今年首层减末层",
                        "First layer less last, month and year to date",
                    ),
                    NO_FACTOR,
                    (
                        FACTOR,
                        gain("all_month", "全A本月", "All MTD"),
                        gain("all_year", "全A今年", "All YTD"),
                        gain("csi300_month", "沪深300本月", "CSI 300 MTD"),
                        gain("csi300_year", "沪深300今年", "CSI 300 YTD"),
                        gain("csi500_month", "中证500本月", "CSI 500 MTD", minor=True),
                        gain("csi500_year", "中证500今年", "CSI 500 YTD", minor=True),
                        gain(
                            "csi1000_month", "中证1000本月", "CSI 1000 MTD", minor=True
                        ),
                        gain(
                            "csi1000_year", "中证1000今年", "CSI 1000 YTD", minor=True
                        ),
                    ),
                    note=WEEKS_SUMMED,
                    is_folded=True,
                    is_of_all_data=True,
                    last_date="last_week",
                ),
            ),
        ),
        Tab(
            "models",
            Words("AI因子与轮动", "AI factors and rotations"),
            (
                Section(
                    "model_ic",
                    Words(
                        "模型五日Rank IC（最近可知）", "Five-day rank IC, last known"
                    ),
                    NO_SCORE,
                    (
                        name("name", "模型", "Model"),
                        day("trade_week", "评分周", "Week of score"),
                        number("rank_ic", "IC", "Rank IC", signed=True),
                        day("known_date", "可知日", "Known"),
                        count("stock_count", "股票数", "Stocks"),
                        count("excluded_count", "未计入", "Excluded", minor=True),
                    ),
                    inputs=SCORES,
                    why="why_model",
                    parameters={"models": "."},
                ),
                Section(
                    "model_ic_summary",
                    Words("模型IC统计", "Model ICs so far"),
                    NO_SCORE,
                    (
                        name("name", "模型", "Model"),
                        day("first_week", "自", "From", minor=True),
                        day("last_week", "至", "To", minor=True),
                        number("mean", "均值", "Mean", signed=True),
                        number("std", "标准差", "Std", minor=True),
                        short("icir", "ICIR", "ICIR"),
                        short("t_value", "t值", "t value"),
                        share("positive_share", "正比例", "Positive", minor=True),
                        count("week_count", "周数", "Weeks"),
                    ),
                    Bars(
                        name("name", "模型", "Model"),
                        (number("mean", "平均IC", "Mean rank IC"),),
                    ),
                    inputs=SCORES,
                    is_of_all_data=True,
                    last_date="last_week",
                    why="why_model",
                    parameters={"models": "."},
                ),
                Section(
                    "score_correlation",
                    Words("评分间相关", "Correlation of scores"),
                    NO_PAIR,
                    (
                        name("name", "模型", "Model"),
                        name("other_name", "另一模型", "Other model"),
                        short("correlation", "相关系数", "Correlation"),
                        count("stock_count", "股票数", "Stocks"),
                    ),
                    inputs=SCORES,
                    why="why_model",
                    parameters={"models": "^fused"},
                ),
                Section(
                    "index_score",
                    Words("主题与概念指数前十", "Theme and concept indices, top ten"),
                    NO_FUSION,
                    (
                        label("index_class", "类别", "Class"),
                        count("score_rank", "排名", "Rank"),
                        text("index_name", "指数", "Index"),
                        number("score", "评分", "Score", signed=True),
                        short("z_score", "z值", "z"),
                        number("change", "周变动", "Change", minor=True),
                        count("member_count", "成分", "Members", minor=True),
                    ),
                    inputs=("model_score", "index_member"),
                    why="why_model",
                    parameters={"models": "^fused$"},
                ),
                strategy_week("model_strategy_week", ON_MODELS, SCORES),
                strategy_curves("model_net_value", ON_MODELS, SCORES),
                Section(
                    "index_holding",
                    Words("主题与概念轮动持仓", "Holdings of theme, concept rotation"),
                    NO_STRATEGY,
                    (text("name", "指数", "Index"),),
                    inputs=("model_score", "index_member"),
                    group_by=name("strategy_name", "策略", "Strategy"),
                    why="why_strategy",
                    parameters={"strategies": "^ai_(theme|concept)$"},
                ),
                *strategy_history("model_strategy", ON_MODELS, SCORES),
            ),
        ),
        Tab(
            "text",
            Words("文本因子", "Text factor"),
            (
                Section(
                    "text_score",
                    Words("本周研报评分", "Scores of the week's reports"),
                    NO_TEXT,
                    (
                        day("known_date", "可知日", "Known"),
                        text("security_code", "股票", "Stock"),
                        text("name", "名称", "Name"),
                        text("broker", "机构", "Broker", minor=True),
                        text("encoder_code", "编码器", "Encoder", minor=True),
                        number("score", "评分", "Score", signed=True),
                        number("up_log_odds", "上涨", "Up", minor=True),
                        number("down_log_odds", "下跌", "Down", minor=True),
                        day("corpus_cutoff_date", "语料截止", "Corpus to"),
                    ),
                    inputs=REPORTS_READ,
                    note=Words(
                        "语料截止：编码器从这一天起的文本均未读过；更早报告的评分可能已知后事，"
                        "为空则不明。",
                        "Corpus to: first day of which the encoder has read no text; "
                        "scores of reports before it may know what came later, as may "
                        "all where it is empty.",
                    ),
                    why="why_model",
                    parameters={"models": "^text_"},
                ),
                Section(
                    "text_factor",
                    Words("月末文本因子前25", "Text factor of the month, top 25"),
                    NO_TEXT,
                    (
                        day("trade_month_end", "月末", "Month end"),
                        count("text_rank", "排名", "Rank"),
                        text("security_code", "股票", "Stock"),
                        text("name", "名称", "Name"),
                        text("encoder_code", "编码器", "Encoder", minor=True),
                        number("text_score", "文本因子", "Text factor", signed=True),
                        count("report_count", "研报数", "Reports"),
                        number("composite_score", "综合分", "Composite", minor=True),
                    ),
                    inputs=REPORTS_READ,
                    why="why_model",
                    parameters={"models": "^text_"},
                ),
                Section(
                    "text_calibration",
                    Words("分年校准", "Calibration by year"),
                    NO_TEXT,
                    (
                        text("encoder_code", "编码器", "Encoder", minor=True),
                        text("year", "年份", "Year"),
                        label("class", "类别", "Class"),
                        count("report_count", "研报数", "Reports"),
                        share("mean_probability", "平均概率", "Mean probability"),
                        share("actual_share", "实际占比", "Actual share"),
                        number("brier_score", "Brier分数", "Brier score", minor=True),
                        gain("mean_abnormal_return", "平均超额", "Abnormal return"),
                    ),
                    inputs=REPORTS_READ,
                    why="why_model",
                    parameters={"models": "^text_"},
                ),
                holdings("text_holding", ON_TEXTS, NO_TEXT, REPORTS_READ),
            ),
        ),
    ),
)

HONESTY = Report(
    "honesty",
    Words("诚信页", "Honesty page"),
    (
        Tab(
            "data",
            Words("数据", "Data"),
            (
                Section(
                    "loaded",
                    Words("已加载", "Loaded"),
                    Words("未加载任何数据。", "Nothing is loaded."),
                    (
                        text("table_name", "原始表", "Raw table"),
                        count("row_count_accepted", "接受", "Accepted"),
                        count("row_count_unchanged", "未变", "Unchanged", minor=True),
                        count("row_count_rejected", "拒绝", "Rejected"),
                        day("first_date", "自", "From"),
                        day("last_date", "至", "To"),
                        count("load_count", "次数", "Loads", minor=True),
                        text("loaded_at", "最近加载", "Latest", minor=True),
                    ),
                    note=Words(
                        "自、至：表中日期的范围。证券、基金与行业成分表按上市日或生效日，"
                        "因此早于行情。",
                        "From, to: range of the table's dates. Those of securities, "
                        "funds and industry members are days of listing or of entry, "
                        "and so begin before the prices.",
                    ),
                ),
                Section(
                    "not_loaded",
                    Words("未加载的原始表", "Raw tables not loaded"),
                    Words("全部已加载。", "All are loaded."),
                    (text("table_name", "原始表", "Raw table"),),
                    parameters={"raw_tables": [table.name for table in RAW_TABLES]},
                ),
                Section(
                    "absent",
                    Words("缺失的因子、策略与股票池", "Absent factors and strategies"),
                    Words("无缺失。", "Nothing is absent."),
                    (
                        label("kind", "种类", "Kind"),
                        name("name", "名称", "Name"),
                        reason("unavailable_reason", "原因", "Reason"),
                    ),
                ),
                Section(
                    "rejected",
                    Words("被拒绝的行", "Rows set aside"),
                    Words("没有被拒绝的行。", "No row was set aside."),
                    (
                        text("table_name", "原始表", "Raw table"),
                        text("column_name", "列", "Column"),
                        text("reason", "原因", "Reason"),
                        count("row_count", "行数", "Rows"),
                    ),
                ),
                Section(
                    "publication",
                    Words("发布记录", "Publications"),
                    Words("尚未发布。", "Nothing is published."),
                    (
                        count("publication_id", "编号", "Number"),
                        text("published_at", "时间", "Time"),
                        day("as_of_date", "数据截至", "Data to"),
                        text("code_version", "版本", "Version", minor=True),
                        text("content_hash", "内容哈希", "Content hash", minor=True),
                    ),
                ),
            ),
        ),
        Tab(
            "checks",
            Words("检查", "Checks"),
            (
                Section(
                    "check_count",
                    Words("检查结果", "Results of checks"),
                    Words("没有检查结果。", "No check was run."),
                    (
                        label("severity", "级别", "Severity"),
                        label("status", "结果", "Result"),
                        count("check_count", "数量", "Count"),
                        text("checked_at", "时间", "Time"),
                    ),
                ),
                Section(
                    "failed_check",
                    Words("未通过的检查", "Checks not passed"),
                    Words("全部通过。", "All passed."),
                    (
                        text("check_name", "检查", "Check"),
                        text("table_name", "表", "Table"),
                        label("severity", "级别", "Severity"),
                        label("status", "结果", "Result"),
                        count("failure_count", "行数", "Rows"),
                        text("message", "说明", "Message", minor=True),
                    ),
                ),
            ),
        ),
        Tab(
            "ledger",
            Words("规则账本", "Ledger of rules"),
            (
                Section(
                    "ledger",
                    Words("每条规则值多少", "What each market rule is worth"),
                    Words("没有可用策略。", "No strategy is available."),
                    (
                        name("name", "策略", "Strategy"),
                        gain("annualised_return", "年化", "Annualised"),
                        gain("annualised_excess", "超额", "Excess", minor=True),
                        gain("next_open", "不等次日开盘", "No waiting for the open"),
                        gain("limits", "无涨跌停", "No price limits"),
                        gain("suspension", "无停牌", "No suspensions"),
                        gain("st", "含ST", "With ST"),
                        gain("delisting", "不计退市", "No delistings"),
                        gain("cost", "无成本", "No cost"),
                    ),
                    note=Words(
                        "年化收益；其后各列为关闭该规则后年化收益的变化。",
                        "Annualised return; the other columns say how it changes "
                        "when the rule is switched off.",
                    ),
                ),
            ),
        ),
        Tab(
            "models",
            Words("模型训练", "Model runs"),
            (
                Section(
                    "model",
                    Words("模型", "Models"),
                    Words("没有模型。", "There is no model."),
                    (
                        name("name", "模型", "Model"),
                        text("label", "标签", "Label", minor=True),
                        day("first_trade_week", "评分自", "Scores from"),
                        day("last_trade_week", "至", "To"),
                        label("is_available", "可用", "Available"),
                        reason("unavailable_reason", "原因", "Reason"),
                    ),
                ),
                Section(
                    "model_run",
                    Words("训练记录", "Runs"),
                    Words("尚未训练模型。", "No model was trained."),
                    (
                        name("name", "模型", "Model"),
                        text("network", "网络", "Network", minor=True),
                        text("label", "标签", "Label", minor=True),
                        day("train_first_date", "训练自", "Trained from", minor=True),
                        day("train_last_date", "训练至", "Trained to"),
                        day("max_label_end_date", "标签止于", "Labels end"),
                        day("first_scored_date", "首个评分日", "First scored"),
                        count("embargo_days", "隔离天数", "Embargo", minor=True),
                        count("seed_count", "种子数", "Seeds", minor=True),
                        count("epoch_count", "轮数", "Epochs", minor=True),
                        number("valid_ic", "验证IC", "Valid IC"),
                        text("code_version", "版本", "Version", minor=True),
                    ),
                ),
            ),
        ),
        Tab(
            "published",
            Words("与公开数字对账", "Reconciliation"),
            (
                Section(
                    "reconciliation",
                    Words("已对账的数字", "Figures compared"),
                    Words(
                        "没有可比的数字，原因见下。",
                        "No figure is comparable; the reasons stand below.",
                    ),
                    (
                        label("system", "体系", "System"),
                        text("metric", "指标", "Metric"),
                        count("compared_count", "已比", "Compared"),
                        count("figure_count", "全部", "Of"),
                        number(
                            "mean_absolute_error", "平均绝对误差", "Mean abs. error"
                        ),
                        number("rank_correlation", "秩相关", "Rank corr."),
                        share("sign_agreement", "符号一致", "Signs agree"),
                        count("list_overlap", "名单重合", "List overlap", minor=True),
                        count("list_count", "名单数", "Listed", minor=True),
                        count(
                            "signal_matched_count", "信号吻合", "Signals", minor=True
                        ),
                        count("signal_count", "信号数", "Of signals", minor=True),
                    ),
                ),
                Section(
                    "not_compared",
                    Words("不可比的数字及原因", "Figures not comparable, and why"),
                    Words("全部可比。", "All are comparable."),
                    (
                        label("system", "体系", "System"),
                        reason("reason", "原因", "Reason"),
                        count("figure_count", "数量", "Figures"),
                    ),
                ),
            ),
        ),
    ),
    is_weekly=False,
)

REPORTS = (ROTATION, MICROCAP, FACTORS, HONESTY)
