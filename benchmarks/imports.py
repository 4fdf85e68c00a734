"""Import of new customers from a CSV file of 12 columns, and the same file once more; against raw COPY of the file.

About 1 % of the rows are bad (31 February, unknown kind, broken address of mail) and 0.5 % name a number twice.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import psycopg
from measure import save, table, tell

from zhike.demo.frames import DemoSize, customer_chunks
from zhike.server.cli.context import ready_django

COMPANY = "bench-import"
HEADS = {
    "code": "客户编号", "name": "客户名称", "kind": "类型", "phone_raw": "电话", "email": "邮箱", "grade": "等级", "category": "细分",
    "source": "来源", "province": "省份", "city": "城市", "birthday": "生日", "remark": "备注",
}  # fmt: skip
GRADES = {"key": "重要", "potential": "潜力", "normal": "一般", "low": "低价值", "": ""}


def write_file(path: Path, rows: int, seed: int = 7) -> None:
    """The same rows and seed give the same bytes."""
    random = np.random.default_rng(seed)
    with path.open("wb") as file:
        for place, frame in enumerate(customer_chunks(DemoSize(customers=rows, orders=0, seed=seed))):
            mixed = _spoiled(frame, random).select([pl.col(name).alias(head) for name, head in HEADS.items()])
            file.write(mixed.write_csv(include_header=place == 0).encode())


def _spoiled(frame: pl.DataFrame, random: np.random.Generator) -> pl.DataFrame:
    drawn = pl.Series(random.random(frame.height))
    again = frame["code"].shift(3)
    return frame.with_columns(
        pl.col("kind").replace_strict({"company": "公司", "person": "个人"}),
        pl.col("grade").replace_strict(GRADES),
        birthday=pl.when(drawn < 0.004).then(pl.lit("2001-02-31")).otherwise(pl.col("birthday").cast(pl.String)),
    ).with_columns(
        kind=pl.when((drawn >= 0.004) & (drawn < 0.007)).then(pl.lit("机构？")).otherwise(pl.col("kind")),
        email=pl.when((drawn >= 0.007) & (drawn < 0.010)).then(pl.lit("没有@@")).otherwise(pl.col("email")),
        code=pl.when((drawn >= 0.010) & (drawn < 0.015)).then(pl.coalesce(again, "code")).otherwise(pl.col("code")),
    )


def raw_copy(conninfo: str, path: Path) -> float:
    """Seconds of COPY of the file into an unlogged table of text columns."""
    names = ", ".join(f"c{place} text" for place in range(len(HEADS)))
    with psycopg.connect(conninfo) as session, session.cursor() as cursor:
        cursor.execute(f"drop table if exists bench_raw; create unlogged table bench_raw ({names})")
        began = time.perf_counter()
        with cursor.copy("copy bench_raw from stdin (format csv, header)") as copy, path.open("rb") as file:
            while block := file.read(1 << 18):
                copy.write(block)
        took = time.perf_counter() - began
        cursor.execute("drop table bench_raw")
    return took


def one_import(path: Path, rows: int) -> dict[str, Any]:
    """`zhike import` as a person would call it: seconds, rows a second, peak memory of its processes, its report."""
    began, peak = time.perf_counter(), 0
    argv = [sys.executable, "-m", "zhike.server.cli", "import", str(path), "--as", "customers", "--company", COMPANY, "--json"]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    while process.poll() is None:
        try:
            peak = max(peak, sum(one.memory_info().rss for one in _family(process.pid)))
        except psutil.Error:
            continue
        time.sleep(0.1)
    took = time.perf_counter() - began
    report = json.loads(process.stdout.read())
    found = {
        "seconds": round(took, 2),
        "rows_a_second": round(rows / took),
        "peak_mb": peak >> 20,
        "exit_code": process.returncode,
        "counts": report.get("counts"),
    }
    tell(str(found))
    return found


def _family(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def run(rows: int) -> dict[str, Any]:
    """Import into an empty company, twice."""
    from zhike.server.companies import list_companies
    from zhike.server.founding import create_company, drop_company
    from zhike.server.home import current_home

    if any(company.name == COMPANY for company in list_companies()):
        drop_company(COMPANY)
    company = create_company(COMPANY)
    path = current_home().root / f"bench-{rows}.csv"
    if not path.exists():
        tell(f"writing {path}")
        write_file(path, rows)
    raw = raw_copy(company.conninfo(), path)
    first, second = one_import(path, rows), one_import(path, rows)
    return {"rows": rows, "megabytes": path.stat().st_size >> 20, "raw_copy": round(raw, 2), "raw_rows_a_second": round(rows / raw),
            "new": first, "ratio": round(first["seconds"] / raw, 1), "unchanged": second}  # fmt: skip


def main() -> None:
    """Read options, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="rows of the file")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
    with ready_django():
        facts = run(options.size)
    rows = [(name, facts[name]["seconds"], facts[name]["rows_a_second"], facts[name]["peak_mb"]) for name in ("new", "unchanged")]
    print(
        table(("import", "seconds", "rows a second", "peak MB"), [("raw COPY", facts["raw_copy"], facts["raw_rows_a_second"], ""), *rows])
    )
    tell(str(save("imports", facts)))


if __name__ == "__main__":
    main()
