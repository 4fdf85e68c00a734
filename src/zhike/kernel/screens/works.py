"""Work that runs in the background: what is going on, how far it is, what came of it, stop and undo."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from .. import directory
from ..actor import Actor
from ..bulk import running
from ..bulk.tables import BUSY, BulkRun, BulkState
from ..errors import Refused
from ..fields import field_of
from ..models import Record
from ..registry import objects
from ..seen import seen
from ..spec import ObjectSpec
from ..undo import may_undo
from .cells import Reader, show
from .edit import label_of
from .list import count_words
from .web import actor_in, screen
from .words import WORDS, in_words

PAGE = 50
STALLED_SECONDS = 60
STATES: dict[str, tuple[str | Promise, str]] = {
    BulkState.WAITING: (gettext_lazy("排队"), "due"),
    BulkState.RUNNING: (gettext_lazy("进行中"), "due"),
    BulkState.STOPPED: (gettext_lazy("停下了"), ""),
    BulkState.DONE: (pgettext_lazy("work", "做完了"), "good"),
    BulkState.UNDOING: (gettext_lazy("正在撤销"), "due"),
    BulkState.UNDONE: (gettext_lazy("已撤销"), ""),
    BulkState.FAILED: (gettext_lazy("没有做完"), "bad"),
}
WHY_NOT: dict[str, str | Promise] = {
    "same": gettext_lazy("本来就是这样"),
    "gone": gettext_lazy("已经删掉了"),
    "not_permitted": gettext_lazy("不在你能改的范围里"),
    "still_needed": gettext_lazy("别的记录还在用它"),
    "rule_broken": gettext_lazy("和一条规则冲突"),
    "changed_later": gettext_lazy("后来又有人改过"),
    "parent_gone": gettext_lazy("它所属的记录不在了"),
    "taken": gettext_lazy("编号已经被别的记录用了"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A run as the list shows it."""

    run: BulkRun
    what: str
    state: str | Promise
    tone: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A record that was left alone, as far as the reader may see it."""

    name: str
    url: str
    why: str | Promise


def _mine(actor: Actor) -> Q:
    return Q() if actor.may("org.audit", "view") else Q(actor_id=actor.user_id)


@never_cache
@screen
@require_GET
def runs(request: HttpRequest) -> HttpResponse:
    """The newest runs: one's own, or all for those who look through the log of changes."""
    actor = actor_in(request)
    rows = BulkRun.objects.filter(_mine(actor)).defer("actor", "skipped", "report").order_by("-created_at", "-id")
    before = request.GET.get("before", "")
    if before:
        rows = rows.filter(created_at__lt=_moment(before))
    found = list(rows[: PAGE + 1])
    context = {
        "lines": [_line(run, actor) for run in found[:PAGE]],
        "before": found[PAGE - 1].created_at.isoformat() if len(found) > PAGE else "",
        "is_everyone": actor.may("org.audit", "view"),
        "is_busy": any(run.state in BUSY for run in found),
    }
    return render(request, "kernel/work/list.html", context)


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError as wrong:
        raise Refused("filter_value", name="before", value=text) from wrong


def _line(run: BulkRun, actor: Actor) -> Line:
    state, tone = STATES[run.state]
    if run.is_stop_wanted and run.state in (BulkState.WAITING, BulkState.RUNNING):
        state = _("正在停")
    return Line(run=run, what=what_words(run, actor), state=state, tone=tone, result=_result(run))


def _result(run: BulkRun) -> str:
    if run.state in (BulkState.WAITING, BulkState.RUNNING):
        return f"{run.done:,} / {run.total:,}"
    left = sum(count for why, count in run.counts.items() if why != "changed")
    text = (
        _("改了 %(count)s") % {"count": f"{run.changed:,}"} if run.verb != "delete" else _("删了 %(count)s") % {"count": f"{run.changed:,}"}
    )
    return text + (_("，没动 %(count)s") % {"count": f"{left:,}"} if left else "")


def what_words(run: BulkRun, actor: Actor) -> str:
    """What a run does, in words: 城市 改成 苏州."""
    spec = seen(objects.get(run.label), actor)
    if run.verb == "delete":
        return _("删除%(title)s") % {"title": spec.title}
    if run.verb == "tag":
        return _("给%(title)s加标签 %(names)s") % {"title": spec.title, "names": "、".join(run.values.get("names", []))}
    parts = [_("%(field)s 改成 %(value)s") % {"field": label, "value": value} for label, value in values_in_words(spec, run.values)]
    return "，".join(parts)


