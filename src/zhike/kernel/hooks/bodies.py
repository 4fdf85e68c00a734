"""What a message says: a CloudEvent with the records as the hook's integration may see them when it is written."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Any

from .. import history
from ..actor import Actor
from ..links.shapes import Shape, chosen_shapes, names_for, record_json, shapes_of, utc_text
from ..links.tables import Hook, HookMessage
from ..models import HistoryEntry, Record
from ..registry import objects
from ..seen import seen
from ..spec import ObjectSpec

TEST = "zhike.test"


def body_of(message: HookMessage, hook: Hook, actor: Actor) -> str:
    """The body of a message; empty when the integration may see nothing of it."""
    if message.event == TEST:
        return _written(message, "", {"text": "测试 test"})
    told = message.told
    if not objects.has(told["label"]):
        return ""
    spec = seen(objects.get(told["label"]), actor)
    shapes = chosen_shapes(shapes_of(spec), hook.fields.get(spec.label, ()))
    ids = [uuid.UUID(pk) for pk in told["ids"]]
    records = _deleted(spec, ids, actor) if told["verb"] == "deleted" else _current(spec, ids, actor, shapes)
    if not records:
        return ""
    names = {name for shape in shapes for name in (shape.name, shape.field.column)}
    fields = sorted(name.removesuffix("_id") for name in told["fields"] if name in names)
    data = {"object": spec.slug, "verb": told["verb"], "fields": fields, "records": records}
    return _written(message, records[0]["id"] if len(records) == 1 else "", data)


def _current(spec: ObjectSpec, ids: Sequence[uuid.UUID], actor: Actor, shapes: Sequence[Shape]) -> list[dict[str, Any]]:
    records: list[Record] = list(spec.model.objects.visible_to(actor).filter(pk__in=ids))
    names = names_for(records, shapes, actor)
    by_id = {record.pk: record_json(record, shapes, names) for record in records}
    return [by_id[pk] for pk in ids if pk in by_id]


def _deleted(spec: ObjectSpec, ids: Sequence[uuid.UUID], actor: Actor) -> list[dict[str, Any]]:
    """Ids of deleted records that the actor could have seen: the history still holds owner and team."""
    kept = HistoryEntry.objects.filter(object_id__in=ids, kind=history.kind_of(spec.model), op="D").order_by("object_id", "-hid")
    rows = dict(kept.distinct("object_id").values_list("object_id", "old"))
    return [{"id": str(pk)} for pk in ids if pk in rows and _could_see(spec, rows[pk], actor)]


def _could_see(spec: ObjectSpec, row: dict[str, Any] | None, actor: Actor) -> bool:
    fields = {field.column: field for field in spec.model._meta.concrete_fields}
    gone = spec.model(
        **{fields[column].attname: fields[column].to_python(value) for column, value in (row or {}).items() if column in fields}
    )
    if spec.policy.parent is not None:
        parent = spec.policy.parent._default_manager.filter(pk=getattr(gone, f"{spec.policy.link}_id")).first()
        if parent is None:
            return False
        setattr(gone, spec.policy.link, parent)
    return spec.policy.allows(actor, "view", gone)


def _written(message: HookMessage, subject: str, data: dict[str, Any]) -> str:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(message.id),
        "source": f"/{data['object']}" if "object" in data else "/",
        "type": message.event,
        "time": utc_text(message.created_at),
        "datacontenttype": "application/json",
        "sequence": f"{message.number:020d}",  # compared as text, the greater one is the newer
    }
    if subject:
        event["subject"] = subject
    return json.dumps(event | {"data": data}, ensure_ascii=False, separators=(",", ":"))
