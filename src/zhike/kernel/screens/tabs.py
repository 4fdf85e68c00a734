"""Views as tabs over a list, what can be done with the one that is open, and the reader's favourites in the rail."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from ..actor import Actor
from ..errors import Refused
from ..lists.counting import counts
from ..lists.groups import groupings
from ..lists.pages import Listing, listing
from ..registry import objects
from ..savedviews.arranged import ALL, View, favourites, of_saved, ready_views, saved_by_key
from ..savedviews.asking import Asked, within_sight
from ..savedviews.rules import looks_after, may_keep
from ..savedviews.tables import Audience
from ..seen import seen
from ..spec import ObjectSpec, Words
from ..templatetags.zhike_ui import wan
from .asked import arrangement_in
from .group_words import grouping_words
from .web import actor_in, address_params, screen, spec_of, with_params

CAP = 10_000  # counts beside names stop here
PATIENCE = 1.0  # seconds for the counts of all tabs, and of all favourites


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    """A view over the list. `can_change`: the reader may store into it."""

    key: str
    label: Words
    url: str
    is_current: bool
    is_saved: bool
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Favourite:
    """A view that its reader keeps in the rail."""

    key: str
    label: Words
    url: str
    is_current: bool
    icon: str


def tabs_context(request: HttpRequest, one: Asked) -> dict[str, Any]:
    """All that the line of tabs and the tools below it show."""
    actor, spec = actor_in(request), one.spec
    kept = arrangement_in(request, spec)
    tabs = [_tab(spec, view, one) for view in kept.views if view.key not in kept.hidden or view.key == one.view.key]
    saved = one.view.saved
    return {
        "tabs": tabs,
        "hidden_tabs": [_tab(spec, view, one) for view in kept.views if view.key in kept.hidden and view.key != one.view.key],
        "view": one.view,
        "is_changed": one.is_changed,
        "may_change_view": saved is not None and _may_change(actor, saved.label, saved.audience, saved.team_id, saved.owner_id),
        "is_favourite": (spec.label, one.view.key) in kept.favourites,
        "is_start": (kept.start or ALL) == one.view.key,
        "reset_url": f"/{spec.slug}/{with_params({'view': one.view.key})}",
        "whose": _whose(one) if spec.filter("owner") else [],
        "groupings": [(item.key, grouping_words(item), _grouped_by(one, item.key)) for item in groupings(spec)],
        "ungrouped_url": _grouped_by(one, ""),
        "grouping": one.grouping,
        "grouping_label": next((grouping_words(item) for item in groupings(spec) if item.key == one.grouping), ""),
        "view_query": with_params({"view": one.view.key}),
        "may_start_roles": looks_after(actor) and (saved is None or saved.audience == Audience.ALL),
    }


def _tab(spec: ObjectSpec, view: View, one: Asked) -> Tab:
    return Tab(
        key=view.key,
        label=view.name,
        url=f"/{spec.slug}/{with_params({'view': view.key})}",
        is_current=view.key == one.view.key,
        is_saved=view.is_saved,
        audience=view.saved.audience if view.saved else "",
    )


def _may_change(actor: Actor, label: str, audience: str, team_id: int | None, owner_id: int | None) -> bool:
    if audience == Audience.OWN and owner_id != actor.user_id:
        return False
    return may_keep(actor, label, audience, team_id)


def _grouped_by(one: Asked, key: str) -> str:
    return f"/{one.spec.slug}/{with_params(one.address(grouping=key))}"


def _whose(one: Asked) -> list[tuple[str, str, bool]]:
    """The quick switch between everybody's records and one's own, on top of any view."""
    others = {name: value for name, value in one.filters.items() if not name.startswith("owner.")}
    is_mine = one.filters.get("owner.is") == "me"
    return [
        (_("所有人"), f"/{one.spec.slug}/{with_params(one.address(filters=others))}", not any(n.startswith("owner.") for n in one.filters)),
        (_("我的"), f"/{one.spec.slug}/{with_params(one.address(filters=others | {'owner.is': 'me'}))}", is_mine),
    ]


@screen
def tab_counts(request: HttpRequest, slug: str) -> HttpResponse:
    """How many rows each tab holds, as far as one second allows; asked after the page."""
    actor = actor_in(request)
    spec = spec_of(slug, actor)
    spec.policy.require_any(actor, "view")
    kept = arrangement_in(request, spec)
    shown = {view.key: _listing(spec, actor, view) for view in kept.shown}
    return render(request, "kernel/view_counts.html", {"counts": _counted(shown), "prefix": "n"})


@screen
def favourite_counts(request: HttpRequest) -> HttpResponse:
    """How many rows each favourite of the rail holds; asked after the page."""
    actor = actor_in(request)
    found = {key: _listing(spec, actor, view) for key, spec, view in _favourite_views(actor, favourites(actor))}
    return render(request, "kernel/view_counts.html", {"counts": _counted(found), "prefix": "f"})


def _listing(spec: ObjectSpec, actor: Actor, view: View) -> Listing:
    return listing(spec, actor, within_sight(spec, actor, view)[0].filters)


def _counted(wanted: Mapping[str, Listing]) -> list[tuple[str, str]]:
    deadline = time.monotonic() + PATIENCE
    return [(key, _figure(found)) for key, found in counts(wanted, cap=CAP, until=deadline).items()]


def _figure(found: int) -> str:
    return f"{wan(CAP)}+" if found > CAP else f"{found:,}"


def rail_favourites(request: HttpRequest) -> Any:
    """The favourites, read when the rail is drawn: a part of a page has none."""
    return SimpleLazyObject(lambda: _favourites(request))


def _favourites(request: HttpRequest) -> list[Favourite]:
    actor = actor_in(request)
    read = getattr(request, "zk_views", None)
    try:
        keys = read[1].favourites if read is not None else favourites(actor)
    except DatabaseError:  # the page that says that the database is away has a rail as well
        return []
    here = address_params(request)
    return [
        Favourite(
            key=key,
            label=view.name,
            url=f"/{spec.slug}/{with_params({'view': view.key})}",
            is_current=request.path == f"/{spec.slug}/" and here.get("view") == view.key,
            icon=spec.icon,
        )
        for key, spec, view in _favourite_views(actor, keys)
    ]


def _favourite_views(actor: Actor, keys: Sequence[tuple[str, str]]) -> Iterable[tuple[str, ObjectSpec, View]]:
    saved = saved_by_key(actor, [key for _label, key in keys])
    for label, key in keys:
        if not objects.has(label):
            continue
        spec = seen(objects.get(label), actor)
        if not actor.may(spec.policy.label, "view"):
            continue
        if key in saved:
            yield f"{spec.slug}-{key}", spec, of_saved(saved[key])
        elif ready := next((view for view in ready_views(spec) if view.key == key), None):
            yield f"{spec.slug}-{key}", spec, ready


def require_view(request: HttpRequest, spec: ObjectSpec, key: str) -> View:
    """A view of this list that the reader may see; Refused("view_gone")."""
    found = arrangement_in(request, spec).view(key)
    if found is None:
        raise Refused("view_gone")
    return found