def values_in_words(spec: ObjectSpec, values: Mapping[str, Any]) -> list[tuple[object, str]]:
    """Values that a run gives, as a page shows them; fields that the reader may not see are left out."""
    record = spec.model()
    known = set(spec.editable()) | set(spec.read_only) | {"owner", "team"}
    names = []
    for name, value in values.items():
        field = field_of(spec.model, name)
        if field.name in known and field.name not in spec.covered:
            setattr(record, field.attname, field.to_python(value))
            names.append(field.name)
    return [(label_of(spec, name), _shown(record, name, spec)) for name in names]


def _shown(record: Record, name: str, spec: ObjectSpec) -> str:
    value = getattr(record, field_of(record, name).attname)
    if name in ("owner", "team"):
        found = directory.people([value]) if name == "owner" else directory.teams([value])
        return found.get(value, _("没有负责人") if name == "owner" else "—")
    try:
        return str(show(record, name, spec, Reader(user_id=None))) or _("空")
    except (FieldDoesNotExist, spec.model.DoesNotExist):
        return str(value)


def _run_of(request: HttpRequest, pk: uuid.UUID) -> BulkRun:
    run = BulkRun.objects.filter(pk=pk).first()
    if run is None:
        raise Refused("gone")
    if not running.may_see(run, actor_in(request)):
        raise Refused("not_permitted")
    return run


@never_cache
@screen
@require_GET
def run_page(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """One run: how far it is, or what came of it."""
    return render(request, "kernel/work/run.html", _context(request, _run_of(request, pk)))


@never_cache
@screen
@require_GET
def run_body(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """What changes of a run's page."""
    return render(request, "kernel/work/body.html", _context(request, _run_of(request, pk)))


def _context(request: HttpRequest, run: BulkRun) -> dict[str, Any]:
    actor = actor_in(request)
    spec = seen(objects.get(run.label), actor)
    ends = running.undo_ends(run)
    done, total, phase = _progress(run)
    return {
        "run": run, "line": _line(run, actor), "spec": spec, "url": f"/work/{run.pk}/", "is_busy": run.state in BUSY,
        "counted": count_words(run.total, spec.unit), "done": done, "total": total, "phase": phase,
        "percent": min(100, done * 100 // total) if total else None,
        "is_stalled": bool(run.heartbeat_at and run.heartbeat_at < timezone.now() - dt.timedelta(seconds=STALLED_SECONDS)),
        "may_stop": run.state in (BulkState.WAITING, BulkState.RUNNING) and not run.is_stop_wanted and run.actor_id == actor.user_id,
        "reasons": [(WHY_NOT.get(why, why), count) for why, count in sorted(run.counts.items(), key=lambda one: -one[1]) if why != "changed"],
        "left": left_alone(spec, actor, run.skipped), "undo": run.report, "undo_left": _kept(run, actor),
        "undo_ends": ends, "may_undo": bool(ends and ends > timezone.now() and run.change_id and _may_undo(run, actor)),
        "error": in_words(Refused(run.error_code)) if run.error_code in WORDS else run.error_code,
        "list_url": f"/{spec.slug}/?{run.filters}" if run.filters not in ("", "-") else f"/{spec.slug}/",
    }  # fmt: skip


def _may_undo(run: BulkRun, actor: Actor) -> bool:
    change = running.change_of(run)
    return change is not None and may_undo(change, actor)


def _progress(run: BulkRun) -> tuple[int, int, str]:
    phase = str(run.progress.get("phase", ""))
    if phase:
        words = _("正在把记录还原") if phase == "undo" else _("正在更新合计")
        return int(run.progress.get("done", 0)), int(run.progress.get("total", 0)), words
    return run.done, run.total, _("等前面的活做完") if run.state == BulkState.WAITING else ""


def left_alone(spec: ObjectSpec, actor: Actor, skipped: list[list[str]]) -> list[Left]:
    """The first records that were left alone, by name where the reader may see them; what was the same already is no news."""
    told = [(uuid.UUID(pk), why) for pk, why in skipped if why != "same"]
    rows = {row.pk: str(row) for row in spec.model.objects.visible_to(actor).filter(pk__in=[pk for pk, _why in told])}
    return [Left(name=rows.get(pk, ""), url=f"/{spec.slug}/{pk}/" if pk in rows else "", why=WHY_NOT.get(why, why)) for pk, why in told]


def _kept(run: BulkRun, actor: Actor) -> list[Left]:
    kept = [[one["object_id"], one["why"]] for one in run.report.get("kept", []) if one["label"] == run.label]
    return left_alone(seen(objects.get(run.label), actor), actor, kept)


@require_POST
@screen
def stop(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Let it end after the part it works on."""
    run = _run_of(request, pk)
    running.stop(run, by=actor_in(request))
    run.refresh_from_db()
    return render(request, "kernel/work/body.html", _context(request, run))


@require_POST
@screen
def undo(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Have the worker take it back."""
    run = _run_of(request, pk)
    running.begin_undo(run, by=actor_in(request))
    return render(request, "kernel/work/body.html", _context(request, run))
