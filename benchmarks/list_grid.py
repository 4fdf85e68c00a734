"""Every order of the customer list x filters from rare to common x first and deep page, for three people, in two companies.

Each cell is one kind of request over HTTP to the real server (one client, connection kept); the first, with cold caches,
is left out. What counts is the p95 over all cells of a person, and how it grows from the small company to the large one.
"""

from __future__ import annotations

import argparse
import http.client
import os
import time
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import quote

from lists import PEOPLE, PORT, SIZES, _get, company_of, web_server
from measure import percentile, save, table, tell

from zhike.server.cli.context import ready_django

REPEATS = 4
DEEP_PAGES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One kind of request: milliseconds of its repeats."""

    size: int
    person: str
    sort: str
    filter: str
    page: str
    path: str
    wall: tuple[float, ...] = ()


def filters() -> dict[str, str]:
    """Addresses of the filters, from rare to common; needs the current company."""
    from django.db.models import Count

    from zhike.customers.models import Customer, CustomerTag
    from zhike.kernel.registry import objects

    def ranked(column: str) -> list[str]:
        rows = Customer.objects.exclude(**{column: ""}).values_list(column).annotate(n=Count("pk")).order_by("-n")
        return [str(value) for value, _n in rows]

    cities, trades = ranked("city"), ranked("industry") or ranked("category")
    trade = "industry" if ranked("industry") else "category"
    tags = [tag for tag, _n in CustomerTag.objects.values_list("tag_id").annotate(n=Count("pk")).order_by("-n")]
    found = {
        "none": "",
        "owner is me": "owner.is=me",
        "grade key": "grade.in=key",
        "grade low or normal": "grade.in=low,normal",
        "segment 8": "segment.in=8",
        "common city": f"city.in={quote(cities[0])}",
        "rare city": f"city.in={quote(cities[-1])}",
        "people": "kind.in=person",
        "common tag": f"tag.in={tags[0]}",
        "rare tag": f"tag.in={tags[-1]}",
        "rare trade": f"{trade}.in={quote(trades[-1])}",
        "sales from 50,000": "sales.ge=50000",
        "new in 30 days": "created_at.within=30",
        "grade, city and segment": f"grade.in=low&city.in={quote(cities[0])}&segment.in=1,2",
    }
    from zhike.customers.models import Customer as model

    custom = [item for item in objects.of(model).filters if item.name.startswith("cf_")]
    return found | {f"custom {item.name}": f"{item.name}.any=1" for item in custom}


def deep(listed: Any) -> str:
    """The place some pages in, found by walking there."""
    from zhike.kernel.lists.pages import rows

    place = ""
    for _ in range(DEEP_PAGES):
        page = rows(listed, after=place, size=500)
        if not page.next:
            break
        place = page.next
    return place


def run(sizes: tuple[int, ...], only: str) -> list[Cell]:
    """Measure every cell."""
    found: list[Cell] = []
    with web_server():
        for size in sizes:
            company = company_of(size)
            for username in PEOPLE:
                found += _person(company, username, size, only)
    return found


def _person(company: Any, username: str, size: int, only: str) -> list[Cell]:
    from django.test import Client

    from zhike.customers.models import Customer
    from zhike.kernel.lists.pages import listing
    from zhike.kernel.registry import objects
    from zhike.org.models import User
    from zhike.org.queries import actor_of
    from zhike.server.companies import use_company

    spec = objects.of(Customer)
    with use_company(company):
        user = User.objects.get(username=username)
        client = Client(HTTP_HOST=f"{company.slug}.localhost")
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        actor, asked = actor_of(user), {name: query for name, query in filters().items() if only in name}
        places = {}
        for sort in [f"-{one.key}" for one in spec.sorts]:
            for name, query in asked.items():
                params = {"sort": sort} | dict(part.split("=", 1) for part in query.split("&") if part)
                from urllib.parse import unquote

                places[sort, name] = deep(listing(spec, actor, {key: unquote(value) for key, value in params.items()}))
    headers = {
        "Host": f"{company.slug}.localhost:{PORT}",
        "Cookie": f"zhike_session={client.cookies['zhike_session'].value}",
        "Accept-Encoding": "gzip",
    }
    found = []
    for (sort, name), place in places.items():
        query = "&".join(part for part in (asked[name], f"sort={sort}") if part)
        first = Cell(size=size, person=username, sort=sort, filter=name, page="first", path=f"/customers/?{query}")
        found.append(_cell(first, headers))
        if place:
            next_one = replace(first, page="deep", path=f"/customers/rows?{query}&after={quote(place)}")
            found.append(_cell(next_one, headers | {"HX-Request": "true"}))
        worst = max(found[-2:], key=lambda cell: percentile(cell.wall, 0.5))
        tell(f"{size:>9,} {username:8} {sort:15} {name:26} {percentile(worst.wall, 0.5):7.1f} ms")
    return found


def _cell(cell: Cell, headers: dict[str, str]) -> Cell:
    """The cell with its times."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    walls = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        status = _get(connection, cell.path, headers)
        walls.append((time.perf_counter() - began) * 1000)
        assert status == 200, (status, cell.path)
    connection.close()
    return replace(cell, wall=tuple(round(ms, 2) for ms in walls[1:]))


def summary(cells: list[Cell]) -> str:
    """p50, p95 and maximum of each person and size, and the cells above 60 ms."""
    rows = []
    sizes = sorted({cell.size for cell in cells})
    for person in PEOPLE:
        by_size = {size: [ms for cell in cells if (cell.size, cell.person) == (size, person) for ms in cell.wall] for size in sizes}
        small = percentile(by_size[sizes[0]], 0.95)
        for size, walls in by_size.items():
            p95 = percentile(walls, 0.95)
            rows.append((person, f"{size:,}", len(walls), percentile(walls, 0.5), p95, max(walls), f"{p95 / small:.2f}"))
    slow = [cell for cell in cells if percentile(cell.wall, 0.5) > 60]
    told = table(("person", "customers", "requests", "p50 ms", "p95 ms", "max ms", "p95 against the small company"), rows)
    listed = table(
        ("customers", "person", "order", "filter", "page", "median ms"),
        [(f"{c.size:,}", c.person, c.sort, c.filter, c.page, percentile(c.wall, 0.5)) for c in slow],
    )
    return f"{told}\n\nAbove 60 ms: {len(slow)} of {len(cells)} kinds of request\n\n{listed}" if slow else told


def main() -> None:
    """Read options, measure, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, action="append", help="customers (default 10000 and 1000000)")
    parser.add_argument("--only", default="", help="only filters whose name has this in it")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
    with ready_django():
        cells = run(tuple(options.size or SIZES), options.only)
    print(summary(cells))
    if not options.only:
        tell(str(save("list_grid", {"sizes": options.size or SIZES, "cells": [asdict(cell) for cell in cells]})))


if __name__ == "__main__":
    main()
