"""Tokens: made, shown once, found again by their digest, narrowed to scopes, revoked."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .. import history
from ..actor import Actor, Grants
from ..errors import Refused
from . import actors
from .tables import ApiToken, Integration

START = "zk_"
SHOWN = 9  # characters of a token that are kept to recognise it by
READING = ("view", "export")
LONGEST_NAME = 80
MOST = 50  # living tokens of one holder


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What a token shall be: its name, its end, and what it is narrowed to (label -> "read" or "write"; none: everything)."""

    name: str
    ends_on: dt.date | None = None
    scopes: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: the token, the actor behind it, and the language of a person."""

    token: ApiToken
    actor: Actor
    language: str


def digest_of(text: str) -> str:
    """What is stored of a token. It holds 256 random bits, so a plain SHA-256 cannot be guessed back."""
    return hashlib.sha256(text.encode()).hexdigest()


def make_token(wanted: NewToken, *, by: Actor, integration: Integration | None = None) -> tuple[ApiToken, str]:
    """A new token and its text, which is shown once and kept nowhere.

    Raises Refused: required, end_in_past, too_many_tokens, not_permitted (an integration's without `org.integrations`, or by no person).
    """
    name = wanted.name.strip()[:LONGEST_NAME]
    if integration is not None:
        require_integrations(by)
    elif by.kind != "person" or by.user_id is None:
        raise Refused("not_permitted", verb="create", label="kernel.apitoken")
    if not name:
        raise Refused("required", field="name")
    if wanted.ends_on is not None and wanted.ends_on < timezone.localdate():
        raise Refused("end_in_past", field="ends_on")
    holder = {"integration": integration} if integration else {"user_id": by.user_id}
    text = START + secrets.token_urlsafe(32)
    with transaction.atomic():
        if ApiToken.objects.filter(living(), **holder).count() >= MOST:
            raise Refused("too_many_tokens", limit=MOST)
        token = ApiToken.objects.create(
            name=name, prefix=text[:SHOWN], digest=digest_of(text), scopes=dict(wanted.scopes or {}), ends_on=wanted.ends_on,
            created_by=by.user_id, **holder,
        )  # fmt: skip
        history.begin_change(by.because(name), verb="make_token", label="kernel.apitoken", object_id=token.pk)
    return token, text


def revoke_token(token: ApiToken, *, by: Actor) -> None:
    """End a token at once: one's own, or an integration's with `org.integrations`. Raises Refused("not_permitted")."""
    if token.integration_id is None and (by.user_id is None or token.user_id != by.user_id):
        raise Refused("not_permitted", verb="delete", label="kernel.apitoken")
    if token.integration_id is not None:
        require_integrations(by)
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
            history.begin_change(by.because(token.name), verb="revoke_token", label="kernel.apitoken", object_id=token.pk)


def end_tokens_of(user_id: int) -> int:
    """End all tokens of a person who leaves; answers how many there were."""
    return ApiToken.objects.filter(user_id=user_id, revoked_at=None).update(revoked_at=timezone.now())


def require_integrations(by: Actor) -> None:
    """Raise Refused("not_permitted") for who may not look after links to other systems."""
    if not by.may("org.integrations", "change"):
        raise Refused("not_permitted", verb="change", label="org.integrations")


def living() -> Q:
    """Tokens that are neither revoked nor past their last day."""
    return Q(revoked_at=None) & (Q(ends_on=None) | Q(ends_on__gte=timezone.localdate()))


def caller_of(token: ApiToken, address: str) -> Caller | None:
    """Who a living token stands for, narrowed to its scopes; None when the holder is gone. Notes the day and address of use."""
    if token.integration is not None:
        actor, language = actors.integration(token.integration), ""
    else:
        actor, language = actors.person(token.user_id or 0) or (None, "")
    if actor is None:
        return None
    _note_use(token, address)
    return Caller(token=token, actor=replace(actor, grants=narrowed(actor.grants, token.scopes), source="api"), language=language)


def narrowed(grants: Grants, scopes: Mapping[str, str]) -> Grants:
    """The grants that both the holder has and the token lets through."""
    if not scopes:
        return grants
    return {
        (label, verb): scope
        for (label, verb), scope in grants.items()
        if scopes.get(label) == "write" or (scopes.get(label) == "read" and verb in READING)
    }


def _note_use(token: ApiToken, address: str) -> None:
    """Once a day and address, so that reading does not write."""
    today = timezone.localdate()
    if (token.last_used_on, token.last_used_from) != (today, address[:45]):
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=today, last_used_from=address[:45])


def token_of(pk: uuid.UUID) -> ApiToken:
    """A token by its id. Raises Refused("gone")."""
    token = ApiToken.objects.select_related("integration").filter(pk=pk).first()
    if token is None:
        raise Refused("gone", label="kernel.apitoken")
    return token
