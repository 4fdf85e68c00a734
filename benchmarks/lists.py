"""Lists, search and pages of customers for three people, in two companies of different size.

Each request goes over HTTP to the real server (one client, connection kept), and once more inside this process to
count its queries. Beside the time on the wall the
processor time of web server and database is taken for each. Values vary from request to request, so no cache of results could help.
"""

from __future__ import annotations

import argparse
import http.client
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import numpy as np
from measure import busy_milliseconds, database_processes, percentile, save, table, tell

from zhike.server.cli.context import ready_django
from zhike.server.supervisor import Web

PORT = 8765
PEOPLE = ("linyue", "manager", "admin")
SIZES = (10_000, 1_000_000)
ORDERS_EACH = 5
DEEP = 400 * 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A kind of request: addresses that vary, and whether htmx asks (a part of a page)."""

    name: str
    paths: tuple[str, ...]
    is_part: bool = False


@dataclass(slots=True, kw_only=True)
class Measured:
    """Milliseconds of one kind of request for one person and size."""

    story: str
    person: str
    size: int
    wall: list[float] = field(default_factory=list)
    web: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    queries: int = 0
    status: set[int] = field(default_factory=set)
    slowest: str = ""

    @property
    def both(self) -> list[float]:
        """Processor time of web server and database for each request."""
        return [web + database for web, database in zip(self.web, self.database, strict=True)]

    def plain(self) -> dict[str, Any]:
        facts = {
            "p50": percentile(self.wall, 0.5), "p95": percentile(self.wall, 0.95), "max": max(self.wall),
            "cpu_p50": percentile(self.both, 0.5), "cpu_p95": percentile(self.both, 0.95), "cpu_max": max(self.both),
            "web_cpu": sum(self.web) / len(self.web), "database_cpu": sum(self.database) / len(self.database),
        }  # fmt: skip
        return {"story": self.story, "person": self.person, "size": self.size, **{k: round(v, 2) for k, v in facts.items()}, "queries": self.queries,
                "requests": len(self.wall), "status": sorted(self.status), "slowest": self.slowest}  # fmt: skip


def stories(username: str, count: int) -> list[Story]:
    """Requests over what this person can see, drawn with a fixed seed; needs the current company."""
    from django.db import connection

    from zhike.customers.models import Customer, Tag
    from zhike.org.models import User
    from zhike.org.queries import actor_of

    random = np.random.default_rng(11)
    actor = actor_of(User.objects.get(username=username))
    seen = Customer.objects.visible_to(actor)
    with connection.cursor() as cursor:
        cursor.execute("set statement_timeout = 0")
    some = list(seen.order_by("pk")[: 40 * count].values_list("pk", "name", "phone", "city", "sort_key")[:: max(1, 40)][:count])
    rows = [some[place % len(some)] for place in range(count)]
    tags = list(Tag.objects.values_list("pk", flat=True))
    cities = list(dict.fromkeys(row[3] for row in rows))
    grades = ("key", "potential", "normal", "low")

    def each(build: Any) -> tuple[str, ...]:
        return tuple(build(place, row) for place, row in enumerate(rows))

    def part(name: str, build: Any) -> Story:
        return Story(name=name, paths=each(build), is_part=True)

    def two_letters(name: str) -> str:
        start = int(random.integers(0, max(1, len(name) - 1)))
        return quote(name[start : start + 2])

    return [
        Story(name="list", paths=each(lambda p, r: "/customers/")),
        Story(name="list by sales", paths=each(lambda p, r: "/customers/?sort=-sales")),
        Story(name="filter grade", paths=each(lambda p, r: f"/customers/?grade.in={grades[p % 4]}")),
        Story(name="filter city, by sales", paths=each(lambda p, r: f"/customers/?city.in={quote(cities[p % len(cities)])}&sort=-sales")),
        Story(name="filter segment, by last purchase", paths=each(lambda p, r: f"/customers/?segment.in={p % 8 + 1}&sort=-last_order_at")),
        Story(name="filter tag", paths=each(lambda p, r: f"/customers/?tag.in={tags[p % len(tags)]}")),
        Story(name="filter grade, city and sales", paths=each(lambda p, r: f"/customers/?grade.in={grades[p % 4]}&city.in={quote(cities[p % len(cities)])}&sales.ge={p * 700}&sort=-sales")),
        part("deep page", lambda p, r: f"/customers/rows?after={deep[p % len(deep)]}") if (deep := _deep(seen, "updated_at")) else Story(name="deep page", paths=()),
        part("deep page by sales", lambda p, r: f"/customers/rows?sort=-sales&after={deep_sales[p % len(deep_sales)]}") if (deep_sales := _deep(seen, "sales")) else Story(name="deep page by sales", paths=()),
        part("count", lambda p, r: "/customers/count"),
        part("count of a filter", lambda p, r: f"/customers/count?grade.in={grades[p % 4]}&segment.in={p % 8 + 1}"),
        part("search 2 characters", lambda p, r: f"/search/suggest?q={two_letters(r[1])}"),
        part("search initials", lambda p, r: f"/search/suggest?q={''.join(word[0] for word in r[4].split()[-3:])}"),
        part("search last 4 digits", lambda p, r: f"/search/suggest?q={r[2][-4:]}"),
        Story(name="customer page", paths=each(lambda p, r: f"/customers/{r[0]}/")),
        part("customer peek", lambda p, r: f"/customers/{r[0]}/peek"),
        Story(name="today", paths=each(lambda p, r: "/")),
    ]  # fmt: skip


def _deep(seen: Any, key: str) -> list[str]:
    """Places some 400 pages in, or near the end of what there is."""
    total = min(seen.count(), DEEP + 1000)
    offset = max(0, min(DEEP, total - 60))
    found = seen.order_by(f"-{key}", "-pk").values_list(key, "pk")[offset : offset + 500 : 50]
    return [quote(f"{value.isoformat() if hasattr(value, 'isoformat') else value}~{pk}") for value, pk in found]


@contextmanager
def web_server() -> Iterator[subprocess.Popen[bytes]]:
    """The real web server in a process of its own."""
    server = subprocess.Popen(Web(port=PORT).argv())
    try:
        for _ in range(200):
            try:
                connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
                connection.request("GET", "/login/")
                connection.getresponse().read()
            except OSError:
                time.sleep(0.1)
            else:
                break
        yield server
    finally:
        server.terminate()
        server.wait(20)


def run(sizes: tuple[int, ...], count: int, only: str = "") -> dict[str, Any]:
    """Measure every story for every person and size."""
    found: list[Measured] = []
    with web_server():
        for size in sizes:
            company = company_of(size)
            for username in PEOPLE:
                found += _person(company, username, size, count, only)
    return {"sizes": list(sizes), "measured": [one.plain() for one in found]}


def company_of(size: int) -> Any:
    """The demo company of that size, made when it is not there."""
    from zhike.server.companies import list_companies
    from zhike.server.demos import create_demo, small_demo

    name = f"bench-{size}"
    known = next((company for company in list_companies() if company.name == name), None)
    if known is None:
        tell(f"making {name}")
        known = create_demo(name, size=small_demo(size, size * ORDERS_EACH))
    return known


def _person(company: Any, username: str, size: int, count: int, only: str) -> list[Measured]:
    from django.test import Client

    from zhike.org.models import User
    from zhike.server.companies import use_company

    host = f"{company.slug}.localhost"
    with use_company(company):
        client = Client(HTTP_HOST=host)
        client.force_login(User.objects.get(username=username), backend="allauth.account.auth_backends.AuthenticationBackend")
        asked = [story for story in stories(username, count) if story.paths and only in story.name]
    cookie = client.cookies["zhike_session"].value
    found = []
    for story in asked:
        one = Measured(story=story.name, person=username, size=size)
        _over_http(one, story, f"{host}:{PORT}", cookie)
        _in_process(one, story, client, company)
        one.queries = _queries(client, company, story)
        told = one.plain()
        numbers = " ".join(f"{name} {told[name]:.1f}" for name in ("p95", "cpu_p50", "cpu_p95", "web_cpu", "database_cpu"))
        tell(f"{size:>9,} {username:8} {story.name:34} {numbers} q {one.queries} {one.slowest if told['cpu_p95'] > 45 else ''}")
        found.append(one)
    return found


def _over_http(one: Measured, story: Story, host: str, cookie: str) -> None:
    headers = {"Host": host, "Cookie": f"zhike_session={cookie}", "Accept-Encoding": "gzip"}
    headers |= {"HX-Request": "true"} if story.is_part else {}
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    for path in story.paths[:3]:
        _get(connection, path, headers)
    for path in story.paths:
        began = time.perf_counter()
        one.status.add(_get(connection, path, headers))
        one.wall.append((time.perf_counter() - began) * 1000)


def _in_process(one: Measured, story: Story, client: Any, company: Any) -> None:
    """Processor time without the noise of other programs: of this process, and of the database's."""
    from zhike.server.companies import use_company

    extra = {"HTTP_HX_REQUEST": "true"} if story.is_part else {}
    with use_company(company):
        for path in story.paths[:3]:
            client.get(path, **extra)
        db = database_processes(company.database)
        for path in story.paths:
            before, began = busy_milliseconds(db), time.process_time()
            client.get(path, **extra)
            one.web.append((time.process_time() - began) * 1000)
            one.database.append(busy_milliseconds(db) - before)
    one.slowest = story.paths[one.both.index(max(one.both))]


