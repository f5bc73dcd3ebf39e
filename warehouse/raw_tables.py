"""The declaration of every raw table: columns, types, units, keys, allowed ranges.

DDL, the loader's checks, the dbt sources and the data dictionary are all made from what
stands here. Add a table or a column here and run ``make docs``; keep derived quantities
out, they are dbt models.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

SECURITY_CODE = r"^\d{6}\.(SH|SZ|BJ)$"
INDEX_CODE = r"^[0-9A-Z_]{2,16}(\.[A-Z]{2,4})?$"

ColumnType = Literal["VARCHAR", "DATE", "TIMESTAMP", "DOUBLE", "BIGINT", "BOOLEAN"]


class Column(BaseModel):
    """One column of a raw table.

    ``minimum`` and ``maximum`` are inclusive bounds in the column's own unit;
    ``positive`` excludes zero. ``values`` lists the only texts allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: ColumnType
    description: str
    unit: str | None = None
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    positive: bool = False
    pattern: str | None = None
    values: tuple[str, ...] = ()
    closes_later: bool = False


class RowCheck(BaseModel):
    """A condition over one row: a row for which it is false is set aside.

    A condition that is NULL (an optional column is absent) passes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    condition: str
    column: str
    message: str


class RawTable(BaseModel):
    """A raw table.

    Attributes
    ----------
    known_column : str or None
        Date (or time) from which a row is known; cutting the raw data at a date keeps
        the rows at or before it. None: known from the beginning (the calendar). For
        ``etf_share`` and ``margin_balance`` it is the day that they are of, so that the
        flows of a cut end with it as everything else does; they are published the next
        morning, and a test over the manifest lets no score, signal or weight descend
        from them but by the ``known_date`` of the flows.
    calendar_column : str or None
        Date that must be a trading day.
    references_security : bool
        Whether ``security_code`` must be in ``security``.
    storage : str
        ``duckdb``, or ``lake`` for Parquet in one folder a day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    row_checks: tuple[RowCheck, ...] = ()
    known_column: str | None = None
    calendar_column: str | None = None
    references_security: bool = False
    storage: Literal["duckdb", "lake"] = "duckdb"

    def column(self, name: str) -> Column:
        """Return the column called ``name``; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def _code(
    description: str = "Security code with exchange, such as 600000.SH.",
) -> Column:
    return Column(
        name="security_code",
        type="VARCHAR",
        description=description,
        required=True,
        pattern=SECURITY_CODE,
    )


def _index_code(description: str = "Index code, such as 000300.SH.") -> Column:
    return Column(
        name="index_code",
        type="VARCHAR",
        description=description,
        required=True,
        pattern=INDEX_CODE,
    )


def _date(name: str, description: str, *, required: bool = True) -> Column:
    return Column(name=name, type="DATE", description=description, required=required)


def _price(name: str, description: str, *, required: bool = False) -> Column:
    return Column(
        name=name,
        type="DOUBLE",
        unit="CNY",
        description=description,
        required=required,
        positive=True,
    )


def _amount(name: str, description: str, unit: str = "CNY") -> Column:
    return Column(
        name=name, type="DOUBLE", unit=unit, description=description, minimum=0
    )


def _number(name: str, description: str, unit: str | None = None) -> Column:
    return Column(name=name, type="DOUBLE", unit=unit, description=description)


def _text(name: str, description: str, *, required: bool = False) -> Column:
    return Column(name=name, type="VARCHAR", description=description, required=required)


VALID_FROM = _date("valid_from", "First day on which the row holds and is known.")
VALID_TO = Column(
    name="valid_to",
    type="DATE",
    description="First day on which the row no longer holds; NULL while it holds.",
    closes_later=True,
)
RANGE_CHECK = RowCheck(
    name="range_reversed",
    condition="valid_to > valid_from",
    column="valid_to",
    message="valid_to must lie after valid_from",
)


def _ohlc_checks(low: str, high: str, others: tuple[str, ...]) -> tuple[RowCheck, ...]:
    """High is the largest and low the smallest price of a bar."""
    checks = [
        RowCheck(
            name="high_below_low",
            condition=f"{high} >= {low}",
            column=high,
            message="high must be at least low",
        )
    ]
    checks.extend(
        RowCheck(
            name=f"{other}_outside_range",
            condition=f"{other} between {low} and {high}",
            column=other,
            message=f"{other} must lie between low and high",
        )
        for other in others
    )
    return tuple(checks)


STOCK_OHLC = _ohlc_checks("low_cny", "high_cny", ("open_cny", "close_cny"))
INDEX_OHLC = _ohlc_checks("low", "high", ("open", "close"))

# A bar that is named by its beginning shows at lunch: none ends at 13:00.
BAR_ENDS = (
    RowCheck(
        name="off_the_grid",
        condition="second(bar_time) = 0 and minute(bar_time) % bar_minutes = 0",
        column="bar_time",
        message="the end of a bar of bar_minutes, counted from the full hour",
    ),
    RowCheck(
        name="outside_trading_hours",
        condition=(
            "cast(bar_time as time) between time '09:15' and time '11:30' or "
            "cast(bar_time as time) > time '13:00' "
            "and cast(bar_time as time) <= time '15:30'"
        ),
        column="bar_time",
        message="the end of a bar: 9:15 to 11:30, or after 13:00 up to 15:30",
    ),
)


RAW_TABLES: tuple[RawTable, ...] = (
    RawTable(
        name="trading_calendar",
        description=(
            "Days of the Shanghai and Shenzhen exchanges, reaching past the data. "
            "One row per calendar day; a day that is absent is closed."
        ),
        key=("calendar_date",),
        columns=(
            _date("calendar_date", "Calendar day."),
            Column(
                name="is_open",
                type="BOOLEAN",
                description="Whether the exchanges trade on the day.",
                required=True,
            ),
        ),
    ),
    RawTable(
        name="security",
        description="Listed and delisted A-shares. One row per security.",
        key=("security_code",),
        known_column="list_date",
        columns=(
            _code(),
            _text("name", "Short name, as of the load."),
            Column(
                name="board",
                type="VARCHAR",
                description="Board of the listing.",
                required=True,
                values=("main", "chinext", "star", "beijing"),
            ),
            _date("list_date", "First trading day."),
            Column(
                name="delist_date",
                type="DATE",
                description="First day without listing; NULL while listed.",
                closes_later=True,
            ),
        ),
        row_checks=(
            RowCheck(
                name="delisted_before_listed",
                condition="delist_date > list_date",
                column="delist_date",
                message="delist_date must lie after list_date",
            ),
        ),
    ),
    RawTable(
        name="daily_bar",
        description=(
            "Daily bars of stocks: unadjusted prices and the cumulative adjustment "
            "factor. One row per security and trading day."
        ),
        key=("security_code", "trade_date"),
        known_column="trade_date",
        calendar_column="trade_date",
        references_security=True,
        columns=(
            _code(),
            _date("trade_date", "Trading day."),
            _price("open_cny", "Opening price, not adjusted.", required=True),
            _price("high_cny", "Highest price, not adjusted.", required=True),
            _price("low_cny", "Lowest price, not adjusted.", required=True),
            _price("close_cny", "Closing price, not adjusted.", required=True),
            _price(
                "previous_close_cny",
                "Reference price of the day: previous close less ex-rights effects.",
            ),
            Column(
                name="volume_shares",
                type="DOUBLE",
                unit="shares",
                description="Volume; zero or NULL on a suspended day.",
                minimum=0,
            ),
            _amount("amount_cny", "Traded value."),
            Column(
                name="adjust_factor",
                type="DOUBLE",
                description="Cumulative factor: back-adjusted price = price x factor.",
                required=True,
                positive=True,
            ),
            Column(
                name="turnover_ratio",
                type="DOUBLE",
                unit="decimal",
                description="Volume over float shares as the vendor states it.",
                minimum=0,
            ),
            Column(
                name="bar_source",
                type="VARCHAR",
                description=(
                    "'vendor' as delivered, 'rebuilt' where the raw level was derived "
                    "from forward-adjusted prices."
                ),
                values=("vendor", "rebuilt"),
            ),
        ),
        row_checks=STOCK_OHLC,
    ),
    RawTable(
        name="share_capital",
        description="Share counts. One row per security and day of change.",
        key=("security_code", "valid_from"),
        known_column="valid_from",
        references_security=True,
        columns=(
            _code(),
            VALID_FROM,
            Column(
                name="total_shares",
                type="DOUBLE",
                unit="shares",
                description="All shares of the company.",
                required=True,
                positive=True,
            ),
            Column(
                name="float_shares",
                type="DOUBLE",
                unit="shares",
                description="Listed A-shares free of a lock-up.",
                positive=True,
            ),
            Column(
                name="free_float_shares",
                type="DOUBLE",
                unit="shares",
                description="Float shares less holdings above five per cent.",
                positive=True,
            ),
        ),
    ),
    RawTable(
        name="price_limit",
        description="The exchange's limit prices. One row per security and day.",
        key=("security_code", "trade_date"),
        known_column="trade_date",
        calendar_column="trade_date",
        references_security=True,
        columns=(
            _code(),
            _date("trade_date", "Trading day."),
            _price("limit_up_cny", "Upper limit price."),
            _price("limit_down_cny", "Lower limit price."),
        ),
        row_checks=(
            RowCheck(
                name="limits_reversed",
                condition="limit_up_cny >= limit_down_cny",
                column="limit_up_cny, limit_down_cny",
                message="limit_up_cny of at least limit_down_cny",
            ),
        ),
    ),
    RawTable(
        name="st_status",
        description="Special-treatment periods. One row per security and period.",
        key=("security_code", "valid_from"),
        known_column="valid_from",
        references_security=True,
        columns=(
            _code(),
            VALID_FROM,
            VALID_TO,
            Column(
                name="status",
                type="VARCHAR",
                description="ST, *ST, or the delisting period.",
                required=True,
                values=("ST", "*ST", "delisting"),
            ),
        ),
        row_checks=(RANGE_CHECK,),
    ),
    RawTable(
        name="industry_member",
        description=(
            "Industry of each security over time. One row per security, industry "
            "system and first day known."
        ),
        key=("security_code", "industry_system", "valid_from"),
        known_column="valid_from",
        references_security=True,
        columns=(
            _code(),
            Column(
                name="industry_system",
                type="VARCHAR",
                description="Classification.",
                required=True,
                values=("citic1", "citic2", "pool32", "shenwan1"),
            ),
            _text("industry_code", "Industry within the system.", required=True),
            VALID_FROM,
            VALID_TO,
            _date("updated_date", "Day of the vendor's last edit.", required=False),
        ),
        row_checks=(RANGE_CHECK,),
    ),
    RawTable(
        name="market_index",
        description="Indices. One row per index.",
        key=("index_code",),
        columns=(
            _index_code(),
            _text("name", "Name.", required=True),
            Column(
                name="index_class",
                type="VARCHAR",
                description="What the index stands for.",
                required=True,
                values=("broad", "industry", "theme", "concept", "style"),
            ),
        ),
    ),
    RawTable(
        name="index_bar",
        description="Daily bars of indices. One row per index and trading day.",
        key=("index_code", "trade_date"),
        known_column="trade_date",
        calendar_column="trade_date",
        columns=(
            _index_code(),
            _date("trade_date", "Trading day."),
            Column(
                name="open",
                type="DOUBLE",
                unit="points",
                description="Opening level; NULL where closes only are loaded.",
                positive=True,
            ),
            Column(
                name="high",
                type="DOUBLE",
                unit="points",
                description="Highest level.",
                positive=True,
            ),
            Column(
                name="low",
                type="DOUBLE",
                unit="points",
                description="Lowest level.",
                positive=True,
            ),
            Column(
                name="close",
                type="DOUBLE",
                unit="points",
                description="Closing level.",
                required=True,
                positive=True,
            ),
            _amount("volume_shares", "Volume.", "shares"),
            _amount("amount_cny", "Traded value."),
        ),
        row_checks=INDEX_OHLC,
    ),
    RawTable(
        name="index_member",
        description="Members of indices. One row per index, member and entry.",
        key=("index_code", "security_code", "valid_from"),
        known_column="valid_from",
        references_security=True,
        columns=(_index_code(), _code(), VALID_FROM, VALID_TO),
        row_checks=(RANGE_CHECK,),
    ),
    RawTable(
        name="index_weight",
        description="Published weights. One row per index, member and trading day.",
        key=("index_code", "security_code", "trade_date"),
        known_column="trade_date",
        references_security=True,
        columns=(
            _index_code(),
            _code(),
            _date("trade_date", "Day of the weight."),
            Column(
                name="weight",
                type="DOUBLE",
                unit="decimal",
                description="Share of the index.",
                required=True,
                minimum=0,
                maximum=1,
            ),
        ),
    ),
    RawTable(
        name="minute_bar",
        description="Minute bars. One row per security and end of bar.",
        key=("security_code", "bar_time"),
        known_column="bar_time",
        references_security=True,
        storage="lake",
        columns=(
            _code(),
            Column(
                name="bar_time",
                type="TIMESTAMP",
                description="End of the bar, exchange time.",
                required=True,
            ),
            Column(
                name="bar_minutes",
                type="BIGINT",
                unit="minutes",
                description="Length of the bar.",
                required=True,
                values=("1", "5", "15"),
            ),
            _price("open_cny", "First price.", required=True),
            _price("high_cny", "Highest price.", required=True),
            _price("low_cny", "Lowest price.", required=True),
            _price("close_cny", "Last price.", required=True),
            _amount("volume_shares", "Volume.", "shares"),
            _amount("amount_cny", "Traded value."),
            _amount("trade_count", "Number of trades.", "trades"),
        ),
        row_checks=(*STOCK_OHLC, *BAR_ENDS),
    ),
    RawTable(
        name="trade_tick",
        description="Trade by trade. One row per security, day and trade number.",
        key=("security_code", "trade_time", "trade_number"),
        known_column="trade_time",
        references_security=True,
        storage="lake",
        columns=(
            _code(),
            Column(
                name="trade_time",
                type="TIMESTAMP",
                description="Exchange time of the trade.",
                required=True,
            ),
            Column(
                name="trade_number",
                type="BIGINT",
                description="Running number within the day.",
                required=True,
            ),
            _price("price_cny", "Price.", required=True),
            _amount("volume_shares", "Volume.", "shares"),
            Column(
                name="side",
                type="VARCHAR",
                description="Active side.",
                required=True,
                values=("buy", "sell", "unknown"),
            ),
            Column(name="buy_order", type="BIGINT", description="Buy order number."),
            Column(name="sell_order", type="BIGINT", description="Sell order number."),
        ),
    ),
    RawTable(
        name="order_tick",
        description="Order by order. One row per security, day and order number.",
        key=("security_code", "order_time", "order_number"),
        known_column="order_time",
        references_security=True,
        storage="lake",
        columns=(
            _code(),
            Column(
                name="order_time",
                type="TIMESTAMP",
                description="Exchange time of the order.",
                required=True,
            ),
            Column(
                name="order_number",
                type="BIGINT",
                description="Running number within the day.",
                required=True,
            ),
            _price("price_cny", "Limit price; NULL for a market order."),
            _amount("volume_shares", "Volume.", "shares"),
            Column(
                name="side",
                type="VARCHAR",
                description="Side of the order.",
                required=True,
                values=("buy", "sell"),
            ),
        ),
    ),
    RawTable(
        name="etf",
        description="Exchange-traded funds. One row per fund.",
        key=("etf_code",),
        known_column="list_date",
        columns=(
            Column(
                name="etf_code",
                type="VARCHAR",
                description="Fund code with exchange, such as 510300.SH.",
                required=True,
                pattern=SECURITY_CODE,
            ),
            _text("name", "Short name.", required=True),
            _date("list_date", "First trading day.", required=False),
            _text("etf_class", "Tracked class: broad, tmt, consumption, ..."),
            Column(
                name="index_code",
                type="VARCHAR",
                description="Index tracked.",
                pattern=INDEX_CODE,
            ),
        ),
    ),
    RawTable(
        name="etf_bar",
        description="Daily bars of ETFs. One row per fund and trading day.",
        key=("etf_code", "trade_date"),
        known_column="trade_date",
        calendar_column="trade_date",
        columns=(
            Column(
                name="etf_code",
                type="VARCHAR",
                description="Fund code with exchange.",
                required=True,
                pattern=SECURITY_CODE,
            ),
            _date("trade_date", "Trading day."),
            _price("open_cny", "Opening price, not adjusted."),
            _price("high_cny", "Highest price, not adjusted."),
            _price("low_cny", "Lowest price, not adjusted."),
            _price("close_cny", "Closing price, not adjusted.", required=True),
            _price("net_asset_value_cny", "Net asset value of a share."),
            _amount("volume_shares", "Volume.", "shares"),
            _amount("amount_cny", "Traded value."),
            Column(
                name="adjust_factor",
                type="DOUBLE",
                description="Cumulative factor: back-adjusted price = price x factor.",
                positive=True,
            ),
        ),
        row_checks=STOCK_OHLC,
    ),
    RawTable(
        name="etf_share",
        description=(
            "Shares outstanding of ETFs at the end of the day, published the next "
            "morning. One row per fund and trading day."
        ),
        key=("etf_code", "trade_date"),
        known_column="trade_date",
        calendar_column="trade_date",
        columns=(
            Column(
                name="etf_code",
                type="VARCHAR",
                description="Fund code with exchange.",
                required=True,
                pattern=SECURITY_CODE,
            ),
            _date("trade_date", "Trading day."),
            Column(
                name="total_shares",
                type="DOUBLE",
                unit="shares",
                description="Shares outstanding.",
                required=True,
                minimum=0,
            ),
        ),
    ),
    RawTable(
        name="margin_balance",
        description=(
            "Margin trading, published the next morning. One row per security (or "
            "'all' for the market) and trading day."
        ),
        key=("security_code", "trade_date"),
        known_column="trade_date",
        calendar_column="trade_date",
        columns=(
            Column(
                name="security_code",
                type="VARCHAR",
                description="Security code, or 'all' for the whole market.",
                required=True,
                pattern=r"^(\d{6}\.(SH|SZ|BJ)|all)$",
            ),
            _date("trade_date", "Trading day."),
            _amount("financing_balance_cny", "Money lent to buy shares."),
            _amount("financing_buy_cny", "Bought with lent money on the day."),
            _amount("lending_balance_cny", "Value of shares lent."),
        ),
    ),
    RawTable(
        name="fundamental",
        description=(
            "Fundamentals by report. One row per security, end of the period and day "
            "on which the figures became known."
        ),
        key=("security_code", "period_end", "known_date"),
        known_column="known_date",
        references_security=True,
        columns=(
            _code(),
            _date("period_end", "Last day of the reporting period."),
            _date(
                "known_date", "First trading day on which the figures could be used."
            ),
            _amount("market_cap_cny", "Total market cap at the period's end."),
            _number("pe_ratio", "Price over trailing earnings at the period's end."),
            _number("pb_ratio", "Price over book at the period's end."),
            _number("ps_ratio", "Price over trailing sales at the period's end."),
            _number("dividend_yield", "Dividends of 12 months over price.", "decimal"),
            _number("return_on_equity", "Year to date.", "decimal"),
            _number("return_on_assets", "Year to date.", "decimal"),
            _number("debt_to_assets", "Liabilities over assets.", "decimal"),
            _number("revenue_cny", "Sales, year to date.", "CNY"),
            _number("net_profit_cny", "Parent's net profit, year to date.", "CNY"),
            _number(
                "operating_cash_flow_cny", "Operating cash flow, year to date.", "CNY"
            ),
            _number("total_assets_cny", "Total assets.", "CNY"),
            _number("total_liabilities_cny", "Total liabilities.", "CNY"),
            _number("long_term_debt_cny", "Long-term debt.", "CNY"),
            _number("book_equity_cny", "Equity of the parent's holders.", "CNY"),
            _number("shareholder_count", "Number of shareholders.", "holders"),
        ),
        row_checks=(
            RowCheck(
                name="known_before_period_end",
                condition="known_date >= period_end",
                column="known_date",
                message="known_date must not lie before period_end",
            ),
        ),
    ),
    RawTable(
        name="corporate_action",
        description=(
            "Dividends, bonus shares and rights issues. One row per security and "
            "ex-date."
        ),
        key=("security_code", "ex_date"),
        known_column="ex_date",
        calendar_column="ex_date",
        references_security=True,
        columns=(
            _code(),
            _date("ex_date", "First day without the right."),
            _date("announce_date", "Day of the announcement.", required=False),
            _amount("cash_dividend_cny", "Cash for a share held, before tax."),
            _amount(
                "bonus_share_ratio", "New shares for a share held, free.", "shares"
            ),
            _amount("rights_share_ratio", "Shares offered for a share held.", "shares"),
            _price("rights_price_cny", "Price of an offered share."),
        ),
    ),
    RawTable(
        name="analyst_report",
        description="Analysts' reports on companies. One row per report.",
        key=("report_id",),
        known_column="published_at",
        columns=(
            _text(
                "report_id",
                "Identifier of the source or hash of the text.",
                required=True,
            ),
            _code("Company reported on."),
            Column(
                name="published_at",
                type="TIMESTAMP",
                description="Publication, exchange time; midnight where unknown.",
                required=True,
            ),
            Column(
                name="has_time",
                type="BOOLEAN",
                description="Whether published_at bears a time of day.",
                required=True,
            ),
            _text("broker", "Publishing broker."),
            _text("analyst", "Authors."),
            _text("title", "Title.", required=True),
            _text("abstract", "Abstract or conclusion."),
            _text("rating", "Rating given."),
        ),
    ),
    RawTable(
        name="forecast",
        description=("Analysts' forecasts. One row per report and fiscal year."),
        key=("report_id", "fiscal_year"),
        known_column="published_at",
        columns=(
            _text("report_id", "Report that states the forecast.", required=True),
            Column(
                name="fiscal_year",
                type="BIGINT",
                unit="year",
                description="Year forecast.",
                required=True,
            ),
            _code("Company forecast."),
            Column(
                name="published_at",
                type="TIMESTAMP",
                description="Publication, exchange time.",
                required=True,
            ),
            _text("broker", "Publishing broker."),
            _number("earnings_per_share_cny", "Earnings per share.", "CNY"),
            _number("net_profit_cny", "Net profit.", "CNY"),
        ),
    ),
    RawTable(
        name="model_score",
        description=(
            "Scores written back by the models. One row per model, security and week."
        ),
        key=("model_code", "security_code", "trade_week"),
        known_column="trade_week",
        references_security=True,
        columns=(
            _text("model_code", "Model.", required=True),
            _code(),
            _date("trade_week", "Last trading day of the exchange week."),
            _number("score", "Raw output of the model."),
            Column(
                name="decision_time",
                type="TIMESTAMP",
                description=(
                    "From when the score is known, exchange time: the close of the "
                    "week's last session."
                ),
            ),
            _text("run_id", "Training whose checkpoint gave the score."),
        ),
    ),
    RawTable(
        name="portfolio_weight",
        description=(
            "Portfolios of the index enhancements, as a solver made them at the close "
            "of the signal date. One row per strategy, signal date and security held."
        ),
        key=("strategy_code", "signal_date", "security_code"),
        known_column="signal_date",
        calendar_column="signal_date",
        references_security=True,
        columns=(
            _text("strategy_code", "Strategy.", required=True),
            _date("signal_date", "Day whose close gave the portfolio."),
            _code(),
            Column(
                name="target_weight",
                type="DOUBLE",
                unit="decimal",
                description="Share of the portfolio; those of a portfolio sum to one.",
                required=True,
                positive=True,
                maximum=1.000001,
            ),
            Column(
                name="outcome",
                type="VARCHAR",
                description=(
                    "'kept' where every bound is kept, 'turnover_exceeded' where the "
                    "others needed more, 'no_trade' where they contradict each other."
                ),
                required=True,
                values=("kept", "turnover_exceeded", "no_trade"),
            ),
            _text("reason", "What was given up; NULL where every bound is kept."),
            Column(
                name="decision_time",
                type="TIMESTAMP",
                description=(
                    "From when the portfolio is known, exchange time: the close of the "
                    "signal date."
                ),
                required=True,
            ),
            _text("bounds", "Index, model and bounds of then, as JSON.", required=True),
            _text("code_version", "Version of the code that made it.", required=True),
        ),
    ),
    RawTable(
        name="text_score",
        description=(
            "Classes of analysts' reports as the text models see them, out of sample. "
            "One row per encoder and report."
        ),
        key=("encoder_code", "report_id"),
        known_column="known_date",
        columns=(
            _text("encoder_code", "What turns a text into numbers.", required=True),
            _text("report_id", "Report.", required=True),
            _code("Company reported on."),
            _date("known_date", "First trading day on which the report was known."),
            _number("down_probability", "Probability of the lowest class."),
            _number("middle_probability", "Probability of the middle class."),
            _number("up_probability", "Probability of the highest class."),
            _number("low_threshold", "Abnormal return below which the class is down."),
            _number("high_threshold", "Abnormal return above which the class is up."),
            _date(
                "corpus_cutoff_date",
                "First day of which the encoder has read no text; NULL where unknown.",
                required=False,
            ),
            _text("run_id", "Training that gave the score."),
            _text(
                "text_hash",
                "Hash of the words scored; NULL where none was kept.",
            ),
        ),
    ),
    RawTable(
        name="text_sentence",
        description=(
            "What each sentence adds to a report's score: the score less the score "
            "without it. One row per encoder, report and sentence."
        ),
        key=("encoder_code", "report_id", "sentence_number"),
        known_column="known_date",
        columns=(
            _text("encoder_code", "What turns a text into numbers.", required=True),
            _text("report_id", "Report.", required=True),
            Column(
                name="sentence_number",
                type="BIGINT",
                description="Place in the report, from 1; the title is the first.",
                required=True,
            ),
            _date("known_date", "First trading day on which the report was known."),
            _text("sentence", "Words of the sentence.", required=True),
            _number("score_change", "Score less the score without the sentence."),
            _text(
                "text_hash",
                "Hash of the report's words; NULL where none was kept.",
            ),
            _text("run_id", "Training that gave the score; NULL where none was kept."),
        ),
    ),
)

RAW_TABLE_BY_NAME = {table.name: table for table in RAW_TABLES}
