"""Where the data of the company at hand lies: its database and its lake."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import connection

from zhike.catalog.models import Product
from zhike.kernel.history import kind_of
from zhike.kernel.lake.source import uri_of
from zhike.kernel.places import folder_here
from zhike.kernel.replica import replica_params
from zhike.orders.models import Order, OrderLine

from .facts import Facts, Kinds, open_facts

LIBPQ = ("dbname", "host", "port", "user", "password", "sslmode", "sslrootcert", "sslcert", "sslkey", "options")


def uri_here() -> str:
    """The company's database as a libpq URI; holds the password, so it goes to nobody's log."""
    given = connection.get_connection_params()
    return uri_of({name: given[name] for name in LIBPQ if name in given})


def replica_uri_here() -> str:
    """The replica of the company's database while there is one and it is well; else empty."""
    given = replica_params()
    return uri_of({name: given[name] for name in LIBPQ if name in given}) if given else ""


def lake_here() -> Path:
    """Folder of the company's lake; it need not exist yet."""
    return folder_here(settings.HOME.lake)


def kinds_here() -> Kinds:
    """The numbers of the tables that the lake reads, as the company's history gave them."""
    return Kinds(order=kind_of(Order), line=kind_of(OrderLine), product=kind_of(Product))


def facts_here() -> Facts:
    """The company's facts as they were exported last; Refused("lake_missing")."""
    return open_facts(lake_here())