def _get(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> int:
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.read()
    return response.status


def _queries(client: Any, company: Any, story: Story) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from zhike.server.companies import use_company

    extra = {"HTTP_HX_REQUEST": "true"} if story.is_part else {}
    with use_company(company), CaptureQueriesContext(connection) as caught:
        client.get(story.paths[0], **extra)
        return len(caught)


def summary(facts: dict[str, Any]) -> str:
    """Both sizes side by side."""
    by_key: dict[tuple[str, str], dict[int, Any]] = {}
    for one in facts["measured"]:
        by_key.setdefault((one["story"], one["person"]), {})[one["size"]] = one
    small, large = min(facts["sizes"]), max(facts["sizes"])
    rows = []
    for (story, person), sizes in by_key.items():
        if small not in sizes or large not in sizes:
            continue
        a, b = sizes[small], sizes[large]
        ratios = (f"{b['p95'] / a['p95']:.2f}", f"{b['cpu_p95'] / a['cpu_p95']:.2f}")
        rows.append(
            (
                story,
                person,
                b["queries"],
                a["p95"],
                b["p95"],
                ratios[0],
                a["cpu_p95"],
                b["cpu_p95"],
                ratios[1],
                b["web_cpu"],
                b["database_cpu"],
            )
        )
    sizes_told = (f"p95 {small:,}", f"p95 {large:,}", "ratio", f"CPU p95 {small:,}", f"CPU p95 {large:,}", "ratio")
    return table(("request", "person", "queries", *sizes_told, "web CPU", "database CPU"), rows)


def main() -> None:
    """Read options, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, action="append", help="customers (default 10000 and 1000000)")
    parser.add_argument("--count", type=int, default=40, help="requests of each kind")
    parser.add_argument("--only", default="", help="only kinds whose name has this in it")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
    with ready_django():
        facts = run(tuple(options.size or SIZES), options.count, options.only)
    print(summary(facts))
    if not options.only:
        tell(str(save("lists", facts)))


if __name__ == "__main__":
    main()
