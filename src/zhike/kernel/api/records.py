"""Records: listed, counted, read, made, changed and deleted, as the caller may see and do it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from ..actions import change_record, create_record, delete_record
from ..actor import Actor
from ..errors import Refused
from ..links.inputs import read_inputs
from ..links.shapes import Shape, chosen_shapes, names_for, record_json, shapes_for_new, shapes_of
from ..links.tokens import Caller
from ..links.values import Wrong, read_values
from ..lists.engine import COUNT_CAP
from ..lists.pages import listing, rows, size_counted
from ..models import Record
from ..registry import objects
from ..seen import seen
from ..spec import ObjectSpec
from .reading import expected_version, json_object, parameters, whole_number

PAGE, MOST = 50, 200
LIST_PARAMETERS = ("sort", "after", "limit", "fields", "labels")
ONE_PARAMETERS = ("fields", "labels")


def spec_for(slug: str, actor: Actor, verb: str = "view") -> ObjectSpec:
    """The object type of an address as the caller sees it. Raises Refused: no_such_address, not_permitted."""
    spec = objects.by_slug(slug)
    if spec is None:
        raise Refused("no_such_address")
    spec.policy.require_any(actor, verb)
    return seen(spec, actor)


def record_for(spec: ObjectSpec, pk: uuid.UUID, actor: Actor, verb: str = "view") -> Record:
    """A record the caller may see. Raises Refused: gone (also for one that is not his to see), not_permitted."""
    record = spec.model.objects.visible_to(actor).filter(pk=pk).first()
    if record is None:
        raise Refused("gone", label=spec.label)
    if verb != "view":
        spec.policy.require(actor, verb, record)
    return record


def shapes_for(spec: ObjectSpec, params: Mapping[str, str]) -> tuple[Shape, ...]:
    """The fields that `fields=` names, all without it. Raises Refused("parameter_value") for an unknown one."""
    shapes = shapes_of(spec)
    wanted = [name.strip() for name in params.get("fields", "").split(",") if name.strip()]
    unknown = set(wanted) - {shape.name for shape in shapes}
    if unknown:
        raise Refused("parameter_value", name="fields", value=sorted(unknown)[0][:100])
    return chosen_shapes(shapes, wanted)


def with_labels(params: Mapping[str, str]) -> bool:
    """Whether words for the codes are asked for. Raises Refused("parameter_value")."""
    if params.get("labels", "0") not in ("0", "1"):
        raise Refused("parameter_value", name="labels", value=params["labels"][:100])
    return params.get("labels") == "1"


def answer(data: Mapping[str, Any], status: int = 200, **headers: str) -> HttpResponse:
    """JSON as it leaves the interface."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text, status=status, content_type="application/json", headers=headers)


def one(record: Record, spec: ObjectSpec, actor: Actor, params: Mapping[str, str], status: int = 200, **headers: str) -> HttpResponse:
    """One record with its version as the ETag."""
    shapes = shapes_for(spec, params)
    body = record_json(record, shapes, names_for([record], shapes, actor), with_labels=with_labels(params))
    return answer(body, status, ETag=f'"{record.version}"', **headers)


def list_records(request: HttpRequest, caller: Caller, slug: str) -> HttpResponse:
    """A page of records: the filters and orders of the screen, `after` for the next page."""
    spec = spec_for(slug, caller.actor)
    params = parameters(request, LIST_PARAMETERS, with_filters=True)
    shapes, labels = shapes_for(spec, params), with_labels(params)
    wanted = listing(spec, caller.actor, _list_params(params))
    page = rows(wanted, after=params.get("after", ""), size=whole_number(params, "limit", default=PAGE, most=MOST))
    names = names_for(page.records, shapes, caller.actor)
    data = [record_json(record, shapes, names, with_labels=labels) for record in page.records]
    response = answer({"data": data, "next": page.next or None})
    if page.next:
        query = request.GET.copy()
        query["after"] = page.next
        response["Link"] = f'</api/v1/{spec.slug}?{query.urlencode()}>; rel="next"'
    return response


def _list_params(params: Mapping[str, str]) -> dict[str, str]:
    if params.get("sort") == "":
        raise Refused("unknown_sort", name="")
    if params.get("after") and "~" not in params["after"]:
        raise Refused("parameter_value", name="after", value=params["after"][:100])
    return {name: value for name, value in params.items() if name == "sort" or "." in name}


def count_records(request: HttpRequest, caller: Caller, slug: str) -> HttpResponse:
    """How many records match: exact up to the cap, an estimate above, and it says which."""
    spec = spec_for(slug, caller.actor)
    size = size_counted(listing(spec, caller.actor, _list_params(parameters(request, (), with_filters=True))))
    return answer({"count": size.count, "is_exact": size.is_exact, "counted_up_to": COUNT_CAP})


def read_record(request: HttpRequest, caller: Caller, slug: str, pk: uuid.UUID) -> HttpResponse:
    """One record."""
    spec = spec_for(slug, caller.actor)
    params = parameters(request, ONE_PARAMETERS)
    return one(record_for(spec, pk, caller.actor), spec, caller.actor, params)


