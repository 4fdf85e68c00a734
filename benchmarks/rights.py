"""Who can see a record among 100,000 people, what a change of a role would do over a million customers, and an actor's one round trip.

Run it while `zhike up` runs on the same home: the company is made on the database of that home.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from measure import percentile, save, table, tell

from zhike.server.cli.context import ready_django

CUSTOMERS, ORDERS, PEOPLE = 1_000_000, 10_000, 100_000
SQL_PEOPLE = """
with made as (insert into org_user (username, name, password, language, is_active, is_staff, is_superuser, email, date_joined)
  select 'many' || n, '员工' || n, '!', 'zh-hans', true, false, false, '', now() from generate_series(1, %(count)s) n
  on conflict do nothing returning id),
teams as (select array_agg(id order by id) as ids from org_team),
joined as (insert into org_membership (user_id, team_id, is_home) select made.id, teams.ids[1 + made.id %% array_length(teams.ids, 1)], true from made, teams)
insert into org_user_roles (user_id, role_id) select id, (select id from org_role where code = 'manager') from made
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Milliseconds of one kind of question."""

    story: str
    times: list[float]

    def plain(self) -> dict[str, Any]:
        return {
            "story": self.story, "requests": len(self.times), "p50": round(percentile(self.times, 0.5), 1),
            "p95": round(percentile(self.times, 0.95), 1), "max": round(max(self.times), 1),
        }  # fmt: skip


def timed(story: str, ask: Callable[[int], object], count: int) -> Timed:
    """Ask several times; the first answer warms caches and is not counted."""
    ask(0)
    times = []
    for number in range(1, count + 1):
        start = time.perf_counter()
        ask(number)
        times.append((time.perf_counter() - start) * 1000)
    return Timed(story=story, times=times)


def company() -> Any:
    """The large company, made when it is not there."""
    from zhike.server.companies import list_companies
    from zhike.server.demos import create_demo, small_demo

    name = "Rights 1M"
    known = next((one for one in list_companies() if one.name == name), None)
    if known is None:
        tell(f"making {name} …")
        known = create_demo(name, size=small_demo(CUSTOMERS, ORDERS))
    return known


def measure(count: int) -> list[Timed]:
    """All questions, in the large company."""
    from django.db import connection

    from zhike.customers.models import Customer
    from zhike.kernel.actor import Scope
    from zhike.org.models import Role, User
    from zhike.org.queries import actor_of
    from zhike.org.roles.asking import impact_on_role
    from zhike.org.roles.editing import Wish, wish_of
    from zhike.org.roles.who import lock_of, people_who_may

    with connection.cursor() as cursor:
        if User.objects.count() < PEOPLE:
            cursor.execute(SQL_PEOPLE, {"count": PEOPLE})
            cursor.execute("analyze org_user, org_membership, org_user_roles, customers_customer")
    customers = list(Customer.objects.order_by("-updated_at")[: count + 1])
    locks = [lock_of(record, "view") for record in customers]
    users = [User.objects.get(username=name) for name in ("linyue", "manager", "admin")]
    sales, manager = Role.objects.get(code="sales"), Role.objects.get(code="manager")

    def wider(role: Role, scope: Scope | None) -> Wish:
        now = wish_of(role)
        grants = {key: value for key, value in now.grants.items() if key != ("customers.customer", "view")}
        return Wish(grants=grants | ({("customers.customer", "view"): scope} if scope else {}), rules=now.rules)

    return [
        timed("who can see: first page", lambda n: people_who_may(locks[n], "view"), count),
        timed("who can see: deep page", lambda n: people_who_may(locks[n], "view", after=("员工6", 0)), count),
        timed("who can see: searched", lambda n: people_who_may(locks[n], "view", text=f"9{n}"), count),
        timed("an actor", lambda n: actor_of(users[n % 3]), count),
        timed("what if: sales see all", lambda n: impact_on_role(sales, wider(sales, Scope.ALL)), count),
        timed("what if: sales see their teams", lambda n: impact_on_role(sales, wider(sales, Scope.TEAM)), count),
        timed("what if: managers see own only", lambda n: impact_on_role(manager, wider(manager, Scope.OWN)), count),
        timed("what if: managers see nothing", lambda n: impact_on_role(manager, wider(manager, None)), count),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20)
    args = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
    with ready_django():
        from zhike.server.companies import use_company

        with use_company(company()):
            found = [one.plain() for one in measure(args.count)]
    path = save("rights", {"customers": CUSTOMERS, "people": PEOPLE, "stories": found})
    print(table(("story", "requests", "p50 ms", "p95 ms", "max ms"), [[*map(str, one.values())] for one in found]))
    tell(f"written to {path}")


if __name__ == "__main__":
    main()
