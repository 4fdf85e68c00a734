"""From a role's rows to its sheet and back; the rows are what rights are asked of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zhike.kernel.actor import Rule, Scope
from zhike.kernel.followups import FollowUp, add_followup
from zhike.kernel.history import kind_of
from zhike.kernel.policy import set_policy, shared

from ..models import FieldRule, Grant, Role
from .tables import RoleSheet

Grants = Mapping[tuple[str, str], Scope]
Rules = Mapping[tuple[str, str], Rule]
LABEL = "org.rolesheet"

set_policy(RoleSheet, shared("org.roles"))


def nested(flat: Mapping[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    """(label, name) -> number as label -> name -> number, in a fixed order."""
    found: dict[str, dict[str, int]] = {}
    for (label, name), number in sorted(flat.items()):
        found.setdefault(label, {})[name] = int(number)
    return found


def grants_in(sheet: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, str], Scope]:
    """The grants of a sheet by (label, verb)."""
    return {(label, verb): Scope(scope) for label, verbs in sheet.items() for verb, scope in verbs.items()}


def rules_in(sheet: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, str], Rule]:
    """The field rules of a sheet by (label, field)."""
    return {(label, name): Rule(rule) for label, names in sheet.items() for name, rule in names.items()}


def sheet_of(role: Role) -> RoleSheet:
    """The sheet of a role as its rows stand now; rows that were written past it are taken over."""
    grants = {(label, verb): Scope(scope) for label, verb, scope in role.grants.values_list("label", "verb", "scope")}
    rules = {(label, name): Rule(rule) for label, name, rule in role.field_rules.values_list("label", "field", "rule")}
    known = RoleSheet.objects.filter(role_id=role.pk).first()
    sheet = known or RoleSheet(role_id=role.pk)
    wanted: dict[str, Any] = {
        "code": role.code, "name": role.name, "is_ready_made": role.is_ready_made, "grants": nested(grants), "rules": nested(rules),
    }  # fmt: skip
    if known is None or any(getattr(known, name) != value for name, value in wanted.items()):
        for name, value in wanted.items():
            setattr(sheet, name, value)
        sheet.save()
    return sheet


def offer(role: Role, grants: Iterable[tuple[str, str, Scope]]) -> None:
    """Give a ready-made role the grants that were never offered to it; what was taken away stays away."""
    sheet = sheet_of(role)
    known = set(sheet.offered)
    new = [(label, verb, scope) for label, verb, scope in grants if f"{label} {verb}" not in known]
    if not new:
        return
    Grant.objects.bulk_create([Grant(role=role, label=label, verb=verb, scope=scope) for label, verb, scope in new], ignore_conflicts=True)
    sheet = sheet_of(role)
    sheet.offered = sorted(known | {f"{label} {verb}" for label, verb, _scope in new})
    sheet.save(update_fields=["offered"])


TOUCHED = "select object_id as id from kernel_history where change_id = %(change)s and kind = {kind}"
GONE = """
select distinct on (h.object_id) (h.old->>'role_id')::int from kernel_history h join "{table}" t on t.id = h.object_id
where h.kind = {kind} and h.op = 'D' and t.n > {lo} and t.n <= {hi}
  and not exists (select 1 from org_rolesheet s where s.id = h.object_id) order by h.object_id, h.hid desc
"""
SHEETS = 'select s.* from org_rolesheet s join "{table}" t on t.id = s.id where t.n > {lo} and t.n <= {hi}'
WRITE = (
    "insert into org_role (id, code, name, is_ready_made) select role_id, code, name, is_ready_made from ({sheets}) s "
    "on conflict (id) do update set code = excluded.code, name = excluded.name, is_ready_made = excluded.is_ready_made",
    "delete from org_grant g using ({sheets}) s where g.role_id = s.role_id and not coalesce(s.grants->g.label ? g.verb, false)",
    "insert into org_grant (role_id, label, verb, scope) select s.role_id, l.key, v.key, v.value::int from ({sheets}) s "
    "cross join jsonb_each(s.grants) l cross join jsonb_each_text(l.value) v "
    "on conflict (role_id, label, verb) do update set scope = excluded.scope where org_grant.scope <> excluded.scope",
    "delete from org_fieldrule f using ({sheets}) s where f.role_id = s.role_id and not coalesce(s.rules->f.label ? f.field, false)",
    "insert into org_fieldrule (role_id, label, field, rule) select s.role_id, l.key, v.key, v.value::int from ({sheets}) s "
    "cross join jsonb_each(s.rules) l cross join jsonb_each_text(l.value) v "
    "on conflict (role_id, label, field) do update set rule = excluded.rule where org_fieldrule.rule <> excluded.rule",
)
# A role that somebody still has stays: undo of its making cannot take rights from people unseen.
FORGET = (
    "delete from org_grant where role_id in ({gone}) and role_id not in (select role_id from org_user_roles)",
    "delete from org_fieldrule where role_id in ({gone}) and role_id not in (select role_id from org_user_roles)",
    "delete from org_role where id in ({gone}) and id not in (select role_id from org_user_roles)",
)


def _write_rows(cursor: Any, table: str, lo: int, hi: int) -> int:
    """Roles, grants and field rules as the sheets say."""
    place = {"table": table, "lo": int(lo), "hi": int(hi), "kind": int(kind_of(RoleSheet))}
    for statement in WRITE:
        cursor.execute(statement.format(sheets=SHEETS.format(**place)))
    cursor.execute(f"create temporary table zhike_gone_roles on commit drop as select * from ({GONE.format(**place)}) g (role_id)")
    for statement in FORGET:
        cursor.execute(statement.format(gone="select role_id from zhike_gone_roles"))
    cursor.execute("drop table zhike_gone_roles")
    return hi - lo


add_followup(
    FollowUp(name="roles", labels=(LABEL,), touched=lambda: TOUCHED.format(kind=kind_of(RoleSheet)), apply=_write_rows, done_by_import=True)
)


def rows_of(role: Role) -> tuple[dict[tuple[str, str], Scope], dict[tuple[str, str], Rule]]:
    """Grants and field rules of a role as they are in force."""
    grants = Grant.objects.filter(role=role).values_list("label", "verb", "scope")
    rules = FieldRule.objects.filter(role=role).values_list("label", "field", "rule")
    return {(a, b): Scope(c) for a, b, c in grants}, {(a, b): Rule(c) for a, b, c in rules}
