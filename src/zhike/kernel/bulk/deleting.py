"""Deleting many records with what belongs to them, set-wise: the same rules as deleting one (cascade, set null, protect)."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection, models

from zhike.kernel.bulk.verbs import CHANGED, BulkVerb, Outcome, Part, add_verb, note_changed, why_not
from zhike.kernel.models import Record


def delete_chosen(part: Part) -> Outcome:
    """Delete what may be deleted and is not needed by anything that stays."""
    table = f'"{part.model._meta.db_table}"'
    reach, params = part.reach("delete")
    needed = _needed(part.model, f'{table}."id"')
    chosen = note_changed(
        f'select {table}."id" from {table} join ({part.ids}) w on w.id = {table}."id" where ({reach}) and not ({needed}) for update of {table}',
        params,
    )
    outcome = Outcome(changed=chosen)
    why_not(part, "delete", outcome, otherwise="still_needed")
    _delete(part.model, f"select id from {CHANGED}", depth=0)
    return outcome


def _children(model: type[models.Model]) -> Iterator[tuple[type[models.Model], str, object]]:
    """Tables that point to this one: model, column, and what deleting does to them."""
    for relation in model._meta.related_objects:
        holder, link = relation.related_model, relation.field
        if isinstance(link, models.ForeignKey) and isinstance(holder, type):
            yield holder, link.column, relation.on_delete


def _needed(model: type[models.Model], key: str, depth: int = 0) -> str:
    """Whether something that stays needs the record, as SQL."""
    found = ["false"]
    for holder, column, on_delete in _children(model):
        child = f"c{depth}"
        if on_delete in (models.PROTECT, models.RESTRICT):
            found.append(f'exists (select 1 from "{holder._meta.db_table}" {child} where {child}."{column}" = {key})')
        elif on_delete is models.CASCADE and (below := _needed(holder, f'{child}."id"', depth + 1)) != "false":
            found.append(f'exists (select 1 from "{holder._meta.db_table}" {child} where {child}."{column}" = {key} and ({below}))')
    return " or ".join(found[1:]) or "false"


def _delete(model: type[models.Model], ids: str, *, depth: int) -> None:
    with connection.cursor() as cursor:
        for holder, column, on_delete in _children(model):
            table = f'"{holder._meta.db_table}"'
            if on_delete is models.CASCADE and not isinstance(holder._meta.pk, models.UUIDField):
                cursor.execute(f'delete from {table} where "{column}" in ({ids})')
            elif on_delete is models.CASCADE:
                below = f"zhike_bulk_below_{depth}"
                cursor.execute(f"create temp table if not exists {below} (id uuid) on commit drop")
                cursor.execute(f"truncate {below}")
                cursor.execute(f'insert into {below} select "{holder._meta.pk.column}" from {table} where "{column}" in ({ids})')
                _delete(holder, f"select id from {below}", depth=depth + 1)
            elif on_delete is models.SET_NULL:
                cursor.execute(f'update {table} set "{column}" = null where "{column}" in ({ids})')
        cursor.execute(f'delete from "{model._meta.db_table}" where "{model._meta.pk.column}" in ({ids})')
        if issubclass(model, Record):
            cursor.execute(f"delete from kernel_searchdoc where id in ({ids})")


DELETE = add_verb(BulkVerb(name="delete", needs=lambda _values: "delete", apply=delete_chosen, tells="deleted"))
