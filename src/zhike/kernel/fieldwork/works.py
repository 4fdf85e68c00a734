"""Work over all records for one field: in chunks, each one transaction with its own progress, all of it one change."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

from zhike.kernel import history
from zhike.kernel.actor import Actor
from zhike.kernel.customfields.tables import CustomField, FieldWork
from zhike.kernel.errors import Refused
from zhike.kernel.imports.plans import actor_from, actor_plain
from zhike.kernel.jobs import job
from zhike.kernel.models import Record
from zhike.kernel.registry import objects
from zhike.kernel.search.many import refresh_selected

from .conversion import Converter, converter_of
from .jobs import have_indexes_made

CHUNK = 20_000
BUSY = (FieldWork.State.WAITING, FieldWork.State.RUNNING)
SQL_CLEAR = """
update "{table}" t set custom = t.custom - %(key)s, version = t.version + 1 where t.id = any(%(ids)s) and t.custom ? %(key)s
"""
SQL_PUT = """
update "{table}" t set custom = jsonb_strip_nulls(t.custom || jsonb_build_object(%(key)s, v.value)), version = t.version + 1
from unnest(%(ids)s::uuid[], %(values)s::jsonb[]) v (id, value) where t.id = v.id
"""


def begin(field: CustomField, kind: str, facts: Mapping[str, Any], *, by: Actor) -> FieldWork:
    """Note work and have the worker do it, within the change of the transaction; Refused("field_busy") while other work runs."""
    if FieldWork.objects.filter(field_id=field.pk, state__in=BUSY).exists():
        raise Refused("field_busy")
    work = FieldWork.objects.create(
        field_id=field.pk, kind=kind, facts=dict(facts), actor=actor_plain(by), change_id=history.current_change(), total=_expected(field)
    )
    do_work.defer(work_id=str(work.pk))
    return work


def have_words_found(field: CustomField, *, by: Actor) -> None:
    """Have the documents of records with a value written again, because it is or is not searched by from now on."""
    if not FieldWork.objects.filter(field_id=field.pk, state__in=BUSY).exists():
        begin(field, "words", {}, by=by)


def busy(field: CustomField) -> FieldWork | None:
    """The work of a field that is not done yet."""
    return FieldWork.objects.filter(field_id=field.pk, state__in=BUSY).order_by("-made_at").first()


def last_work(field: CustomField) -> FieldWork | None:
    """The newest work of a field over its records."""
    return FieldWork.objects.filter(field_id=field.pk).exclude(kind="index").order_by("-made_at").first()


def _expected(field: CustomField) -> int:
    table = objects.get(field.label).model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("select greatest(reltuples, 0)::bigint from pg_class where oid = to_regclass(%s)", [f'"{table}"'])
        return int((cursor.fetchone() or [0])[0])


@job(queue="default")
def do_work(work_id: str) -> None:
    """Do work from where it was left; nothing when it is done already."""
    work = FieldWork.objects.filter(pk=work_id, state__in=BUSY).first()
    field = CustomField.objects.filter(pk=work.field_id).first() if work else None
    if work is None or field is None:
        return
    run(work, field)


def run(work: FieldWork, field: CustomField, *, chunk: int = CHUNK) -> None:
    """All chunks that are left, then what closes the work."""
    FieldWork.objects.filter(pk=work.pk).update(state=FieldWork.State.RUNNING)
    converter = converter_of(field, str(work.facts["to"]), work.facts.get("wish", {})) if work.kind == "convert" else None
    while _chunk(work, field, converter, chunk):
        pass
    with transaction.atomic():
        history.continue_change(work.change_id or uuid.uuid4())
        _close(work, field)
        work.state = FieldWork.State.DONE
        work.save(update_fields=["state", "facts"])


def _chunk(work: FieldWork, field: CustomField, converter: Converter | None, size: int) -> bool:
    """The next records; False when there are none left."""
    model = objects.get(field.label).model
    table = model._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        history.continue_change(work.change_id or uuid.uuid4())
        after = "id > %(after)s and " if work.after else ""
        cursor.execute(
            f'select id, custom -> %(key)s from "{table}" where {after}true order by id limit {int(size)} for update',
            {"key": field.key, "after": work.after},
        )
        rows = [(pk, json.loads(value) if isinstance(value, str) else value) for pk, value in cursor.fetchall()]
        if not rows:
            return False
        held = [(pk, value) for pk, value in rows if value is not None]
        if work.kind == "words":
            pass
        elif converter is None:
            cursor.execute(SQL_CLEAR.format(table=table), {"key": field.key, "ids": [pk for pk, _value in held]})
        elif held:
            _put(cursor, table, field.key, _converted(work, converter, held))
        if held and (field.is_searchable or work.kind == "words"):
            _find_again(model, [pk for pk, _value in held])
        work.after, work.done = rows[-1][0], work.done + len(rows)
        work.save(update_fields=["after", "done", "facts"])
    return True


def _converted(work: FieldWork, converter: Converter, held: list[tuple[uuid.UUID, Any]]) -> list[tuple[uuid.UUID, Any]]:
    changed = []
    for pk, value in held:
        found = converter.convert(value)
        if found != value:
            changed.append((pk, found))
        if found is None:
            work.facts["lost"] = int(work.facts.get("lost", 0)) + 1
    return changed


def _put(cursor: Any, table: str, key: str, changed: list[tuple[uuid.UUID, Any]]) -> None:
    if changed:
        values = [json.dumps(value) for _pk, value in changed]
        cursor.execute(SQL_PUT.format(table=table), {"key": key, "ids": [pk for pk, _value in changed], "values": values})


def _find_again(model: type[Record], ids: list[uuid.UUID]) -> None:
    listed = ",".join(f"'{pk}'" for pk in ids)
    refresh_selected(model, f"select unnest(array[{listed}]::uuid[])")


def _close(work: FieldWork, field: CustomField) -> None:
    """A cleared field goes; a converted one gets its new kind and is used again."""
    if work.kind == "words":
        return
    if work.kind == "clear":
        field.delete()
        return
    for name, value in converter_of(field, str(work.facts["to"]), work.facts.get("wish", {})).definition().items():
        setattr(field, name, value)
    field.is_archived = False
    field.save()
    have_indexes_made()


def actor_of_work(work: FieldWork) -> Actor:
    """Who asked for the work."""
    return actor_from(work.actor)
