"""The one refusal that a rule may raise."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

FULL = (errno.ENOSPC, errno.EDQUOT)


class Refused(Exception):
    """A rule said no; `code` is stable, is what tests and the API look at, and screens put it into words."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code} ({told})" if told else self.code


def is_disk_full(error: BaseException | None) -> bool:
    """Whether an error, or what it came from, is that a disk is full: ours, or that of the database (53100)."""
    for _ in range(10):
        if error is None:
            return False
        if (isinstance(error, OSError) and error.errno in FULL) or getattr(error, "sqlstate", "") == "53100":
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def room_on_disk() -> Iterator[None]:
    """Turn a full disk inside the block into Refused("disk_full")."""
    try:
        yield
    except Exception as error:  # the database has its own kinds of errors, and this module knows none of them
        if is_disk_full(error):
            raise Refused("disk_full") from error
        raise
