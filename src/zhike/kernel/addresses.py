"""Addresses of records: every object type has one slug."""

from __future__ import annotations

from django.db import models

_slugs: dict[str, str] = {}


def know_slug(label: str, slug: str) -> None:
    """Note the slug of an object type while the app starts."""
    _slugs[label] = slug


def url_of(record: models.Model) -> str:
    """The address of a record's page."""
    return f"/{_slugs[record._meta.label_lower]}/{record.pk}/"
