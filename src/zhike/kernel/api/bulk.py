"""Bulk upsert: up to a thousand rows, each found by a key, made or changed, each with an answer of its own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse

from ..actor import Actor
from ..errors import Refused
from ..links.shapes import shapes_of
from ..links.tokens import Caller
from ..links.upserting import Outcome, keys_of, upsert
from ..links.values import Known, Wrong, read_values
from ..models import Record
from ..spec import ObjectSpec
from .problems import problem_body, status_of
from .reading import json_object, parameters
from .records import answer, made, new_values, require_transfer, spec_for

MOST = 1_000


def bulk(request: HttpRequest, caller: Caller, slug: str) -> HttpResponse:
    """`{"key": "code", "rows": [{…}, …]}`; a refused row stops no other, and one change holds them all."""
    spec, actor = spec_for(slug, caller.actor), caller.actor
    if not actor.may(spec.policy.label, "create"):
        spec.policy.require_any(actor, "change")
    parameters(request, ())
    key, rows = _asked(spec, json_object(request))
    known: Known = {}
    make = partial(_made, spec, actor) if spec.api_create is not None else None
    change, outcomes = upsert(spec, key, rows, partial(_read, spec, actor, known), make, by=actor)
    told = [outcome.result for outcome in outcomes]
    counts = {result: told.count(result) for result in ("created", "changed", "unchanged", "refused")}
    return answer({"change": str(change), "counts": counts, "rows": [_row(place, outcome) for place, outcome in enumerate(outcomes)]})


def _asked(spec: ObjectSpec, given: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    unknown = set(given) - {"key", "rows"}
    key, rows = given.get("key", "id"), given.get("rows")
    if unknown:
        raise Wrong({name[:100]: Refused("unknown_field", field=name[:100]) for name in sorted(unknown)})
    if not isinstance(key, str) or key not in keys_of(spec):
        raise Refused("invalid_value", field="key", why="choice")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Refused("invalid_value", field="rows", why="list")
    if len(rows) > MOST:
        raise Refused("too_many_rows", limit=MOST)
    return key, rows


def _read(spec: ObjectSpec, actor: Actor, known: Known, row: Mapping[str, Any], record: Record | None) -> dict[str, Any]:
    """Values of a row; names of links are looked up once for all rows."""
    if record is None:
        return new_values(spec, row, actor, known)
    values = read_values(shapes_of(spec), row, actor, known)
    empty = {name: Refused("required", field=name) for name in spec.required if name in row and row[name] in (None, "")}
    if empty:
        raise Wrong(empty)
    require_transfer(spec, values, actor, record)
    return values


def _made(spec: ObjectSpec, actor: Actor, row: Mapping[str, Any]) -> Record:
    return made(spec, row, actor)


def _row(place: int, outcome: Outcome) -> dict[str, Any]:
    found: dict[str, Any] = {"row": place, "result": outcome.result}
    if outcome.refusal is not None:
        told = problem_body(outcome.refusal, status_of(outcome.refusal))
        return found | {name: told[name] for name in ("code", "detail", "errors")}
    return found | {"id": str(outcome.id), "version": outcome.version}
