"""Tell: facts are stored with the change they report and told after it holds, again and again until heard."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from .models import OutboxEvent

log = logging.getLogger("zhike.events")
MAX_TRIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact with plain values only. Listeners must bear hearing it twice."""

    name: ClassVar[str]


E = TypeVar("E", bound=Event)
_kinds: dict[str, type[Event]] = {}
_listeners: defaultdict[str, list[Callable[[Any], None]]] = defaultdict(list)


def on(kind: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Have a function called with every event of a kind, after commit."""

    def add(listener: Callable[[E], None]) -> Callable[[E], None]:
        _kinds[kind.name] = kind
        _listeners[kind.name].append(listener)
        return listener

    return add


def publish(event: Event) -> None:
    """Store the event in the transaction of the change; tell it once that holds."""
    plain = DjangoJSONEncoder().encode(asdict(event))
    row = OutboxEvent.objects.create(name=event.name, payload=json.loads(plain))
    transaction.on_commit(lambda: tell(row), robust=True)


_telling: ContextVar[int] = ContextVar("zhike_telling", default=0)


def told_number() -> int:
    """The number of the stored event that is being told: the same when it is told again; 0 outside of a listener."""
    return _telling.get()


def tell(row: OutboxEvent) -> bool:
    """Call the listeners of one stored event; True when all have heard it."""
    kind = _kinds.get(row.name)
    before = _telling.set(row.pk)
    try:
        for listener in _listeners[row.name] if kind else ():
            listener(kind(**row.payload))  # type: ignore[misc]
    except Exception as error:  # a listener of any kind may fail: the event stays and is told again
        log.exception("event_not_heard", extra={"event": row.name})
        OutboxEvent.objects.filter(pk=row.pk).update(tries=row.tries + 1, error=repr(error)[:300])
        return False
    finally:
        _telling.reset(before)
    OutboxEvent.objects.filter(pk=row.pk).update(sent_at=timezone.now())
    return True


def tell_waiting(limit: int = 500) -> int:
    """Tell again what was not heard (a listener failed, or the process died after the commit)."""
    waiting = OutboxEvent.objects.filter(sent_at=None, tries__lt=MAX_TRIES).order_by("id")[:limit]
    return sum(tell(row) for row in waiting)
