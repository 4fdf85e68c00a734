"""A file is dropped, its columns are guessed, it is tried, imported and taken back: the whole way with a worker behind it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, LogIn
from tests.browser.test_looks import overflow, problems, settled

# The third row has a day that does not exist; nothing is like a customer of the filled company.
LIST = (
    "客户编号,客户名称,手机,生日,城市,备用\n"
    "T001,扬州启衡精密有限公司,13912340001,1990-02-03,扬州,x\n"
    "T002,泰州澄远材料有限公司,13912340002,1988-11-30,泰州,x\n"
    "T003,盐城半岛五金有限公司,13912340003,1990-02-31,盐城,x\n"
    "T004,淮安云帆传动有限公司,13912340004,1991-05-06,淮安,x\n"
)
GUESSED = ["customer.code", "customer.name", "customer.phone", "customer.birthday", "customer.city", ""]
DROP = """text => {
    const zone = document.querySelector('.zk-drop'), files = new DataTransfer();
    files.items.add(new File([text], '名单.csv', { type: 'text/csv' }));
    for (const kind of ['dragover', 'drop']) {
        zone.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: files }));
    }
}"""
WORK = 20_000  # milliseconds: the worker looks for jobs by itself when nobody wakes it


@pytest.fixture(scope="module", autouse=True)
def worker(site: str) -> Iterator[None]:
    """The worker of the product, for the company of the browser stories."""
    del site
    process = subprocess.Popen([sys.executable, "-m", "zhike.server.worker"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield
    process.terminate()
    process.wait(timeout=20)


def dropped(page: Page, content: str = LIST) -> Page:
    """The page on which columns are put in their places, with the list dropped on the page before."""
    page.locator("input[name=target][value=customers]").check()
    page.evaluate(DROP, content)
    page.wait_for_url(re.compile(r"/imports/[0-9a-f-]{36}/$"))
    return page


def go(page: Page, name: str) -> None:
    page.locator("main").get_by_role("button", name=name, exact=True).click()


def counts(page: Page) -> list[str]:
    """How many rows were read, good and refused."""
    return [text.split()[0].rstrip("行") for text in page.locator(".zk-counts .zk-v").all_inner_texts()]


def written(page: Page) -> list[str]:
    """New, changed and unchanged customers."""
    return page.locator(".zk-sum tbody tr").first.locator("td.num").all_inner_texts()


def note(page: Page) -> Locator:
    return page.locator("main .zk-note").first


def test_a_list_with_a_bad_row_goes_in_without_it_and_comes_out_again(open_as: LogIn) -> None:
    page = dropped(open_as("admin", "/imports/new"))
    assert [page.locator(f"select[name=column-{n}]").input_value() for n in range(6)] == GUESSED
    go(page, "试一遍")
    expect(note(page)).to_contain_text("3 行没问题，1 行不收，还没有写入任何记录", timeout=WORK)
    assert (counts(page), written(page)) == (["4", "3", "1"], ["3", "0", "0"])
    bad = page.locator(".zk-bad tbody tr")
    expect(bad).to_have_count(1)
    expect(bad.locator(".why")).to_have_text(re.compile("生日.*没有这一天"))
    expect(bad.locator(".zk-wrong")).to_have_text("1990-02-31")
    go(page, "导入")
    expect(note(page)).to_contain_text("导入好了，3 行进来了，1 行没收", timeout=WORK)
    assert (counts(page), written(page)) == (["4", "3", "1"], ["3", "0", "0"])
    report = page.url
    page.locator(".zk-sum tbody a").first.click()
    expect(page.locator("[data-row]")).to_have_count(3)
    came = set(page.locator("[data-row] .name a").all_inner_texts())
    assert came == {"扬州启衡精密有限公司", "泰州澄远材料有限公司", "淮安云帆传动有限公司"}
    page.goto(report)
    go(page, "撤销整个导入")
    page.locator("dialog[open]").get_by_role("button", name="撤销", exact=True).click()
    expect(note(page)).to_contain_text("删掉新增的 3 条，还原改过的 0 条", timeout=WORK)
    page.goto("/customers/?q=扬州启衡")
    expect(page.locator("[data-row]").filter(has_text="扬州启衡")).to_have_count(0)


def test_the_same_list_again_is_told_to_change_nothing(open_as: LogIn) -> None:
    good = "客户编号,客户名称,城市\nC0000,苏州恒远机电有限公司,苏州\n"
    page = dropped(open_as("admin", "/imports/new"), good)
    go(page, "试一遍")
    expect(note(page)).to_contain_text("1 行都没问题，和已有的一样，导了也不会变", timeout=WORK)
    assert written(page) == ["0", "0", "1"]
    go(page, "改对应")
    expect(page.locator("select[name=column-0]")).to_have_value("customer.code")


def test_a_list_dropped_among_the_orders_is_put_right_by_one_button(open_as: LogIn) -> None:
    page = open_as("admin", "/imports/new")
    page.locator("input[name=target][value=orders]").check()
    page.evaluate(DROP, LIST)
    page.wait_for_url(re.compile(r"/imports/[0-9a-f-]{36}/$"))
    expect(note(page)).to_contain_text("这份文件更像客户")
    go(page, "换成客户")
    expect(page.locator("select[name=target]")).to_have_value("customers")
    expect(page.locator(".zk-note")).to_have_count(0)
    assert [page.locator(f"select[name=column-{n}]").input_value() for n in range(6)] == GUESSED


def test_steps_of_an_import_bar_nobody_and_fit_a_phone(open_as: LogIn) -> None:
    page = dropped(open_as("admin", "/imports/new"))
    for at in ("map", "checked"):
        if at == "checked":
            go(page, "试一遍")
            expect(page.locator(".zk-bad")).to_be_visible(timeout=WORK)
        assert (problems(settled(page)), overflow(page)) == ([], 0), at
        wide = page.viewport_size
        page.set_viewport_size(PHONE)
        assert (problems(settled(page)), overflow(page)) == ([], 0), at
        assert wide is not None
        page.set_viewport_size(wide)


def test_an_empty_file_is_refused_on_the_spot(open_as: LogIn) -> None:
    page = open_as("admin", "/imports/new")
    page.evaluate(DROP, "")
    expect(page.locator("[data-error]")).to_be_visible()
    expect(page.locator("[data-error]")).not_to_be_empty()
    assert page.url.endswith("/imports/new")