def not_offered(slug: str) -> str:
    """The method that a list of an object type lacks: what is made only with another record cannot be made here."""
    spec = objects.by_slug(slug)
    return "" if spec is None or spec.form or spec.api_create else "POST"


def create(request: HttpRequest, caller: Caller, slug: str) -> HttpResponse:
    """Make a record; 201 with it and its address."""
    spec = spec_for(slug, caller.actor, "create")
    params = parameters(request, ONE_PARAMETERS)
    shapes_for(spec, params), with_labels(params)
    given = json_object(request)
    record = made(spec, given, caller.actor)
    shown = spec.model.objects.visible_to(caller.actor).filter(pk=record.pk).first()
    if shown is None:  # made for somebody else: the maker may not see it any more
        return answer({"id": str(record.pk), "version": record.version}, 201, ETag=f'"{record.version}"')
    return one(shown, spec, caller.actor, params, 201, Location=f"/api/v1/{spec.slug}/{record.pk}")


def made(spec: ObjectSpec, given: Mapping[str, Any], actor: Actor) -> Record:
    """A new record from what was given: by the type's own action, or as its form makes one."""
    if spec.api_create is not None:
        record: Record = spec.api_create.run(by=actor, **read_inputs(spec.api_create, given))
        return record
    return create_record(spec.model, new_values(spec, given, actor), by=actor)


def new_values(
    spec: ObjectSpec, given: Mapping[str, Any], actor: Actor, known: dict[tuple[str, Any], bool] | None = None
) -> dict[str, Any]:
    """Values of a new record. Raises Refused("not_creatable"), Wrong, not_permitted (an owner, without the right to hand over)."""
    if not spec.form:
        raise Refused("not_creatable", object=spec.slug)
    values = read_values(shapes_for_new(spec), given, actor, known)
    missing = {name: Refused("required", field=name) for name in spec.required if given.get(name) in (None, "")}
    if missing:
        raise Wrong(missing)
    require_transfer(spec, values, actor)
    return {name: value for name, value in values.items() if value is not None}


def require_transfer(spec: ObjectSpec, values: Mapping[str, Any], actor: Actor, record: Record | None = None) -> None:
    """Raise Refused("not_permitted") for who gives a record to somebody without the right to hand over."""
    if not {"owner_id", "team_id"} & values.keys():
        return
    spec.policy.require_any(actor, "transfer")
    if record is not None:
        spec.policy.require(actor, "transfer", record)


def change(request: HttpRequest, caller: Caller, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Change the given fields, if the record still has the version that If-Match names."""
    spec = spec_for(slug, caller.actor)
    params = parameters(request, ONE_PARAMETERS)
    shapes_for(spec, params), with_labels(params)
    expected = expected_version(request)
    given = json_object(request, "application/merge-patch+json")
    with transaction.atomic():
        record = locked(spec, pk, caller.actor, "change", expected)
        values = read_values(shapes_of(spec), given, caller.actor)
        empty = {name: Refused("required", field=name) for name in spec.required if name in given and given[name] in (None, "")}
        if empty:
            raise Wrong(empty)
        require_transfer(spec, values, caller.actor, record)
        if values:
            change_record(record, values, by=caller.actor)
    fresh = spec.model.objects.visible_to(caller.actor).filter(pk=pk).first()
    if fresh is None:  # handed over to somebody whose records the caller does not see
        return HttpResponse(status=204)
    return one(fresh, spec, caller.actor, params)


def locked(spec: ObjectSpec, pk: uuid.UUID, actor: Actor, verb: str, expected: int | None) -> Record:
    """The record under lock, so that the version which was asked for is the one that is changed.

    Raises Refused: gone, not_permitted, changed_meanwhile with the version there is.
    """
    record_for(spec, pk, actor, verb)
    found = spec.model.objects.select_for_update(of=("self",)).filter(pk=pk).first()
    if found is None:
        raise Refused("gone", label=spec.label)
    if expected is not None and found.version != expected:
        raise Refused("changed_meanwhile", version=found.version)
    return found


def delete(request: HttpRequest, caller: Caller, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Delete a record that still has the version that If-Match names."""
    spec = spec_for(slug, caller.actor)
    parameters(request, ())
    expected = expected_version(request)
    with transaction.atomic():
        delete_record(locked(spec, pk, caller.actor, "delete", expected), by=caller.actor)
    return HttpResponse(status=204)


def visible_specs(actor: Actor) -> Sequence[ObjectSpec]:
    """The object types that the caller may read at all, as he sees them."""
    return [seen(spec, actor) for spec in objects if actor.may(spec.policy.label, "view")]


def index(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Who calls, and the object types there are for him."""
    parameters(request, ())
    actor = caller.actor
    return answer(
        {
            "actor": {"kind": actor.kind, "id": actor.user_id, "name": actor.name},
            "token": {"name": caller.token.name, "ends_on": caller.token.ends_on.isoformat() if caller.token.ends_on else None},
            "objects": [{"object": spec.slug, "title": str(spec.plural), "url": f"/api/v1/{spec.slug}"} for spec in visible_specs(actor)],
            "openapi": "/api/v1/openapi.json",
        }
    )
