"""What the company asks of those who log in."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from zhike.kernel import history
from zhike.kernel.actions import action, save_change, the_only
from zhike.kernel.actor import Actor
from zhike.kernel.places import database_here

from ..models import Role, User
from .tables import LoginPolicy

SECONDS_KEPT = 5.0
Mfa = LoginPolicy.Mfa


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """For whom a second factor is a must, and whether those who come by another system have no password here."""

    mfa: str = Mfa.FREE
    mfa_roles: frozenset[int] = frozenset()
    sso_only: bool = False


_kept: dict[str, tuple[float, Rules]] = {}


def rules() -> Rules:
    """The rules as they were at most five seconds ago: every request asks."""
    name, now = database_here(), time.monotonic()
    until, found = _kept.get(name, (0.0, Rules()))
    if now >= until:
        found = read_rules()
        _kept[name] = (now + SECONDS_KEPT, found)
    return found


def read_rules() -> Rules:
    """The rules as they stand."""
    kept = LoginPolicy.objects.first()
    return Rules(mfa=kept.mfa, mfa_roles=frozenset(kept.mfa_roles), sso_only=kept.sso_only) if kept else Rules()


def forget_rules() -> None:
    """Read the rules anew at the next request of this process."""
    _kept.pop(database_here(), None)


def needs_factor(user: User, roles: Iterable[int]) -> bool:
    """Whether somebody with these roles has to log in with a second factor."""
    asked = rules()
    return user.must_mfa or asked.mfa == Mfa.ALL or (asked.mfa == Mfa.ROLES and not asked.mfa_roles.isdisjoint(roles))


def change_rules(wanted: Rules, *, by: Actor) -> uuid.UUID | None:
    """Ask this of people from now on; the change, None when nothing differs. Refused: not_permitted."""

    @action(needs="change")
    def change_login_rules(kept: LoginPolicy, *, by: Actor) -> uuid.UUID | None:
        del by
        known = set(Role.objects.filter(pk__in=wanted.mfa_roles).values_list("pk", flat=True))
        values = {"mfa": wanted.mfa, "mfa_roles": sorted(known), "sso_only": wanted.sso_only}
        changed = [name for name, value in values.items() if getattr(kept, name) != value]
        if not changed:
            return None
        for name in changed:
            setattr(kept, name, values[name])
        save_change(kept, *changed)
        return history.current_change()

    done = change_login_rules(the_only(LoginPolicy, by=by, number=1), by=by)
    forget_rules()
    return done
