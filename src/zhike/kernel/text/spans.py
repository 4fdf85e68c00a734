"""Stretches of days that filters mean: this month, the last 30 days, from a day to another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence


def span(op: str, values: Sequence[str], today: dt.date) -> tuple[dt.date | None, dt.date | None]:
    """The days that an operator means, from the first to the one after the last; None where there is no end.

    Raises ValueError, IndexError or KeyError for values that mean no day, OverflowError for days beyond the calendar.
    """
    day = dt.timedelta(days=1)
    if op in ("within", "before"):
        since = today - dt.timedelta(days=int(values[0]))
        return (since, None) if op == "within" else (None, since)
    if op in ("this", "last"):
        start, end = whole(values[0], today)
        return (start, end) if op == "this" else whole(values[0], start - day)
    first, last = dt.date.fromisoformat(values[0]), dt.date.fromisoformat(values[-1])
    if op == "between":
        return min(first, last), max(first, last) + day
    return {"is": (first, first + day), "in": (first, first + day), "ge": (first, None), "le": (None, last + day)}[op]


def whole(part: str, day: dt.date) -> tuple[dt.date, dt.date]:
    """The day, week, month, quarter or year that a day lies in: its first day, and the first after it; KeyError for others."""
    month = day.replace(day=1)
    starts = {
        "day": day,
        "week": day - dt.timedelta(days=day.weekday()),
        "month": month,
        "quarter": month.replace(month=(day.month - 1) // 3 * 3 + 1),
        "year": month.replace(month=1),
    }
    start = starts[part]
    if part in ("day", "week"):
        return start, start + dt.timedelta(days=7 if part == "week" else 1)
    months = {"month": 1, "quarter": 3, "year": 12}[part]
    return start, (start + dt.timedelta(days=31 * months)).replace(day=1)
