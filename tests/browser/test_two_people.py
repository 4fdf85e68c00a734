"""Two browsers edit one customer: nothing is lost in silence, and the keyboard is enough to choose."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import LogIn
from tests.browser.test_looks import problems
from zhike.customers.models import Customer

NAME = "常州恒远机电有限公司"


def editor(page: Page, name: str) -> Locator:
    return page.locator(f'button.zk-edit[data-edit-url$="/edit/{name}"]').first


def type_in(page: Page, name: str, text: str, *, save: bool = True) -> None:
    editor(page, name).click()
    field = page.locator(f".zk-editor input[name={name}]")
    field.fill(text)
    if save:
        field.press("Enter")


def test_the_second_chooses_between_three_values(open_as: LogIn) -> None:
    path = f"/customers/{Customer.objects.get(name=NAME).pk}/"
    first, second = open_as("admin", path), open_as("linyue", path)
    was = editor(second, "city").inner_text()
    type_in(second, "city", "无锡", save=False)
    type_in(first, "city", "南京")
    expect(editor(first, "city")).to_have_text("南京")
    second.locator(".zk-editor input[name=city]").press("Enter")
    dialog = second.locator(".zk-conflict")
    expect(dialog).to_contain_text("陈思远")
    assert dialog.locator("dd").all_inner_texts() == [was, "南京", "无锡"]
    assert problems(second) == []
    expect(dialog.get_by_role("button", name="用我的")).to_be_focused()
    second.keyboard.press("Tab")
    second.keyboard.press("Enter")  # theirs
    expect(editor(second, "city")).to_have_text("南京")
    type_in(second, "city", "无锡", save=False)
    type_in(first, "city", was)
    expect(editor(first, "city")).to_have_text(was)
    second.locator(".zk-editor input[name=city]").press("Enter")
    expect(dialog).to_be_visible()
    second.keyboard.press("Enter")  # mine
    expect(editor(second, "city")).to_have_text("无锡")
    assert Customer.objects.get(name=NAME).city == "无锡"
    type_in(second, "city", was)
    expect(editor(second, "city")).to_have_text(was)
