"""Take the pictures of `docs/pictures`: every screen of a running demo company, wide and on a phone.

zhike up                                  # in one terminal, with the demo company
python tools/pictures.py http://127.0.0.1:8000
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "pictures"
SIZES = {"": (1440, 900), "-390": (390, 844)}
CHROMIUM = "/usr/bin/chromium"
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PLACES = {
    "today": "/", "customers": "/customers/?sort=-sales", "orders": "/orders/", "products": "/products/", "value": "/analytics/value",
    "overview": "/analytics/overview", "imports": "/imports/new?target=orders", "components": "/kernel/components",
}  # fmt: skip


def log_in(page: Page, base: str) -> None:
    page.goto(f"{base}/login/")
    page.fill("[name=login]", "manager")
    page.fill("[name=password]", "zhike-demo")
    page.click("button[type=submit]")
    page.wait_for_load_state()


def take(page: Page, base: str, suffix: str) -> None:
    """One picture a place, then those that need a click: a customer, its peek, the palette, a filter."""
    for name, path in PLACES.items():
        page.goto(base + path)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)
        page.screenshot(path=FOLDER / f"{name}{suffix}.png")
    page.goto(f"{base}/customers/?sort=-sales")
    page.wait_for_load_state("networkidle")
    row = page.locator("tr[data-row]").first
    url = row.get_attribute("data-open") or ""
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_timeout(600)
    page.screenshot(path=FOLDER / f"peek{suffix}.png")
    page.goto(base + url)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"customer{suffix}.png")
    page.keyboard.press("Control+k")
    page.keyboard.type("jx")
    page.wait_for_timeout(600)
    page.screenshot(path=FOLDER / f"palette{suffix}.png")


def main(base: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        for suffix, (width, height) in SIZES.items():
            page = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN").new_page()
            page.goto(f"{base}/login/")
            page.wait_for_load_state("networkidle")
            page.screenshot(path=FOLDER / f"login{suffix}.png")
            log_in(page, base)
            take(page, base, suffix)
        page = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark", locale="en-GB").new_page()
        log_in(page, base)
        page.context.add_cookies(
            [{"name": "zk_theme", "value": "dark", "url": base}, {"name": "django_language", "value": "en", "url": base}]
        )
        for name in ("today", "customers", "value", "overview"):
            page.goto(base + PLACES[name])
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(300)
            page.screenshot(path=FOLDER / f"{name}-en-dark.png")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/") if len(sys.argv) > 1 else "http://127.0.0.1:8000")
