"""Invite people, change what they are here, let them go; make, move and delete teams. Nobody gives more than he holds."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.utils import timezone

from zhike.kernel import history
from zhike.kernel.actions import action, save_change, save_new
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.followups import settle
from zhike.kernel.models import Change, HistoryEntry
from zhike.kernel.policy import policy_of
from zhike.kernel.undo import guard_undo

from ..models import Role, Team, User
from ..roles.editing import require_may_give
from .sessions import end_sessions
from .sheets import PERSON, person_sheet, read_person
from .tables import PersonSheet

KEEPERS = (("org.people", "change"), ("org.roles", "change"))
FIELDS = ("username", "name", "email", "language", "must_mfa", "roles", "teams", "home", "is_active")
# Whoever writes these of somebody can log in as him: by a link to his mail, or by the name he is known under elsewhere.
CREDENTIALS = ("username", "email")
_LOCK = 0x7A6B0001


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person shall be here; `home` is one of `teams`, or None."""

    username: str
    name: str
    email: str = ""
    language: str = "zh-hans"
    must_mfa: bool = False
    roles: tuple[int, ...] = ()
    teams: tuple[int, ...] = ()
    home: int | None = None
    is_active: bool = True


def wish_of(user: User) -> Wish:
    """What a person is here now."""
    return _wish(read_person(user))


def invite(wish: Wish, *, by: Actor) -> User:
    """A new person without a password, waiting for the link to join.

    Refused: not_permitted, required, invalid_value, taken, gone, more_than_held.
    """
    policy_of(PersonSheet).require_any(by, "change")
    wish = _checked(wish, None)
    _require_may_give(by, wish.roles)
    with transaction.atomic():
        _one_at_a_time()
        change = history.begin_change(by, verb="invite", label=PERSON)
        user = User(username=wish.username, name=wish.name, email=wish.email, language=wish.language, invited_at=timezone.now())
        user.set_unusable_password()
        user.save()
        sheet = PersonSheet(user_id=user.pk, **{name: _plain(getattr(wish, name)) for name in FIELDS})
        save_new(sheet, by=by)
        Change.objects.filter(pk=change.pk).update(object_id=sheet.pk)
        settle(str(change.pk), PERSON)
    user.refresh_from_db()
    return user


def change_person(user: User, wish: Wish, *, by: Actor, seen: str = "") -> User:
    """Let a person be exactly this. `seen` is the `mark` of what the editor read.

    Refused: not_permitted, changed_meanwhile, required, invalid_value, taken, gone, more_than_held, last_keeper_of, not_yourself.
    """

    @action(needs="change")
    def change_person(sheet: PersonSheet, *, by: Actor) -> None:
        _store(sheet, wish, by, seen)

    with transaction.atomic():
        _one_at_a_time()
        change_person(person_sheet(user), by=by)
    user.refresh_from_db()
    return user


def deactivate(user: User, *, by: Actor) -> uuid.UUID:
    """Let a person go: he cannot log in any more, and what he is logged in with ends. The change that undo takes back."""

    @action(needs="change")
    def deactivate(sheet: PersonSheet, *, by: Actor) -> uuid.UUID:
        _store(sheet, replace(_wish(sheet), is_active=False), by, "")
        return _current()

    with transaction.atomic():
        _one_at_a_time()
        change = deactivate(person_sheet(user), by=by)
        end_sessions(user.pk)
    user.refresh_from_db()
    return change


def reactivate(user: User, *, by: Actor) -> uuid.UUID:
    """Let a person in again, with the roles and teams he had."""

    @action(needs="change")
    def reactivate(sheet: PersonSheet, *, by: Actor) -> uuid.UUID:
        _require_may_give(by, sheet.roles)
        _store(sheet, replace(_wish(sheet), is_active=True), by, "")
        return _current()

    with transaction.atomic():
        change = reactivate(person_sheet(user), by=by)
    user.refresh_from_db()
    return change


def change_own(user: User, *, name: str, language: str, by: Actor) -> User:
    """What a person arranges about himself: name and language. Refused: not_permitted, required, invalid_value."""
    if by.user_id != user.pk:
        raise Refused("not_permitted", verb="change", label=PERSON)
    with transaction.atomic():
        sheet = PersonSheet.objects.select_for_update().get(pk=person_sheet(user).pk)
        wish = _checked(replace(_wish(sheet), name=name, language=language), user.pk)
        changed = [field for field in ("name", "language") if getattr(sheet, field) != getattr(wish, field)]
        if changed:
            change = history.begin_change(by, verb="change_own", label=PERSON, object_id=sheet.pk)
            sheet.name, sheet.language = wish.name, wish.language
            save_change(sheet, *changed)
            settle(str(change.pk), PERSON)
    user.refresh_from_db()
    return user


def note_link(user: User, *, by: Actor) -> None:
    """Ask whether somebody may give a person a new link, and write it down. Refused: not_permitted, more_than_held, inactive."""

    @action(needs="change")
    def send_link(sheet: PersonSheet, *, by: Actor) -> None:
        del sheet
        require_not_above(by, user)
        if not user.is_active:
            raise Refused("person_inactive")

    with transaction.atomic():
        send_link(person_sheet(user), by=by)


