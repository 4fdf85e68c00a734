"""Saved views are made, changed, copied and deleted here; each is a change with a history and an undo."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..actions import action, creation, remove, save_change, save_new
from ..actor import Actor
from ..errors import Refused
from ..history import current_change
from .rules import may_keep
from .tables import Audience, RoleStart, SavedView

MOST = 200  # views of one person, team or company for one object type: tabs are for finding, not for storing


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a view shows: filters as in an address, order, groups, columns with their widths in pixels."""

    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    grouping: str = ""
    columns: Sequence[str] = ()
    widths: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How a view is called and for whom it is."""

    name: str
    audience: str = Audience.OWN
    team_id: int | None = None


def create_view(label: str, naming: Naming, shown: Shown, *, by: Actor) -> SavedView:
    """Keep a view; Refused: not_permitted for an audience that is not the actor's to serve, required, too_many_views."""
    return _create(label, naming, shown, by=by)


@creation(SavedView)
def _create(label: str, naming: Naming, shown: Shown, *, by: Actor) -> SavedView:
    _require(by, label, naming)
    same = SavedView.objects.filter(label=label, audience=naming.audience, team_id=naming.team_id)
    if (same.filter(owner_id=by.user_id) if naming.audience == Audience.OWN else same).count() >= MOST:
        raise Refused("too_many_views", limit=MOST)
    view = SavedView(label=label, owner_id=by.user_id)
    _name(view, naming)
    _show(view, shown)
    return save_new(view, by=by)


@action(needs="change")
def rename_view(view: SavedView, naming: Naming, *, by: Actor) -> SavedView:
    """Call a view otherwise, or give it to others; whoever takes over a view of others' becomes its owner."""
    _require(by, view.label, naming)
    _name(view, naming)
    if naming.audience == Audience.OWN:
        view.owner_id = by.user_id
    return save_change(view, "name", "audience", "team_id", "owner_id")


@action(needs="change")
def show_in_view(view: SavedView, shown: Shown, *, by: Actor) -> SavedView:
    """Let a view show something else from now on."""
    del by
    _show(view, shown)
    return save_change(view, "filters", "sort", "grouping", "columns", "widths")


@action(needs="delete")
def delete_view(view: SavedView, *, by: Actor) -> uuid.UUID:
    """Delete a view and the starts of roles that name it; the answer is the change that undo takes back."""
    del by
    for start in RoleStart.objects.filter(label=view.label, view_key=str(view.pk)):
        remove(start)
    remove(view)
    change = current_change()
    assert change is not None
    return change


def start_role(label: str, role_id: int, view_key: str, *, by: Actor) -> RoleStart:
    """Let people of a role begin a list with this view; Refused("not_permitted")."""
    known = RoleStart.objects.filter(label=label, role_id=role_id).first()
    if known is None:
        return _start_role(label, role_id, view_key, by=by)
    return _restart_role(known, view_key, by=by)


@creation(RoleStart)
def _start_role(label: str, role_id: int, view_key: str, *, by: Actor) -> RoleStart:
    return save_new(RoleStart(label=label, role_id=role_id, view_key=view_key), by=by)


@action(needs="change")
def _restart_role(start: RoleStart, view_key: str, *, by: Actor) -> RoleStart:
    del by
    start.view_key = view_key
    return save_change(start, "view_key")


@action(needs="delete")
def end_role_start(start: RoleStart, *, by: Actor) -> None:
    """Let people of a role begin the list as everybody does."""
    del by
    remove(start)


def _require(by: Actor, label: str, naming: Naming) -> None:
    if not naming.name.strip():
        raise Refused("required", field="name")
    if not may_keep(by, label, naming.audience, naming.team_id):
        raise Refused("not_permitted", verb="change", label="kernel.savedview")


def _name(view: SavedView, naming: Naming) -> None:
    view.name = naming.name.strip()
    view.audience = naming.audience
    view.team_id = naming.team_id if naming.audience == Audience.TEAM else None


def _show(view: SavedView, shown: Shown) -> None:
    view.filters = dict(shown.filters)
    view.sort = shown.sort
    view.grouping = shown.grouping
    view.columns = list(shown.columns)
    view.widths = dict(shown.widths)
