"""Integrations: other systems as actors, each with one role and a name of its own in the history."""

from __future__ import annotations

import uuid

from django.db import IntegrityError, transaction
from django.utils import timezone

from .. import directory, history
from ..actor import Actor
from ..errors import Refused
from . import actors
from .tables import ApiToken, Integration
from .tokens import require_integrations


def may_give(role_id: int, team_id: int | None, *, by: Actor) -> bool:
    """Whether everything a role would let an integration do, the giver may do as widely."""
    wanted = actors.integration(Integration(name="", role_id=role_id, team_id=team_id, is_active=True))
    if wanted is None:
        return False
    return all((by.scope(label, verb) or 0) >= scope for (label, verb), scope in wanted.grants.items())


def save_integration(row: Integration, *, by: Actor) -> Integration:
    """Make or change an integration.

    Raises Refused: not_permitted, required, taken, gone (no such role), grants_too_wide (nobody gives more than he may himself).
    """
    require_integrations(by)
    row.name = row.name.strip()[:80]
    if not row.name:
        raise Refused("required", field="name")
    if row.role_id not in directory.roles():
        raise Refused("gone", label="org.role")
    if not may_give(row.role_id, row.team_id, by=by):
        raise Refused("grants_too_wide")
    is_new = row._state.adding
    try:
        with transaction.atomic():
            history.begin_change(
                by.because(row.name),
                verb="make_integration" if is_new else "change_integration",
                label="kernel.integration",
                object_id=row.pk,
            )
            row.save()
    except IntegrityError as clash:
        raise Refused("taken", field="name") from clash
    return row


def switch_integration(row: Integration, *, is_on: bool, by: Actor) -> None:
    """Let an integration in again, or keep it and all its tokens out at once."""
    require_integrations(by)
    with transaction.atomic():
        if Integration.objects.filter(pk=row.pk, is_active=not is_on).update(is_active=is_on):
            verb = "switch_on_integration" if is_on else "switch_off_integration"
            history.begin_change(by.because(row.name), verb=verb, label="kernel.integration", object_id=row.pk)


def delete_integration(row: Integration, *, by: Actor) -> None:
    """Delete an integration with its tokens. Refused("still_needed") while a webhook acts as it."""
    require_integrations(by)
    hooks = row.hooks.count()
    if hooks:
        raise Refused("still_needed", count=hooks)
    with transaction.atomic():
        history.begin_change(by.because(row.name), verb="delete_integration", label="kernel.integration", object_id=row.pk)
        ApiToken.objects.filter(integration=row, revoked_at=None).update(revoked_at=timezone.now())
        row.delete()


def integration_of(pk: uuid.UUID) -> Integration:
    """An integration by its id. Raises Refused("gone")."""
    row = Integration.objects.filter(pk=pk).first()
    if row is None:
        raise Refused("gone", label="kernel.integration")
    return row
