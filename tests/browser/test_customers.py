"""A day with customers: list, peek, edit, create, search, tag, delete, filter, columns; mouse and keyboard."""

from __future__ import annotations

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import LogIn

FIRST = "苏州恒远机电有限公司"


def rows(page: Page) -> list[str]:
    """Names in the list, from top to bottom."""
    return page.locator("[data-row] .name").all_inner_texts()


def toast(page: Page, text: str | re.Pattern[str]) -> None:
    expect(page.locator("#toasts .zk-toast").last).to_contain_text(text)


def undo(page: Page) -> None:
    page.locator("#toasts .zk-toast").last.get_by_role("button").filter(has_text="撤销").click()


def test_a_demo_person_logs_in_by_one_click_and_sees_today(open_as: LogIn) -> None:
    page = open_as("linyue")
    expect(page.get_by_role("heading", level=1)).to_have_text("今日")
    expect(page.locator("main")).to_contain_text("天")


def test_a_wrong_password_is_told(open_as: LogIn) -> None:
    page = open_as("linyue")
    page.context.clear_cookies()
    page.goto("/login/")
    page.locator("#login-name").fill("linyue")
    page.locator("#login-password").fill("wrong")
    page.locator("form[data-login] button[type=submit]").click()
    expect(page.get_by_role("alert")).to_contain_text("密码不对")


