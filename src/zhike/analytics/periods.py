"""Periods of the calendar: a name, the first and the last day, and the same cut as an expression."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from zhike.kernel.errors import Refused
from zhike.kernel.later import Later

if TYPE_CHECKING:
    import ibis
else:
    ibis = Later("ibis")

PeriodKind = Literal["day", "week", "month", "quarter", "half_year", "year"]
PERIODS: tuple[PeriodKind, ...] = ("day", "week", "month", "quarter", "half_year", "year")
MONTHS: dict[str, int] = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}
UNITS = {"week": "W", "month": "M", "quarter": "Q", "year": "Y"}
CODES: dict[PeriodKind, re.Pattern[str]] = {
    "day": re.compile(r"(\d{4})-(\d\d)-(\d\d)"),
    "week": re.compile(r"(\d{4})-W(\d\d)"),
    "month": re.compile(r"(\d{4})-(\d\d)"),
    "quarter": re.compile(r"(\d{4})-Q([1-4])"),
    "half_year": re.compile(r"(\d{4})-H([12])"),
    "year": re.compile(r"(\d{4})"),
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Period:
    """A stretch of days, both ends included; weeks begin on Monday (ISO 8601)."""

    start: dt.date
    end: dt.date
    kind: PeriodKind

    @property
    def code(self) -> str:
        """The stable name: 2024-03-08, 2024-W10, 2024-03, 2024-Q1, 2024-H1, 2024."""
        if self.kind == "day":
            return self.start.isoformat()
        if self.kind == "week":
            year, week, _ = self.start.isocalendar()
            return f"{year:04d}-W{week:02d}"
        number = (self.start.month - 1) // MONTHS[self.kind] + 1
        tail = {"month": f"-{number:02d}", "quarter": f"-Q{number}", "half_year": f"-H{number}", "year": ""}[self.kind]
        return f"{self.start.year:04d}{tail}"

    def shifted(self, count: int) -> Period:
        """The period `count` places later; earlier when negative."""
        if self.kind in ("day", "week"):
            return period_of(self.start + dt.timedelta(days=count * (7 if self.kind == "week" else 1)), self.kind)
        return period_of(_add_months(self.start, count * MONTHS[self.kind]), self.kind)

    def year_before(self) -> Period:
        """The same period of the year before; for a week or a day the one 52 weeks earlier, on the same weekdays."""
        if self.kind in ("day", "week"):
            return period_of(self.start - dt.timedelta(weeks=52), self.kind)
        return period_of(_add_months(self.start, -12), self.kind)


def period_of(day: dt.date, kind: str) -> Period:
    """The period that a day lies in; Refused("period_unknown")."""
    known = _known(kind)
    if known == "day":
        return Period(kind=known, start=day, end=day)
    if known == "week":
        monday = day - dt.timedelta(days=day.weekday())
        return Period(kind=known, start=monday, end=monday + dt.timedelta(days=6))
    start = dt.date(day.year, (day.month - 1) // MONTHS[known] * MONTHS[known] + 1, 1)
    return Period(kind=known, start=start, end=_add_months(start, MONTHS[known]) - dt.timedelta(days=1))


def parse(code: str) -> Period:
    """The period of a code as `Period.code` writes it; Refused("period_unknown")."""
    for kind, pattern in CODES.items():
        if found := pattern.fullmatch(code):
            try:
                return period_of(_first_day(kind, [int(part) for part in found.groups()]), kind)
            except ValueError as error:
                raise Refused("period_unknown", period=code) from error
    raise Refused("period_unknown", period=code)


def _first_day(kind: PeriodKind, parts: list[int]) -> dt.date:
    if kind == "day":
        return dt.date(*parts)
    if kind == "week":
        return dt.date.fromisocalendar(parts[0], parts[1], 1)
    number = parts[1] if len(parts) > 1 else 1
    return dt.date(parts[0], (number - 1) * MONTHS[kind] + 1, 1)


def between(start: dt.date, end: dt.date, kind: str) -> Iterator[Period]:
    """Every period that touches the days from start to end, so that a table shows the empty ones too."""
    period = period_of(start, kind)
    while period.start <= end:
        yield period
        period = period.shifted(1)


def start_of(day: Any, kind: str) -> Any:
    """First day of the period of a date column, as an Ibis expression; equal to `period_of(day, kind).start`."""
    known = _known(kind)
    if known == "day":
        return day
    if known == "half_year":
        return ibis.date(day.year(), (day.month() > 6).ifelse(7, 1), 1)
    return day.truncate(UNITS[known])


def _known(kind: str) -> PeriodKind:
    if kind not in PERIODS:
        raise Refused("period_unknown", period=kind)
    return kind


def _add_months(first: dt.date, months: int) -> dt.date:
    number = first.year * 12 + first.month - 1 + months
    return dt.date(number // 12, number % 12 + 1, 1)
