"""Whatever opens over a page by a key closes by Escape, and the focus is back where it was."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page

from tests.browser.conftest import LogIn
from zhike.customers.models import Customer
from zhike.org.models import User

OPENERS = "main [data-dialog]:visible, main [popovertarget]:visible, header [popovertarget]:visible, header [data-dialog]:visible"
OPEN = "() => document.querySelectorAll('dialog[open], [popover]:popover-open').length"
INSIDE = "() => { const over = document.querySelector('dialog[open]'); return !over || over.contains(document.activeElement) }"
HAS_FOCUS = "(one) => one === document.activeElement"
MOST = 14  # of one page: the rest are the same buttons on further rows
PAGES = (
    "/customers/",
    "/orders/",
    "record",
    "/settings/people/",
    "/settings/fields/customers/",
    "/settings/roles/",
    "/settings/tokens/",
    "person",
)


def _path(name: str) -> str:
    if name == "record":
        return f"/customers/{Customer.objects.order_by('name').first().pk}/"  # type: ignore[union-attr]
    return f"/settings/people/{User.objects.get(username='zhouhang').pk}/" if name == "person" else name


@pytest.mark.parametrize("name", PAGES)
def test_focus_returns_to_what_opened_a_dialog(name: str, open_as: LogIn) -> None:
    page = open_as("admin", _path(name))
    page.wait_for_load_state("networkidle")
    openers = page.locator(OPENERS)
    lost = [told for place in range(min(openers.count(), MOST)) if (told := _opened_and_closed(page, openers.nth(place)))]
    assert lost == []


def _opened_and_closed(page: Page, opener: Locator) -> str:
    """What went wrong with one opener; empty when nothing did."""
    told = opener.evaluate("(one) => one.outerHTML.slice(0, 160)")
    before = page.evaluate(OPEN)
    opener.focus()
    page.keyboard.press("Enter")
    if not _becomes(page, f"() => ({OPEN})() > {before}", True):
        return f"opens nothing: {told}"
    inside = _becomes(page, INSIDE, True)
    for _ in range(3):  # a menu in a dialog closes first
        page.keyboard.press("Escape")
        page.wait_for_timeout(100)
        if page.evaluate(OPEN) <= before:
            break
    if not _becomes(page, OPEN, before):
        return f"does not close: {told}"
    if not inside:
        return f"the focus stays outside: {told}"
    return "" if opener.evaluate(HAS_FOCUS) else f"the focus does not return: {told}"


def _becomes(page: Page, asked: str, wanted: object) -> bool:
    """Whether the page answers so within two seconds; its rules let nothing be evaluated in it, so it is asked from here."""
    for _ in range(40):
        if page.evaluate(asked) == wanted:
            return True
        page.wait_for_timeout(50)
    return False
