"""A bulk change of 200,000 of a million customers, with history, search and progress, beside the bare UPDATE of the same rows.

The bare UPDATE writes the same columns of the same rows of the same table with all its indexes; only the triggers of the
history are off. Both run in turns in one run, on rows that were just written back, and the table is vacuumed between.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from lists import company_of
from measure import save, table, tell

from zhike.server.cli.context import ready_django

BARE = """
update customers_customer set remark = %s, version = version + 1, updated_at = now()
where id in (select id from bulk_bench) and remark is distinct from %s
"""


def seconds(deed: Callable[[], object]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    deed()
    return time.perf_counter() - start


def sql(text: str, *params: object) -> None:
    """One statement in a transaction of its own."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(text, list(params))


def bare(value: str, *, with_history: bool) -> None:
    """The UPDATE alone."""
    switch = "enable" if with_history else "disable"
    sql(f"alter table customers_customer {switch} trigger hist_update")
    try:
        sql(BARE, value, value)
    finally:
        sql("alter table customers_customer enable trigger hist_update")


def whole(value: str) -> Any:
    """The bulk change as a person orders it, done by the worker's code."""
    from zhike.customers.models import Customer
    from zhike.kernel.actor import SYSTEM
    from zhike.kernel.bulk import running, tables
    from zhike.kernel.bulk.choosing import write_down

    run = tables.BulkRun(label="customers.customer", verb="set", values={"remark": value}, actor=running.kept(SYSTEM), actor_name="bench")
    run.total = write_down(Customer.objects.extra(where=["id in (select id from bulk_bench)"]), run.table)
    run.save(force_insert=True)
    done = running.work(run)
    assert done.counts["changed"] == run.total, done.counts
    return done


def main() -> None:
    """Read options, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="customers")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
    with ready_django():
        from zhike.server.companies import use_company

        with use_company(company_of(options.size)):
            found = _measured(options.rows, options.rounds)
    base = found["bare UPDATE"]
    lines = [(name, round(value, 2), round(value / base, 2)) for name, value in found.items()]
    print(table(("what", "seconds", "x the bare UPDATE"), lines))
    facts = {"customers": options.size, "rows": options.rows, "seconds": found, "ratio": round(found["bulk change"] / base, 2)}
    tell(str(save("bulk", facts)))


def _measured(rows: int, rounds: int) -> dict[str, float]:
    sql("drop table if exists bulk_bench")
    sql("create table bulk_bench as select id from customers_customer order by md5(id::text) limit %s", rows)
    times: dict[str, list[float]] = {"bare UPDATE": [], "UPDATE with history": [], "bulk change": []}
    for number in range(rounds):
        for name, deed in (
            ("bare UPDATE", lambda n=number: bare(f"a{n}", with_history=False)),
            ("UPDATE with history", lambda n=number: bare(f"b{n}", with_history=True)),
            ("bulk change", lambda n=number: whole(f"c{n}")),
        ):
            sql("vacuum (analyze) customers_customer")
            sql("checkpoint")
            times[name].append(seconds(deed))
            tell(f"{name}: {times[name][-1]:.1f} s")
    sql("drop table bulk_bench")
    return {name: median(values) for name, values in times.items()}


if __name__ == "__main__":
    main()
