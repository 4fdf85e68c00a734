"""People of a company for the command line; loads models, so it is imported only after Django is set up."""

from __future__ import annotations

from zhike.kernel.errors import Refused
from zhike.org.actions import NewPerson, add_person, found_staff, set_password
from zhike.org.models import User
from zhike.server.companies import Company, use_company
from zhike.server.processes import ServerError

Row = tuple[str, str, str, str]


def found(company: Company) -> tuple[str, str]:
    """Roles and the first administrator of a new company: user name and password."""
    with use_company(company):
        admin, password = found_staff(company.name)
    return admin.username, password


def add(person: NewPerson) -> tuple[str, str]:
    """Add a person; user name and password. Raises `user_refused`."""
    try:
        made, password = add_person(person)
    except Refused as refusal:
        raise ServerError("user_refused", detail=str(refusal)) from refusal
    return made.username, password


def change_password(username: str, password: str) -> tuple[str, str]:
    """Set a password; user name and password. Raises `user_refused`."""
    user = User.objects.filter(username=username).first()
    if user is None:
        raise ServerError("user_refused", detail=username)
    try:
        return username, set_password(user, password)
    except Refused as refusal:
        raise ServerError("user_refused", detail=str(refusal)) from refusal


def rows() -> list[Row]:
    """User name, name, roles and teams of everybody, in the order they came."""
    people = User.objects.prefetch_related("roles", "teams").order_by("pk")
    return [(p.username, p.name, "、".join(r.code for r in p.roles.all()), "、".join(t.name for t in p.teams.all())) for p in people]
