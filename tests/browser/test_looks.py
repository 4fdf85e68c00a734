"""Every screen, wide and on a phone, light and dark, Chinese and English: nothing overflows, nothing bars anybody."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, LogIn

PLACES = ("/customers/",)  # each page is looked at in test_whole.py; this one on a phone in light and wide in dark
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
CHINESE = re.compile(r"[\u4e00-\u9fff]{2,}")


def problems(page: Page) -> list[str]:
    """Serious and critical findings of axe."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{item['id']}: {node['target']} {node['html'][:160]}"
        for item in found
        if item["impact"] in ("serious", "critical")
        for node in item["nodes"][:3]
    ]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def settled(page: Page) -> Page:
    page.wait_for_load_state("networkidle")
    return page


def _in_colours(page: Page, scheme: Literal["dark", "light"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.wait_for_timeout(400)  # buttons change colour over a moment


def _bars_nobody_and_fits(page: Page) -> None:
    """Light and dark in a wide window, then on a phone: one load of the page serves all three."""
    assert problems(settled(page)) == []
    _in_colours(page, "dark")
    assert problems(page) == []
    assert overflow(page) <= 0
    _in_colours(page, "light")
    page.set_viewport_size(PHONE)
    assert overflow(settled(page)) <= 0
    assert problems(page) == []


@pytest.mark.parametrize("path", PLACES)
def test_a_screen_bars_nobody_and_fits_a_phone(path: str, open_as: LogIn) -> None:
    _bars_nobody_and_fits(open_as("admin", path))


def test_the_page_of_a_customer_bars_nobody_and_fits_a_phone(open_as: LogIn) -> None:
    page = open_as("admin", "/customers/")
    page.goto(str(page.locator("[data-row]").nth(1).get_attribute("data-open")))
    _bars_nobody_and_fits(page)


def test_dialogs_bar_nobody(open_as: LogIn) -> None:
    page = open_as("admin", "/customers/")
    for key in ("c", "?", "/"):
        page.keyboard.press(key)
        expect(page.locator("dialog[open]")).to_have_count(1)
        page.wait_for_timeout(250)
        assert problems(page) == [], key
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)


def test_dark_stays_after_it_was_chosen(open_as: LogIn) -> None:
    page = open_as("zhouhang", "/customers/")
    page.keyboard.press("Control+k")
    page.locator("#palette input").fill("shense")
    expect(page.locator("#palette [role=option]").first).to_have_text("换成深色")
    page.keyboard.press("Enter")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark
    shade = [int(part) for part in re.findall(r"\d+", dark)[:3]]
    assert max(shade) < 80


@pytest.mark.parametrize("path", ["/", "/customers/", "/orders/", "/products/", "/imports/", "/imports/new"])
def test_english_is_english(path: str, open_as: LogIn) -> None:
    page = open_as("analyst", path)
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": page.url}])
    page.goto(path)
    assert page.locator("html").get_attribute("lang") == "en"
    # Names of people, places, companies and products are data and stay as they are.
    shown = page.locator("h1, th, main button, main label, .zk-tabs a, nav a, .zk-menu button").all_inner_texts()
    left = {text for text in shown if CHINESE.search(text)} - {"简体中文", "恒砺机电"}
    assert not left
