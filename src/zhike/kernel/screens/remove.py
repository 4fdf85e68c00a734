"""Delete with undo, and undo of any change."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ..actions import delete_record
from ..undo import undo_change
from .web import actor_in, is_fragment, record_of, screen, spec_of, toast, trigger


@require_POST
@screen
def delete(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """Delete one record; the toast takes it back."""
    spec = spec_of(slug, actor_in(request))
    record = record_of(spec, pk, actor_in(request), "delete")
    name = str(record)
    change = delete_record(record, by=actor_in(request))
    response = HttpResponse(status=204)
    if request.POST.get("from") == "page":
        response["HX-Location"] = f"/{spec.slug}/"
    trigger(response, {"zk:deleted": {"id": str(pk)}})
    return toast(response, _("已删除 %(name)s") % {"name": name}, undo=f"/changes/{change}/undo")


@require_POST
@screen
def undo(request: HttpRequest, change_id: uuid.UUID) -> HttpResponse:
    """Take a change back; what others changed since is kept and told."""
    report = undo_change(change_id, by=actor_in(request))
    text = _("已撤销")
    if report.kept:
        text = _("已撤销，%(count)s 处后来又改过，保留现在的值") % {"count": len(report.kept)}
    if not is_fragment(request):
        return redirect(request.headers.get("Referer", "/"))
    return toast(trigger(HttpResponse(status=204), {"zk:changed": {}}), text)
