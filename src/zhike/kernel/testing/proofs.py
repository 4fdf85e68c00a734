"""Proofs: a refusal wrote nothing, a screen costs no more queries than its budget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from zhike.kernel.errors import Refused
from zhike.kernel.models import Change, HistoryEntry, OutboxEvent

# Savepoints and limits cost a round trip but are not what a budget is about: they come with every transaction.
NOT_COUNTED = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT", "SET LOCAL", "BEGIN", "COMMIT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How many changes, history rows and events there are."""

    changes: int
    history: int
    events: int


def written() -> Written:
    """What has been written so far."""
    return Written(changes=Change.objects.count(), history=HistoryEntry.objects.count(), events=OutboxEvent.objects.count())


@contextmanager
def refused(code: str, **facts: object) -> Iterator[pytest.ExceptionInfo[Refused]]:
    """The block is refused with this code (and these facts), and leaves no change, no history and no event behind."""
    before = written()
    with pytest.raises(Refused) as caught:
        yield caught
    assert caught.value.code == code
    assert {name: caught.value.facts.get(name) for name in facts} == facts
    assert written() == before


@dataclass(slots=True)
class Spent:
    """The queries of a block, once it is done."""

    statements: list[str]

    @property
    def count(self) -> int:
        return len(self.statements)


@contextmanager
def queries(at_most: int | None = None) -> Iterator[Spent]:
    """Collect the queries of a block; more than `at_most` fail with all of them listed."""
    spent = Spent(statements=[])
    with CaptureQueriesContext(connection) as captured:
        yield spent
    spent.statements = [query["sql"] for query in captured.captured_queries if not query["sql"].upper().startswith(NOT_COUNTED)]
    if at_most is not None and spent.count > at_most:
        listed = "\n".join(f"{number}. {sql[:300]}" for number, sql in enumerate(spent.statements, 1))
        pytest.fail(f"{spent.count} queries, at most {at_most} are allowed:\n{listed}")
