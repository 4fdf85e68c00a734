"""Memory of everything that `zhike up` starts (PSS), before anybody came and after pages; start times, weight and time of the first page.

Uses a home of its own, so the first start includes the new database and the demo company.
"""

from __future__ import annotations

import argparse
import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from measure import save, table, tell
from playwright.sync_api import Page, sync_playwright

PORT = 8766
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LEAN = 20  # seconds after the last request


def start(home: Path) -> tuple[subprocess.Popen[bytes], float]:
    """`zhike up`; the process, and seconds until a page was served."""
    began = time.perf_counter()
    env = {**os.environ, "ZHIKE_HOME": str(home)}
    env.pop("DATABASE_URL", None)
    process = subprocess.Popen([sys.executable, "-m", "zhike.server.cli", "up", "--port", str(PORT)], env=env, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            connection.request("GET", "/login/")
            if connection.getresponse().status == 200:
                return process, time.perf_counter() - began
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("zhike up ended")


def stop(process: subprocess.Popen[bytes]) -> float:
    """Ctrl-C; seconds until everything had gone."""
    began = time.perf_counter()
    process.send_signal(signal.SIGINT)
    process.wait(60)
    return time.perf_counter() - began


def memory(root: int, home: Path) -> list[tuple[str, float]]:
    """PSS in MB by part."""
    parts: dict[str, float] = {}
    for one in [psutil.Process(root), *psutil.Process(root).children(recursive=True)]:
        try:
            name, pss = _part(one, home), one.memory_full_info().pss
        except psutil.Error:
            continue
        parts[name] = parts.get(name, 0.0) + pss / 2**20
    return [(name, round(size, 1)) for name, size in sorted(parts.items())]


def _part(process: psutil.Process, home: Path) -> str:
    words = " ".join(process.cmdline())
    if "postgres" in process.name() or words.startswith("postgres:") or str(home) in words:
        return "database"
    return next((name for name in ("granian", "worker") if name in words), "supervisor")


def first_page() -> dict[str, Any]:
    """Log in, then open the list with an empty cache: compressed bytes of everything, and time until rows are visible."""
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=CHROMIUM)
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{PORT}/login/")
        page.fill("[name=login]", "linyue")
        page.fill("[name=password]", "zhike-demo")
        page.click("button[type=submit]")
        page.wait_for_load_state("networkidle")
        found = {name: _cold(page, path) for name, path in (("today", "/"), ("customers", "/customers/"))}
        browser.close()
    return found


def _cold(page: Page, path: str) -> dict[str, Any]:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    weights: list[float] = []
    session.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    times = []
    for _ in range(5):
        session.send("Network.clearBrowserCache")
        weights.clear()
        began = time.perf_counter()
        page.goto(f"http://127.0.0.1:{PORT}{path}", wait_until="commit")
        page.wait_for_selector("main tbody tr, main article, main li, main .zk-row", state="visible")
        times.append((time.perf_counter() - began) * 1000)
        page.wait_for_load_state("networkidle")
    session.detach()
    return {"kilobytes": round(sum(weights) / 1024, 1), "requests": len(weights), "visible_ms": round(sorted(times)[2])}


def run() -> dict[str, Any]:
    """First start, stop, second start, idle memory, first page, memory after it, stop."""
    home = Path(tempfile.mkdtemp(prefix="zhike-bench-", dir="/tmp"))
    home.chmod(0o711)
    try:
        process, first = start(home)
        stopped = stop(process)
        process, second = start(home)
        time.sleep(LEAN)
        idle = memory(process.pid, home)
        pages = first_page()
        time.sleep(LEAN)
        used = memory(process.pid, home)
        stop(process)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return {
        "first_start": round(first, 2), "second_start": round(second, 2), "stop": round(stopped, 2),
        "pss_mb": _with_sum(idle), "pss_mb_used": _with_sum(used), "pages": pages,
    }  # fmt: skip


def _with_sum(parts: list[tuple[str, float]]) -> dict[str, float]:
    return {**dict(parts), "all": round(sum(size for _, size in parts), 1)}


def main() -> None:
    """Measure, save."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    facts = run()
    rows = [("first start s", facts["first_start"]), ("second start s", facts["second_start"]), ("stop s", facts["stop"])]
    rows += [(f"PSS {name} MB", size) for name, size in facts["pss_mb"].items()]
    rows += [(f"PSS {name} MB, after pages", size) for name, size in facts["pss_mb_used"].items()]
    rows += [(f"{name}: {what}", value) for name, page in facts["pages"].items() for what, value in page.items()]
    print(table(("what", "value"), rows))
    tell(str(save("memory", facts)))


if __name__ == "__main__":
    main()
