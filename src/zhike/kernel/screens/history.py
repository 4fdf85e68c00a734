"""The history: of one record, newest first, and for auditors the log of all changes with their rows."""

from __future__ import annotations

import csv
import datetime as dt
import io
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from .. import directory
from ..actor import Actor
from ..errors import Refused
from ..history import model_of_kind
from ..models import Change
from ..past import log
from ..past.deleted import readable
from ..past.entries import Chapter, of_change, of_database, of_record
from ..registry import objects
from ..undo import DAYS, may_undo
from .deeds import deed
from .export import note_export, safe
from .past_words import Told, moment_in, told
from .settings import SettingPage, add_setting
from .web import actor_in, address_params, screen, spec_of, with_params

EXPORTED = 50_000  # changes in one file
SOURCES: dict[str, str | Promise] = {
    "web": gettext_lazy("页面"),
    "api": gettext_lazy("接口"),
    "import": gettext_lazy("导入"),
    "job": gettext_lazy("后台"),
    "cli": gettext_lazy("命令行"),
    "sso": gettext_lazy("单点登录"),
    "database": gettext_lazy("数据库"),
}
AUDIT = ("org.audit", "view")

add_setting(
    SettingPage(
        key="history", label=gettext_lazy("改动记录"), hint=gettext_lazy("谁在什么时候改了什么，导入和数据库里直接改的也在"),
        url="/settings/history/", icon="history", group="company", needs=AUDIT, rank=40,
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One change as it is read: who, what, from where, its rows in words, and whether this reader may take it back."""

    at: dt.datetime
    change: Change | None
    who: str
    deed: str
    source: str | Promise
    own: Told | None = None
    beside: Sequence[Told] = ()
    more: bool = False
    undo_url: str = ""
    url: str = ""
    size: str = ""


def who(change: Change | None) -> str:
    """Who made a change."""
    if change is None:
        return _("直接在数据库里")
    return change.actor_name or _("系统")


def source_words(change: Change | None) -> str | Promise:
    """From where a change came."""
    key = "database" if change is None else change.source or "web"
    return SOURCES.get(key, key)


def undo_url_of(change: Change | None, actor: Actor) -> str:
    """Where this reader takes a change back; empty when he may not, or it is too late or done."""
    if change is None or change.undone_at or change.at < timezone.now() - dt.timedelta(days=DAYS) or not may_undo(change, actor):
        return ""
    return f"/changes/{change.pk}/undo"


@screen
@require_GET
def record_history(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """What happened to one record, also to one that is gone; older changes follow as a fragment."""
    actor = actor_in(request)
    spec = spec_of(slug, actor)
    record, deleted = readable(spec, pk, actor)
    before = request.GET.get("before", "")
    chapters, following = of_record(spec.model, pk, before)
    name = str(record) if record is not None else _gone_name(spec.model, pk, actor)
    context = {
        "spec": spec,
        "pk": pk,
        "title": name or _("未命名"),
        "url": f"/{slug}/{pk}/",
        "is_gone": deleted is not None,
        "shown": _chapters(chapters, actor),
        "next": following,
        "may_audit": actor.may(*AUDIT),
        "now": timezone.localtime(),
    }
    return render(request, "kernel/past/entries.html" if before else "kernel/past/record.html", context)


def _gone_name(model: Any, pk: uuid.UUID, actor: Actor) -> str:
    chapters, _next = of_record(model, pk, size=1)
    found = told([chapters[0].own], actor) if chapters and chapters[0].own else {}
    return next((one.name for one in found.values()), "")


def _chapters(chapters: Sequence[Chapter], actor: Actor) -> list[Shown]:
    words = told([step for one in chapters for step in (*([one.own] if one.own else []), *one.beside)], actor)
    return [_chapter(one, words, actor) for one in chapters]


def _chapter(one: Chapter, words: Mapping[int, Told], actor: Actor) -> Shown:
    return Shown(
        at=one.at,
        change=one.change,
        who=who(one.change),
        deed=deed(one.change, one.own.entry.op if one.own else "U"),
        source=source_words(one.change),
        own=words.get(one.own.entry.hid) if one.own else None,
        beside=[found for step in one.beside if (found := words.get(step.entry.hid))],
        more=one.more,
        undo_url=undo_url_of(one.change, actor),
        url=f"/settings/history/{one.change.pk}/" if one.change and actor.may(*AUDIT) else "",
    )


def require_audit(actor: Actor) -> None:
    """Refused("not_permitted") for who may not look through the log."""
    if not actor.may(*AUDIT):
        raise Refused("not_permitted", verb="view", label="org.audit")


def _asked(request: HttpRequest) -> log.Asked:
    """What the address asks of the log; what makes no sense is refused by name."""
    params = {name: value.strip() for name, value in address_params(request).items() if value.strip()}
    until = _day(params, "until")
    return log.Asked(
        person=_number(params, "person"),
        label=params.get("label", ""),
        verb=params.get("verb", ""),
        source=params.get("source", ""),
        since=_day(params, "since"),
        until=until + dt.timedelta(days=1) if until else None,
        record=_id(params, "record"),
    )


def _number(params: Mapping[str, str], name: str) -> int | None:
    value = params.get(name, "")
    if value and not (value.isascii() and value.isdigit() and len(value) < 10):
        raise Refused("filter_value", name=name, value=value[:100])
    return int(value) if value else None


def _day(params: Mapping[str, str], name: str) -> dt.datetime | None:
    value = params.get(name, "")
    found = moment_in(value) if value else None
    if value and found is None:
        raise Refused("filter_value", name=name, value=value[:100])
    return found


def _id(params: Mapping[str, str], name: str) -> uuid.UUID | None:
    value = params.get(name, "")
    try:
        return uuid.UUID(value) if value else None
    except ValueError as wrong:
        raise Refused("filter_value", name=name, value=value[:100]) from wrong


@screen
@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """The log: every change, found by who, what, from where and when."""
    actor = actor_in(request)
    require_audit(actor)
    asked = _asked(request)
    before = request.GET.get("before", "")
    if asked.source == "database":
        shown, following = _outside(before)
    else:
        found, following = log.changes(asked, before)
        shown = _shown_changes(found, actor)
    params = address_params(request, "before")
    context = {
        "shown": shown,
        "asked": asked,
        "params": params,
        "query": with_params(params),
        "next": with_params(params | {"before": following}) if following else "",
        "people": directory.people({asked.person}) if asked.person else {},
        "sources": SOURCES.items(),
        "kinds": [(spec.label, spec.plural) for spec in objects],
    }
    return render(request, "kernel/past/log_rows.html" if before else "kernel/past/log.html", context)


def _shown_changes(found: Sequence[Change], actor: Actor) -> list[Shown]:
    sizes = log.sizes([change.pk for change in found])
    return [
        Shown(
            at=change.at,
            change=change,
            who=who(change),
            deed=deed(change, "U"),
            source=source_words(change),
            undo_url=undo_url_of(change, actor),
            url=f"/settings/history/{change.pk}/",
            size=_rows(sizes.get(change.pk, 0)),
        )
        for change in found
    ]


def _rows(count: int) -> str:
    if count >= log.COUNTED:
        return _("%(count)s 行以上") % {"count": f"{log.COUNTED:,}"}
    return ngettext("%(count)s 行", "%(count)s 行", count) % {"count": f"{count:,}"}


def _outside(before: str) -> tuple[list[Shown], str]:
    found, following = log.outside(before)
    return [
        Shown(
            at=one.at,
            change=None,
            who=who(None),
            deed=f"{_('改动')} {one.model._meta.verbose_name}",
            source=source_words(None),
            url=f"/settings/history/database/{one.kind}/{with_params({'at': one.at.isoformat()})}",
            size=_rows(one.rows),
        )
        for one in found
    ], following


@screen
@require_GET
def change_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """All rows of one change, in the order they were written; further rows follow as a fragment."""
    actor = actor_in(request)
    require_audit(actor)
    change = Change.objects.filter(pk=pk).first()
    if change is None:
        raise Refused("gone", label="kernel.change")
    steps, following = of_change(pk, _number(address_params(request), "after") or 0)
    shown = replace(_shown_changes([change], actor)[0], url="")
    context = {
        "one": shown,
        "rows": list(told(steps, actor).values()),
        "hidden": len(steps) - len(told(steps, actor)) if steps else 0,
        "next": with_params({"after": str(following)}) if following else "",
        "undone": Change.objects.filter(undoes=change).order_by("-at").first(),
    }
    return render(request, "kernel/past/change_rows.html" if "after" in request.GET else "kernel/past/change.html", context)


@screen
@require_GET
def outside_page(request: HttpRequest, kind: int) -> HttpResponse:
    """Rows that one transaction wrote into one table past the product."""
    actor = actor_in(request)
    require_audit(actor)
    at = moment_in(request.GET.get("at", ""))
    if at is None:
        raise Refused("filter_value", name="at", value=request.GET.get("at", "")[:100])
    try:
        model = model_of_kind(kind)
    except (KeyError, StopIteration) as none:
        raise Refused("gone", label="kernel.change") from none
    steps, following = of_database(at, kind, _number(address_params(request), "after") or 0)
    rows = list(told(steps, actor).values())
    context = {
        "one": Shown(at=at, change=None, who=who(None), deed=f"{_('改动')} {model._meta.verbose_name}", source=source_words(None)),
        "rows": rows,
        "hidden": len(steps) - len(rows),
        "next": with_params({"at": at.isoformat(), "after": str(following)}) if following else "",
    }
    return render(request, "kernel/past/change_rows.html" if "after" in request.GET else "kernel/past/change.html", context)


@screen
@require_GET
def export_changes(request: HttpRequest) -> HttpResponse:
    """The log as a file, made safe for spreadsheets and noted like every export; at most 50,000 changes."""
    actor = actor_in(request)
    require_audit(actor)
    out, count = io.StringIO(), 0
    writer = csv.writer(out)
    writer.writerow([_("时间"), _("谁"), _("做了什么"), _("记录种类"), _("记录编号"), _("来自"), _("原因"), _("撤销")])
    for change in log.walked(_asked(request), EXPORTED):
        undone = f"{timezone.localtime(change.undone_at):%Y-%m-%d %H:%M:%S}" if change.undone_at else ""
        row = [
            f"{timezone.localtime(change.at):%Y-%m-%d %H:%M:%S}", who(change), deed(change, "U"), change.label, change.object_id or "",
            source_words(change), change.reason, undone,
        ]  # fmt: skip
        writer.writerow([safe(str(value)) for value in row])
        count += 1
    note_export(actor, "kernel.change", columns=[], kind="csv", count=count, filters=with_params(address_params(request)))
    response = HttpResponse("\ufeff" + out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="history-{timezone.localtime():%Y%m%d-%H%M}.csv"'
    return response
