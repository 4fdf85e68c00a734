"""What belongs to a record: its actions, its history, its files."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import models, transaction
from django.db.models.functions import Cast
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError

from .. import history
from ..errors import Refused
from ..links.inputs import read_inputs
from ..links.shapes import Shape, plain_value, shapes_of, utc_text
from ..links.tokens import Caller
from ..models import Attachment, HistoryEntry
from ..screens.files import attach, attachments_of
from ..spec import ObjectSpec
from ..text.safe import file_name
from .reading import LARGEST_UPLOAD, expected_version, json_object, parameters, whole_number
from .records import ONE_PARAMETERS, answer, locked, one, record_for, shapes_for, spec_for, with_labels

MOST = 200


def act(request: HttpRequest, caller: Caller, slug: str, pk: uuid.UUID, name: str) -> HttpResponse:
    """Run one of the type's actions; answers the record afterwards, what was made in the header `Zhike-Made`."""
    spec = spec_for(slug, caller.actor)
    action = next((item for item in spec.api_actions if item.name == name), None)
    if action is None:
        raise Refused("no_such_address")
    params = parameters(request, ONE_PARAMETERS)
    shapes_for(spec, params), with_labels(params)
    expected = expected_version(request, is_needed=False)
    given = json_object(request)
    with transaction.atomic():
        record = locked(spec, pk, caller.actor, "change", expected)
        made = action.run(record, by=caller.actor, **read_inputs(action, given))
    response = one(record_for(spec, pk, caller.actor), spec, caller.actor, params)
    if isinstance(made, models.Model):
        response["Zhike-Made"] = str(made.pk)
    return response


def record_history(request: HttpRequest, caller: Caller, slug: str, pk: uuid.UUID) -> HttpResponse:
    """What happened to a record, newest first: who, when, why, and the values before, as far as the caller may see them."""
    spec = spec_for(slug, caller.actor)
    params = parameters(request, ("after", "limit"))
    size = whole_number(params, "limit", default=50, most=MOST)
    record_for(spec, pk, caller.actor)
    kept = HistoryEntry.objects.filter(object_id=pk, kind=history.kind_of(spec.model)).select_related("change").defer("old")
    after = params.get("after", "")
    if after:
        if not after.isascii() or not after.isdigit() or len(after) > 18:
            raise Refused("parameter_value", name="after", value=after[:100])
        kept = kept.filter(hid__lt=int(after))
    text = Cast("old", models.TextField())  # exact decimals: the driver would make floats of them
    found = list(kept.annotate(before=text).order_by("-hid")[: size + 1])
    shapes = shapes_of(spec)
    data = [_entry(entry, shapes) for entry in found[:size]]
    return answer({"data": data, "next": str(found[size - 1].hid) if len(found) > size else None})


VERBS = {"I": "created", "U": "changed", "D": "deleted"}


def _entry(entry: Any, shapes: tuple[Shape, ...]) -> dict[str, Any]:
    change = entry.change
    return {
        "at": utc_text(entry.at),
        "verb": VERBS[entry.op],
        "action": change.verb if change else None,
        "by": {"kind": change.actor_kind, "id": change.actor_id, "name": change.actor_name} if change else None,
        "source": change.source if change else None,
        "reason": change.reason if change else None,
        "before": _before(entry.before, shapes),
    }


def _before(text: str | None, shapes: tuple[Shape, ...]) -> dict[str, Any]:
    """Values before the change; a covered field says only that it changed."""
    old = json.loads(text, parse_float=Decimal) if text else {}
    kept = {f"cf_{key}": value for key, value in (old.get("custom") or {}).items()} | old  # a deleted row holds its own fields whole
    found: dict[str, Any] = {}
    for shape in shapes:
        name = shape.field.name if shape.field.is_custom else shape.field.column
        if name in kept:
            found[shape.name] = None if shape.is_covered else _old_value(shape, kept[name])
    return found


