"""Views, conditions, columns, groups and layouts in the browser; the whole of a list by keyboard alone."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import LogIn


def rows(page: Page) -> list[str]:
    """Names in the list, from top to bottom."""
    return page.locator("[data-row] .name").all_inner_texts()


def tabs(page: Page) -> list[str]:
    return [text.partition("\n")[0] for text in page.locator("[data-tabs] a").all_inner_texts()]


def heads(page: Page) -> list[str]:
    return [head.get_attribute("data-col") or "" for head in page.locator("th[data-col]").all()]


def ask(page: Page, name: str) -> None:
    """Add a condition in the dialog."""
    page.get_by_role("button", name="加一个条件").click()
    page.locator(f'[data-add-cond="{name}"]').click()
    expect(page.locator(f'[data-cond="{name}"]')).to_be_visible()


def tab_to(page: Page, selector: str, most: int = 80) -> None:
    """Move the focus by Tab until it is on an element; as somebody without a mouse does."""
    for _ in range(most):
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way by Tab to {selector}")


def test_a_whole_story_by_keyboard_alone(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/")
    _ask_for_key_customers(page)
    _keep_it_as_a_view(page)
    _move_its_tab(page)
    _arrange_its_columns(page)
    _delete_it_and_bring_it_back(page)
    page.keyboard.press("?")
    expect(page.locator("#keys-help")).to_contain_text("上一个视图，下一个视图")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type(">分组")
    expect(page.locator("#palette [role=option]").first).to_contain_text("分组")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("group="))
    expect(page.locator(".zk-grouphead").first).to_be_visible()


def _ask_for_key_customers(page: Page) -> None:
    page.keyboard.press("f")  # conditions
    expect(page.locator("dialog[open]")).to_be_visible()
    for _ in range(8):  # what can be asked is offered at once
        if page.evaluate("document.activeElement.dataset.addCond") == "grade":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator('[data-cond="grade"]')).to_be_visible()
    tab_to(page, '[data-cond="grade"] input[value="key"]')
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("grade.in=key"))
    expect(page.locator(".zk-chip").first).to_contain_text("等级 是重要")
    assert len(rows(page)) == 16


def _keep_it_as_a_view(page: Page) -> None:
    page.keyboard.press("s")
    expect(page.locator("dialog[open] input[name=name]")).to_be_focused()
    page.keyboard.type("键盘视图")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"view=[0-9a-f-]{36}"))
    expect(page.locator('[data-tabs] a[aria-current="page"]')).to_contain_text("键盘视图")
    expect(page.locator('[data-tabs] a[aria-current="page"] .n')).to_have_text("16")


def _move_its_tab(page: Page) -> None:
    page.keyboard.press("[")
    page.wait_for_url(re.compile("view=r"))
    page.keyboard.press("]")
    page.wait_for_url(re.compile(r"view=[0-9a-f-]{36}"))
    tab_to(page, '[data-tabs] a[aria-current="page"]')
    for _move in range(2):
        with page.expect_response(lambda answer: "views/order" in answer.url):
            page.keyboard.press("Alt+ArrowLeft")
    page.reload()
    assert tabs(page).index("键盘视图") == len(tabs(page)) - 3


def _arrange_its_columns(page: Page) -> None:
    tab_to(page, 'th[data-col="sales"] .zk-grip')
    before = page.locator('th[data-col="sales"]').bounding_box()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(700)
    page.wait_for_load_state("networkidle")
    page.reload()
    after = page.locator('th[data-col="sales"]').bounding_box()
    assert before is not None
    assert after is not None
    assert after["width"] > before["width"] + 20
    tab_to(page, 'th[data-col="sales"] a')
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator("th[data-col]").nth(1)).to_have_attribute("data-col", "sales")


def _delete_it_and_bring_it_back(page: Page) -> None:
    page.keyboard.press("v")  # what can be done with the view
    for _ in range(12):
        if page.evaluate("document.activeElement.textContent").strip() == "删除视图":
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#toasts .zk-toast").last).to_contain_text("已删除视图 键盘视图")
    expect(page.locator("[data-tabs]")).not_to_contain_text("键盘视图")
    page.keyboard.press("Control+z")
    expect(page.locator("[data-tabs]")).to_contain_text("键盘视图")


def test_several_conditions_at_once_and_back(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/?grade.in=key")
    page.locator(".zk-chip.add").click()
    expect(page.locator('[data-cond="grade"] input[value="key"]')).to_be_checked()
    ask(page, "last_order_at")
    page.locator('[data-cond="last_order_at"] [data-op]').select_option("this")
    ask(page, "city")
    page.locator('[data-cond="city"] [data-op]').select_option("not")
    page.locator('[data-cond="city"] [data-value]').fill("苏州,无锡")
    page.get_by_role("button", name="就看这些").click()
    page.wait_for_url(re.compile("last_order_at.this=month"))
    said = [chip.inner_text().replace("\n", "") for chip in page.locator(".zk-chip:not(.add)").all()]
    assert said == ["等级 是重要", "最近购买 是本月", "城市 不是苏州、无锡"]
    page.locator(".zk-chip .v").nth(2).click()
    expect(page.locator("dialog[open] [data-cond]")).to_have_count(1)
    page.locator("[data-op]").select_option("none")
    page.get_by_role("button", name="就看这些").click()
    page.wait_for_url(re.compile("city.none=1"))
    assert "grade.in=key" in page.url
    page.get_by_role("link", name="去掉条件：城市").click()
    page.wait_for_url(lambda url: "city" not in url)
    page.locator(".zk-seg a").filter(has_text="我的").click()
    expect(page.locator(".zk-chip").first).to_contain_text("等级")
    assert "owner.is=me" in page.url


def test_a_view_is_kept_shared_and_kept_again(open_as: LogIn) -> None:
    page = open_as("admin", "/customers/?city.in=苏州")
    page.locator(".zk-tools").get_by_role("button", name="存成视图").click()
    page.locator("dialog[open] [name=name]").fill("苏州的")
    page.get_by_label("给所有人").check()
    page.get_by_label("收藏，放到左边").check()
    page.get_by_role("button", name="存好").click()
    expect(page.locator("#rail-favourites")).to_contain_text("苏州的")
    expect(page.locator("#rail-favourites .n")).to_have_text("10")
    mate = open_as("linyue", "/customers/")
    mate.locator("[data-tabs] a").filter(has_text="苏州的").click()
    expect(mate.locator("[data-row]")).to_have_count(8)
    expect(mate.locator(".zk-tools")).not_to_contain_text("存到这个视图")
    mate.get_by_role("button", name="视图“苏州的”的操作").click()
    expect(mate.locator("#view-menu")).not_to_contain_text("删除视图")
    mate.locator("#view-menu").get_by_text("打开列表先看它").click()
    expect(mate.locator("#toasts .zk-toast").last).to_contain_text("以后打开就是这个视图")
    mate.goto("/customers/")
    expect(mate.locator("[data-row]")).to_have_count(8)
    page.locator('th[data-col="sales"] a').click()
    page.wait_for_url(re.compile("sort="))
    page.get_by_role("button", name="存到这个视图").click()
    expect(page.locator("#toasts .zk-toast").last).to_contain_text("已存到 苏州的")
    expect(page.locator('th[data-col="sales"]')).to_have_attribute("aria-sort", "descending")
    mate.reload()
    expect(mate.locator('th[data-col="sales"]')).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="视图“苏州的”的操作").click()
    page.locator("#view-menu").get_by_text("删除视图").click()
    expect(page.locator("#toasts .zk-toast").last).to_contain_text("已删除视图")
    mate.goto("/customers/")
    expect(mate.locator("[data-row]")).to_have_count(50)


def test_columns_are_moved_and_drawn_by_mouse(open_as: LogIn) -> None:
    page = open_as("zhouhang", "/customers/")
    first = heads(page)
    page.locator('th[data-col="city"]').drag_to(page.locator('th[data-col="grade"]'))
    expect(page.locator("th[data-col]").nth(1)).to_have_attribute("data-col", "city")
    box = page.locator('th[data-col="name"]').bounding_box()
    assert box is not None
    edge = box["x"] + box["width"] - 3
    page.mouse.move(edge, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(edge - 60, box["y"] + 10, steps=4)
    page.mouse.up()
    page.wait_for_timeout(700)
    page.reload()
    narrow = page.locator('th[data-col="name"]').bounding_box()
    assert narrow is not None
    assert abs(narrow["width"] - (box["width"] - 60)) < 12
    page.get_by_role("button", name="列", exact=True).click()
    page.get_by_role("button", name="恢复原样").click()
    expect(page.locator("th[data-col]").nth(1)).to_have_attribute("data-col", first[1])
    assert heads(page) == first


def test_groups_fold_and_open(open_as: LogIn) -> None:
    page = open_as("linyue", "/customers/?group=grade&grade.any=1", phone=True)
    expect(page.locator(".zk-grouphead").first).to_contain_text("16 家")
    assert page.locator(".zk-grouphead").count() == 4
    shown = page.locator("[data-row]:visible").count()
    page.get_by_role("button", name="收起或展开重要").click()
    assert page.locator("[data-row]:visible").count() == shown - 5
    page.get_by_role("link", name="看全部潜力").click()
    page.wait_for_url(re.compile("grade.in=potential"))
    expect(page.locator(".zk-grouphead")).to_have_count(0)


def test_a_layout_is_arranged_by_keys_and_seen_on_the_page(open_as: LogIn) -> None:
    page = open_as("admin", "/settings/layouts/customers")
    grip = page.get_by_role("button", name="移动备注，按上下方向键").first
    grip.focus()
    for _ in range(60):
        page.keyboard.press("ArrowUp")
    expect(page.locator("#layout-preview dt").first).to_have_text("备注")
    page.locator("[data-title]").first.fill("要紧的")
    page.locator("[data-two]").first.check()
    page.get_by_role("button", name="存好").click()
    expect(page.locator("#toasts .zk-toast").last).to_contain_text("布局已存好")
    page.goto("/customers/")
    page.locator("[data-row] .name a").first.click()
    expect(page.locator("#facts h3").first).to_have_text("要紧的")
    expect(page.locator("#facts dt").first).to_have_text("备注")
    page.goto("/settings/layouts/customers")
    page.get_by_role("button", name="恢复原样").click()
    expect(page.locator("[data-field]").first).to_contain_text("类型")
