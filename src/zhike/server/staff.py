"""People of a company for the command line; loads models, so it is imported only after Django is set up."""

from __future__ import annotations

from zhike.kernel.errors import Refused
from zhike.org.actions import NewPerson, add_person, found_staff, set_password
from zhike.org.models import User
from zhike.org.people.links import PATH, make_link
from zhike.server.companies import Company, use_company
from zhike.server.processes import ServerError

Row = tuple[str, str, str, str]


def found(company: Company) -> tuple[str, str]:
    """Roles and the first administrator of a new company: user name and the path of the link to choose a password."""
    with use_company(company):
        admin, token = found_staff(company.name)
    return admin.username, PATH + token


def link(username: str) -> tuple[str, str]:
    """A new link to choose a password, for one who has lost it or never had one: user name and path. Raises `user_refused`."""
    user = User.objects.filter(username__iexact=username, is_active=True).first()
    if user is None:
        raise ServerError("user_unknown", username=username)
    return user.username, PATH + make_link(user, by=None)


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
        raise ServerError("user_unknown", username=username)
    try:
        return username, set_password(user, password)
    except Refused as refusal:
        raise ServerError("user_refused", detail=str(refusal)) from refusal


def rows() -> list[Row]:
    """User name, name, roles and teams of everybody, in the order they came."""
    people = User.objects.prefetch_related("roles", "teams").order_by("pk")
    return [(p.username, p.name, "、".join(r.code for r in p.roles.all()), "、".join(t.name for t in p.teams.all())) for p in people]
