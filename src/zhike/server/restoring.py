"""Bringing a backup back: complete and equal, or not at all."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg

from zhike.server import digests
from zhike.server.backups import DUMP, FORMAT, MANIFEST, Manifest, note_backup
from zhike.server.companies import forget_companies
from zhike.server.control import Company, connect, control, drop_database, forget_draft, get_company, list_companies, mark_schema
from zhike.server.dumps import load, prints_of, rows_in
from zhike.server.founding import checked_names, enlist, make_draft, unlisted
from zhike.server.home import current_home, drop_rooms
from zhike.server.moving import keep, place_of, refuse_unequal
from zhike.server.processes import ServerError
from zhike.server.working import alone, closed

_ROOMS = ("files", "imports")
_BLOCK = 1 << 20
# A copy must not do the original's work a second time, nor let in who is logged in there.
_QUIET = (
    ("django_session", "DELETE FROM django_session"),
    ("procrastinate_jobs", "UPDATE procrastinate_jobs SET status = 'cancelled' WHERE status = 'todo'"),
    ("procrastinate_jobs", "UPDATE procrastinate_jobs SET status = 'failed' WHERE status = 'doing'"),
    ("kernel_outboxevent", "UPDATE kernel_outboxevent SET sent_at = now() WHERE sent_at IS NULL"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What was brought back and compared: tables and rows, all equal; `kept` is the database that was replaced."""

    company: Company
    tables: int
    rows: int
    files: int
    kept: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """A backup whose members were all found and have the hashes that its manifest says."""

    manifest: Manifest
    folder: Path

    @property
    def dump(self) -> Path:
        """The dump of the database."""
        return self.folder / DUMP


