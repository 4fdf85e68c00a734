"""Bringing companies up to date one after the other: a failing one is named and does not stop the others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.db.migrations.loader import MigrationLoader

from zhike.server import digests
from zhike.server.control import Company, connect, list_companies, mark_of, set_state
from zhike.server.founding import migrate
from zhike.server.home import current_home
from zhike.server.processes import ServerError
from zhike.server.working import alone, closed

Say = Callable[[Company, int, int], None]
_SHARED = ("files", "imports")
_PATHS = (
    ("kernel_attachment", "files", "SELECT 'attachments/' || left(sha256, 2) || '/' || sha256 FROM kernel_attachment"),
    (
        "kernel_history",
        "files",
        "SELECT 'attachments/' || left(old->>'sha256', 2) || '/' || (old->>'sha256') FROM kernel_history WHERE old ? 'sha256'",
    ),
    ("kernel_importrun", "imports", "SELECT path FROM kernel_importrun UNION SELECT refused_path FROM kernel_importrun"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What became of one company: its seconds, and the reason when it failed."""

    company: Company
    seconds: float
    error: str = ""


def outdated_companies() -> list[Company]:
    """Companies whose database was last brought to other migrations than the installed ones."""
    digest = digests.migrations()
    return [company for company in list_companies() if not is_current(company, digest)]


def is_current(company: Company, digest: str) -> bool:
    """Whether a company needs nothing; one whose database is away counts as needing something."""
    try:
        return company.state != "failed" and mark_of(company) == digest
    except ServerError:
        return False


def newer_migration(company: Company) -> str:
    """A migration the database has and the installed package does not know ("app.name"), empty when there is none."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    known = set(loader.disk_migrations)
    for migration in loader.disk_migrations.values():
        known |= set(migration.replaces)
    with connect(company.conninfo()) as connection:
        if connection.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,):
            return ""
        applied = connection.execute("SELECT app, name FROM django_migrations ORDER BY id DESC").fetchall()
    unknown = [f"{app}.{name}" for app, name in applied if app in loader.migrated_apps and (app, name) not in known]
    return unknown[0] if unknown else ""


def refuse_newer(companies: list[Company]) -> None:
    """Raise `database_newer` when one of the databases was last used by a newer Zhike: nothing is touched then."""
    for company in companies:
        try:
            found = newer_migration(company)
        except ServerError:
            continue
        if found:
            raise ServerError("database_newer", company=company.name, migration=found)


def bring_up_to_date(companies: list[Company] | None = None, *, say: Say = lambda company, number, total: None) -> list[Brought]:
    """Migrate the companies named, else all that need it; killed and run again, it goes on where it was.

    Raises `database_newer` before anything is touched.
    """
    with alone():
        wanted = outdated_companies() if companies is None else companies
        refuse_newer(wanted)
        done = []
        for number, company in enumerate(wanted, start=1):
            say(company, number, len(wanted))
            done.append(_bring(company))
        part_files()
        return done


def _bring(company: Company) -> Brought:
    began = time.monotonic()
    try:
        with closed(company, "updating"):
            migrate(company)
            set_state(company.slug, "open")
    except Exception as error:  # whatever a migration raises: the company is named, the others go on
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        set_state(company.slug, "failed", reason)
        return Brought(company=company, seconds=time.monotonic() - began, error=reason)
    return Brought(company=company, seconds=time.monotonic() - began)


def part_files() -> int:
    """Give each company a folder of its own for files that all shared up to 0.1; how many were linked.

    Links, so that a kill in between loses nothing; the shared folders go when every company has its own.
    """
    home = current_home()
    shared = [root / old for root in (home.files, home.imports) for old in _shared_folders(root)]
    if not shared:
        return 0
    linked = sum(_part(company, home.root) for company in list_companies())
    for folder in shared:
        _drop_linked(folder)
    return linked


def _shared_folders(root: Path) -> list[str]:
    names = [path.name for path in root.iterdir() if path.is_dir()]
    return [name for name in names if name in ("attachments", "refused") or (len(name) == 2 and set(name) <= set("0123456789abcdef"))]


def _part(company: Company, root: Path) -> int:
    count = 0
    for room, path in _named_by(company):
        source, target = root / room / path, root / room / company.database / path
        if path and source.is_file() and not target.exists():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.link(source, target)
            count += 1
    return count


def _named_by(company: Company) -> Iterator[tuple[str, str]]:
    with connect(company.conninfo()) as connection:
        for table, room, query in _PATHS:
            try:
                rows = connection.execute(query).fetchall()
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
                del table
                continue
            yield from ((room, row[0] or "") for row in rows)


def _drop_linked(folder: Path) -> None:
    """Remove what has another name by now; what no company knows stays where it is."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file() and path.stat().st_nlink > 1:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    if not any(folder.iterdir()):
        folder.rmdir()
