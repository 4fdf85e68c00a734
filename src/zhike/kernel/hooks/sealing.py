"""Secrets of webhooks as they are stored."""

from __future__ import annotations

import uuid

from ..secrets import seal, unseal

PLAIN = "0:"  # how they were kept before there were seals


def sealed(text: str, row: uuid.UUID) -> str:
    """A secret as its row stores it."""
    return seal(text, bound_to=_place(row))


def opened(kept: str, row: uuid.UUID) -> str:
    """A stored secret in the clear; SealBroken when it belongs to another row."""
    return kept.removeprefix(PLAIN) if kept.startswith(PLAIN) else unseal(kept, bound_to=_place(row))


def _place(row: uuid.UUID) -> str:
    return f"kernel.hook:{row}:secret"
