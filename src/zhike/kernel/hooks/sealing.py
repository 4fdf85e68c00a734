"""Secrets of webhooks as they are stored."""

from __future__ import annotations

import uuid


def sealed(text: str, row: uuid.UUID) -> str:
    """A secret as its row stores it."""
    del row
    return f"0:{text}"


def opened(kept: str, row: uuid.UUID) -> str:
    """A stored secret in the clear."""
    del row
    return kept.removeprefix("0:")
