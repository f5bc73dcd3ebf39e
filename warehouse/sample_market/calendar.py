"""The exchange's holidays from 2019 to 2026 and the trading days they leave.

Add a year when the exchange announces it. Keep weeks and months out: they are made by
dbt from the loaded calendar.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Dates = npt.NDArray[np.datetime64]

FIRST_CALENDAR_DAY = np.datetime64("2019-01-01")
LAST_CALENDAR_DAY = np.datetime64("2026-12-31")

# Announcements of the Shanghai and Shenzhen exchanges: first and last closed day.
HOLIDAYS: tuple[tuple[str, str], ...] = (
    ("2019-01-01", "2019-01-01"),
    ("2019-02-04", "2019-02-10"),
    ("2019-04-05", "2019-04-07"),
    ("2019-05-01", "2019-05-04"),
    ("2019-06-07", "2019-06-09"),
    ("2019-09-13", "2019-09-15"),
    ("2019-10-01", "2019-10-07"),
    ("2020-01-01", "2020-01-01"),
    ("2020-01-24", "2020-02-02"),
    ("2020-04-04", "2020-04-06"),
    ("2020-05-01", "2020-05-05"),
    ("2020-06-25", "2020-06-27"),
    ("2020-10-01", "2020-10-08"),
    ("2021-01-01", "2021-01-03"),
    ("2021-02-11", "2021-02-17"),
    ("2021-04-03", "2021-04-05"),
    ("2021-05-01", "2021-05-05"),
    ("2021-06-12", "2021-06-14"),
    ("2021-09-19", "2021-09-21"),
    ("2021-10-01", "2021-10-07"),
    ("2022-01-01", "2022-01-03"),
    ("2022-01-31", "2022-02-06"),
    ("2022-04-03", "2022-04-05"),
    ("2022-04-30", "2022-05-04"),
    ("2022-06-03", "2022-06-05"),
    ("2022-09-10", "2022-09-12"),
    ("2022-10-01", "2022-10-07"),
    ("2022-12-31", "2023-01-02"),
    ("2023-01-21", "2023-01-27"),
    ("2023-04-05", "2023-04-05"),
    ("2023-04-29", "2023-05-03"),
    ("2023-06-22", "2023-06-24"),
    ("2023-09-29", "2023-10-06"),
    ("2023-12-30", "2024-01-01"),
    ("2024-02-09", "2024-02-17"),
    ("2024-04-04", "2024-04-06"),
    ("2024-05-01", "2024-05-05"),
    ("2024-06-08", "2024-06-10"),
    ("2024-09-15", "2024-09-17"),
    ("2024-10-01", "2024-10-07"),
    ("2025-01-01", "2025-01-01"),
    ("2025-01-28", "2025-02-04"),
    ("2025-04-04", "2025-04-06"),
    ("2025-05-01", "2025-05-05"),
    ("2025-05-31", "2025-06-02"),
    ("2025-10-01", "2025-10-08"),
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
)


def calendar_days(first: np.datetime64, last: np.datetime64) -> Dates:
    """Return every calendar day from ``first`` to ``last``, both included."""
    return np.arange(first, last + np.timedelta64(1, "D"), dtype="datetime64[D]")


def is_open(days: Dates) -> npt.NDArray[np.bool_]:
    """Tell for each day whether the exchanges trade: weekdays without holidays."""
    holidays = np.concatenate(
        [calendar_days(np.datetime64(a), np.datetime64(b)) for a, b in HOLIDAYS]
    )
    return np.asarray(np.is_busday(days, holidays=holidays))


def trading_days(first: np.datetime64, last: np.datetime64) -> Dates:
    """Return the trading days from ``first`` to ``last``, both included.

    Raises
    ------
    ValueError
        If the range leaves the years whose holidays are known.
    """
    if first < FIRST_CALENDAR_DAY or last > LAST_CALENDAR_DAY:
        raise ValueError(
            f"holidays are known from {FIRST_CALENDAR_DAY} to {LAST_CALENDAR_DAY}, "
            f"asked for {first} to {last}; add the years to HOLIDAYS"
        )
    days = calendar_days(first, last)
    return days[is_open(days)]