def _old_value(shape: Shape, value: Any) -> Any:
    if value is None or shape.field.is_custom:
        return plain_value(value)
    if shape.kind in ("link", "person", "team"):
        return {"id": value}
    if shape.kind in ("decimal", "time", "date"):
        return plain_value(_field(shape).to_python(value))
    return value


def _field(shape: Shape) -> models.Field[Any, Any]:
    kinds: dict[str, models.Field[Any, Any]] = {
        "decimal": models.DecimalField(),
        "time": models.DateTimeField(),
        "date": models.DateField(),
    }
    return kinds[shape.kind]


def _file_json(spec: ObjectSpec, pk: uuid.UUID, file: Attachment) -> dict[str, Any]:
    return {
        "id": str(file.pk),
        "name": file.name,
        "media_type": file.media_type,
        "size": file.size,
        "sha256": file.sha256,
        "added_at": utc_text(file.added_at),
        "added_by": file.added_by,
        "url": f"/api/v1/{spec.slug}/{pk}/files/{file.pk}",
    }


def list_files(request: HttpRequest, caller: Caller, slug: str, pk: uuid.UUID) -> HttpResponse:
    """The files of a record, newest first."""
    spec = spec_for(slug, caller.actor)
    parameters(request, ())
    record = record_for(spec, pk, caller.actor)
    return answer({"data": [_file_json(spec, pk, file) for file in attachments_of(record)[:MOST]]})


def add_file(request: HttpRequest, caller: Caller, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Keep one file (the part `file` of a form) with a record."""
    spec = spec_for(slug, caller.actor)
    parameters(request, ())
    record = record_for(spec, pk, caller.actor, "change")
    made = attach(record, _uploaded(request), _name(request), by=caller.actor)
    made.refresh_from_db()
    return answer(_file_json(spec, pk, made), 201, Location=f"/api/v1/{spec.slug}/{pk}/files/{made.pk}")


def _uploaded(request: HttpRequest) -> UploadedFile:
    if (request.content_type or "").lower() != "multipart/form-data":
        raise Refused("wrong_media_type", wanted="multipart/form-data")
    if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_UPLOAD:
        raise Refused("too_large", limit=f"{LARGEST_UPLOAD >> 20} MB")
    try:
        file = request.FILES.get("file")
    except MultiPartParserError as wrong:
        raise Refused("bad_form") from wrong
    if file is None:
        raise Refused("required", field="file")
    return file


def _name(request: HttpRequest) -> str:
    file = request.FILES["file"]
    assert isinstance(file, UploadedFile)
    return "".join(char for char in file.name or "" if char.isprintable())


def _file(request: HttpRequest, caller: Caller, slug: str, pk: uuid.UUID, file: uuid.UUID, verb: str) -> tuple[Any, Attachment]:
    parameters(request, ())
    record = record_for(spec_for(slug, caller.actor), pk, caller.actor, verb)
    kept = attachments_of(record).filter(pk=file).first()
    if kept is None:
        raise Refused("gone", label="kernel.attachment")
    return record, kept


def read_file(request: HttpRequest, caller: Caller, slug: str, pk: uuid.UUID, file: uuid.UUID) -> FileResponse:
    """The file itself, always as a download."""
    _record, kept = _file(request, caller, slug, pk, file, "view")
    content = default_storage.open(f"attachments/{kept.sha256[:2]}/{kept.sha256}")
    return FileResponse(content, as_attachment=True, filename=file_name(kept.name), content_type=kept.media_type)


def delete_file(request: HttpRequest, caller: Caller, slug: str, pk: uuid.UUID, file: uuid.UUID) -> HttpResponse:
    """Take a file off a record."""
    record, kept = _file(request, caller, slug, pk, file, "change")
    with transaction.atomic():
        history.begin_change(caller.actor, verb="detach", label=record._meta.label_lower, object_id=record.pk)
        kept.delete()
    return HttpResponse(status=204)
