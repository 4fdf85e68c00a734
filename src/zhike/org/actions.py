"""Founding a company's staff, and adding people to it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from zhike.kernel.errors import Refused

from .models import Membership, Role, Team, User
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
    """Ready roles, a team named like the company and its first administrator; answers the new password, shown once."""
    with transaction.atomic():
        write_ready_roles()
        return add_person(NewPerson(username="admin", name="管理员", role="admin", team=company[:80]))


def add_person(person: NewPerson) -> tuple[User, str]:
    """A new user with one role and one team; without a password one is made up.

    Raises Refused: taken, gone (no such role), weak_password.
    """
    if User.objects.filter(username=person.username).exists():
        raise Refused("taken", field="username")
    role = Role.objects.filter(code=person.role).first()
    if role is None:
        raise Refused("gone", label="org.role")
    password = person.password or secrets.token_urlsafe(12)
    user = User(username=person.username, name=person.name)
    check_password(password, user)
    user.set_password(password)
    with transaction.atomic():
        user.save()
        user.roles.add(role)
        if person.team:
            team, _ = Team.objects.get_or_create(name=person.team)
            Membership.objects.create(user=user, team=team)
    return user, password


def check_password(password: str, user: User) -> None:
    """Refused("weak_password") with the reasons when the password is short, known or like the name."""
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise Refused("weak_password", why=" ".join(weak.messages)) from weak


def set_password(user: User, password: str = "") -> str:
    """A new password for a person; made up when none is given."""
    chosen = password or secrets.token_urlsafe(12)
    check_password(chosen, user)
    user.set_password(chosen)
    user.save(update_fields=["password"])
    return chosen
