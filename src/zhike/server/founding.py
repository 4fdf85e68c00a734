"""Founding, naming and dropping companies; needs a set-up Django."""

import re
from collections.abc import Callable, Sequence

import psycopg
from django.core.management import call_command

from zhike.kernel.text.folding import fold
from zhike.kernel.text.pinyin import syllables
from zhike.server import digests
from zhike.server.companies import forget_companies, plain_host, use_company
from zhike.server.control import (
    Company,
    control,
    drop_database,
    forget_draft,
    free_database,
    get_company,
    list_companies,
    make_database,
    mark_schema,
    note_draft,
)
from zhike.server.postgres.base import close_pools
from zhike.server.processes import ServerError
from zhike.server.working import alone

_LONGEST_SLUG = 32
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


def slug_for(name: str, taken: set[str]) -> str:
    """A free short name made of the pinyin of `name`: a-z, 0-9 and hyphens, at most 32 characters."""
    plain = re.sub(r"[^a-z0-9]+", "-", "".join(syllables(fold(name)))).strip("-")[:_LONGEST_SLUG] or "company"
    stem, number = plain, 2
    while plain in taken:
        plain = f"{stem[: _LONGEST_SLUG - 4]}-{number}"
        number += 1
    return plain


def create_company(
    name: str,
    slug: str | None = None,
    *,
    demo: bool = False,
    fill: Callable[[Company], None] | None = None,
    hosts: Sequence[str] = (),
) -> Company:
    """Create a company with an empty, migrated database.

    `fill` puts data into it before anybody can see it; when that fails, there is no company.
    Raises `company_name_empty`, `company_slug_invalid`, `company_exists`, `host_invalid`, `host_taken` and
    `create_database_not_allowed`.
    """
    with alone():
        slug = checked_names(name, slug)
        names = checked_hosts(hosts)
        database = make_draft(slug)
        draft = unlisted(database)
        migrate(draft)
        if fill is not None:
            with use_company(draft):
                fill(draft)
        return enlist(Company(slug=slug, name=name.strip(), database=database, is_demo=demo, created_at=digests.EPOCH, hosts=names))


def checked_names(name: str, slug: str | None = None, *, but: str = "") -> str:
    """The short name a company may have; `but` is the company that is renamed. Raises as `create_company` does."""
    companies = [company for company in list_companies() if company.slug != but]
    if not name.strip():
        raise ServerError("company_name_empty")
    if slug is not None and not _SLUG.fullmatch(slug):
        raise ServerError("company_slug_invalid", slug=slug)
    if any(name.strip() == company.name or slug == company.slug for company in companies):
        raise ServerError("company_exists", company=slug if slug and any(slug == company.slug for company in companies) else name.strip())
    return slug or slug_for(name, {company.slug for company in companies})


def checked_hosts(hosts: Sequence[str], *, but: str = "") -> tuple[str, ...]:
    """Hosts in their plain form; raises `host_invalid`, and `host_taken` when another company has one."""
    names = tuple(dict.fromkeys(plain_host(host) for host in hosts))
    for host in names:
        if not _HOST.fullmatch(host):
            raise ServerError("host_invalid", host=host)
        other = next((company for company in list_companies() if host in company.hosts and company.slug != but), None)
        if other is not None:
            raise ServerError("host_taken", host=host, company=other.name)
    return names


def make_draft(slug: str) -> str:
    """An empty database that is thrown away by the next command when this one is killed; its name."""
    with control() as connection:
        database = free_database(connection, f"zhike_{slug.replace('-', '_')}")
        note_draft(database)
        make_database(connection, database)
    return database


def enlist(company: Company) -> Company:
    """Write a company into the table, by which it begins to exist."""
    with control() as connection, connection.transaction():
        connection.execute(
            "INSERT INTO company (slug, name, database, is_demo, server) VALUES (%s, %s, %s, %s, %s)",
            [company.slug, company.name, company.database, company.is_demo, company.server],
        )
        _set_hosts(connection, company.slug, company.hosts)
        forget_draft(connection, company.database, company.server)
    forget_companies()
    return get_company(company.slug)


def rename_company(name: str, *, to: str = "", slug: str = "", hosts: Sequence[str] = (), no_hosts: Sequence[str] = ()) -> Company:
    """Give a company another name or short name, add hosts and take some away; its data does not move.

    Raises `company_unknown`, `company_exists`, `company_slug_invalid`, `host_invalid`, `host_taken`, `host_not_its_own`.
    """
    with alone():
        company = get_company(name)
        new_slug = checked_names(to or company.name, slug or company.slug, but=company.slug)
        added = checked_hosts(hosts, but=company.slug)
        gone = tuple(plain_host(host) for host in no_hosts)
        missing = [host for host in gone if host not in company.hosts]
        if missing:
            raise ServerError("host_not_its_own", host=missing[0], company=company.name)
        kept = tuple(dict.fromkeys([host for host in company.hosts if host not in gone] + list(added)))
        with control() as connection, connection.transaction():
            connection.execute(
                "UPDATE company SET name = %s, slug = %s WHERE slug = %s", [(to or company.name).strip(), new_slug, company.slug]
            )
            _set_hosts(connection, new_slug, kept)
        forget_companies()
        return get_company(new_slug)


def _set_hosts(connection: psycopg.Connection, slug: str, hosts: Sequence[str]) -> None:
    connection.execute("DELETE FROM company_host WHERE slug = %s", [slug])
    for host in hosts:
        connection.execute("INSERT INTO company_host (host, slug) VALUES (%s, %s)", [host, slug])


def drop_company(slug: str) -> Company:
    """Drop a company and its database for good; raises `company_unknown`. Its files are the caller's matter."""
    with alone():
        company = get_company(slug)
        close_pools(company.database)
        # First out of the table: a kill in between leaves a database nobody reaches, not a company without one.
        with control() as connection:
            connection.execute("DELETE FROM company WHERE slug = %s", [company.slug])
            connection.execute(
                "INSERT INTO kept_database (server, database, company, why) VALUES (%s, %s, %s, 'dropped')",
                [company.server, company.database, company.name],
            )
        forget_companies()
        with control(company.where if company.server else None) as connection:
            drop_database(connection, company.database)
        with control() as connection:
            connection.execute("DELETE FROM kept_database WHERE database = %s AND why = 'dropped'", [company.database])
        return company


def migrate(company: Company) -> None:
    """Bring a database to the installed migrations and note that it is there."""
    with use_company(company):
        call_command("migrate", verbosity=0, interactive=False)
    close_pools(company.database)
    mark_schema(company, digests.migrations())


def unlisted(database: str, server: str = "") -> Company:
    """A company that only says which database to use."""
    return Company(slug="", name="", database=database, is_demo=False, created_at=digests.EPOCH, server=server)
