"""Founding a company's staff, and adding people to it without a browser."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from zhike.kernel.errors import Refused

from .models import Membership, Role, Team, User
from .passwords import check_password
from .people.finding import finding_of
from .people.links import make_link
from .ready_roles import write_ready_roles


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Somebody who shall log in; `team` is made when there is none of that name, "" means no team."""

    username: str
    name: str
    role: str
    team: str = ""
    password: str = ""


def found_staff(company: str) -> tuple[User, str]:
    """Ready roles, a team named like the company and its first administrator, who has no password: the token of the link to set one."""
    with transaction.atomic():
        write_ready_roles()
        user = _store(NewPerson(username="admin", name="管理员", role="admin", team=company[:80]), None)
        return user, make_link(user, by=None)


def add_person(person: NewPerson) -> tuple[User, str]:
    """A new user with one role and one team; without a password one is made up.

    Raises Refused: taken, gone (no such role), weak_password.
    """
    password = person.password or secrets.token_urlsafe(12)
    with transaction.atomic():
        return _store(person, password), password


def _store(person: NewPerson, password: str | None) -> User:
    if User.objects.filter(username__iexact=person.username).exists():
        raise Refused("taken", field="username")
    role = Role.objects.filter(code=person.role).first()
    if role is None:
        raise Refused("gone", label="org.role")
    user = User(username=person.username, name=person.name)
    if password is None:
        user.invited_at = timezone.now()
        user.set_unusable_password()
    else:
        check_password(password, user)
        user.set_password(password)
    user.finding = finding_of(user)
    user.save()
    user.roles.add(role)
    if person.team:
        team, _ = Team.objects.get_or_create(name=person.team)
        Membership.objects.create(user=user, team=team)
    return user


def set_password(user: User, password: str = "") -> str:
    """A new password for a person; made up when none is given."""
    chosen = password or secrets.token_urlsafe(12)
    check_password(chosen, user)
    user.set_password(chosen)
    user.invited_at = None
    user.save(update_fields=["password", "invited_at"])
    return chosen
