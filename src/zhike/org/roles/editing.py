"""Make, change, rename and delete a role. Nobody gives more than he holds, and somebody always looks after the roles."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.utils.translation import gettext as _

from zhike.kernel import history
from zhike.kernel.actions import action, remove, save_change, save_new
from zhike.kernel.actor import Actor, Scope
from zhike.kernel.errors import Refused
from zhike.kernel.followups import settle
from zhike.kernel.models import Change, HistoryEntry
from zhike.kernel.policy import policy_of
from zhike.kernel.undo import guard_undo

from ..models import Role, User
from .sheets import LABEL, Grants, Rules, grants_in, nested, rules_in, sheet_of
from .tables import RoleSheet

KEEPER = ("org.roles", "change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a role shall grant and close."""

    grants: Grants = field(default_factory=dict)
    rules: Rules = field(default_factory=dict)


def make_role(name: str, *, by: Actor, like: Role | None = None) -> Role:
    """A new role, empty or with what another grants. Refused: required, taken, more_than_held."""
    policy_of(RoleSheet).require_any(by, "change")
    wish = _wish_of(sheet_of(like)) if like else Wish()
    _require_held(by, Wish(), wish)
    with transaction.atomic():
        change = history.begin_change(by, verb="make_role", label=LABEL)
        role = Role.objects.create(code=f"r-{uuid.uuid4().hex[:12]}", name=_free_name(name))
        sheet = RoleSheet(role_id=role.pk, code=role.code, name=role.name, grants=nested(wish.grants), rules=nested(wish.rules))
        save_new(sheet, by=by)
        Change.objects.filter(pk=change.pk).update(object_id=sheet.pk)
        settle(str(change.pk), LABEL)
    return role


def change_role(role: Role, wish: Wish, *, by: Actor, name: str = "", seen: str = "") -> Role:
    """Let a role grant and close exactly this, and be called so.

    `seen` is the `mark` of the role as the editor read it. Refused: not_permitted, changed_meanwhile, required, taken,
    more_than_held, last_keeper.
    """

    @action(needs="change")
    def change_role(sheet: RoleSheet, *, by: Actor) -> None:
        before = _wish_of(sheet)
        if seen and seen != mark(before):
            raise Refused("changed_meanwhile")
        _require_held(by, before, wish)
        _require_keeper(role.pk, wish.grants)
        wanted = _free_name(name, but=role.pk) if name and name != sheet.name else sheet.name
        if (nested(wish.grants), nested(wish.rules), wanted) == (sheet.grants, sheet.rules, sheet.name):
            return
        sheet.grants, sheet.rules, sheet.name = nested(wish.grants), nested(wish.rules), wanted
        save_change(sheet, "grants", "rules", "name")

    change_role(sheet_of(role), by=by)
    role.refresh_from_db()
    return role


def delete_role(role: Role, *, by: Actor) -> uuid.UUID:
    """Delete a role that nobody has; the change that undo takes back. Refused: not_permitted, ready_role, role_in_use."""
    if role.is_ready_made:
        raise Refused("ready_role")

    @action(needs="change")
    def delete_role(sheet: RoleSheet, *, by: Actor) -> uuid.UUID:
        del by
        users = list(User.objects.filter(roles=role).order_by("name")[:4])
        if users:
            raise Refused("role_in_use", count=User.objects.filter(roles=role).count(), names=_("、").join(map(str, users[:3])))
        remove(sheet)
        change = history.current_change()
        assert change is not None
        return change

    return delete_role(sheet_of(role), by=by)


def wish_of(role: Role) -> Wish:
    """What a role grants and closes now."""
    return _wish_of(sheet_of(role))


def mark(wish: Wish) -> str:
    """A short sign that differs when the contents do."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{nested(wish.grants)} {nested(wish.rules)}").hex


def require_may_give(by: Actor, role: Role) -> None:
    """Refused("more_than_held") when a role holds more than the one who would give it to somebody."""
    _require_held(by, Wish(), wish_of(role))


def _wish_of(sheet: RoleSheet) -> Wish:
    return Wish(grants=grants_in(sheet.grants), rules=rules_in(sheet.rules))


def _require_held(by: Actor, before: Wish, after: Wish) -> None:
    """What becomes wider must be within what the giver holds: grants, and fields that are closed to himself."""
    for (label, verb), scope in after.grants.items():
        if scope > before.grants.get((label, verb), 0) and scope > (by.scope(label, verb) or 0):
            raise Refused("more_than_held", label=label, verb=verb)
    for (label, name), rule in before.rules.items():
        own = by.rule(label, name)
        if own is not None and after.rules.get((label, name), 0) < min(own, rule):
            raise Refused("more_than_held", label=label, field=name)


def _require_keeper(role_id: int, grants: Mapping[tuple[str, str], Scope]) -> None:
    """Refused("last_keeper") when nobody who can log in would look after the roles any more."""
    if KEEPER in grants:
        return
    keeping = Role.objects.filter(grants__label=KEEPER[0], grants__verb=KEEPER[1])
    if keeping.filter(pk=role_id).exists() and not User.objects.filter(is_active=True, roles__in=keeping.exclude(pk=role_id)).exists():
        raise Refused("last_keeper")


def _free_name(name: str, *, but: int | None = None) -> str:
    """The name cut to its place; Refused("required") without one, ("taken") when another role has it."""
    clean = name.strip()[:80]
    if not clean:
        raise Refused("required", field="name")
    if Role.objects.filter(name=clean).exclude(pk=but or 0).exists():
        raise Refused("taken", field="name")
    return clean


def _may_take_back(change: Change, by: Actor) -> None:
    """An undo is a change of the role like any other: it gives no more than the one who undoes it holds."""
    policy_of(RoleSheet).require_any(by, "change")
    for entry in HistoryEntry.objects.filter(change=change, kind=history.kind_of(RoleSheet)):
        sheet = RoleSheet.objects.filter(pk=entry.object_id).first()
        before = _wish_of(sheet) if sheet else Wish()
        old = entry.old or {}
        after = Wish(
            grants=grants_in(old["grants"]) if "grants" in old else before.grants,
            rules=rules_in(old["rules"]) if "rules" in old else before.rules,
        )
        after = Wish() if entry.op == "I" else after
        _require_held(by, before, after)
        if sheet is not None:
            _require_keeper(sheet.role_id, after.grants)


guard_undo(LABEL, _may_take_back)