def reset_factors(user: User, *, by: Actor) -> None:
    """Take away the second factors of one who lost them, and end what he is logged in with. Refused: not_permitted, more_than_held."""

    @action(needs="change")
    def reset_factors(sheet: PersonSheet, *, by: Actor) -> None:
        del sheet
        require_not_above(by, user)
        Authenticator.objects.filter(user=user).delete()
        end_sessions(user.pk)

    with transaction.atomic():
        reset_factors(person_sheet(user), by=by)


def mark(wish: Wish) -> str:
    """A short sign that differs when the contents do."""
    return uuid.uuid5(uuid.NAMESPACE_OID, repr(wish)).hex


def require_not_above(by: Actor, user: User) -> None:
    """Refused("more_than_held") when somebody would get hold of the log-in of one who may do more than he."""
    if not by.may("org.roles", "change"):
        _require_may_give(by, list(user.roles.values_list("pk", flat=True)))


def _store(sheet: PersonSheet, wish: Wish, by: Actor, seen: str) -> None:
    before = _wish(sheet)
    if seen and seen != mark(before):
        raise Refused("changed_meanwhile")
    wish = _checked(wish, sheet.user_id)
    _require_allowed(sheet.user_id, before, wish, by)
    changed = [name for name in FIELDS if getattr(before, name) != getattr(wish, name)]
    if not changed:
        return
    for name in changed:
        setattr(sheet, name, _plain(getattr(wish, name)))
    save_change(sheet, *changed)


def _require_allowed(user_id: int, before: Wish, after: Wish, by: Actor) -> None:
    """The rules about power: what is given, whose log-in is touched, who is left to look after the house."""
    if by.user_id == user_id and before.is_active and not after.is_active:
        raise Refused("not_yourself")
    _require_may_give(by, [role for role in after.roles if role not in before.roles])
    if any(getattr(before, name) != getattr(after, name) for name in CREDENTIALS) and not by.may("org.roles", "change"):
        _require_may_give(by, before.roles)
    for label, verb in KEEPERS:
        keeping = set(Role.objects.filter(grants__label=label, grants__verb=verb).values_list("pk", flat=True))
        loses = before.is_active and keeping.intersection(before.roles) and not (after.is_active and keeping.intersection(after.roles))
        others = User.objects.filter(is_active=True, invited_at=None, roles__in=keeping).exclude(pk=user_id)
        if loses and not others.exists():
            raise Refused("last_keeper_of", label=label)


def _require_may_give(by: Actor, roles: Sequence[int]) -> None:
    for role in Role.objects.filter(pk__in=roles):
        require_may_give(by, role)


def _checked(wish: Wish, user_id: int | None) -> Wish:
    """The wish in its normal form; Refused when it is incomplete, taken, or names what is not there."""
    wish = replace(
        wish, username=wish.username.strip(), name=" ".join(wish.name.split()), email=wish.email.strip(),
        roles=tuple(sorted(set(wish.roles))), teams=tuple(sorted(set(wish.teams))),
    )  # fmt: skip
    for name in ("name", "username"):
        if not getattr(wish, name):
            raise Refused("required", field=name)
    _require_shape(wish)
    others = User.objects.exclude(pk=user_id or 0)
    if others.filter(username__iexact=wish.username).exists():
        raise Refused("taken", field="username")
    if wish.email and others.filter(email__iexact=wish.email).exists():
        raise Refused("taken", field="email")
    for label, model, ids in (("org.role", Role, wish.roles), ("org.team", Team, wish.teams)):
        if model._default_manager.filter(pk__in=ids).count() != len(ids):
            raise Refused("gone", label=label)
    return wish


def _require_shape(wish: Wish) -> None:
    checks = (("username", UnicodeUsernameValidator()), *((("email", validate_email),) if wish.email else ()))
    for name, check in checks:
        try:
            check(getattr(wish, name))
        except ValidationError as wrong:
            raise Refused("invalid_value", field=name) from wrong
    for name, longest in (("username", 150), ("name", 80), ("email", 254)):
        if len(getattr(wish, name)) > longest:
            raise Refused("invalid_value", field=name)
    if wish.language not in ("zh-hans", "en"):
        raise Refused("invalid_value", field="language")
    if wish.home is not None and wish.home not in wish.teams:
        raise Refused("invalid_value", field="home")


def _wish(sheet: PersonSheet) -> Wish:
    given = {name: getattr(sheet, name) for name in FIELDS}
    return Wish(**given | {"roles": tuple(sheet.roles), "teams": tuple(sheet.teams)})


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _current() -> uuid.UUID:
    change = history.current_change()
    assert change is not None
    return change


def _one_at_a_time() -> None:
    """Two administrators who let each other go at once would both find the other still there."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [_LOCK])


def _may_take_back(change: Change, by: Actor) -> None:
    """An undo is a change of a person like any other. What a person changed about himself he may take back."""
    if change.verb == "change_own" and change.actor_id == by.user_id:
        return
    policy_of(PersonSheet).require_any(by, "change")
    _one_at_a_time()
    for entry in HistoryEntry.objects.filter(change=change, kind=history.kind_of(PersonSheet)):
        sheet = PersonSheet.objects.filter(pk=entry.object_id).first()
        if sheet is None:
            continue
        before, old = _wish(sheet), entry.old or {}
        told: dict[str, Any] = {name: tuple(old[name]) if isinstance(old[name], list) else old[name] for name in FIELDS if name in old}
        after = replace(before, is_active=False) if entry.op == "I" else replace(before, **told)
        _require_allowed(sheet.user_id, before, _checked(after, sheet.user_id), by)


guard_undo(PERSON, _may_take_back)
