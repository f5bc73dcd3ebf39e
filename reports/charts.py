"""From rows of a query to what the page prints and draws.

Formats of values and one function for each kind of chart stand here. Add a kind of
chart here and its drawing to ``assets/report.js``; keep arithmetic out, a chart shows
the digits that a table would print.
"""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from typing import Any

from reports.reasons import reason_words
from reports.sections import LABELS, Bars, Column, Heat, Lines, Section, Words

ABSENT = "—"
# Printed unit, digits and suffix of each format of numbers.
UNITS = {
    "percent": (100.0, 2, "%"),
    "number": (1.0, 3, ""),
    "short": (1.0, 2, ""),
    "money": (1e-8, 2, ""),
    "count": (1.0, 0, ""),
}

Row = dict[str, Any]


def words(row: Row, column: Column) -> Words:
    """Return a value as it is printed, in both languages.

    Parameters
    ----------
    row : dict
        A row of the section's query.
    column : Column
        Which value, and its format.

    Returns
    -------
    Words
        A dash for NULL; a code without words as it stands.
    """
    if column.format == "name":
        said = Words(
            row[f"{column.name}_cn"] or ABSENT, row[f"{column.name}_en"] or ABSENT
        )
        # A code that has no names in the warehouse.
        return LABELS.get(said.en, said) if said.zh == said.en else said
    value = row[column.name]
    if value is None:
        return Words(ABSENT, ABSENT)
    if column.format == "reason":
        return reason_words(str(value))
    if column.format == "label":
        return LABELS.get(str(value), Words(str(value), str(value)))
    printed = _printed(value, column.format)
    return Words(printed, printed)


def _printed(value: Any, form: str) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date) or form not in UNITS:
        return str(value)
    scale, digits, suffix = UNITS[form]
    return f"{scale * float(value):z,.{digits}f}{suffix}"


def sign(row: Row, column: Column) -> str:
    """Return ``up``, ``down`` or nothing for the colour of a value as printed."""
    value = _number(row, column) if column.is_signed else None
    return "up" if value and value > 0 else "down" if value and value < 0 else ""


def chart(section: Section, rows: list[Row]) -> dict[str, Any]:
    """Return what ``report.js`` draws of a section.

    Parameters
    ----------
    section : Section
        A section with a chart.
    rows : list of dict
        Rows of its query, in the order in which they are drawn.

    Returns
    -------
    dict
        Ready for JSON; numbers in the printed unit with the printed digits, NULL for
        what is absent, words as pairs of both languages.
    """
    match section.chart:
        case Bars() as bars:
            return _bars(bars, rows)
        case Heat() as heat:
            return _heat(heat, rows)
        case Lines() as lines:
            return _lines(lines, rows)
    message = f"section {section.key} has no chart"
    raise ValueError(message)


def _number(row: Row, column: Column) -> float | None:
    value = row[column.name]
    if value is None:
        return None
    scale, digits, _ = UNITS[column.format]
    rounded: float = round(scale * float(value), digits) + 0.0
    return rounded


def _unit(column: Column) -> dict[str, Any]:
    _, digits, suffix = UNITS[column.format]
    return {"name": column.words, "digits": digits, "suffix": suffix}


def _bars(bars: Bars, rows: list[Row]) -> dict[str, Any]:
    return {
        "kind": "bars",
        "categories": [words(row, bars.category) for row in rows],
        "series": [
            {**_unit(column), "values": [_number(row, column) for row in rows]}
            for column in bars.values
        ],
    }


def _heat(heat: Heat, rows: list[Row]) -> dict[str, Any]:
    across = list(dict.fromkeys(words(row, heat.x) for row in rows))
    if heat.x.format in {"date", "text"}:
        across.sort()
    down = list(dict.fromkeys(words(row, heat.y) for row in rows))
    at_x = {value: place for place, value in enumerate(across)}
    at_y = {value: place for place, value in enumerate(down)}
    return {
        "kind": "heat",
        "x": {"name": heat.x.words, "values": across},
        "y": {"name": heat.y.words, "values": down},
        "isDiverging": heat.is_diverging,
        "fullColour": heat.full_colour,
        **_unit(heat.value),
        "cells": [
            (
                at_x[words(row, heat.x)],
                at_y[words(row, heat.y)],
                _number(row, heat.value),
            )
            for row in rows
        ],
        "overlays": [
            {
                "name": overlay.words,
                "points": sorted(
                    {
                        (at_x[words(row, heat.x)], at_y[words(row, overlay)])
                        for row in rows
                        if words(row, overlay) in at_y
                    }
                ),
            }
            for overlay in heat.overlays
        ],
    }


def _lines(lines: Lines, rows: list[Row]) -> dict[str, Any]:
    dates = sorted({row[lines.date] for row in rows})
    groups: dict[Words | None, dict[date, Row]] = {}
    for row in rows:
        key = words(row, lines.series) if lines.series else None
        groups.setdefault(key, {})[row[lines.date]] = row
    return {
        "kind": "lines",
        "dates": [str(each) for each in dates],
        "panels": [
            [
                {
                    **_unit(column),
                    "name": key or column.words,
                    "values": [
                        _number(by_date[each], column) if each in by_date else None
                        for each in dates
                    ],
                }
                for key, by_date in groups.items()
                for column in columns
            ]
            for columns in (lines.upper, lines.lower)
            if columns
        ],
        "titles": [
            columns[0].words for columns in (lines.upper, lines.lower) if columns
        ],
        "isLowerDown": lines.is_lower_down,
        "breaks": _breaks(lines, rows),
        "levels": lines.levels,
        "marks": [
            {
                "name": mark.words,
                "points": [
                    {
                        "date": str(row[lines.date]),
                        "value": _number(row, lines.upper[0]),
                        "code": row[mark.name],
                        "words": words(row, mark),
                    }
                    for row in rows
                    if row[mark.name] is not None
                ],
            }
            for mark in lines.marks
        ],
    }


def _breaks(lines: Lines, rows: list[Row]) -> list[str]:
    """Return the dates on which the one series of a date is another than before."""
    if lines.series is None or not lines.has_one_series_a_date:
        return []
    ordered = sorted(rows, key=lambda row: row[lines.date])
    column = lines.series.name
    return [
        str(row[lines.date])
        for before, row in pairwise(ordered)
        if before[column] != row[column]
    ]
