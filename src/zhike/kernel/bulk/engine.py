"""One part of a bulk change in one transaction: the rows, their search documents, and what is told."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import DatabaseError, connection, transaction

from zhike.kernel.actions import RecordsChanged
from zhike.kernel.bulk.verbs import CHANGED, BulkVerb, Outcome, Part
from zhike.kernel.errors import Refused
from zhike.kernel.events import publish
from zhike.kernel.models import Record
from zhike.kernel.registry import objects
from zhike.kernel.search.many import refresh_selected

TOLD_AT_ONCE = 1_000  # ids in one event
TRIES = 200  # how often a part is halved to find the records that break a constraint
HOLDERS = {"owner", "team", "owner_id", "team_id"}
SQL_DOCUMENTS = """
update kernel_searchdoc d set owner_id = t.owner_id, team_id = t.team_id
from {table} t join {changed} c on c.id = t.id where d.id = t.id
and (d.owner_id, d.team_id) is distinct from (t.owner_id, t.team_id)
"""


def apply(verb: BulkVerb, part: Part) -> Outcome:
    """Do the verb to a part, inside the caller's transaction; records that break a constraint are left alone and told."""
    return _apply(verb, part, [TRIES])


def _apply(verb: BulkVerb, part: Part, tries: list[int]) -> Outcome:
    try:
        with transaction.atomic():
            outcome = verb.apply(part)
            with connection.cursor() as cursor:
                cursor.execute("set constraints all immediate")
                cursor.execute("set constraints all deferred")
            _follow(verb, part, outcome)
    except DatabaseError as error:
        if (getattr(error.__cause__, "sqlstate", None) or "")[:2] != "23":
            raise
        return _halved(verb, part, tries)
    outcome.counts["changed"] = len(outcome.changed)
    return outcome


def _halved(verb: BulkVerb, part: Part, tries: list[int]) -> Outcome:
    tries[0] -= 1
    outcome = Outcome()
    if part.hi - part.lo == 1 or tries[0] < 0:
        outcome.skip("rule_broken", part.hi - part.lo, _first(part))
        return outcome
    middle = (part.lo + part.hi) // 2
    for half in (part.cut(part.lo, middle), part.cut(middle, part.hi)):
        outcome.add(_apply(verb, half, tries))
    return outcome


def _first(part: Part) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"select id::text from ({part.ids}) x limit 100")
        return [row[0] for row in cursor.fetchall()]


def _follow(verb: BulkVerb, part: Part, outcome: Outcome) -> None:
    if verb.tells == "changed" and outcome.fields:
        _refresh_documents(part.model, outcome.fields)
    label = part.model._meta.label_lower
    for ids in _in_groups([str(pk) for pk in outcome.changed]):
        publish(RecordsChanged(label=label, ids=ids, verb=verb.tells, fields=outcome.fields, is_found=True))


def _in_groups(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + TOLD_AT_ONCE] for start in range(0, len(ids), TOLD_AT_ONCE))


def _refresh_documents(model: type[Record], fields: list[str]) -> None:
    label = model._meta.label_lower
    source = objects.get(label).search if objects.has(label) else None
    if source is None or source.by_prefix:
        return
    if {source.title, source.code, source.phone, source.person} & set(fields):
        refresh_selected(model, f"select id from {CHANGED}")
        return
    if not HOLDERS & set(fields):
        return  # the place in the search stays: what was changed with many others is not what somebody works on
    with connection.cursor() as cursor:
        cursor.execute(SQL_DOCUMENTS.format(table=f'"{model._meta.db_table}"', changed=CHANGED))


def require_verb(verb: BulkVerb, part: Part) -> None:
    """Refused("not_permitted") when the actor may not do this to any record of the type."""
    needs = verb.needs(part.values)
    label = objects.get(part.model._meta.label_lower).policy.label
    if not part.by.may(label, needs):
        raise Refused("not_permitted", verb=needs, label=label)
