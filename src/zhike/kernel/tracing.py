"""The number that one request carries through everything it causes, jobs included, so that log lines can be joined."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SAFE = re.compile(r"[A-Za-z0-9._-]{8,64}")
_current: ContextVar[str] = ContextVar("zhike_request_id", default="")


def request_id() -> str:
    """The number of the request or job at work; empty outside of one."""
    return _current.get()


def new_id(given: str = "") -> str:
    """The number that came along when its shape is safe to write into logs, else a new one (16 hex digits)."""
    return given if SAFE.fullmatch(given) else secrets.token_hex(8)


@contextmanager
def traced(number: str) -> Iterator[str]:
    """Carry the number while the block runs."""
    before = _current.get()
    _current.set(number)
    try:
        yield number
    finally:
        # Set, not reset: middleware may leave the block in another context than it entered.
        _current.set(before)
