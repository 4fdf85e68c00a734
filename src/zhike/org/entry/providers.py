"""The systems that vouch for people: kept, changed, and whom they bring."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.models import SocialAccount
from cryptography import x509
from django.db import transaction
from django.utils.text import slugify

from zhike.kernel import history
from zhike.kernel.actions import action, remove, save_change, save_new
from zhike.kernel.actor import Actor
from zhike.kernel.errors import Refused
from zhike.kernel.models import Change
from zhike.kernel.policy import policy_of
from zhike.kernel.secrets import seal, unseal
from zhike.kernel.text.folding import fold_key
from zhike.kernel.text.pinyin import syllables

from ..models import Role, User
from ..people.editing import Wish, invite
from ..people.finding import free_username
from ..roles.editing import require_may_give
from .tables import SingleSignOn

LABEL = "org.singlesignon"
FIELDS = (
    "name", "is_on", "trusts_mail", "client_id", "server_url", "entity_id", "sso_url", "certificate", "domains", "role_id", "team_id",
)  # fmt: skip
HERE = ("127.0.0.1", "localhost", "::1")
HEADS = re.compile(r"-----(BEGIN|END) CERTIFICATE-----")
# Another system behind the same name could call its people by the same numbers: whom the old one brought is forgotten.
IDENTITY = ("server_url", "entity_id", "client_id", "certificate")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderWish:
    """What a system shall be; an empty `secret` leaves the one that is kept."""

    values: Mapping[str, Any]
    secret: str = ""


def providers() -> list[SingleSignOn]:
    """The systems that are on."""
    return list(SingleSignOn.objects.filter(is_on=True).order_by("name"))


def secret_of(one: SingleSignOn) -> str:
    """The secret of an OpenID client in the clear; empty without one."""
    return unseal(one.secret, bound_to=_place(one)) if one.secret else ""


def add_provider(kind: str, wish: ProviderWish, *, by: Actor) -> SingleSignOn:
    """Let another system vouch for people. Refused: not_permitted, required, invalid_value, gone, more_than_held."""
    policy_of(SingleSignOn).require_any(by, "change")
    one = SingleSignOn(kind=kind, slug=_slug(str(wish.values["name"])))
    _write(one, wish, by)
    with transaction.atomic():
        change = history.begin_change(by, verb="add_provider", label=LABEL)
        save_new(one, by=by)
        Change.objects.filter(pk=change.pk).update(object_id=one.pk)
    return one


def change_provider(one: SingleSignOn, wish: ProviderWish, *, by: Actor) -> SingleSignOn:
    """Change a system; whom it brought is asked for by mail again when it becomes another."""

    @action(needs="change")
    def change_provider(fresh: SingleSignOn, *, by: Actor) -> SingleSignOn:
        before = {name: getattr(fresh, name) for name in FIELDS}
        _write(fresh, wish, by)
        changed = [name for name in FIELDS if before[name] != getattr(fresh, name)]
        if set(IDENTITY).intersection(changed) - ({"certificate", "client_id"} if fresh.kind == "saml" else set()):
            SocialAccount.objects.filter(provider=fresh.slug).delete()
        return save_change(fresh, *changed, *(["secret"] if wish.secret else [])) if changed or wish.secret else fresh

    return change_provider(one, by=by)


def remove_provider(one: SingleSignOn, *, by: Actor) -> uuid.UUID:
    """Nobody comes by this system any more; undo brings it back, without the people it knew."""

    @action(needs="change")
    def remove_provider(fresh: SingleSignOn, *, by: Actor) -> uuid.UUID:
        del by
        SocialAccount.objects.filter(provider=fresh.slug).delete()
        remove(fresh)
        change = history.current_change()
        assert change is not None
        return change

    return remove_provider(one, by=by)


def person_by_mail(mail: str) -> User | None:
    """The person with a mail, whether he may log in or not (that is asked later, and told)."""
    return User.objects.filter(email__iexact=mail.strip()).first() if mail else None


def may_make(one: SingleSignOn, mail: str) -> bool:
    """Whether a stranger with this mail is taken in."""
    return bool(one.role_id) and mail.rpartition("@")[2].lower() in one.domains


def person_made(one: SingleSignOn, mail: str, name: str) -> User:
    """A new person for a mail of the company, with the role and team that the system gives."""
    by = Actor(kind="system", name=one.name, source="sso")
    teams = (one.team_id,) if one.team_id else ()
    roles = (one.role_id,) if one.role_id else ()
    wish = Wish(username=free_username(mail.partition("@")[0]), name=name[:80], email=mail, roles=roles, teams=teams, home=one.team_id)
    return joined(invite(wish, by=by))


def joined(user: User) -> User:
    """Who comes by another system has joined: there is nothing to wait for any more."""
    if user.invited_at is not None:
        User.objects.filter(pk=user.pk).update(invited_at=None)
        user.invited_at = None
    return user


def _write(one: SingleSignOn, wish: ProviderWish, by: Actor) -> None:
    values = {name: wish.values.get(name, getattr(one, name)) for name in FIELDS}
    values["domains"] = sorted({str(domain).strip().lstrip("@").lower() for domain in values["domains"] if str(domain).strip()})
    _check(one, values, by)
    for name, value in values.items():
        setattr(one, name, value)
    if wish.secret:
        one.secret = seal(wish.secret, bound_to=_place(one))


def _check(one: SingleSignOn, values: Mapping[str, Any], by: Actor) -> None:
    """Refused: required, invalid_value (an address without TLS, a certificate that is none), gone (no such role), or more than the actor may give."""
    needed = ("name", "client_id", "server_url") if one.kind == SingleSignOn.Kind.OIDC else ("name", "entity_id", "sso_url", "certificate")
    for name in needed:
        if not values[name]:
            raise Refused("required", field=name)
    for name, is_right in (("server_url", _is_guarded), ("sso_url", _is_guarded), ("certificate", _is_certificate)):
        if values[name] and not is_right(str(values[name])):
            raise Refused("invalid_value", field=name)
    if values["domains"] and not values["role_id"]:
        raise Refused("required", field="role_id")
    if values["role_id"] and values["role_id"] != one.role_id:
        role = Role.objects.filter(pk=values["role_id"]).first()
        if role is None:
            raise Refused("gone", label="org.role")
        require_may_give(by, role)


def _is_guarded(address: str) -> bool:
    """Whether nobody reads along: by TLS, or on this machine itself."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and host in HERE))


def _is_certificate(text: str) -> bool:
    """Whether a text is a certificate, with the lines around it or without."""
    try:
        x509.load_der_x509_certificate(base64.b64decode("".join(HEADS.sub("", text).split()), validate=True))
    except ValueError:  # also what is not base64
        return False
    return True


def _place(one: SingleSignOn) -> str:
    return f"{LABEL}:{one.pk}:secret"


def _slug(name: str) -> str:
    """A free short name for addresses."""
    stem = slugify("".join(syllables(fold_key(name))))[:30] or "sso"
    found, number = stem, 2
    while SingleSignOn.objects.filter(slug=found).exists():
        found, number = f"{stem}-{number}", number + 1
    return found
