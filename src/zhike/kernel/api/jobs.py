"""The interface's own upkeep."""

from __future__ import annotations

from ..jobs import every
from . import idempotency


@every("41 * * * *")
def forget_kept_answers() -> None:
    idempotency.forget()
