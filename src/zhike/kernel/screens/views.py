"""Saved views: kept, changed, copied, shared, hidden, begun with, deleted; each person arranges his own tabs."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_POST

from .. import directory
from ..actor import Actor
from ..errors import Refused
from ..models import HistoryEntry
from ..savedviews.actions import Naming, Shown, create_view, delete_view, end_role_start, rename_view, show_in_view, start_role
from ..savedviews.arranged import ALL, FAVOURITES, Columns, View, favourites, keep, keep_columns, rearrange
from ..savedviews.asking import Asked
from ..savedviews.rules import looks_after, may_keep, teams_kept
from ..savedviews.tables import Audience, RoleStart, SavedView
from ..spec import ObjectSpec
from .asked import arrangement_in, columns_of, part_asked
from .pick_team import TeamField
from .tabs import rail_favourites, require_view
from .web import actor_in, screen, spec_of, toast, trigger, with_params
from .words import in_words


class NamingForm(forms.Form):
    """How a view is called and for whom it is; only audiences that the actor may serve are offered."""

    name = forms.CharField(label=_lazy("名称"), max_length=60, widget=forms.TextInput(attrs={"class": "form-control", "autofocus": True}))
    audience = forms.ChoiceField(label=_lazy("给谁用"), widget=forms.RadioSelect(attrs={"class": "form-check-input"}))
    team = TeamField(label=_lazy("团队"), required=False)
    is_favourite = forms.BooleanField(
        label=_lazy("收藏，放到左边"), required=False, widget=forms.CheckboxInput(attrs={"class": "form-check-input"})
    )

    def offer(self, actor: Actor, spec: ObjectSpec) -> NamingForm:
        """Set the audiences and teams that this actor may choose from."""
        first = directory.find_teams("", 1, among=teams_kept(actor, spec.policy.label))
        offered = {Audience.OWN: True, Audience.TEAM: bool(first), Audience.ALL: looks_after(actor)}
        audience, team = self.fields["audience"], self.fields["team"]
        assert isinstance(audience, forms.ChoiceField)
        assert isinstance(team, TeamField)
        audience.choices = [(str(key), key.label) for key, is_offered in offered.items() if is_offered]
        team.offer(spec.slug)
        team.initial = next(iter(first), None)
        return self

    def naming(self) -> Naming:
        """What was chosen."""
        given = self.cleaned_data
        return Naming(name=given["name"], audience=given["audience"], team_id=given["team"])


@screen
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep the list as it stands under a name."""
    spec, actor = _spec(request, slug), actor_in(request)
    one = part_asked(request, spec)
    form = NamingForm(request.POST or None, initial={"audience": Audience.OWN}).offer(actor, spec)
    if request.method == "POST" and form.is_valid():
        try:
            view = create_view(spec.label, form.naming(), shown_now(request, one), by=actor)
        except Refused as refusal:
            form.add_error(None, in_words(refusal))
        else:
            if one.view.is_saved:
                keep_columns(actor, spec, one.view.key, Columns())
            if form.cleaned_data["is_favourite"]:
                keep(actor, FAVOURITES, [*map(list, favourites(actor)), [spec.label, str(view.pk)]])
            return _to(spec, view, _("已存成视图 %(name)s") % {"name": view.name})
    context = {
        "spec": spec,
        "form": form,
        "heading": _("存成视图"),
        "action": f"/{slug}/views/new{with_params(one.params)}",
        "is_new": True,
    }
    return render(request, "kernel/view_form.html", context, status=422 if form.is_bound else 200)


