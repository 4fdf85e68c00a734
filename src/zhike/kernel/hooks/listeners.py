"""Changed records are written down for the addresses that want to hear of them, right after the commit."""

from __future__ import annotations

from ..actions import RecordsChanged
from ..events import on, told_number
from ..registry import objects
from . import delivering
from .jobs import later

VERBS = ("created", "changed", "deleted")


@on(RecordsChanged)
def tell_hooks(event: RecordsChanged) -> None:
    if not objects.has(event.label) or event.verb not in VERBS:
        return
    spec = objects.get(event.label)
    for hook in delivering.hearing(event.label, event.verb, event.fields):
        told: dict[str, object] = {"label": event.label, "verb": event.verb, "fields": event.fields}
        delivering.write_messages(hook, f"zhike.{spec.slug}.{event.verb}", told, event.ids, told_number())
        later(str(hook.pk))
