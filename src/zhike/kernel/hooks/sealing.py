"""Secrets of webhooks as they are stored: sealed with the installation's key, each bound to its webhook."""

from __future__ import annotations

import uuid

from ..secrets import seal, unseal


def sealed(text: str, hook: uuid.UUID) -> str:
    """A secret as its webhook stores it."""
    return seal(text, bound_to=f"kernel.hook:{hook}:secret")


def opened(kept: str, hook: uuid.UUID) -> str:
    """A stored secret in the clear; SealBroken when no key of the installation opens it."""
    return unseal(kept, bound_to=f"kernel.hook:{hook}:secret")
