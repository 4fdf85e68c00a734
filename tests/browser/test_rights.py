"""Rights in the browser: a role edited by keyboard with what it would do, a record shared, a number shown, and why."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, LogIn
from tests.browser.test_looks import problems, settled
from zhike.org.models import Role

VIEW = '[name="g:customers.customer:view"]'


def role_url(code: str) -> str:
    return f"/settings/roles/{Role.objects.get(code=code).pk}/"


def toast(page: Page, text: str) -> None:
    expect(page.locator("#toasts .zk-toast").last).to_contain_text(text)


def test_a_role_is_edited_by_keyboard_and_put_back(open_as: LogIn) -> None:
    page = settled(open_as("admin", role_url("sales")))
    page.locator(VIEW).focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#role-impact")).to_contain_text("客户，查看 本团队")
    expect(page.locator("#role-impact")).to_contain_text("个人里")
    assert problems(page) == []
    page.get_by_role("button", name="保存").click()
    toast(page, "已保存")
    expect(page.locator(VIEW)).to_have_value("2")
    expect(page.locator("main")).to_contain_text("本人 →")
    page.locator("#toasts .zk-toast").last.get_by_role("button").filter(has_text="撤销").click()
    expect(page.locator(VIEW)).to_have_value("1")


def test_a_role_is_copied_and_deleted(open_as: LogIn) -> None:
    page = settled(open_as("admin", "/settings/roles/"))
    page.get_by_role("button", name="新建角色").click()
    page.locator("#role-name").fill("外包")
    page.locator("#role-like").select_option(label="销售")
    page.get_by_role("button", name="建好").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("外包")
    expect(page.locator(VIEW)).to_have_value("1")
    page.locator("[popovertarget=role-menu]").click()
    page.get_by_role("button", name="删除").click()
    toast(page, "已删除 外包")
    expect(page.get_by_role("heading", level=1)).to_have_text("角色")


def test_a_record_is_shared_shown_and_taken_back(open_as: LogIn) -> None:
    page = settled(open_as("linyue", "/customers/"))
    url = str(page.locator("[data-row]").first.get_attribute("data-open"))
    settled(page).goto(url)
    page.locator("[popovertarget=record-menu]").click()
    page.locator("#record-menu").get_by_role("button", name="共享").click()
    page.locator("#share-whom").fill("周")
    expect(page.locator(".zk-picker .zk-menu button").first).to_contain_text("周航")
    page.keyboard.press("Enter")
    assert problems(page) == []
    page.locator("#dialog button[type=submit]").click()
    toast(page, "已共享")
    expect(page.locator(".zk-shares")).to_contain_text("周航")
    theirs = settled(open_as("zhouhang", "/customers/?shared.is=me"))
    expect(theirs.locator("[data-row]")).to_have_count(1)
    theirs.goto(f"{url}who")
    expect(theirs.locator("main")).to_contain_text("共享给他或他的团队")
    assert problems(settled(theirs)) == []
    page.locator(".zk-shares button").click()
    page.get_by_role("button", name="收回").click()
    toast(page, "已收回共享")
    assert theirs.goto(url).status == 403  # type: ignore[union-attr]


def test_a_number_is_shown_in_full_by_a_button(open_as: LogIn) -> None:
    page = settled(open_as("linyue", "/customers/"))
    page.goto(str(page.locator("[data-row]").first.get_attribute("data-open")))
    eye = page.locator("#facts [hx-post*='/reveal/phone']")
    if eye.count():
        eye.click()
        expect(page.locator("#facts .zk-reveal a[href^='tel:']")).to_have_count(1)


def test_the_editor_of_a_role_fits_a_phone(open_as: LogIn) -> None:
    page = settled(open_as("admin", role_url("sales")))
    page.set_viewport_size(PHONE)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    expect(page.locator(VIEW)).to_be_visible()
    assert problems(page) == []


def test_the_page_that_explains_bars_nobody_and_fits_a_phone(open_as: LogIn) -> None:
    page = settled(open_as("admin", "/customers/"))
    page.goto(f"{page.locator('[data-row]').first.get_attribute('data-open')}who")
    assert problems(settled(page)) == []
    page.locator(".zk-li").first.click()
    expect(page.locator(".zk-why-not").first).to_be_visible()
    page.set_viewport_size(PHONE)
    assert problems(settled(page)) == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
