"""RFM over all orders of a company: export to the lake, score, write back; against a bare DuckDB query.

The company has no lake at first (full export); then everything is done again with nothing changed.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import duckdb
import psutil
from lists import company_of
from measure import save, table, tell

from zhike.server.cli.context import ready_django

# What one would write by hand: ranks by quintile over the last 365 days, ties by code and id.
BARE = """
with p as (
  select customer_id, max(day) filter (where gross > 0) as last_day, sum(first_sale) as f, sum(sales)::bigint as m
  from sales where customer_id is not null and day between date '{start}' and date '{as_of}' group by 1 having f > 0
), q as (
  select p.customer_id, coalesce(code, '') as code, date_diff('day', last_day, date '{as_of}') as d, f, m
  from p left join customers using (customer_id)
), s as (
  select *, ntile(5) over (order by d desc, code, customer_id) as rs, ntile(5) over (order by f, code, customer_id) as fs,
    ntile(5) over (order by m, code, customer_id) as ms from q
)
select *, case when ms >= 4 then 1 else 5 end + case when rs >= 4 then 0 else 2 end + case when fs >= 4 then 0 else 1 end as segment from s
"""


def run(size: int) -> dict[str, Any]:
    """Measure on the company of that many customers; needs Django."""
    from django.db import connection

    from zhike.analytics.place import kinds_here, lake_here, uri_here
    from zhike.customers.models import Customer
    from zhike.server.companies import use_company

    with use_company(company_of(size)):
        lake = lake_here()
        shutil.rmtree(lake, ignore_errors=True)
        work = {"what": "value", "uri": uri_here(), "lake": str(lake), "kinds": asdict(kinds_here()), "full": False}
        first = _apart(work)
        again = _apart(work)
        Customer.objects.update(segment=0, rfm=0)
        rewritten = _apart(work)
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from orders_order")
            orders = cursor.fetchone()[0]
    facts: dict[str, Any] = {"orders": orders, "first": first, "unchanged": again, "all_written": rewritten}
    facts |= _against_bare(lake, dt.date.fromisoformat(first["as_of"]))
    return facts


def _apart(work: dict[str, Any]) -> dict[str, Any]:
    """The job as the product runs it, with wall seconds and the peak memory of its process (MB)."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "zhike.analytics.run"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(work))
    process.stdin.close()
    peak = 0
    while process.poll() is None:
        try:
            peak = max(peak, psutil.Process(process.pid).memory_info().rss)
        except psutil.Error:
            break
        time.sleep(0.1)
    report: dict[str, Any] = json.loads(process.stdout.read())
    found = {**report, "wall": round(time.perf_counter() - began, 2), "peak_mb": peak >> 20}
    tell(str(found))
    return found


def _against_bare(lake: Path, as_of: dt.date) -> dict[str, Any]:
    """Seconds of the product's expression and of the hand-written query over the same files, best of three."""
    from zhike.analytics.facts import open_facts
    from zhike.analytics.rfm import RfmRule, score
    from zhike.kernel.lake.manifest import read_manifest

    manifest = read_manifest(lake)
    assert manifest is not None
    rule, facts = RfmRule(as_of=as_of), open_facts(lake)
    bare = duckdb.connect(config={"memory_limit": "1GB", "threads": 2})
    for name in ("sales", "customers"):
        files = [str(lake / file) for file in manifest.files(name)]
        bare.execute(f"create view {name} as from read_parquet({files}, hive_partitioning = false)")
    query = BARE.format(start=rule.start, as_of=as_of)
    ours, theirs = [], []
    for _ in range(3):
        began = time.perf_counter()
        mine = score(facts, rule)
        ours.append(time.perf_counter() - began)
        began = time.perf_counter()
        hand = bare.execute(query).to_arrow_table()
        theirs.append(time.perf_counter() - began)
    equal = sorted(zip(mine["customer_id"].to_pylist(), mine["segment"].to_pylist(), strict=True)) == sorted(
        zip(hand["customer_id"].to_pylist(), hand["segment"].to_pylist(), strict=True)
    )
    return {
        "score": round(min(ours), 3),
        "bare": round(min(theirs), 3),
        "ratio": round(min(ours) / min(theirs), 2),
        "equal": equal,
        "customers": mine.num_rows,
    }


def summary(facts: dict[str, Any]) -> str:
    """The parts of each run."""
    rows = []
    for name in ("first", "unchanged", "all_written"):
        one = facts[name]
        seconds = one["seconds"]
        rows.append(
            (
                name,
                one["rows"],
                seconds["export"],
                seconds["score"],
                seconds["write"],
                seconds["export_again"],
                one["changed"],
                one["wall"],
                one["peak_mb"],
            )
        )
    parts = table(
        ("run", "rows exported", "export s", "score s", "write s", "export again s", "customers changed", "wall s", "peak MB"), rows
    )
    return f"{parts}\n\nOne scoring {facts['score']} s, bare DuckDB {facts['bare']} s, ratio {facts['ratio']}, equal: {facts['equal']}"


def main() -> None:
    """Read options, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="customers; five orders each")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
    with ready_django():
        facts = {"size": options.size, **run(options.size)}
    print(summary(facts))
    tell(str(save("rfm", facts)))


if __name__ == "__main__":
    main()