def test_the_list_shows_the_newest_first_and_goes_on_when_scrolled(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    expect(page.locator("[data-row]")).to_have_count(50)
    assert FIRST in rows(page)[0]
    page.locator(".zk-more").scroll_into_view_if_needed()
    expect(page.locator("[data-row]")).to_have_count(64)
    assert len(set(rows(page))) == 64


def test_j_and_o_open_the_peek_and_escape_closes_it(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("o")
    second = rows(page)[1]
    expect(page.locator("#peek h2")).to_have_text(second)
    assert "peek=" in page.url
    page.keyboard.press("k")
    expect(page.locator("#peek h2")).to_have_text(FIRST)
    page.keyboard.press("Escape")
    expect(page.locator("#peek")).to_be_hidden()
    assert "peek=" not in page.url


def test_a_field_is_edited_where_it_is_read_and_undone(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    page.locator("[data-row] .name a").nth(2).click()
    field = page.locator('button.zk-edit[data-edit-url$="/edit/city"]')
    before = field.inner_text()
    field.click()
    page.locator(".zk-editor input[name=city]").fill("镇江")
    page.keyboard.press("Enter")
    expect(field).to_have_text("镇江")
    toast(page, "已保存")
    undo(page)
    toast(page, "已撤销")
    expect(field).to_have_text(before)


def test_an_invalid_value_is_told_at_the_field_and_not_kept(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    page.locator("[data-row] .name a").nth(3).click()
    page.locator('button.zk-edit[data-edit-url$="/edit/email"]').click()
    page.locator(".zk-editor input[name=email]").fill("nonsense")
    page.keyboard.press("Enter")
    expect(page.locator(".zk-editor .err")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator('button.zk-edit[data-edit-url$="/edit/email"]')).to_have_text("填写")


def test_c_creates_a_customer_that_is_found_at_once_by_initials(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    page.keyboard.press("c")
    page.locator("#dialog input[name=name]").fill("镇江天工锻压有限公司")
    page.locator("#dialog button.btn-primary").click()
    expect(page.locator("h1")).to_have_text("镇江天工锻压有限公司")
    page.keyboard.press("Control+k")
    page.locator("#palette input").fill("zjtg")
    hit = page.locator("#palette [role=option]").first
    expect(hit).to_contain_text("镇江天工锻压有限公司")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("镇江天工锻压有限公司")


def test_a_customer_without_a_name_is_not_made(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    page.keyboard.press("c")
    name = page.locator("#dialog input[name=name]")
    name.fill("")
    page.locator("#dialog button.btn-primary").click()
    expect(page.locator("#dialog")).to_be_visible()
    assert page.url.endswith("/customers/")


def test_search_finds_by_part_of_a_name_and_the_end_of_a_phone(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    for text in ("恒远", "hengyuan", "0000"):
        page.keyboard.press("Control+k")
        page.locator("#palette input").fill(text)
        expect(page.locator("#palette [role=option]").filter(has_text=FIRST)).to_be_visible()
        page.keyboard.press("Escape")


def test_chosen_rows_are_tagged_together(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-bulk] [data-count]").first).to_have_text("2")
    page.locator("[data-bulk]").get_by_role("button", name="加标签").click()
    page.locator("#dialog input[name=names]").fill("展会，老客户")
    page.locator("#dialog button.btn-primary").click()
    toast(page, re.compile("给 2 家 ?加了标签"))
    page.locator("[data-row] .name a").first.click()
    expect(page.locator("#tags")).to_contain_text("展会")


def test_a_colleague_is_found_by_typing_and_a_half_typed_name_changes_nothing(open_as: LogIn) -> None:
    page = open_as("admin", "/customers/?view=all")
    page.locator("[data-row] .name a").first.click()
    field = page.locator('button.zk-edit[data-edit-url$="/edit/owner"]').first
    before = field.inner_text().splitlines()[-1]
    other, typed = ("周航", "zhouh") if before != "周航" else ("林悦", "liny")
    field.click()
    page.locator(".zk-editor input[type=text]").fill("zz")
    page.keyboard.press("Enter")
    expect(page.locator(".zk-editor .zk-menu")).to_contain_text("没有叫这个名字的人")
    page.locator("h1").click()
    expect(field).to_contain_text(before)
    field.click()
    page.locator(".zk-editor input[type=text]").fill(typed)
    expect(page.locator(".zk-editor [role=option]")).to_contain_text([other])
    page.keyboard.press("Enter")
    expect(field).to_contain_text(other)
    toast(page, "已保存")
    undo(page)
    expect(field).to_contain_text(before)


def test_chosen_rows_are_handed_to_a_colleague_found_by_typing(open_as: LogIn) -> None:
    page = open_as("admin", "/customers/?view=all")
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.locator("[data-bulk]").get_by_role("button", name="转交").click()
    page.get_by_role("combobox", name="新的负责人").fill("周")
    page.locator("#dialog [role=option]").filter(has_text="周航").click()
    team = page.get_by_role("combobox", name="团队", exact=True)
    expect(team).to_have_value("跟着新的负责人")
    team.fill("")
    expect(page.locator("#dialog [role=option]").filter(has_text="不变")).to_be_visible()
    team.fill("上海")
    page.locator("#dialog [role=option]").filter(has_text="上海组").click()
    expect(team).to_have_value("上海组")
    page.locator("#dialog button.btn-primary").click()
    toast(page, re.compile("已转交"))
    undo(page)
    toast(page, "已撤销")


def test_a_late_answer_does_not_open_a_list_that_was_chosen_from(open_as: LogIn) -> None:
    page = open_as("admin", "/customers/?view=all")
    held: list[Route] = []
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.locator("[data-bulk]").get_by_role("button", name="转交").click()
    person = page.get_by_role("combobox", name="新的负责人")
    person.fill("周")
    expect(page.locator("#dialog [role=option]").filter(has_text="周航")).to_be_visible()
    page.route("**/people/pick*", lambda route: held.append(route))
    with page.expect_request("**/people/pick*"):
        person.fill("周航")
    page.locator("#dialog [role=option]").filter(has_text="周航").click()
    with page.expect_response("**/people/pick*"):
        held[0].continue_()
    expect(person).to_have_value("周航")
    expect(page.locator("#dialog [role=option]:visible")).to_have_count(0)


def test_delete_and_undo(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/?sort=updated_at")
    gone = rows(page)[0]
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.locator("#peek footer button[aria-label='删除']").click()
    toast(page, f"已删除 {gone}")
    expect(page.locator("[data-row]").filter(has_text=gone)).to_have_count(0)
    undo(page)
    toast(page, "已撤销")
    expect(page.locator("[data-row]").filter(has_text=gone)).to_have_count(1)


def test_a_filter_in_words_narrows_the_list_and_comes_off_again(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    page.get_by_role("button", name="条件", exact=True).click()
    page.locator("#cond-menu [data-add-cond=grade]").click()
    page.locator("#dialog input[value=key]").check()
    page.locator("#dialog button.btn-primary").click()
    expect(page.locator(".zk-chip .v")).to_have_text("重要")
    assert "grade.in=key" in page.url
    expect(page.locator("[data-row]")).to_have_count(16)
    page.locator(".zk-chip .x").click()
    expect(page.locator("[data-row]")).to_have_count(50)


def test_columns_are_chosen_and_put_back(open_as: LogIn) -> None:
    page = open_as("zhouhang", "/customers/")
    page.get_by_role("button", name="列", exact=True).click()
    page.locator("#dialog input[value=code]").check()
    page.locator("#dialog button.btn-primary").click()
    expect(page.locator("th[data-col=code]")).to_be_visible()
    page.get_by_role("button", name="列", exact=True).click()
    page.locator("#dialog button[name=reset]").click()
    expect(page.locator("th[data-col=code]")).to_have_count(0)


def test_a_note_is_written_without_a_mouse(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("textarea[name=body]").focus()
    page.keyboard.type("下周二去现场看气源")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#timeline")).to_contain_text("下周二去现场看气源")
    toast(page, "记好了")


def test_g_and_a_letter_go_places(open_as: LogIn) -> None:
    page = open_as("linyue", "/")
    for letter, path in (("c", "/customers/"), ("o", "/orders/"), ("p", "/products/"), ("t", "/")):
        page.keyboard.press("g")
        page.keyboard.press(letter)
        expect(page).to_have_url(re.compile(rf"//[^/]+{path}$"))  # the whole of it: any address ends like "/"


def test_a_suggestion_of_today_is_done_and_stands_on_the_timeline(open_as: LogIn) -> None:
    page = open_as("linyue", "/")
    first = page.locator("main li").filter(has=page.locator("[data-dialog*='/done']")).first
    name = first.locator("a[href^='/customers/']").first
    href = name.get_attribute("href")
    first.locator("[data-dialog*='/done']").first.click()
    body = page.locator("#dialog textarea[name=body]")
    body.fill("货到了，都对")
    page.locator("#dialog button.btn-primary").click()
    toast(page, "记好了")
    page.goto(str(href))
    expect(page.locator("#timeline")).to_contain_text("货到了，都对")
