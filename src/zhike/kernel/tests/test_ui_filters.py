"""Figures and dates as the screens write them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.template import Context, Template
from django.utils import translation

import zhike
from zhike.kernel.templatetags import zhike_ui as ui

PACKAGE = Path(zhike.__file__).parent


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (Decimal("1234.5000"), "1,234.50"),
        (Decimal("-1234567.895"), "-1,234,567.90"),
        (0, "0.00"),
        ("12.3", "12.30"),
        (None, ""),
        ("abc", ""),
        (float("nan"), ""),
    ],
)
def test_money_is_written_in_full_with_two_decimals(value: Decimal | float | str | None, said: str) -> None:
    assert ui.money(value) == said


@pytest.mark.parametrize(("value", "said"), [(Decimal("1234.5000"), "1,234.5"), (1000, "1,000"), (Decimal("0.10"), "0.1"), (None, "")])
def test_numbers_keep_only_the_decimals_that_say_something(value: Decimal | int | None, said: str) -> None:
    assert ui.num(value) == said


@pytest.mark.parametrize(
    ("value", "chinese", "english"),
    [
        (0, "0", "0"),
        (Decimal("12.345"), "12.35", "12.35"),
        (Decimal("1234.4"), "1,234", "1,234"),
        (9999, "9,999", "9,999"),
        (Decimal("9999.6"), "1万", "10k"),
        (126_000, "12.6万", "126k"),
        (1_120_000, "112万", "1.12M"),
        (1_285_000, "128.5万", "1.29M"),
        (999_999, "100万", "1M"),
        (99_994_999, "9,999.5万", "100M"),
        (99_999_999, "1亿", "100M"),
        (123_456_789, "1.2亿", "123M"),
        (2_340_000_000, "23.4亿", "2.34B"),
        (-386_200, "-38.6万", "-386k"),
    ],
)
def test_summaries_are_in_steps_of_the_language(value: Decimal | int, chinese: str, english: str) -> None:
    with translation.override("zh-hans"):
        assert ui.wan(value) == chinese
    with translation.override("en"):
        assert ui.wan(value) == english


def test_a_big_figure_is_split_into_number_and_unit() -> None:
    with translation.override("zh-hans"):
        assert (ui.wan_figure(386_200), ui.wan_unit(386_200)) == ("38.6", "万")
        assert (ui.wan_figure(86), ui.wan_unit(86)) == ("86", "")


def test_shares_are_percentages() -> None:
    assert ui.pct(Decimal("0.6249")) == "62%"
    assert ui.pct(Decimal("0.6249"), 1) == "62.5%"
    assert ui.pct(None) == ""


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("+8613812346021", "138****6021"),
        ("+86 138 1234 6021", "138****6021"),
        ("13812346021", "138****6021"),
        ("0512-62881234", "0512-****1234"),
        ("12345", "****45"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_masked_phone_shows_its_ends(phone: str | None, shown: str) -> None:
    assert ui.mask_phone(phone) == shown


@pytest.mark.parametrize(("name", "letter"), [("陈思远", "陈"), ("  alice", "A"), ("（启衡）", "启"), ("", "?"), (None, "?")])
def test_an_avatar_shows_the_first_letter(name: str | None, letter: str) -> None:
    assert ui.initial(name) == letter


@pytest.mark.parametrize(
    ("day", "chinese", "english"),
    [
        (date(2026, 11, 20), "今天", "Today"),
        (date(2026, 11, 19), "昨天", "Yesterday"),
        (date(2026, 11, 21), "明天", "Tomorrow"),
        (date(2026, 3, 5), "3月5日", "Mar 5"),
        (date(2024, 3, 5), "2024-03-05", "2024-03-05"),
    ],
)
def test_days_are_said_as_people_say_them(day: date, chinese: str, english: str) -> None:
    today = date(2026, 11, 20)
    assert ui.describe_day(day, today=today, language="zh") == chinese
    assert ui.describe_day(day, today=today, language="en") == english


def test_yesterday_is_yesterday_across_new_year() -> None:
    assert ui.describe_day(date(2025, 12, 31), today=date(2026, 1, 1), language="zh") == "昨天"


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (datetime(2026, 11, 20, 14, 20), "今天 14:20"),
        (datetime(2026, 11, 19, 9, 5), "昨天 09:05"),
        (datetime(2026, 3, 5, 10, 24), "3月5日 10:24"),
        (datetime(2024, 3, 5, 10, 24), "2024-03-05"),
    ],
)
def test_moments_carry_the_clock_in_this_year(moment: datetime, said: str) -> None:
    assert ui.describe_moment(moment, now=datetime(2026, 11, 20, 18, 0), language="zh") == said


def test_a_moment_that_never_was_is_empty() -> None:
    never = datetime(1970, 1, 1, tzinfo=UTC)
    assert (ui.smart_date(never), ui.smart_time(never), ui.when(never), ui.smart_date(None)) == ("", "", "", "")


def test_a_bar_stays_between_nothing_and_all_and_takes_no_foreign_tone() -> None:
    assert '<rect width="100.0" height="8"/>' in ui.bar(140)
    assert '<rect width="0.0" height="8"/>' in ui.bar(-3, '"><script>')
    assert "script" not in ui.bar(-3, '"><script>')
    assert '<rect class="m" x="66.7" width="0.6" height="8"/>' in ui.bar(62, goal=Decimal("66.7"))


def test_an_icon_points_into_the_sprite() -> None:
    assert ui.icon("users", "icon-s").endswith('icons.svg#users"/></svg>')
    assert 'aria-label="客户"' in ui.icon("users", label="客户")


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    sprite = (PACKAGE / "kernel/static/zhike/icons.svg").read_text(encoding="utf-8")
    known = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    named = {
        name
        for path in PACKAGE.rglob("templates/**/*.html")
        for name in re.findall(r'{% icon "([\w-]+)"', path.read_text(encoding="utf-8"))
    }
    assert {"search", "zhike"} <= named
    assert named <= known


def test_no_template_carries_inline_script_or_style() -> None:
    for path in PACKAGE.rglob("templates/**/*.html"):
        text = re.sub(r"{%.*?%}", "", path.read_text(encoding="utf-8"))
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text), path.name


def test_a_kept_piece_is_drawn_once_for_each_key_and_language() -> None:
    drawn: list[str] = []

    def piece() -> str:
        drawn.append("x")
        return f"<{len(drawn)}>"

    page = Template("{% load zhike_ui %}{% kept 'of this test' key %}{{ piece }}{% endkept %}")
    with translation.override("zh-hans"):
        first = [page.render(Context({"piece": piece, "key": key})) for key in ("a", "a", "b")]
    with translation.override("en"):
        assert page.render(Context({"piece": piece, "key": "a"})) == "&lt;3&gt;"
    assert first == ["&lt;1&gt;", "&lt;1&gt;", "&lt;2&gt;"]