@contextmanager
def unpacked(path: Path) -> Iterator[Unpacked]:
    """Unpack a backup into a folder that goes afterwards.

    Raises `backup_missing`, `backup_incomplete`, `backup_damaged`, `backup_too_new` and `disk_full`.
    """
    folder = Path(tempfile.mkdtemp(prefix="restore-", dir=current_home().make().run))
    try:
        yield Unpacked(manifest=_unpack(path, folder), folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_manifest(path: Path) -> Manifest:
    """The manifest of a backup; raises as `unpacked` does."""
    try:
        with tarfile.open(path, "r:") as tar:
            file = tar.extractfile(MANIFEST)
            told: dict[str, Any] = json.load(file) if file else {}
    except FileNotFoundError:
        raise ServerError("backup_missing", path=str(path)) from None
    except (KeyError, tarfile.TarError, ValueError, EOFError):
        raise ServerError("backup_incomplete", path=str(path)) from None
    if told.get("format", 0) > FORMAT:
        raise ServerError("backup_too_new", path=str(path), version=str(told.get("zhike", "")))
    return Manifest(**told)


def _unpack(path: Path, folder: Path) -> Manifest:
    manifest = read_manifest(path)
    try:
        with tarfile.open(path, "r:") as tar:
            for name, told in manifest.members.items():
                _take(tar, name, told, folder, path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ServerError("disk_full", folder=str(folder)) from error
        raise
    return manifest


def _take(tar: tarfile.TarFile, name: str, told: Any, folder: Path, path: Path) -> None:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts:
        raise ServerError("backup_damaged", path=str(path), member=name)
    try:
        source = tar.extractfile(name)
    except KeyError:
        source = None
    if source is None:
        raise ServerError("backup_damaged", path=str(path), member=name)
    target, digest = folder / parts, hashlib.sha256()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        while block := source.read(_BLOCK):
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != told["sha256"]:
        raise ServerError("backup_damaged", path=str(path), member=name)


def check_backup(path: Path) -> Restored:
    """Prove that a backup can be brought back: loaded into a scratch database, compared row by row, dropped again."""
    began = time.monotonic()
    with alone(), unpacked(path) as found:
        _need(found.manifest, "company", path)
        database = make_draft("check")
        try:
            prints = _load(found, unlisted(database))
        finally:
            with control() as connection:
                drop_database(connection, database)
    told = found.manifest.company
    note_backup(str(told["slug"]), path, "checked")
    company = replace(unlisted(database), slug=str(told["slug"]), name=str(told["name"]))
    files = len(found.manifest.members) - 1
    return Restored(
        company=company, tables=len(prints), rows=rows_in(prints), files=files, kept="", seconds=time.monotonic() - began
    )  # fmt: skip


def restore_company(path: Path, *, as_name: str = "", replace_old: bool = False) -> Restored:
    """Bring a company back under its own name, or as a new company beside it.

    A company that is there is replaced only when told so, and its database is kept. Raises `company_is_there`,
    `not_equal`, and what unpacking, loading and founding raise; whatever it raises, nothing has changed.
    """
    began = time.monotonic()
    with alone(), unpacked(path) as found:
        _need(found.manifest, "company", path)
        wanted = _wanted(found.manifest, as_name)
        there = next((one for one in list_companies() if one.slug == wanted.slug), None)
        if there is not None and not replace_old:
            raise ServerError("company_is_there", company=there.name)
        draft = unlisted(make_draft(wanted.slug))
        try:
            prints = _load(found, draft)
            if as_name:
                _quieten(draft)
            files = _put_rooms(found, draft.database)
            mark_schema(draft, found.manifest.schema or "-")
        except BaseException:
            _throw_away(draft)
            raise
        company = _take_place(there, draft) if there else enlist(replace(wanted, database=draft.database))
        kept = there.database if there else ""
    took = time.monotonic() - began
    return Restored(company=company, tables=len(prints), rows=rows_in(prints), files=files, kept=kept, seconds=took)


def _need(manifest: Manifest, kind: str, path: Path) -> None:
    if manifest.kind != kind:
        raise ServerError("backup_other_kind", path=str(path), kind=manifest.kind)


def _wanted(manifest: Manifest, as_name: str) -> Company:
    told = manifest.company
    base = Company(
        slug=str(told["slug"]), name=str(told["name"]), database="", is_demo=bool(told["is_demo"]), created_at=digests.EPOCH,
        hosts=tuple(told["hosts"]),
    )  # fmt: skip
    if as_name:
        return replace(base, slug=checked_names(as_name), name=as_name.strip(), hosts=())
    taken = {host for one in list_companies() if one.slug != base.slug for host in one.hosts}
    return replace(base, hosts=tuple(host for host in base.hosts if host not in taken))


def _load(found: Unpacked, draft: Company) -> dict[str, Any]:
    load(place_of(draft), found.dump)
    prints = prints_of(place_of(draft))
    refuse_unequal(found.manifest.prints, prints)
    return prints


def _quieten(draft: Company) -> None:
    with connect(draft.conninfo()) as connection:
        for table, command in _QUIET:
            if connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone() == (True,):
                connection.execute(command)


def _put_rooms(found: Unpacked, database: str) -> int:
    count, home = 0, current_home().make()
    for room in _ROOMS:
        source, target = found.folder / room, home.root / room / database
        if target.exists():
            shutil.rmtree(target)
        if source.is_dir():
            count += sum(1 for path in source.rglob("*") if path.is_file())
            shutil.copytree(source, target, copy_function=shutil.move)
    return count


def _throw_away(draft: Company) -> None:
    with suppress(psycopg.Error, ServerError), control() as connection:
        drop_database(connection, draft.database)
    drop_rooms(draft.database)


def _take_place(there: Company, draft: Company) -> Company:
    """Let a company use the restored database; the one it had is kept, with its folders."""
    with closed(there, "moving", is_read_only=True), control() as connection, connection.transaction():
        connection.execute("UPDATE company SET database = %s, server = '', state = 'open' WHERE slug = %s", [draft.database, there.slug])
        forget_draft(connection, draft.database)
        keep(connection, there, f"replaced by a backup {datetime.now(UTC):%Y-%m-%d %H:%M}")
    forget_companies()
    return get_company(there.slug)


def restore_home(path: Path, *, replace_old: bool = False) -> list[str]:
    """Put back the keys and settings of a home; files that are there are left unless told otherwise. Those written."""
    home, written = current_home().make(), []
    with unpacked(path) as found:
        _need(found.manifest, "home", path)
        for name in found.manifest.members:
            target = home.root / name
            if target.exists() and not replace_old:
                continue
            draft = target.with_name(f".{name}.{os.getpid()}")
            shutil.copyfile(found.folder / name, draft)
            draft.chmod(0o600)
            draft.replace(target)
            written.append(name)
    return written
