"""What people do with webhooks: make, change, switch, change the secret, try, send again, delete."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone

from .. import history
from ..actor import Actor
from ..errors import Refused
from ..links.shapes import shapes_of
from ..links.tables import Hook, HookMessage
from ..links.tokens import require_integrations
from ..registry import objects
from . import delivering, signing
from .addresses import resolve
from .bodies import TEST
from .listeners import VERBS
from .posting import Answer
from .sealing import sealed

OVERLAP = dt.timedelta(hours=24)  # while the old secret still signs


def save_hook(hook: Hook, *, by: Actor) -> str:
    """Make or change a webhook; answers the secret of a new one, shown once, else "".

    Raises Refused: not_permitted, required, hook_no_events, hook_field_unknown, and what `resolve` says of the address.
    """
    require_integrations(by)
    hook.name, hook.url = hook.name.strip()[:80], hook.url.strip()
    if not hook.name:
        raise Refused("required", field="name")
    _check_events(hook)
    resolve(hook.url)
    is_new = hook._state.adding
    secret = signing.new_secret() if is_new else ""
    if is_new:
        hook.secret = sealed(secret, hook.pk)
    with transaction.atomic():
        _noted(hook, "make_webhook" if is_new else "change_webhook", by)
        hook.save()
    return secret


def _check_events(hook: Hook) -> None:
    hook.events = {label: [verb for verb in VERBS if verb in verbs] for label, verbs in hook.events.items() if objects.has(label) and verbs}
    if not hook.events:
        raise Refused("hook_no_events", field="events")
    hook.fields = {label: list(names) for label, names in hook.fields.items() if label in hook.events and names}
    for label, names in hook.fields.items():
        unknown = set(names) - {shape.name for shape in shapes_of(objects.get(label))}
        if unknown:
            raise Refused("hook_field_unknown", field=sorted(unknown)[0])


def switch_hook(hook: Hook, *, is_on: bool, by: Actor) -> None:
    """Start or stop telling an address. What was written down while it was off is sent when it is on again."""
    require_integrations(by)
    with transaction.atomic():
        _noted(hook, "switch_on_webhook" if is_on else "switch_off_webhook", by)
        Hook.objects.filter(pk=hook.pk).update(is_active=is_on, off_reason="" if is_on else "by_hand", failing_since=None)


def new_secret(hook: Hook, *, by: Actor) -> str:
    """Another secret, shown once; for a day messages carry a signature under both."""
    require_integrations(by)
    secret = signing.new_secret()
    with transaction.atomic():
        _noted(hook, "change_webhook_secret", by)
        fresh = Hook.objects.select_for_update().get(pk=hook.pk)
        fresh.old_secret, fresh.old_secret_until = fresh.secret, timezone.now() + OVERLAP
        fresh.secret = sealed(secret, fresh.pk)
        fresh.save(update_fields=["secret", "old_secret", "old_secret_until"])
    return secret


def try_hook(hook: Hook, *, by: Actor) -> Answer | None:
    """Send a test message now and answer what came back; None when the integration is switched off."""
    require_integrations(by)
    with transaction.atomic():
        _noted(hook, "try_webhook", by)
        message = HookMessage.objects.create(
            id=uuid.uuid4(), hook=hook, event=TEST, leased_until=timezone.now() + dt.timedelta(seconds=delivering.LEASE)
        )
    message.refresh_from_db()
    return delivering.send(message, hook)


def send_again(hook: Hook, numbers: Sequence[int] | None = None, *, by: Actor) -> int:
    """Send some messages again, or all that were given up; answers how many."""
    require_integrations(by)
    with transaction.atomic():
        _noted(hook, "send_webhook_again", by)
        return delivering.again(hook, numbers)


def delete_hook(hook: Hook, *, by: Actor) -> None:
    """Delete a webhook with its log."""
    require_integrations(by)
    with transaction.atomic():
        _noted(hook, "delete_webhook", by)
        hook.delete()


def _noted(hook: Hook, verb: str, by: Actor) -> None:
    history.begin_change(by.because(hook.name), verb=verb, label="kernel.hook", object_id=hook.pk)


def hook_of(pk: uuid.UUID) -> Hook:
    """A webhook by its id. Raises Refused("gone")."""
    hook = Hook.objects.select_related("integration").filter(pk=pk).first()
    if hook is None:
        raise Refused("gone", label="kernel.hook")
    return hook
