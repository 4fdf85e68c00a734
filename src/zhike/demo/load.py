"""A demo company's rows into an empty, migrated company: people and products singly, the rest by COPY."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import psycopg
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction

from zhike.catalog.models import Product
from zhike.customers.models import Customer, Tag
from zhike.demo.feeding import TABLES, Feed, feed_all
from zhike.demo.frames import product_frame, tag_frame
from zhike.demo.logins import DEMO_PASSWORD
from zhike.demo.people import Organisation, organisation
from zhike.demo.size import DemoSize
from zhike.kernel.bulkload import bulk_load, copy_frame
from zhike.kernel.errors import Refused
from zhike.kernel.history import kind_of
from zhike.kernel.search import documents
from zhike.kernel.text.pinyin import sort_keys
from zhike.org.models import Membership, Role, Team, User
from zhike.org.people.finding import finding_of
from zhike.org.ready_roles import write_ready_roles

Say = Callable[[str, int, int], None]

PRODUCTS = "catalog_product"


def load_demo(conninfo: str, size: DemoSize, *, say: Say) -> None:
    """Fill the current company, whose database `conninfo` (libpq) names, with a demo of this size.

    `say` hears a step (facts, orders, customers, indexes, statistics), how much of it is done, and of how much.
    Refused("company_not_empty") when there are customers already; Refused("demo_failed") when a feed died.
    """
    if Customer.objects.exists():
        raise Refused("company_not_empty")
    write_people(organisation(size))
    feed = Feed(conninfo=conninfo, size=size, customer_kind=kind_of(Customer))
    totals = {"facts": size.orders, "orders": size.orders, "customers": size.customers}
    with psycopg.connect(conninfo, autocommit=True) as own:
        with bulk_load(own, [*TABLES, PRODUCTS], say=lambda _name, done, total: say("indexes", done, total)):
            _write_goods(own, size)
            feed_all(feed, lambda step, done: say(step, done, totals[step]))
        say("statistics", 0, 1)
        own.execute("analyze")
    documents.refresh(Product, list(Product.objects.values_list("pk", flat=True)))
    say("statistics", 1, 1)


@transaction.atomic
def write_people(staff: Organisation) -> None:
    """Roles, teams and users with their numbers as in the frames; all have the demo's password."""
    write_ready_roles()
    Team.objects.bulk_create([Team(id=team.id, name=team.name, parent_id=team.parent_id) for team in staff.teams])
    password = make_password(DEMO_PASSWORD)
    people = [
        User(id=one.id, username=one.username, name=one.name, email=f"{one.username}@example.com", password=password)
        for one in staff.people
    ]
    for user in people:
        user.finding = finding_of(user)
    User.objects.bulk_create(people)
    roles = dict(Role.objects.values_list("code", "pk"))
    held: Any = User.roles.through
    held.objects.bulk_create([held(user_id=one.id, role_id=roles[one.role]) for one in staff.people])
    Membership.objects.bulk_create([Membership(user_id=one.id, team_id=one.team_id) for one in staff.people])
    for model in (Team, User):
        _go_on_counting(model._meta.db_table)


def _write_goods(own: psycopg.Connection, size: DemoSize) -> None:
    products = product_frame(size)
    keys = sort_keys(products["name"].to_list(), [False] * products.height)
    copy_frame(own, PRODUCTS, products.with_columns(sort_key=pl.Series(keys, dtype=pl.String)))
    names = tag_frame(size)["name"].to_list()
    Tag.objects.bulk_create([Tag(id=number, name=name) for number, name in enumerate(names, start=1)])
    _go_on_counting(Tag._meta.db_table)


def _go_on_counting(table: str) -> None:
    """Rows were written with their numbers, so the sequence has to be told where to go on."""
    with connection.cursor() as cursor:
        cursor.execute(f"select setval(pg_get_serial_sequence('{table}', 'id'), max(id)) from {table}")
