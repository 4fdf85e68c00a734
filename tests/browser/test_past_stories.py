"""What was done is seen, taken back and found again, by the buttons of the screens."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import LogIn
from tests.browser.test_looks import problems
from tests.browser.test_two_people import editor, type_in
from zhike.customers.models import Customer

NAME, GONE = "杭州瑞丰液压有限公司", "宁波宏达模具有限公司"


def toast(page: Page, text: str) -> None:
    expect(page.locator("#toasts .zk-toast").last).to_contain_text(text)


def test_a_change_is_read_in_the_history_seen_as_it_was_and_taken_back(open_as: LogIn) -> None:
    record = Customer.objects.get(name=NAME)
    was, path = record.city, f"/customers/{record.pk}/"
    page = open_as("admin", path)
    type_in(page, "city", "扬州")
    expect(editor(page, "city")).to_have_text("扬州")
    page.goto(f"{path}history")
    newest = page.locator("#past > .ev").first
    expect(newest).to_contain_text("陈思远")
    expect(newest).to_contain_text(was)
    expect(newest).to_contain_text("扬州")
    assert problems(page) == []
    page.locator("#past > .ev").nth(1).get_by_role("link", name="看那时的样子").click()
    expect(page.locator("main")).to_contain_text("不能改")
    expect(page.locator("main")).to_contain_text(was)
    expect(page.locator("main")).not_to_contain_text("扬州")
    page.go_back()
    newest.get_by_role("button", name="撤销").click()
    expect(page.locator("#past")).to_contain_text("已撤销")
    assert Customer.objects.get(pk=record.pk).city == was


def test_a_deleted_customer_is_found_in_the_bin_and_comes_back_whole(open_as: LogIn) -> None:
    record = Customer.objects.get(name=GONE)
    page = open_as("admin", "/customers/?city.in=宁波")
    row = page.locator("[data-row]").filter(has_text=GONE)
    row.first.click()
    page.locator("#peek footer button[aria-label='删除']").click()
    toast(page, f"已删除 {GONE}")
    assert not Customer.objects.filter(pk=record.pk).exists()
    page.goto("/bin/customers/")
    line = page.locator("tr").filter(has_text=GONE)
    expect(line).to_contain_text("陈思远")
    line.get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("已删除")
    page.go_back()
    line.get_by_role("button", name="找回").click()
    expect(line).to_have_count(0)
    back = Customer.objects.get(pk=record.pk)
    assert (back.name, back.city, back.owner_id, back.phone) == (record.name, record.city, record.owner_id, record.phone)
    page.goto(f"/customers/{record.pk}/")
    expect(page.locator("h1")).to_have_text(re.compile(GONE))
