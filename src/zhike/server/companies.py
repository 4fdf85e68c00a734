"""Which company the running thread or task works for."""

import ipaddress
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from django.db import connections

from zhike.server.control import Company, choose_default, default_company, get_company, list_companies
from zhike.server.processes import ServerError

__all__ = [
    "Company",
    "company_for_host",
    "current_company",
    "default_company",
    "forget_companies",
    "get_company",
    "is_own_host",
    "list_companies",
    "need_company",
    "plain_host",
    "use_company",
]

_SECONDS_KEPT = 5.0
_current: ContextVar[Company | None] = ContextVar("zhike_company", default=None)


def current_company() -> Company | None:
    """The company set by `use_company`, None outside of one."""
    return _current.get()


def need_company() -> Company:
    """The company set by `use_company`; raises `company_not_chosen` outside of one."""
    company = _current.get()
    if company is None:
        raise ServerError("company_not_chosen")
    return company


@contextmanager
def use_company(company: Company | str) -> Iterator[Company]:
    """Run the block against the company's database; nests, and hands the connection back at the end.

    Inside an open transaction of another company the first query raises `company_switched_in_transaction`.
    """
    chosen = _cache.find(company) if isinstance(company, str) else company
    before = _current.get()
    _release(chosen)
    _current.set(chosen)
    try:
        yield chosen
    finally:
        _release(before)
        # Set, not reset: middleware may leave the block in another context than it entered.
        _current.set(before)


def _release(wanted: Company | None) -> None:
    """Give the thread's connections back to their pools unless they already belong to `wanted`."""
    for alias in connections:
        connection = connections[alias]
        database = wanted.database if wanted else connection.settings_dict["NAME"]
        place = (wanted.server if wanted else "", database)
        if connection.connection is None or connection.in_atomic_block:
            continue
        if getattr(connection, "bound_place", place) != place:
            connection.close()


@dataclass(slots=True)
class _Cache:
    lock: threading.Lock = field(default_factory=threading.Lock)
    companies: list[Company] = field(default_factory=list)
    until: float = 0.0

    def read(self) -> list[Company]:
        """The companies as they were at most five seconds ago."""
        with self.lock:
            if time.monotonic() >= self.until:
                self.companies = list_companies()
                self.until = time.monotonic() + _SECONDS_KEPT
            return self.companies

    def find(self, slug: str) -> Company:
        """The company of that slug; one founded a moment ago is found too. Raises `company_unknown`."""
        return next((company for company in self.read() if company.slug == slug), None) or get_company(slug)


_cache = _Cache()


def forget_companies() -> None:
    """Read the companies anew at the next request."""
    _cache.until = 0.0


def company_for_host(host: str) -> Company | None:
    """The company a web request is for.

    A host of its own names it, else the first label does (`acme.localhost`, `acme.crm.example`); a bare host, an address
    or a label that names none means the default company. None when there is no company.
    """
    companies = _cache.read()
    name = plain_host(host)
    own = next((company for company in companies if name in company.hosts), None)
    if own is not None:
        return own
    label = _first_label(name)
    named = next((company for company in companies if company.slug == label), None)
    return named or choose_default(companies)


def is_own_host(host: str) -> bool:
    """Whether some company is called by this host, so that it need not stand in ZHIKE_HOSTS too."""
    name = plain_host(host)
    return any(name in company.hosts for company in _cache.read())


def plain_host(host: str) -> str:
    """A host in small letters without port, brackets and the final dot."""
    name = host.strip().lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
    return name.rstrip(".")


def _first_label(name: str) -> str:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        label, _, rest = name.partition(".")
        return label if rest else ""
    return ""


def company_name() -> str:
    """Name of the company at hand; empty outside of one."""
    company = _current.get()
    return company.name if company else ""
