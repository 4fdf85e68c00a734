"""Files kept with a record: added, downloaded, deleted; who sees the record sees the file."""

from __future__ import annotations

import hashlib
import mimetypes
import uuid

from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import history
from ..actor import Actor
from ..addresses import url_of
from ..errors import Refused, room_on_disk
from ..models import Attachment, Record
from ..policy import policy_of
from ..text.safe import file_name
from .web import actor_in, record_of, screen, spec_of, toast

LIMIT_MB = 25
# What a browser shows without running anything; all else (HTML, SVG, XML) could run in our own origin and is a download.
INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf")


def attachments_of(record: Record) -> QuerySet[Attachment]:
    """The files of one record, newest first."""
    return Attachment.objects.filter(object_id=record.pk).order_by("-added_at")


def attach(record: Record, file: File[bytes], name: str, *, by: Actor) -> Attachment:
    """Keep a file with a record; content is stored once by its sha256. Refused("file_too_large"), ("disk_full")."""
    policy_of(type(record)).require(by, "change", record)
    if (file.size or 0) > LIMIT_MB * 1024 * 1024:
        raise Refused("file_too_large", limit=LIMIT_MB)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    stored = f"attachments/{digest.hexdigest()[:2]}/{digest.hexdigest()}"
    if not default_storage.exists(stored):
        file.seek(0)
        with room_on_disk():
            default_storage.save(stored, file)
    clean = file_name(name)
    with transaction.atomic():
        history.begin_change(by, verb="attach", label=record._meta.label_lower, object_id=record.pk)
        return Attachment.objects.create(
            kind=history.kind_of(type(record)),
            object_id=record.pk,
            name=clean,
            size=file.size or 0,
            sha256=digest.hexdigest(),
            media_type=mimetypes.guess_type(clean)[0] or "application/octet-stream",
            added_by=by.user_id,
        )


@require_POST
@screen
def upload(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Add one or several files; answers the list of files."""
    record = record_of(spec_of(slug, actor_in(request)), pk, actor_in(request), "change")
    for file in request.FILES.getlist("file"):
        attach(record, file, file.name or "", by=actor_in(request))
    return _listed(request, record)


@screen
def download(request: HttpRequest, slug: str, pk: uuid.UUID, file_id: uuid.UUID) -> HttpResponse | FileResponse:
    """The file itself."""
    record = record_of(spec_of(slug, actor_in(request)), pk, actor_in(request))
    kept = attachments_of(record).filter(pk=file_id).first()
    stored = f"attachments/{kept.sha256[:2]}/{kept.sha256}" if kept else ""
    if kept is None or not default_storage.exists(stored):
        raise Refused("gone")
    content = default_storage.open(stored)
    is_shown = kept.media_type in INLINE
    response = FileResponse(content, as_attachment=not is_shown, filename=file_name(kept.name), content_type=kept.media_type)
    if kept.media_type != "application/pdf":  # a browser's own reader does not open in a sandbox
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


@require_POST
@screen
def detach(request: HttpRequest, slug: str, pk: uuid.UUID, file_id: uuid.UUID) -> HttpResponse:
    """Take a file off a record; its content stays until no history needs it."""
    record = record_of(spec_of(slug, actor_in(request)), pk, actor_in(request), "change")
    with transaction.atomic():
        change = history.begin_change(actor_in(request), verb="detach", label=record._meta.label_lower, object_id=record.pk)
        attachments_of(record).filter(pk=file_id).delete()
    return toast(_listed(request, record), _("已删除附件"), undo=f"/changes/{change.pk}/undo")


def _listed(request: HttpRequest, record: Record) -> HttpResponse:
    context = {"attachments": attachments_of(record), "url": url_of(record), "may_change": True, "record": record}
    return render(request, "kernel/attachments.html", context)
