"""Fingerprints of migrations and front-end files, so that a start does only what is needed; needs no Django set-up."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

from django.conf import settings

EPOCH = datetime.fromtimestamp(0, UTC)


def migrations() -> str:
    """SHA-256 over names and contents of all installed apps' migration files."""
    total = hashlib.sha256()
    for folder in _app_folders():
        for path in sorted((folder / "migrations").glob("*.py")):
            total.update(f"{folder.name}/{path.name}\0".encode())
            total.update(path.read_bytes())
    return total.hexdigest()


def static_files() -> str:
    """SHA-256 over names, sizes and times of all front-end files that `collectstatic` would collect."""
    total = hashlib.sha256(str(settings.STATIC_ROOT).encode())
    roots = [folder / "static" for folder in _app_folders()]
    roots += [Path(item) for item in settings.STATICFILES_DIRS]
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                found = path.stat()
                total.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0".encode())
    return total.hexdigest()


def _app_folders() -> Iterable[Path]:
    for entry in settings.INSTALLED_APPS:
        folder = _folder_of(entry)
        if folder is not None:
            yield folder


def _folder_of(entry: str) -> Path | None:
    """Folder of an app named as a package or as package.apps.Config."""
    name = entry
    while name:
        try:
            spec = find_spec(name)
        except ModuleNotFoundError:
            spec = None
        if spec is not None and spec.submodule_search_locations:
            return Path(next(iter(spec.submodule_search_locations)))
        name = name.rpartition(".")[0]
    return None
