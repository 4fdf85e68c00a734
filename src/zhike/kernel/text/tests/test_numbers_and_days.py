"""Telephone and company numbers, working days, lunar birthdays."""

from __future__ import annotations

from datetime import date

import pytest

from zhike.kernel.text.identifiers import credit_code, credit_code_fault, id_number_fault, is_credit_code, is_id_number
from zhike.kernel.text.lunar import birthdays_in_year, lunar_day
from zhike.kernel.text.phones import digits, last4, normalise, parse_phone
from zhike.kernel.text.workdays import DueDay, Workday, add_workdays, is_workday, workdays_between


@pytest.mark.parametrize(
    "typed",
    [
        "13812346021",
        "138 1234 6021",
        "+86-138-1234-6021",
        "008613812346021",
        "8613812346021",
        "１３８１２３４６０２１",
        "+86 138 1234 6021",
        "(+86)13812346021",
    ],
)
def test_a_mobile_is_one_number_however_typed(typed: str) -> None:
    phone = parse_phone(typed)
    assert (phone.kind, phone.e164, phone.raw) == ("mobile", "+8613812346021", typed)
    assert normalise(typed) == "+8613812346021"


@pytest.mark.parametrize(
    ("typed", "kind", "e164", "extension"),
    [("0512-65551234", "landline", "+8651265551234", ""), ("0512-65551234-8021", "landline", "+8651265551234", "8021"),
     ("(010)65551234转801", "landline", "+861065551234", "801"), ("+86 10 65551234", "landline", "+861065551234", ""),
     ("400-820-5555", "service", "+864008205555", ""), ("95588", "service", "", ""),
     ("+44 20 7946 0958", "foreign", "+442079460958", ""),
     ("00442079460958", "foreign", "+442079460958", ""), ("12812346021", "unknown", "", ""),
     ("1381234602", "unknown", "", ""),
     ("无", "unknown", "", ""), ("", "unknown", "", "")],
)  # fmt: skip
def test_other_numbers(typed: str, kind: str, e164: str, extension: str) -> None:
    phone = parse_phone(typed)
    assert (phone.kind, phone.e164, phone.extension) == (kind, e164, extension)
    assert phone.stored == (e164 or typed)


def test_digits_are_as_dialled_in_china() -> None:
    assert digits("+8613812346021") == "13812346021"
    assert digits("+861065551234") == "01065551234"
    assert digits("+8651265551234") == "051265551234"
    assert digits("+864008205555") == "4008205555"
    assert last4("+8613812346021") == "6021"
    assert last4("123") == ""


def test_credit_codes() -> None:
    assert credit_code_fault("91350100M000100Y43") == ""
    assert credit_code_fault(" 91350100-m000100y4３") == ""
    assert is_credit_code("914403001922038216")
    assert credit_code("91350100M000100Y4") == "91350100M000100Y43"
    assert credit_code_fault("91350100M000100Y44") == "check_wrong"
    assert credit_code_fault("91350100I000100Y43") == "character_wrong"
    assert credit_code_fault("9135") == "length_wrong"
    assert credit_code_fault("110108000000016") == ""
    assert credit_code_fault("110108000000017") == "check_wrong"


def test_identity_numbers() -> None:
    assert is_id_number("11010519491231002X")
    assert is_id_number("11010519491231002x")
    assert is_id_number("440524188001010014")
    assert id_number_fault("440524188001010015") == "check_wrong"
    assert id_number_fault("11010519490231002X") == "date_wrong"
    assert id_number_fault("1101051949X231002X") == "character_wrong"
    assert id_number_fault("110105194912310") == "length_wrong"


def test_holidays_and_moved_workdays() -> None:
    assert is_workday(date(2026, 2, 14)) == Workday(is_work=True, is_published=True)
    assert is_workday(date(2026, 2, 17)) == Workday(is_work=False, is_published=True)
    assert is_workday(date(2099, 1, 1)) == Workday(is_work=True, is_published=False)
    assert is_workday(date(2099, 1, 3)) == Workday(is_work=False, is_published=False)


def test_counting_workdays_runs_over_the_festival_and_says_when_it_guesses() -> None:
    assert add_workdays(date(2026, 2, 14), 1) == DueDay(on=date(2026, 2, 24), is_published=True)
    assert add_workdays(date(2026, 2, 24), -1) == DueDay(on=date(2026, 2, 14), is_published=True)
    assert add_workdays(date(2026, 2, 15), 0) == DueDay(on=date(2026, 2, 15), is_published=True)
    assert add_workdays(date(2099, 1, 1), 2) == DueDay(on=date(2099, 1, 5), is_published=False)
    assert workdays_between(date(2026, 2, 14), date(2026, 2, 24)) == 1


def test_a_leap_month_birthday_falls_in_the_ordinary_month_of_other_years() -> None:
    assert birthdays_in_year(6, 15, True, 2025) == [date(2025, 8, 8)]
    assert birthdays_in_year(6, 15, False, 2025) == [date(2025, 7, 9)]
    assert birthdays_in_year(6, 15, True, 2026) == birthdays_in_year(6, 15, False, 2026) == [date(2026, 7, 28)]


def test_day_thirty_of_a_short_month_is_day_twenty_nine() -> None:
    assert birthdays_in_year(12, 30, False, 2025) == [date(2025, 1, 28)]
    assert lunar_day(date(2025, 1, 28)).day == 29


def test_a_solar_year_may_hold_two_lunar_birthdays_or_none() -> None:
    assert birthdays_in_year(12, 1, False, 2019) == [date(2019, 1, 6), date(2019, 12, 26)]
    assert birthdays_in_year(12, 1, False, 2020) == []


def test_an_impossible_lunar_day_is_refused() -> None:
    with pytest.raises(ValueError, match="lunar_day_invalid"):
        birthdays_in_year(13, 1, False, 2025)
