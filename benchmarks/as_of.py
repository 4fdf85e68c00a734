"""A list as of a past moment: of 1,000 records of one owner, and the first page of a million, with some thousand changed since."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import time
from typing import Any

from lists import company_of
from measure import percentile, save, table, tell

from zhike.server.cli.context import ready_django

OWNED = 1_000
CHANGED = 2_000


def sql(text: str, *params: object) -> list[Any]:
    """One statement; its rows, if it has any."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(text, list(params))
        return list(cursor.fetchall()) if cursor.description else []


def prepared() -> dt.datetime:
    """Give one person 1,000 customers, change half of them and others after the moment; the moment."""
    have = sql("select count(*) from customers_customer where owner_id = 2000000")[0][0]
    if have < OWNED:
        sql(
            "update customers_customer set owner_id = 2000000 where id in (select id from customers_customer order by md5(id::text) limit %s)",
            OWNED,
        )
    time.sleep(0.05)
    moment = dt.datetime.now(tz=dt.UTC)
    time.sleep(0.05)
    for number in range(3):
        sql(
            "update customers_customer set city = %s, updated_at = now() where id in (select id from customers_customer where owner_id = 2000000 limit 500)",
            f"甲{number}",
        )
        sql(
            "update customers_customer set city = %s where id in (select id from customers_customer order by id limit %s)",
            f"乙{number}",
            CHANGED,
        )
    return moment


def timed(count: int, ask: Any) -> list[float]:
    """Milliseconds of several askings, the first not counted."""
    ask()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        ask()
        times.append((time.perf_counter() - start) * 1000)
    return times


def main() -> None:
    """Read options, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000, help="customers")
    parser.add_argument("--times", type=int, default=20)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
    with ready_django():
        from zhike.server.companies import use_company

        with use_company(company_of(options.size)):
            lines = _measured(options.times)
    print(table(("list as of a moment", "p50 ms", "p95 ms"), lines))
    facts = {"customers": options.size, "changed since": CHANGED + 500, "lists": [{"list": n, "p50": a, "p95": b} for n, a, b in lines]}
    tell(str(save("as_of", facts)))


def _measured(times: int) -> list[tuple[str, float, float]]:
    from zhike.customers.models import Customer
    from zhike.kernel.actor import SYSTEM
    from zhike.kernel.lists.pages import listing
    from zhike.kernel.past.lists import rows_at
    from zhike.kernel.registry import objects

    moment = prepared()
    spec = objects.of(Customer)
    sql("analyze kernel_history")
    found = []
    for name, params, size in (
        ("1,000 records of one owner, all in one page", {"owner.is": "2000000"}, OWNED),
        ("the first 50 of those", {"owner.is": "2000000"}, 50),
        ("the first 50 of everybody's", {}, 50),
    ):
        wanted = listing(spec, SYSTEM, params)
        asked = timed(times, lambda wanted=wanted, size=size: rows_at(wanted, moment, size=size))
        found.append((name, round(percentile(asked, 0.5), 1), round(percentile(asked, 0.95), 1)))
    return found


if __name__ == "__main__":
    main()
