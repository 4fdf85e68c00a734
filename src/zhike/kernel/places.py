"""Where the company at hand keeps what is not in its database: one folder each, named after the database."""

from __future__ import annotations

from pathlib import Path

from django.db import connection


def database_here() -> str:
    """Name of the database that the next query reaches; it names the company in folders and caches."""
    return str(getattr(connection, "wanted_database", "") or connection.settings_dict.get("NAME"))


def folder_here(base: Path) -> Path:
    """The company's own folder under `base`; it need not exist yet."""
    return Path(base) / database_here()
