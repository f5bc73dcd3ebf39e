"""Sizes, dates and planted effects of a generated market, as frozen dataclasses.

Add a knob here when a test or a benchmark must vary it; every default has its reason
beside it. Keep random draws and arrays out: they are made by the sibling modules.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True)
class Effects:
    """Expected 5-day return per standard deviation of each driver, in decimals.

    Cross-sectional spread of 5-day returns is about 5.5%, so a driver of 0.002 has a
    rank IC near 0.035. The two products cannot be seen by a linear model. What days
    show stands to what minutes show nearly as 3 : 1, as the published fusion weighs
    the two networks (methodology 5).
    """

    industry_momentum: float = 0.0021
    size: float = -0.0017
    volatility: float = -0.0024
    reversal: float = -0.0029
    turnover: float = -0.0020
    reversal_turnover: float = -0.0074
    intraday: float = 0.0012
    intraday_product: float = 0.0027
    tone_jump: float = 0.0058
    tone_drift: float = 0.0032

    def none(self) -> Effects:
        """Return the effects of the null market: all zero."""
        return replace(self, **{field.name: 0.0 for field in fields(self)})


@dataclass(frozen=True)
class SampleConfig:
    """Size and period of a market.

    Attributes
    ----------
    stocks, delisted : int
        Securities in all, and how many of them leave the exchange in the period.
    first_day, last_day : str
        First and last day of the data (ISO dates, trading days).
    minute_first_day : str or None
        First day with minute bars; None writes none.
    bar_minutes : int
        Length of the minute bars: 1, 5 or 15.
    smallest_industry : int
        Least number of stocks drawn for an industry. The two industries that the pool
        of 32 splits into three get at least three times as many.
    themes, concepts, basket_members : int
        Theme and concept indices and the members each holds.
    reports_per_year : float
        Analyst reports a year on a stock of average coverage.
    warm_up_days : int
        Days simulated before ``first_day`` and not written, so that every trailing
        driver exists on the first day.
    """

    stocks: int = 1000
    delisted: int = 60
    first_day: str = "2020-06-29"
    last_day: str = "2025-06-27"
    minute_first_day: str | None = "2023-01-03"
    bar_minutes: int = 5
    smallest_industry: int = 6
    themes: int = 20
    concepts: int = 15
    basket_members: int = 36
    reports_per_year: float = 12.0
    warm_up_days: int = 240
    effects: Effects = Effects()


DEFAULT = SampleConfig()

# Two years that hold the Shenwan 2021 edition, the opening of the Beijing exchange and
# the main board's new listing rule of 2023-04-10.
SMALL = SampleConfig(
    stocks=128,
    delisted=8,
    first_day="2021-06-01",
    last_day="2023-05-26",
    minute_first_day="2023-02-27",
    smallest_industry=3,
    basket_members=10,
)
