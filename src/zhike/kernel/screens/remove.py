"""Delete with undo, and undo of any change."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from ..actions import delete_record
from ..actor import Actor
from ..bulk import running
from ..bulk.tables import BulkRun
from ..imports import checking
from ..imports.tables import ImportRun
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
    """Take a change back, a large one by a job; what others changed since is kept and told."""
    link = _begun(change_id, actor_in(request))
    if link:
        text = _("正在撤销")
    else:
        report = undo_change(change_id, by=actor_in(request))
        text = _("已撤销")
        if report.kept:
            text = _("已撤销，%(count)s 处后来又改过，保留现在的值") % {"count": report.kept_count}
    if not is_fragment(request):
        return redirect(link or request.headers.get("Referer", "/"))
    response = trigger(HttpResponse(status=204), {"zk:changed": {}})
    return toast(response, text, link=link, link_text=_("看进度") if link else "")


def _begun(change_id: uuid.UUID, by: Actor) -> str:
    """The page of the job that takes back what a job did; empty for a change that was made at once."""
    run = BulkRun.objects.filter(change_id=change_id).first()
    if run is not None:
        running.begin_undo(run, by=by)
        return f"/work/{run.pk}/"
    brought = ImportRun.objects.filter(change_id=change_id).first()
    if brought is not None:
        checking.begin_undo(brought, by)
        return f"/imports/{brought.pk}/"
    return ""
