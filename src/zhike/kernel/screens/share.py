"""共享: open one record to a person or a team, see with whom it is shared, take it back."""

from __future__ import annotations

import datetime as dt
import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from .. import directory
from ..addresses import url_of
from ..errors import Refused
from ..history import last_change_of
from ..sharing import Terms, end_share, share_record, shares_of_record
from .web import actor_in, record_of, screen, spec_of, toast, trigger
from .words import in_words

CHOICES = 6


@screen
def share(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """GET: with whom it is shared, and a form. POST: share it; 422 with what is wrong."""
    actor = actor_in(request)
    spec = spec_of(slug, actor)
    record = record_of(spec, pk, actor, "share")
    problem = ""
    if request.method == "POST":
        try:
            user_id, team_id = _whom(request.POST.get("whom", ""))
            terms = Terms(
                can_change=request.POST.get("can_change") == "on",
                until=_until(request.POST.get("until", "")),
                note=request.POST.get("note", ""),
            )
            share_record(record, terms, by=actor, user_id=user_id, team_id=team_id)
        except Refused as refusal:
            if refusal.code == "not_permitted":
                raise
            problem = in_words(refusal)
        else:
            response = trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}})
            return toast(response, _("已共享"), undo=f"/changes/{last_change_of(record.pk)}/undo")
    context = {
        "spec": spec, "record": record, "url": url_of(record), "shares": shares_of_record(record), "problem": problem, "sent": request.POST,
        "today": timezone.localdate(), "may_give_change": spec.policy.allows(actor, "change", record),
    }  # fmt: skip
    return render(request, "kernel/share.html", context, status=422 if problem else 200)


def _whom(text: str) -> tuple[int | None, int | None]:
    """A person or a team as the picker names it (u5, t3); Refused("nobody_chosen")."""
    kind, number = text[:1], text[1:]
    if kind not in ("u", "t") or not number.isdigit():
        raise Refused("nobody_chosen")
    return (int(number), None) if kind == "u" else (None, int(number))


def _until(text: str) -> dt.datetime | None:
    """The end of a day in the company's time zone."""
    if not text:
        return None
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as wrong:
        raise Refused("invalid_value", field=_("到期"), why="date") from wrong
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min)) + dt.timedelta(days=1)


@screen
def pick_whom(request: HttpRequest, slug: str, pk: uuid.UUID) -> HttpResponse:
    """People and teams whose name holds what was typed."""
    actor = actor_in(request)
    record_of(spec_of(slug, actor), pk, actor, "share")
    typed = request.GET.get("q", "").strip()[:60]
    people = directory.find_people(typed, CHOICES, but=(actor.user_id or 0,))
    options = [(f"u{user.pk}", user.name, _("个人")) for user in people]
    options += [(f"t{pk}", name, _("团队")) for pk, name in directory.find_teams(typed, CHOICES).items()]
    return render(request, "kernel/share_pick.html", {"options": options})


@require_POST
@screen
def end(request: HttpRequest, slug: str, pk: uuid.UUID, share_id: uuid.UUID) -> HttpResponse:
    """Take a share back; the toast gives it again."""
    actor = actor_in(request)
    record = record_of(spec_of(slug, actor), pk, actor, "share")
    end_share(record, share_id, by=actor)
    response = trigger(HttpResponse(status=204), {"zk:close": {}, "zk:changed": {}})
    return toast(response, _("已收回共享"), undo=f"/changes/{last_change_of(record.pk)}/undo")
