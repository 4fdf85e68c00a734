"""Lunar birthdays: the solar days on which a person who keeps the lunar calendar has birthday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from lunar_python import Lunar, LunarMonth, LunarYear, Solar


@dataclass(frozen=True, slots=True, kw_only=True)
class LunarDay:
    """A day of the lunar calendar: year of its Spring Festival, month 1 to 12, day 1 to 30, leap month or not."""

    year: int
    month: int
    day: int
    is_leap: bool


def birthdays_in_year(month: int, day: int, is_leap: bool, year: int) -> list[date]:
    """Solar days within solar `year` of a lunar birthday: none, one or two; ValueError for no such month or day.

    A leap-month birthday falls in the ordinary month in years without that leap month;
    day 30 of a month with 29 days is day 29.
    """
    if not (1 <= month <= 12 and 1 <= day <= 30):
        raise ValueError("lunar_day_invalid")
    found = (_solar(lunar_year, month, day, is_leap) for lunar_year in (year - 1, year))
    return [one for one in found if one.year == year]


def lunar_day(day: date) -> LunarDay:
    """The lunar day of a solar day."""
    lunar = Solar.fromYmd(day.year, day.month, day.day).getLunar()
    month = int(lunar.getMonth())
    return LunarDay(year=int(lunar.getYear()), month=abs(month), day=int(lunar.getDay()), is_leap=month < 0)


# The library takes milliseconds a day; all days of all birthdays in a year are but 744.
@lru_cache(maxsize=8192)
def _solar(lunar_year: int, month: int, day: int, is_leap: bool) -> date:
    has_it = is_leap and int(LunarYear.fromYear(lunar_year).getLeapMonth()) == month
    signed = -month if has_it else month
    days = int(LunarMonth.fromYm(lunar_year, signed).getDayCount())
    solar = Lunar.fromYmd(lunar_year, signed, min(day, days)).getSolar()
    return date(int(solar.getYear()), int(solar.getMonth()), int(solar.getDay()))
