"""`zhike import`: what it says, what it answers to programs, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.flows.bringing_in import one, rows, written
from zhike.server.control import Company

TEXT = "订单编号,订单日期,客户编号,金额,备用\nS1,2026-01-05,K1,10,x\nS2,2026-02-31,K1,5,x\nS3,2026-01-07,K2,2.5,x\n"


def zhike(*words: str, language: str = "zh_CN.UTF-8") -> subprocess.CompletedProcess[str]:
    """Run the command as a person would, in the language of the terminal."""
    env = {**os.environ, "LC_ALL": language, "DJANGO_SETTINGS_MODULE": "zhike.server.settings", "PYTHONUTF8": "1"}
    return subprocess.run(
        [sys.executable, "-m", "zhike.server.cli", "import", *words], env=env, capture_output=True, text=True, timeout=120, check=False
    )


def told(*words: str) -> Any:
    done = zhike(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_from_a_first_look_to_undo(committed: Company, tmp_path: Path) -> None:
    path = str(written(tmp_path, TEXT))
    looked = zhike(path, "--as", "orders", "--company", committed.slug, "--dry-run")
    assert looked.returncode == 0, looked.stderr
    assert "将新增" in looked.stdout
    assert one("select count(*) from orders_order") == 0

    bad = tmp_path / "refused.csv"
    done = zhike(path, "--as", "orders", "--company", committed.name, "--map", "备用=order.channel", "--refused", str(bad))
    assert done.returncode == 0, done.stderr
    assert "第 2 行：订单日期 没有这一天或不是日期：2026-02-31" in done.stdout
    assert "2026-02-31" in bad.read_text(encoding="utf-8-sig")
    assert rows("select number, channel from orders_order order by 1") == [("S1", "x"), ("S3", "x")]

    again = told(path, "--as", "orders", "--map", "备用=order.channel")
    assert {again["counts"][name]["inserted"] + again["counts"][name]["updated"] for name in ("customer", "order", "line")} == {0}
    assert [one["code"] for row in again["first_refused"] for one in row["problems"]] == ["date_invalid"]

    runs = told("--list")
    assert [run["state"] for run in runs] == ["done", "done", "checked"]
    back = told("--undo", runs[1]["run"])
    assert back["removed"] == 6
    assert one("select count(*) from orders_order") == 0


def test_refusals_end_with_one_and_wrong_usage_with_two(committed: Company, tmp_path: Path) -> None:
    path = str(written(tmp_path, TEXT))
    nothing = zhike(path, "--as", "orders", "--on-refused", "nothing", language="en_US.UTF-8")
    assert (nothing.returncode, "nothing was imported, as asked" in nothing.stdout) == (1, True)
    missing = zhike(str(tmp_path / "none.csv"), "--as", "orders", "--json")
    assert (missing.returncode, json.loads(missing.stdout)["error"]) == (1, "file_unreadable")
    unknown = zhike(path, "--as", "planets", "--json")
    assert (unknown.returncode, json.loads(unknown.stdout)["error"]) == (1, "target_unknown")
    assert zhike(path).returncode == 2
    assert zhike(path, "--as", "orders", "--mode", "twice").returncode == 2
    assert one("select count(*) from orders_order") == 0
