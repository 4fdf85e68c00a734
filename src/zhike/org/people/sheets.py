"""From the rows of people and teams to their sheets and back; the rows are what log-in and rights are asked of."""

from __future__ import annotations

from typing import Any, TypeVar

from zhike.kernel.followups import FollowUp, add_followup
from zhike.kernel.history import kind_of
from zhike.kernel.models import Tracked
from zhike.kernel.policy import set_policy, shared

from ..models import Membership, Team, User
from .finding import finding_of
from .tables import PersonSheet, TeamSheet

Sheet = TypeVar("Sheet", bound=Tracked)
PERSON = "org.personsheet"
TEAM = "org.teamsheet"
PLAIN = ("username", "name", "email", "language", "is_active", "must_mfa")

set_policy(PersonSheet, shared("org.people"))
set_policy(TeamSheet, shared("org.people"))


def person_sheet(user: User) -> PersonSheet:
    """The sheet of a person, stored as his rows stand now; rows that were written past it are taken over."""
    return _stored(*_person(user))


def read_person(user: User) -> PersonSheet:
    """The sheet of a person as his rows stand now; nothing is written."""
    return _person(user)[0]


def _person(user: User) -> tuple[PersonSheet, bool]:
    sheet = PersonSheet.objects.filter(user_id=user.pk).first() or PersonSheet(user_id=user.pk)
    fresh = User.objects.get(pk=user.pk)
    memberships = dict(Membership.objects.filter(user=fresh).values_list("team_id", "is_home"))
    wanted: dict[str, Any] = {name: getattr(fresh, name) for name in PLAIN}
    wanted |= {"roles": sorted(fresh.roles.values_list("pk", flat=True)), "teams": sorted(memberships)}
    wanted["home"] = next((team for team, is_home in memberships.items() if is_home), None)
    return _taken_over(sheet, wanted)


def team_sheet(team: Team) -> TeamSheet:
    """The sheet of a team, stored as its row stands now."""
    return _stored(*_team(team))


def read_team(team: Team) -> TeamSheet:
    """The sheet of a team as its row stands now; nothing is written."""
    return _team(team)[0]


def _team(team: Team) -> tuple[TeamSheet, bool]:
    sheet = TeamSheet.objects.filter(team_id=team.pk).first() or TeamSheet(team_id=team.pk)
    fresh = Team.objects.get(pk=team.pk)
    return _taken_over(sheet, {"name": fresh.name, "parent_id": fresh.parent_id})


def _taken_over(sheet: Sheet, wanted: dict[str, Any]) -> tuple[Sheet, bool]:
    """The sheet with the values, and whether what is stored of it differs."""
    is_behind = sheet._state.adding or any(getattr(sheet, name) != value for name, value in wanted.items())
    for name, value in wanted.items():
        setattr(sheet, name, value)
    return sheet, is_behind


def _stored(sheet: Sheet, is_behind: bool) -> Sheet:
    if is_behind:
        sheet.save()
    return sheet


TOUCHED = "select object_id as id from kernel_history where change_id = %(change)s and kind = {kind}"
SHEETS = 'select s.* from {table_of} s join "{table}" t on t.id = s.id where t.n > {lo} and t.n <= {hi}'
# What an undone making took away: the sheet is gone, its last row is in the history.
GONE = """
select distinct on (h.object_id) (h.old->>'{number}')::int as id from kernel_history h join "{table}" t on t.id = h.object_id
where h.kind = {kind} and h.op = 'D' and t.n > {lo} and t.n <= {hi}
  and not exists (select 1 from {table_of} s where s.id = h.object_id) order by h.object_id, h.hid desc
"""
WRITE_PEOPLE = (
    "update org_user u set username = s.username, name = s.name, email = s.email, language = s.language, is_active = s.is_active, "
    "must_mfa = s.must_mfa from ({sheets}) s where u.id = s.user_id and (u.username, u.name, u.email, u.language, u.is_active, u.must_mfa) "
    "is distinct from (s.username, s.name, s.email, s.language, s.is_active, s.must_mfa)",
    "delete from org_user_roles r using ({sheets}) s where r.user_id = s.user_id and not s.roles @> to_jsonb(r.role_id)",
    "insert into org_user_roles (user_id, role_id) select s.user_id, r.value::int from ({sheets}) s "
    "cross join jsonb_array_elements_text(s.roles) r join org_role o on o.id = r.value::int on conflict do nothing",
    "delete from org_membership m using ({sheets}) s where m.user_id = s.user_id and not s.teams @> to_jsonb(m.team_id)",
    "update org_membership m set is_home = false from ({sheets}) s where m.user_id = s.user_id and m.is_home "
    "and m.team_id is distinct from s.home",
    "insert into org_membership (user_id, team_id, is_home) select s.user_id, t.id, t.id is not distinct from s.home from ({sheets}) s "
    "cross join jsonb_array_elements_text(s.teams) e join org_team t on t.id = e.value::int "
    "on conflict (user_id, team_id) do update set is_home = excluded.is_home where org_membership.is_home <> excluded.is_home",
    "update org_user u set is_active = false from ({gone}) g where u.id = g.id",
)
WRITE_TEAMS = (
    "insert into org_team (id, name, parent_id) select team_id, name, parent_id from ({sheets}) s "
    "on conflict (id) do update set name = excluded.name, parent_id = excluded.parent_id",
    # A team that somebody works in or that has teams below stays: undo of its making takes it from nobody.
    "delete from org_team t using ({gone}) g where t.id = g.id and not exists (select 1 from org_membership m where m.team_id = t.id) "
    "and not exists (select 1 from org_team b where b.parent_id = t.id)",
)


def _write(cursor: Any, statements: tuple[str, ...], model: type[Tracked], number: str, place: dict[str, Any]) -> None:
    place = place | {"table_of": model._meta.db_table, "kind": int(kind_of(model)), "number": number}
    for statement in statements:
        cursor.execute(statement.format(sheets=SHEETS.format(**place), gone=GONE.format(**place)))


def _write_people(cursor: Any, table: str, lo: int, hi: int) -> int:
    """Users, roles and memberships as the sheets say."""
    place = {"table": table, "lo": int(lo), "hi": int(hi)}
    _write(cursor, WRITE_PEOPLE, PersonSheet, "user_id", place)
    cursor.execute(f"select s.user_id from ({SHEETS.format(table_of='org_personsheet', **place)}) s")
    renamed = []
    for user in User.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()]):
        user.finding = finding_of(user)
        renamed.append(user)
    User.objects.bulk_update(renamed, ["finding"])
    return hi - lo


def _write_teams(cursor: Any, table: str, lo: int, hi: int) -> int:
    """Teams as the sheets say."""
    _write(cursor, WRITE_TEAMS, TeamSheet, "team_id", {"table": table, "lo": int(lo), "hi": int(hi)})
    return hi - lo


add_followup(
    FollowUp(name="teams", labels=(TEAM,), touched=lambda: TOUCHED.format(kind=kind_of(TeamSheet)), apply=_write_teams, done_by_import=True)
)
add_followup(
    FollowUp(
        name="people", labels=(PERSON,), touched=lambda: TOUCHED.format(kind=kind_of(PersonSheet)), apply=_write_people, done_by_import=True
    )
)
