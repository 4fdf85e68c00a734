"""Value and overview in the browser: computed when asked, each figure a door, charts with their tables, for all screens."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser.conftest import PHONE, WIDE, LogIn
from tests.browser.test_looks import CHINESE, overflow, problems, settled

PAGES = ("/analytics/value", "/analytics/overview")
LOOKS: tuple[tuple[ViewportSize, Literal["light", "dark"]], ...] = ((WIDE, "light"), (WIDE, "dark"), (PHONE, "light"))
WORK = 30_000  # milliseconds: the first scoring starts a process that reads everything


@pytest.fixture(scope="module", autouse=True)
def worker(site: str) -> Iterator[None]:
    """The worker of the product, for the company of the browser stories."""
    del site
    process = subprocess.Popen([sys.executable, "-m", "zhike.server.worker"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield
    process.terminate()
    process.wait(timeout=20)


def scored(page: Page) -> Page:
    """The value page with figures: worked out now if nobody did before."""
    page.goto("/analytics/value")
    offer = page.get_by_role("button", name="现在算")
    if offer.count():
        offer.click()
        expect(page.locator(".zk-heat")).to_be_visible(timeout=WORK)
    return page


def number(text: str) -> int:
    """12 of "12 家"."""
    return int(text.split()[0].replace(",", ""))


def drawn(page: Page) -> Page:
    """The overview when all of its cards came and drew."""
    page.goto("/analytics/overview", timeout=30_000)  # the first view loads the engine
    expect(page.locator("[data-chart] :is(svg, canvas)")).to_have_count(7)
    return settled(page)


def test_the_first_figures_are_worked_out_when_asked_for(open_as: LogIn) -> None:
    page = scored(open_as("admin"))
    expect(page.locator("tfoot td.num").first).to_have_text("40")
    cells = page.locator(".zk-heat a")
    expect(cells).to_have_count(25)
    assert sum(number(text) for text in cells.locator("span").all_inner_texts()) == 40


@pytest.mark.parametrize("who", ["admin", "linyue"])
def test_a_cell_of_the_map_opens_the_customers_it_counts(who: str, open_as: LogIn) -> None:
    scored(open_as("admin"))
    page = open_as(who, "/analytics/value")
    filled = page.locator(".zk-heat a").filter(has=page.locator("span", has_text=re.compile("^[1-9]"))).first
    count = number(filled.locator("span").inner_text())
    filled.click()
    page.wait_for_url("**/customers/?rfm.in=*")
    expect(page.locator("[data-row]")).to_have_count(count)
    assert count > 0


def test_a_segment_of_the_table_opens_the_customers_it_counts(open_as: LogIn) -> None:
    page = scored(open_as("admin"))
    row = page.locator("tbody tr").filter(has_text="重要发展")
    count = number(row.locator("td.num").first.inner_text())
    row.locator("td.num a").first.click()
    page.wait_for_url("**/customers/?segment.in=2*")
    expect(page.locator("[data-row]")).to_have_count(count)


def test_a_card_draws_and_its_table_takes_the_place_of_the_chart(open_as: LogIn) -> None:
    scored(open_as("admin"))
    page = drawn(open_as("admin"))
    card = page.locator("section.zk-card").filter(has=page.get_by_role("heading", name="销售额", exact=True))
    chart, table, toggle = card.locator(".zk-chart"), card.locator("table"), card.get_by_role("button", name="看表格")
    box = chart.locator("svg, canvas").first.bounding_box()
    assert box is not None
    assert box["width"] > 300
    assert box["height"] > 100
    expect(table).to_be_hidden()
    toggle.click()
    expect(table).to_be_visible()
    expect(chart).to_be_hidden()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.click()
    expect(chart).to_be_visible()
    expect(table).to_be_hidden()


def test_a_reader_picks_what_to_see_and_by_what(open_as: LogIn) -> None:
    scored(open_as("admin"))
    page = drawn(open_as("linyue"))
    card = page.locator("section.zk-card").filter(has=page.get_by_role("heading", name="自己挑", exact=True))
    card.locator("#ask-figure").focus()
    card.locator("#ask-figure").select_option("orders.count")
    expect(card.locator("table th").nth(1)).to_have_text("订单数")
    expect(card.locator("#ask-figure")).to_be_focused()
    card.locator("#ask-by").select_option("owner")
    expect(card.locator("table th").first).to_have_text("负责人")
    expect(card.locator("tbody tr")).to_have_count(1)
    expect(card.locator("[data-chart] :is(svg, canvas)")).to_have_count(1)


def test_a_figure_of_a_card_opens_the_orders_it_counts(open_as: LogIn) -> None:
    scored(open_as("admin"))
    page = drawn(open_as("linyue"))
    orders = page.locator(".zk-strip a").filter(has_text="订单数")
    count = int(orders.locator(".zk-v").inner_text().replace("单", ""))
    orders.click()
    page.wait_for_url("**/orders/?*")
    expect(page.locator("[data-row]")).to_have_count(count)
    assert 0 < count < 40


@pytest.mark.parametrize("path", PAGES)
def test_pages_of_figures_bar_nobody_and_fit_a_phone(path: str, open_as: LogIn) -> None:
    page = scored(open_as("admin"))
    page = drawn(page) if path == PAGES[1] else page
    for size, scheme in LOOKS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        page.wait_for_timeout(400)  # colours change over a moment
        assert (problems(settled(page)), overflow(page)) == ([], 0), (size, scheme)
    for toggle in page.get_by_role("button", name="看表格").all():
        toggle.click()
    assert (problems(page), overflow(page)) == ([], 0)


def test_figures_are_told_in_english_too(open_as: LogIn) -> None:
    page = scored(open_as("admin"))
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": page.url}])
    for path in PAGES:
        page.goto(path)
        settled(page)
        # Names of product categories and regions are data, so figures are looked at only where all words are ours.
        shown = page.locator(
            "h1, h2, th, tfoot td, main button, .zk-k, .zk-delta, .zk-seg a, .zk-heat, .zk-rfm td .row-f"
        ).all_inner_texts()
        assert {text for text in shown if CHINESE.search(text)} == set(), path
