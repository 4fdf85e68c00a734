from playwright.sync_api import expect
def test_dbg(open_as):
    page = open_as("linyue", "/customers/?sort=updated_at")
    page.on("response", lambda r: print("RESP", r.request.method, r.status, r.url, {k:v for k,v in r.headers.items() if k.startswith("hx") or k.startswith("x-")}) if "static" not in r.url else None)
    page.keyboard.press("j"); page.keyboard.press("o")
    page.locator("#peek footer button[aria-label='删除']").click()
    page.wait_for_timeout(1500)
    print(page.locator("#peek").inner_html()[-800:])
    page.screenshot(path="/tmp/zk_dbg.png")
