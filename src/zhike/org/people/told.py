"""People and teams in words: what was changed, by whom, with the address that takes it back; what belongs to somebody."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from zhike.kernel.actor import Actor
from zhike.kernel.history import kind_of
from zhike.kernel.lists.pages import listing, size_counted
from zhike.kernel.models import Change, HistoryEntry
from zhike.kernel.registry import objects
from zhike.kernel.seen import seen
from zhike.kernel.spec import Words
from zhike.kernel.undo import may_undo

from ..models import Role, Team, User
from .tables import PersonSheet, TeamSheet

SHOWN = 30
DEEDS: dict[str, Words] = {
    "invite": gettext_lazy("邀请"), "change_person": gettext_lazy("改了资料"), "deactivate": pgettext_lazy("person", "停用"),
    "reactivate": gettext_lazy("重新开通"), "change_own": gettext_lazy("自己改了资料"), "change_password": gettext_lazy("改了密码"),
    "send_link": gettext_lazy("给了新链接"), "reset_factors": gettext_lazy("去掉了两步验证"), "make_team": gettext_lazy("建了团队"),
    "change_team": gettext_lazy("改了团队"), "delete_team": gettext_lazy("删了团队"), "undo": gettext_lazy("撤销"),
}  # fmt: skip
FIELDS: dict[str, Words] = {
    "name": gettext_lazy("姓名"), "username": gettext_lazy("用户名"), "email": gettext_lazy("邮箱"), "language": gettext_lazy("语言"),
    "must_mfa": gettext_lazy("必须两步验证"), "roles": gettext_lazy("角色"), "teams": gettext_lazy("团队"), "home": gettext_lazy("新记录归"),
}  # fmt: skip
TEAM_FIELDS: dict[str, Words] = {"name": gettext_lazy("名称"), "parent_id": gettext_lazy("上级")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One field before and after, in words."""

    what: Words
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One change: who, when, what; with the address that takes it back."""

    at: dt.datetime
    who: str
    deed: Words
    reason: str
    steps: tuple[Step, ...]
    undo: str
    is_undone: bool


def history_of(sheet: PersonSheet | TeamSheet, by: Actor) -> list[Deed]:
    """The newest deeds done to a person or team, each with what it changed, worked out going back from today."""
    words = TEAM_FIELDS if isinstance(sheet, TeamSheet) else FIELDS
    entries = {
        entry.change_id: entry
        for entry in HistoryEntry.objects.filter(object_id=sheet.pk, kind=kind_of(type(sheet)), change__isnull=False).order_by("-hid")[
            :SHOWN
        ]
    }
    now = {name: getattr(sheet, name) for name in words}
    names = _Names(now, [entry.old or {} for entry in entries.values()])
    found = []
    for change in Change.objects.filter(object_id=sheet.pk).order_by("-at", "-pk")[:SHOWN]:
        entry = entries.get(change.pk)
        old = (entry.old or {}) if entry is not None and entry.op == "U" else {}
        changed = [name for name in words if name in old]
        steps = tuple(Step(what=words[name], before=names.of(name, old[name]), after=names.of(name, now[name])) for name in changed)
        now |= {name: old[name] for name in changed}
        found.append(_deed(change, steps, by, has_rows=entry is not None))
    return found


def _deed(change: Change, steps: tuple[Step, ...], by: Actor, *, has_rows: bool) -> Deed:
    may = has_rows and change.verb != "undo" and not change.undone_at and may_undo(change, by)
    return Deed(
        at=change.at, who=change.actor_name or _("系统"), deed=DEEDS.get(change.verb, change.verb), reason=change.reason, steps=steps,
        undo=f"/changes/{change.pk}/undo" if may else "", is_undone=bool(change.undone_at),
    )  # fmt: skip


class _Names:
    """Names of the roles and teams that appear in some states; two queries for all of them."""

    def __init__(self, *states: Any) -> None:
        flat = [state for one in states for state in (one if isinstance(one, list) else [one])]
        roles = {pk for state in flat for pk in state.get("roles", ())}
        teams = {pk for state in flat for pk in (*state.get("teams", ()), state.get("home"), state.get("parent_id")) if pk}
        self._roles = dict(Role.objects.filter(pk__in=roles).values_list("pk", "name"))
        self._teams = dict(Team.objects.filter(pk__in=teams).values_list("pk", "name"))

    def of(self, field: str, value: Any) -> str:
        """A stored value as people read it."""
        if field in ("roles", "teams"):
            known = self._roles if field == "roles" else self._teams
            return _("、").join(known.get(pk, _("（已删）")) for pk in value) or "—"
        if field in ("home", "parent_id"):
            return self._teams.get(value, "—") if value else "—"
        if isinstance(value, bool):
            return _("是") if value else _("否")
        return {"zh-hans": "简体中文", "en": "English"}.get(value, value) or "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class Belonging:
    """How many records of a type somebody owns, and the list of them."""

    title: Words
    unit: Words
    count: int
    is_exact: bool
    url: str


def belongings(user: User, by: Actor) -> list[Belonging]:
    """What a person owns, as far as the reader sees it, by object type; types with nothing are left out."""
    found = []
    for spec in objects:
        own = seen(spec, by)
        if own.filter("owner") is None or not by.may(spec.policy.label, "view"):
            continue
        size = size_counted(listing(own, by, {"owner.is": str(user.pk)}))
        if size.count:
            url = f"/{spec.slug}/?owner.is={user.pk}"
            found.append(Belonging(title=spec.plural, unit=spec.unit, count=size.count, is_exact=size.is_exact, url=url))
    return found