@screen
def edit(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Rename a view or give it to others."""
    spec, actor = _spec(request, slug), actor_in(request)
    view = _saved(request, spec, key)
    initial = {"name": view.name, "audience": view.audience, "team": view.team_id}
    form = NamingForm(request.POST or None, initial=initial).offer(actor, spec)
    if request.method == "POST" and form.is_valid():
        try:
            changed = rename_view(view, form.naming(), by=actor)
        except Refused as refusal:
            form.add_error(None, in_words(refusal))
        else:
            return _to(spec, changed, _("已保存"))
    context = {"spec": spec, "form": form, "heading": _("改名和共享"), "action": f"/{slug}/views/{key}/edit"}
    return render(request, "kernel/view_form.html", context, status=422 if form.is_bound else 200)


@require_POST
@screen
def save(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Let the view show what the list shows now. What its reader may not see of it stays in it."""
    spec, actor = _spec(request, slug), actor_in(request)
    view = _saved(request, spec, key)
    one = part_asked(request, spec)
    shown = shown_now(request, one)
    unseen = {name: value for name, value in view.filters.items() if name.partition(".")[0] in one.left_out}
    changed = show_in_view(
        view,
        Shown(filters={**unseen, **shown.filters}, sort=shown.sort, grouping=shown.grouping, columns=shown.columns, widths=shown.widths),
        by=actor,
    )
    keep_columns(actor, spec, key, Columns())
    return _to(spec, changed, _("已存到 %(name)s") % {"name": changed.name})


@require_POST
@screen
def copy(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """A view of one's own that begins as a copy."""
    spec, actor = _spec(request, slug), actor_in(request)
    view = require_view(request, spec, key)
    shown = Shown(filters=view.filters, sort=view.sort, grouping=view.grouping, columns=view.columns, widths=view.widths)
    made = create_view(spec.label, Naming(name=(_("%(name)s 副本") % {"name": view.name})[:60]), shown, by=actor)
    return _to(spec, made, _("已复制成 %(name)s") % {"name": made.name})


@require_POST
@screen
def delete(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Delete a view; the toast takes it back."""
    spec = _spec(request, slug)
    view = _saved(request, spec, key)
    change = delete_view(view, by=actor_in(request))
    response = HttpResponse(status=204)
    response["HX-Location"] = f"/{spec.slug}/"
    return toast(response, _("已删除视图 %(name)s") % {"name": view.name}, undo=f"/changes/{change}/undo")


@require_POST
@screen
def favourite(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Put a view into the rail, or take it out."""
    spec, actor = _spec(request, slug), actor_in(request)
    require_view(request, spec, key)
    kept = [list(one) for one in favourites(actor)]
    mine = [spec.label, key]
    keep(actor, FAVOURITES, [one for one in kept if one != mine] if mine in kept else [*kept, mine])
    del request.zk_views  # type: ignore[attr-defined]
    response = render(request, "kernel/parts/favourites.html", {"favourites": rail_favourites(request), "oob": True})
    return trigger(response, {"zk:views": {}})


@require_POST
@screen
def start(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Begin the list with this view, or no longer."""
    spec, actor = _spec(request, slug), actor_in(request)
    require_view(request, spec, key)
    now = "" if arrangement_in(request, spec).start == key else key
    rearrange(actor, spec, start="" if now == ALL else now)
    return toast(trigger(HttpResponse(status=204), {"zk:views": {}}), _("以后打开就是这个视图") if now else _("以后打开先看全部"))


@require_POST
@screen
def hide(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Take a tab out of the line; it stays in the menu behind it."""
    spec = _spec(request, slug)
    require_view(request, spec, key)
    kept = arrangement_in(request, spec)
    rearrange(actor_in(request), spec, order=[view.key for view in kept.views], hidden=sorted({*kept.hidden, key}))
    response = HttpResponse(status=204)
    response["HX-Location"] = f"/{spec.slug}/?view={ALL}"
    return response


@require_POST
@screen
def order(request: HttpRequest, slug: str) -> HttpResponse:
    """Put the tabs into an order of one's own: `key` once for each tab."""
    spec = _spec(request, slug)
    kept = arrangement_in(request, spec)
    known = {view.key for view in kept.views}
    given = [key for key in dict.fromkeys(request.POST.getlist("key")) if key in known]
    rest = [view.key for view in kept.views if view.key not in given]
    rearrange(actor_in(request), spec, order=[*given, *rest], hidden=sorted(kept.hidden))
    return HttpResponse(status=204)


@screen
def manage(request: HttpRequest, slug: str) -> HttpResponse:
    """All views of a list: which are shown, in which order, with which one to begin."""
    spec, actor = _spec(request, slug), actor_in(request)
    kept = arrangement_in(request, spec)
    if request.method != "POST":
        items = [(view, view.key not in kept.hidden, (kept.start or ALL) == view.key, _whose(view)) for view in kept.views]
        return render(request, "kernel/views.html", {"spec": spec, "items": items})
    if "reset" in request.POST:
        rearrange(actor, spec, start="")
        keep(actor, f"views:{spec.label}", None)
    else:
        known = [view.key for view in kept.views]
        keys = [key for key in dict.fromkeys(request.POST.getlist("key")) if key in known]
        shown = set(request.POST.getlist("shown")) | {ALL}
        chosen = request.POST.get("start", ALL)
        rearrange(actor, spec, order=keys, hidden=[key for key in known if key not in shown], start="" if chosen == ALL else chosen)
    return trigger(HttpResponse(status=204), {"zk:close": {}, "zk:views": {}})


@screen
def roles(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Which roles begin the list with this view; for those who look after views."""
    spec, actor = _spec(request, slug), actor_in(request)
    if not looks_after(actor):
        raise Refused("not_permitted", verb="change", label="org.fields")
    view = require_view(request, spec, key)
    if view.saved is not None and view.saved.audience != Audience.ALL:
        raise Refused("view_not_for_all")
    starts = {row.role_id: row for row in RoleStart.objects.filter(label=spec.label)}
    if request.method != "POST":
        items = [(pk, name, pk in starts and starts[pk].view_key == key) for pk, name in directory.roles().items()]
        return render(request, "kernel/view_roles.html", {"spec": spec, "view": view, "items": items})
    wanted = {int(text) for text in request.POST.getlist("role") if text.isdigit()}
    for role_id in wanted & set(directory.roles()):
        if role_id not in starts or starts[role_id].view_key != key:
            start_role(spec.label, role_id, key, by=actor)
    for role_id, row in starts.items():
        if row.view_key == key and role_id not in wanted:
            end_role_start(row, by=actor)
    return toast(trigger(HttpResponse(status=204), {"zk:close": {}}), _("已保存"))


def shown_now(request: HttpRequest, one: Asked) -> Shown:
    """What a list shows, as a view keeps it."""
    _drawn, chosen = columns_of(request, one)
    return Shown(filters=one.filters, sort=one.sort, grouping=one.grouping, columns=chosen.paths, widths=chosen.widths)


def _spec(request: HttpRequest, slug: str) -> ObjectSpec:
    spec = spec_of(slug, actor_in(request))
    spec.policy.require_any(actor_in(request), "view")
    return spec


def _saved(request: HttpRequest, spec: ObjectSpec, key: str) -> SavedView:
    """A saved view that this actor may change; Refused: view_gone, not_permitted."""
    view = require_view(request, spec, key)
    if view.saved is None:
        raise Refused("view_is_ready_made")
    saved, actor = view.saved, actor_in(request)
    is_others = saved.audience == Audience.OWN and saved.owner_id != actor.user_id
    if is_others or not may_keep(actor, saved.label, saved.audience, saved.team_id):
        raise Refused("not_permitted", verb="change", label="kernel.savedview")
    return saved


def _whose(view: View) -> Any:
    if view.saved is None:
        return _("自带")
    return view.saved.get_audience_display()


def _to(spec: ObjectSpec, view: SavedView, text: str) -> HttpResponse:
    """Go to the view and say what was done, with the way back."""
    response = trigger(HttpResponse(status=204), {"zk:close": {}})
    response["HX-Location"] = f"/{spec.slug}/?view={view.pk}"
    change = HistoryEntry.objects.filter(object_id=view.pk).order_by("-at", "-hid").values_list("change_id", flat=True).first()
    return toast(response, text, undo=f"/changes/{change}/undo")
