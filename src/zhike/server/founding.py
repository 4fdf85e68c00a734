"""Founding, bringing up to date and dropping companies; needs a set-up Django."""

import re
from collections.abc import Callable

from django.core.management import call_command

from zhike.kernel.text.folding import fold
from zhike.kernel.text.pinyin import syllables
from zhike.org.ready_roles import grant_new_types
from zhike.server import digests
from zhike.server.companies import forget_companies, use_company
from zhike.server.control import (
    Company,
    control,
    drop_database,
    get_company,
    list_companies,
    make_database,
    mark_schema,
    schema_marks,
)
from zhike.server.postgres.base import close_pools
from zhike.server.processes import ServerError

_LONGEST_SLUG = 32


def slug_for(name: str, taken: set[str]) -> str:
    """A free short name made of the pinyin of `name`: a-z, 0-9 and hyphens, at most 32 characters."""
    plain = re.sub(r"[^a-z0-9]+", "-", "".join(syllables(fold(name)))).strip("-")[:_LONGEST_SLUG] or "company"
    stem, number = plain, 2
    while plain in taken:
        plain = f"{stem[: _LONGEST_SLUG - 4]}-{number}"
        number += 1
    return plain


def create_company(name: str, slug: str | None = None, *, demo: bool = False, fill: Callable[[Company], None] | None = None) -> Company:
    """Create a company with an empty, migrated database.

    `fill` puts data into it before anybody can see it; when that fails, there is no company.
    Raises `company_name_empty`, `company_slug_invalid`, `company_exists` and `create_database_not_allowed`.
    """
    companies = list_companies()
    if not name.strip():
        raise ServerError("company_name_empty")
    if slug is not None and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", slug):
        raise ServerError("company_slug_invalid", slug=slug)
    if any(name.strip() == company.name or slug == company.slug for company in companies):
        raise ServerError("company_exists", company=name.strip())
    slug = slug or slug_for(name, {company.slug for company in companies})
    database = f"zhike_{slug.replace('-', '_')}"
    with control() as connection:
        # Not in the table: what a killed attempt left behind.
        drop_database(connection, database)
        make_database(connection, database)
    _migrate(database)
    if fill is not None:
        with use_company(_unlisted(database)) as draft:
            fill(draft)
    with control() as connection:
        connection.execute(
            "INSERT INTO company (slug, name, database, is_demo) VALUES (%s, %s, %s, %s)",
            [slug, name.strip(), database, demo],
        )
    forget_companies()
    return get_company(slug)


def drop_company(slug: str) -> Company:
    """Drop a company and its database for good; raises `company_unknown`."""
    company = get_company(slug)
    close_pools(company.database)
    with control() as connection:
        drop_database(connection, company.database)
        connection.execute("DELETE FROM company WHERE slug = %s", [company.slug])
    forget_companies()
    return company


def outdated_companies() -> list[Company]:
    """Companies whose database was last brought to other migrations than the installed ones."""
    marks, digest = schema_marks(), digests.migrations()
    return [company for company in list_companies() if marks.get(company.database) != digest]


def migrate_company(company: Company) -> None:
    """Bring one company's database to the installed migrations."""
    _migrate(company.database)


def _migrate(database: str) -> None:
    with use_company(_unlisted(database)):
        call_command("migrate", verbosity=0, interactive=False)
        grant_new_types()
    close_pools(database)
    mark_schema(database, digests.migrations())


def _unlisted(database: str) -> Company:
    """A company that only says which database to use."""
    return Company(slug="", name="", database=database, is_demo=False, created_at=digests.EPOCH)
