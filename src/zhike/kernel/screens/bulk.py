"""Change many records at once: hand over, set a field, delete; a few at once, many as a job; one change, one undo."""

from __future__ import annotations

import uuid

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from ..bulk import deleting, setting
from ..bulk.choosing import Chosen
from ..bulk.running import Ordered, order
from ..errors import Refused
from ..fielddefs import is_custom_name
from ..imports.checking import home_team
from ..spec import ObjectSpec
from .asked import PLACE
from .edit import form_class, label_of, stored_values
from .list import count_words
from .pick_person import NOBODY, PersonField
from .pick_team import FOLLOW, SAME, TeamField
from .web import actor_in, screen, spec_of, toast, trigger


def chosen_in(request: HttpRequest) -> Chosen:
    """What was ticked, or the whole list when that was chosen. Raises Refused("nothing_selected") and ("gone")."""
    given = QueryDict(mutable=True)
    given.update(request.GET)
    given.update(request.POST)
    if given.get("all") == "1":
        params = {name: str(value) for name, value in request.GET.items() if value and name not in (*PLACE, "all", "ids")}
        return Chosen(filters=params)
    texts = [part for text in given.getlist("ids") for part in text.split(",") if part]
    try:
        return Chosen(ids=[uuid.UUID(text) for text in texts])
    except ValueError as wrong:
        raise Refused("gone") from wrong


@screen
def choose_field(request: HttpRequest, slug: str) -> HttpResponse:
    """Which field of the chosen records to change."""
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "change")
    fields = [(name, label_of(spec, name)) for name in settable(spec)]
    return render(request, "kernel/bulk_choose.html", {"spec": spec, "fields": fields, "query": request.GET.urlencode()})


def settable(spec: ObjectSpec) -> list[str]:
    """Fields that many records can have the same value of."""
    handed = ("owner", "team")
    return [name for name in spec.editable() if name not in handed and name != spec.name and not setting.single_valued(spec.model, name)]


@screen
def set_field(request: HttpRequest, slug: str, name: str) -> HttpResponse:
    """GET: ask for the value. POST: set it on all chosen records. The owner needs the right to hand over."""
    spec = spec_of(slug, actor_in(request))
    verb = "transfer" if name in ("owner", "team") else "change"
    if name not in spec.editable() or not actor_in(request).may(spec.policy.label, verb):
        raise Refused("not_permitted", verb=verb, label=spec.label)
    form = form_class(spec, (name,), request)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        done = order(spec, chosen_in(request), "set", _values(stored_values(form)), by=actor_in(request))
        return ordered(spec, done, _("已改 %(count)s"), _("正在改 %(count)s"))
    context = {"spec": spec, "field": form[name], "name": name, "query": request.GET.urlencode()}
    return render(request, "kernel/bulk_field.html", context, status=422 if form.is_bound else 200)


def _values(values: dict[str, object]) -> dict[str, object]:
    return {
        name: "" if value is None and not name.endswith("_id") and not is_custom_name(name) else value for name, value in values.items()
    }


class TransferForm(forms.Form):
    """To whom, and to which team."""

    owner = PersonField(nobody=NOBODY, label=gettext_lazy("新的负责人"))
    team = TeamField(FOLLOW, SAME, label=gettext_lazy("团队"), required=False)

    def values(self) -> dict[str, int | None]:
        """What is stored; the team only when it changes."""
        user_id = self.cleaned_data["owner"]
        team = self.cleaned_data["team"]
        found: dict[str, int | None] = {"owner_id": user_id}
        if team == FOLLOW:
            home = home_team(user_id)
            return found | ({"team_id": home} if home is not None else {})
        return found | ({"team_id": team} if team not in (None, SAME) else {})


@screen
def transfer(request: HttpRequest, slug: str) -> HttpResponse:
    """GET: ask to whom. POST: hand all chosen records over."""
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "transfer")
    form = TransferForm(request.POST or None, initial={"team": FOLLOW})
    if request.method == "POST" and form.is_valid():
        done = order(spec, chosen_in(request), "set", form.values(), by=actor_in(request))
        return ordered(spec, done, _("已转交 %(count)s"), _("正在转交 %(count)s"))
    context = {"spec": spec, "form": form, "query": request.GET.urlencode()}
    return render(request, "kernel/bulk_transfer.html", context, status=422 if form.is_bound else 200)


@require_POST
@screen
def delete_chosen(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete the chosen records; the toast takes it back."""
    spec = spec_of(slug, actor_in(request))
    done = order(spec, chosen_in(request), deleting.DELETE.name, {}, by=actor_in(request))
    return ordered(spec, done, _("已删除 %(count)s"), _("正在删除 %(count)s"))


def ordered(spec: ObjectSpec, done: Ordered, said: str, working: str) -> HttpResponse:
    """The answer to an order: done with undo, or a link to the job that works on it."""
    response = trigger(HttpResponse(status=204), {"zk:close": {}, "zk:clear": {}, "zk:changed": {}})
    count = {"count": count_words(done.count, spec.unit)}
    if done.run is not None:
        return toast(response, working % count, link=f"/work/{done.run.pk}/", link_text=_("看进度"))
    return toast(response, said % count, undo=f"/changes/{done.change}/undo")
