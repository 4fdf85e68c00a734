"""Every page of the table of routes, opened once: no text runs as a script, nothing bars anybody, the keyboard reaches all.

A new page is visited without another line; one that cannot be is named in UNSEEN with a reason. The company is filled
with hostile texts and stays so: this file comes last of its folder.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.apps import apps
from playwright.sync_api import Browser, Page, StorageState
from pytest_django import DjangoDbBlocker

from tests.browser.conftest import PHONE, WIDE, _log_in
from tests.browser.places import Places, make_everything
from tests.browser.test_looks import CHINESE, overflow, problems
from tests.contract.routes import ROUTES
from zhike.org.models import User
from zhike.org.queries import actor_of

PAYLOAD = "\"'><img src=x onerror=own()><script>own()</script>{{7*7}}"
# Pages that this test does not open, and why.
UNSEEN = {
    "account/totp/off/": "only with a phone; tests/flows/login",
    "account/codes/": "only with a phone; tests/flows/login",
    "settings/webhooks/<uuid:pk>/messages/<int:number>": "only with a message that was sent; kernel/hooks/tests",
    "settings/history/database/<int:kind>/": "only after a change past the product; tests/flows/test_past.py",
    "login/sso/cancelled/": "only comes back from another system; tests/flows/login",
    "login/sso/failed/": "only comes back from another system; tests/flows/login",
    "account/codes/download/": "a file",
    "account/sessions/<int:pk>/end": "only with a second session; tests/flows/login",
    "account/passkeys/<int:pk>/remove/": "only with a passkey; tests/flows/login",
    "account/passkeys/<int:pk>/edit/": "only with a passkey; tests/flows/login",
    "settings/login/<uuid:pk>": "only with a log-in system; tests/flows/login",
    "settings/history/export": "a file",
    "<slug:slug>/export": "a file",
    "imports/<uuid:pk>/refused": "a file",
}
NAMES = [name for name, route in ROUTES.items() if route.form is None and not route.is_api and not route.is_open and name not in UNSEEN]
WATCH = """window.ran = []; window.own = () => ran.push('own'); window.alert = (text) => ran.push(String(text));
document.addEventListener('securitypolicyviolation', (event) => ran.push(event.violatedDirective + ' ' + event.blockedURI));"""
REACHABLE = """() => { const shown = (one) => one.checkVisibility({visibilityProperty: true, opacityProperty: false}) && !one.closest('[inert]');
  const named = 'a[href], button:not([disabled]), input:not([disabled]):not([type=hidden]), select:not([disabled]), textarea:not([disabled]), summary, [tabindex]';
  return [...document.querySelectorAll(named)].filter((one) => shown(one) && one.tabIndex >= 0 && one.type !== 'radio').map((one, at) => {
    one.dataset.walk = at; return one.outerHTML.slice(0, 110); }); }"""
HERE = """() => { const one = document.activeElement; if (!one || one === document.body) return null;
  const marked = (style) => (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none';
  let seen = false; for (let up = one, n = 0; up && n < 3; up = up.parentElement, n++) seen ||= marked(getComputedStyle(up));
  for (const label of one.labels || []) seen ||= marked(getComputedStyle(label));
  return [one.dataset.walk ?? '', seen || one.tagName === 'IFRAME', one.outerHTML.slice(0, 110)]; }"""
PART = """async (path) => { document.querySelector('#part')?.remove();
const box = Object.assign(document.createElement('div'), { id: 'part' });
document.querySelector('main').append(box);
await window.htmx.ajax('GET', path, { target: box, swap: 'innerHTML', source: document.body });
const made = [...document.querySelectorAll("img[src='x'], img[onerror]")].map((one) => one.outerHTML);
const scripts = [...document.scripts].filter((one) => one.textContent.includes('own()')).map((one) => one.outerHTML);
return { found: [...made, ...scripts, ...window.ran.splice(0)], text: box.innerText }; }"""


@pytest.fixture(scope="module")
def places(site: str, django_db_blocker: DjangoDbBlocker) -> Places:
    """The company of the site with one hostile of everything."""
    del site
    with django_db_blocker.unblock():
        return make_everything(PAYLOAD, actor_of(User.objects.get(username="admin")))


@pytest.fixture(scope="module")
def page(browser: Browser, site: str, sessions: dict[str, StorageState]) -> Iterator[Page]:
    """One window for all pages, logged in as who looks after everything."""
    context = browser.new_context(
        base_url=site, viewport=WIDE, reduced_motion="reduce", locale="zh-CN", storage_state=sessions.get("admin")
    )
    window = context.new_page()
    window.set_default_timeout(8_000)
    if "admin" not in sessions:
        _log_in(window, "admin")
        sessions["admin"] = context.storage_state()
    window.add_init_script(WATCH)
    yield window
    context.close()


@pytest.fixture
def errors(page: Page) -> Iterator[list[str]]:
    """What scripts complained of, and dialogs that opened."""
    found: list[str] = []

    def complain(error: object) -> None:
        found.append(str(error))

    def ask(dialog: object) -> None:
        found.append(f"dialog {dialog}")

    page.on("pageerror", complain)
    page.on("dialog", ask)
    yield found
    page.remove_listener("pageerror", complain)
    page.remove_listener("dialog", ask)


def _pages(page: Page, places: Places, name: str) -> Iterator[str]:
    """The addresses of a route that answer with a whole page; what answers with a part or leads on is no page."""
    for path in places.paths(name):
        answer = page.request.get(path, max_redirects=0)
        if answer.status == 200 and "<html" in answer.text():
            yield path
        else:
            assert answer.status in (200, 204, 302, 405, 422) or "{" in ROUTES[name].path, (path, answer.status)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_runs_nothing_bars_nobody_and_is_reached_by_keys(name: str, page: Page, places: Places, errors: list[str]) -> None:
    found: list[str] = []
    for path in _pages(page, places, name):
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")
        page.goto(path, wait_until="networkidle")
        found += [f"{path} light 1440: {one}" for one in problems(page)]
        found += [f"{path} keys: {one}" for one in _walked(page)]
        found += _on_a_phone(page, path)
        found += [f"{path} ran: {one}" for one in page.evaluate("window.ran")]
    assert not found + errors, "\n".join(found + errors)


def _on_a_phone(page: Page, path: str) -> list[str]:
    wide = overflow(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(300)  # colours change over a moment
    found = [f"{path} dark 390: {one}" for one in problems(page)]
    return found + ([f"{path} is too wide: {wide} {overflow(page)}"] if wide > 0 or overflow(page) > 0 else [])


def _walked(page: Page) -> list[str]:
    """Tab from the top to the end: what was not reached, and what shows no focus."""
    wanted: list[str] = page.evaluate(REACHABLE)
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
    met: set[str] = set()
    unseen: list[str] = []
    for _step in range(min(len(wanted) + 25, 220)):
        page.keyboard.press("Tab")
        here = page.evaluate(HERE)
        if here is None:
            if met:
                break
            continue
        if here[0] in met and here[0] != "":
            if len(met) >= len(wanted):
                break
            continue
        met.add(here[0])
        if not here[1]:
            unseen.append(f"focus is not seen: {here[2]}")
    # What went away meanwhile (a button at the end of a list that was loaded when it came into view) need not be reached.
    there = page.evaluate("[...document.querySelectorAll('[data-walk]')].map((one) => one.dataset.walk)")
    missed = [wanted[int(at)] for at in there if at not in met] if len(wanted) < 200 else []
    return unseen[:5] + [f"not reached: {text}" for text in missed[:5]]


@pytest.fixture(scope="module")
def data(site: str, places: Places, django_db_blocker: DjangoDbBlocker) -> list[str]:
    """Every Chinese text that the company itself wrote, longest first."""
    del site, places
    words: set[str] = {"简体中文", "恒砺机电", "相差天数"}  # the last is the name of a function in formulas
    with django_db_blocker.unblock():
        for model in apps.get_models():
            names = [field.name for field in model._meta.concrete_fields if field.get_internal_type() in ("CharField", "TextField")]
            for row in model._base_manager.values_list(*names)[:2000] if names else ():
                words |= {str(text) for text in row if CHINESE.search(str(text))}
    return sorted(words, key=len, reverse=True)


def _chinese(shown: str, data: list[str]) -> Iterator[str]:
    """The lines with Chinese that is not the company's own."""
    for text in shown.split("\n"):
        rest = text
        for word in data if CHINESE.search(rest) else ():
            rest = rest.replace(word, "")
        if CHINESE.search(rest):
            yield text


@pytest.mark.parametrize("name", [name for name in NAMES if name != "kernel/components"])  # a gallery for developers
def test_an_english_page_has_no_chinese_but_data(name: str, page: Page, site: str, places: Places, data: list[str]) -> None:
    page.context.add_cookies([{"name": "django_language", "value": "en", "url": site}])
    left: list[str] = []
    try:
        for path in _pages(page, places, name):
            page.goto(path)
            left += [f"{path}: {text[:80]}" for text in _chinese(page.locator("body").inner_text(), data)]
    finally:
        page.context.clear_cookies(name="django_language")
    assert not left, "\n".join(dict.fromkeys(left))


def _parts(page: Page, places: Places, name: str) -> Iterator[str]:
    """The addresses of a route that answer with a part of a page."""
    for path in places.paths(name):
        answer = page.request.get(path, max_redirects=0, headers={"HX-Request": "true"})
        if answer.status == 200 and "<html" not in answer.text() and "html" in answer.headers.get("content-type", ""):
            yield path


@pytest.fixture(scope="module")
def host(page: Page) -> Page:
    """A page that parts are put into, as the product does it."""
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    page.goto("/kernel/components", wait_until="networkidle")
    return page


@pytest.mark.parametrize("name", NAMES)
def test_a_part_put_into_a_page_runs_nothing(name: str, host: Page, places: Places, errors: list[str]) -> None:
    found: list[str] = []
    for path in _parts(host, places, name):
        found += [f"{path}: {one}" for one in host.evaluate(PART, path)["found"]]
    assert not found + errors, "\n".join(found + errors)


@pytest.mark.parametrize("name", NAMES)
def test_an_english_part_has_no_chinese_but_data(name: str, host: Page, site: str, places: Places, data: list[str]) -> None:
    host.context.add_cookies([{"name": "django_language", "value": "en", "url": site}])
    left: list[str] = []
    try:
        for path in _parts(host, places, name):
            left += [f"{path}: {text[:80]}" for text in _chinese(host.evaluate(PART, path)["text"], data)]
    finally:
        host.context.clear_cookies(name="django_language")
    assert not left, "\n".join(dict.fromkeys(left))
