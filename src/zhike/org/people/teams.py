"""Teams as a tree: make, rename, move, delete one that is empty."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db import connection, transaction

from zhike.kernel import history
from zhike.kernel.actions import action, remove, save_change, save_new
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.followups import settle
from zhike.kernel.models import Change, HistoryEntry
from zhike.kernel.policy import policy_of
from zhike.kernel.registry import objects
from zhike.kernel.undo import guard_undo

from ..models import Team
from .sheets import TEAM, team_sheet
from .tables import TeamSheet

_LOCK = 0x7A6B0002
BELOW = """
with recursive below as (select %s::int as id union select t.id from org_team t join below b on t.parent_id = b.id) select id from below
"""


def make_team(name: str, parent_id: int | None, *, by: Actor) -> Team:
    """A new team below another, or at the top. Refused: not_permitted, required, taken, gone."""
    policy_of(TeamSheet).require_any(by, "change")
    clean = _free_name(name)
    _require_team(parent_id)
    with transaction.atomic():
        change = history.begin_change(by, verb="make_team", label=TEAM)
        team = Team.objects.create(name=clean, parent_id=parent_id)
        sheet = TeamSheet(team_id=team.pk, name=clean, parent_id=parent_id)
        save_new(sheet, by=by)
        Change.objects.filter(pk=change.pk).update(object_id=sheet.pk)
        settle(str(change.pk), TEAM)
    return team


def change_team(team: Team, *, name: str, parent_id: int | None, by: Actor) -> uuid.UUID | None:
    """Rename or move a team; the change, None when nothing differs. Refused: required, taken, gone, team_circle."""

    @action(needs="change")
    def change_team(sheet: TeamSheet, *, by: Actor) -> uuid.UUID | None:
        del by
        clean = _free_name(name, but=team.pk)
        _require_place(team.pk, parent_id)
        changed = [field for field, value in (("name", clean), ("parent_id", parent_id)) if getattr(sheet, field) != value]
        if not changed:
            return None
        sheet.name, sheet.parent_id = clean, parent_id
        save_change(sheet, *changed)
        return history.current_change()

    with transaction.atomic():
        _one_at_a_time()
        change = change_team(team_sheet(team), by=by)
    team.refresh_from_db()
    return change


def delete_team(team: Team, *, by: Actor) -> uuid.UUID:
    """Delete a team in which nothing is left; the change that undo takes back. Refused("team_in_use") with what is in it."""

    @action(needs="change")
    def delete_team(sheet: TeamSheet, *, by: Actor) -> uuid.UUID:
        del by
        kept = content_of(team)
        if kept.any:
            raise Refused("team_in_use", people=kept.people, teams=kept.teams, records=kept.records)
        remove(sheet)
        change = history.current_change()
        assert change is not None
        return change

    with transaction.atomic():
        _one_at_a_time()
        return delete_team(team_sheet(team), by=by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """How many people, teams right below and records a team holds."""

    people: int
    teams: int
    records: int

    @property
    def any(self) -> bool:
        return bool(self.people or self.teams or self.records)


def content_of(team: Team, *, cap: int = 10_000) -> Content:
    """What is in a team; records are counted up to `cap` of each type."""
    records = 0
    for spec in objects:
        if any(field.name == "team" for field in spec.model._meta.concrete_fields):
            records += len(spec.model._default_manager.filter(team_id=team.pk).order_by().values_list("pk", flat=True)[:cap])
    return Content(people=team.memberships.count(), teams=team.children.count(), records=records)


def _require_place(team_id: int, parent_id: int | None) -> None:
    """Refused("team_circle") when a team would stand below itself."""
    if parent_id is None:
        return
    _require_team(parent_id)
    with connection.cursor() as cursor:
        cursor.execute(BELOW, [team_id])
        if (parent_id,) in cursor.fetchall():
            raise Refused("team_circle")


def _require_team(team_id: int | None) -> None:
    if team_id is not None and not Team.objects.filter(pk=team_id).exists():
        raise Refused("gone", label="org.team")


def _free_name(name: str, *, but: int = 0) -> str:
    clean = " ".join(name.split())[:80]
    if not clean:
        raise Refused("required", field="name")
    if Team.objects.filter(name=clean).exclude(pk=but).exists():
        raise Refused("taken", field="name")
    return clean


def _one_at_a_time() -> None:
    """Two moves at once could close a circle that neither sees."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])


def _may_take_back(change: Change, by: Actor) -> None:
    """An undo moves and names like any other change: no circle, no name twice, nothing taken away that is in use."""
    policy_of(TeamSheet).require_any(by, "change")
    _one_at_a_time()
    for entry in HistoryEntry.objects.filter(change=change, kind=history.kind_of(TeamSheet)):
        old = entry.old or {}
        sheet = TeamSheet.objects.filter(pk=entry.object_id).first()
        if entry.op == "D":
            _free_name(str(old.get("name", "")))
            _require_team(old.get("parent_id"))
        elif sheet is not None and entry.op == "I":
            kept = content_of(Team.objects.get(pk=sheet.team_id))
            if kept.any:
                raise Refused("team_in_use", people=kept.people, teams=kept.teams, records=kept.records)
        elif sheet is not None:
            _free_name(str(old.get("name", sheet.name)), but=sheet.team_id)
            _require_place(sheet.team_id, old.get("parent_id", sheet.parent_id))


guard_undo(TEAM, _may_take_back)
