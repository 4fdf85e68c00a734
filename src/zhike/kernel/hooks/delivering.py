"""Delivery: messages are written down with the event, leased, sent, and tried again with growing waits until given up."""

from __future__ import annotations

import datetime as dt
import time
import uuid
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import Count, Min, Q
from django.utils import timezone

from ..errors import Refused
from ..links import actors
from ..links.tables import Hook, HookMessage, HookTry, MessageState
from ..secrets import SealBroken
from . import signing
from .addresses import resolve
from .bodies import TEST, body_of
from .posting import Answer, post
from .sealing import opened

WAITS = (10, 60, 300, 1800, 7200, 28800, 86400)  # seconds before the next try
LEASE = 60  # seconds after which another worker takes a message of a killed one
ROUND = 20.0  # seconds one job works for one address, so that others get their turn
FAILURES = 3  # in a row, after which the address rests until the next wait is over
CHUNK = 50  # records in a message
KEEP_DAYS = 30
OFF_AFTER = dt.timedelta(days=3)  # of nothing but failures

SQL_TAKE = """
update kernel_hookmessage set leased_until = now() + make_interval(secs => %s) where number = (
  select number from kernel_hookmessage
  where hook_id = %s and state = 'waiting' and next_at <= now() and (leased_until is null or leased_until < now())
  order by number limit 1 for update skip locked)
returning number
"""


def hearing(label: str, verb: str, fields: Sequence[str]) -> list[Hook]:
    """The active addresses that want to hear of this; those that chose fields hear only of changes in them."""
    found = Hook.objects.filter(is_active=True, events__contains={label: [verb]})
    return [hook for hook in found if _wants(hook, label, fields)]


def _wants(hook: Hook, label: str, fields: Sequence[str]) -> bool:
    chosen = set(hook.fields.get(label, ()))
    return not chosen or not fields or bool(chosen & {name.removesuffix("_id") for name in fields})


def write_messages(hook: Hook, event: str, told: dict[str, object], ids: Sequence[str], number: int) -> None:
    """One message for some fifty records. The ids follow from the event, so an event heard twice makes no second message."""
    HookMessage.objects.bulk_create(
        [
            HookMessage(
                id=uuid.uuid5(hook.pk, f"{number}:{place}"), hook=hook, event=event, told=told | {"ids": list(ids[place : place + CHUNK])}
            )
            for place in range(0, len(ids), CHUNK)
        ],
        ignore_conflicts=True,
    )


def work(hook_id: uuid.UUID) -> int | None:
    """Send what is due for one address; the seconds after which there is more to do, None when there is not."""
    hook = Hook.objects.select_related("integration").filter(pk=hook_id, is_active=True).first()
    began, failures = time.monotonic(), 0
    while hook is not None and hook.is_active and failures < FAILURES and time.monotonic() - began < ROUND:
        number = _take(hook)
        if number is None:
            break
        answer = send(HookMessage.objects.get(number=number), hook)
        failures = 0 if answer is None or answer.is_good else failures + 1
    return _next(hook) if hook is not None and hook.is_active else None


def _take(hook: Hook) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(SQL_TAKE, [LEASE, hook.pk])
        row = cursor.fetchone()
    return row[0] if row else None


def _next(hook: Hook) -> int | None:
    first: dt.datetime | None = HookMessage.objects.filter(hook=hook, state=MessageState.WAITING).aggregate(at=Min("next_at"))["at"]
    return max(1, round((first - timezone.now()).total_seconds())) if first else None


def send(message: HookMessage, hook: Hook) -> Answer | None:
    """Try a message once and note what came of it; None when the integration may see nothing of it."""
    actor = actors.integration(hook.integration)
    if actor is None:
        answer = Answer(error="integration_off")
    elif not message.body:
        # Written and kept before it is sent: whoever sends it again sends the same.
        message.body = body_of(message, hook, actor)
        HookMessage.objects.filter(pk=message.pk).update(body=message.body)
        if not message.body:
            HookMessage.objects.filter(pk=message.pk).update(state=MessageState.EMPTY, leased_until=None)
            return None
        answer = _posted(message, hook)
    else:
        answer = _posted(message, hook)
    _note(message, hook, answer)
    return answer


def _posted(message: HookMessage, hook: Hook) -> Answer:
    try:
        target, secrets = resolve(hook.url), _secrets(hook)
    except Refused as refusal:
        return Answer(error=refusal.code)
    except SealBroken:
        return Answer(error="secret_lost")
    return post(target, message.body, signing.headers(secrets, str(message.id), int(time.time()), message.body))


def _secrets(hook: Hook) -> list[str]:
    """The secret, and for a day after a change the old one beside it."""
    found = [opened(hook.secret, hook.pk)]
    if hook.old_secret and hook.old_secret_until and hook.old_secret_until > timezone.now():
        found.append(opened(hook.old_secret, hook.pk))
    return found


def _note(message: HookMessage, hook: Hook, answer: Answer) -> None:
    now, tries = timezone.now(), message.tries + 1
    with transaction.atomic():
        HookTry.objects.create(
            message=message, milliseconds=answer.milliseconds, status=answer.status, error=answer.error, answer=answer.text
        )
        kept = HookMessage.objects.filter(pk=message.pk)
        if answer.is_good:
            kept.update(state=MessageState.SENT, tries=tries, sent_at=now, leased_until=None)
            Hook.objects.filter(pk=hook.pk).update(last_ok_at=now, failing_since=None)
        elif tries > len(WAITS) or message.event == TEST:
            kept.update(state=MessageState.DEAD, tries=tries, leased_until=None)
            _give_up(hook, now)
        else:
            kept.update(tries=tries, leased_until=None, next_at=now + dt.timedelta(seconds=WAITS[tries - 1]))
            Hook.objects.filter(pk=hook.pk, failing_since=None).update(failing_since=now)
        if answer.status == 410:  # the receiver says: gone for good
            switch_off(hook, "gone")


def _give_up(hook: Hook, now: dt.datetime) -> None:
    """An address that has failed for days without one success is switched off; its messages wait for a person."""
    if Hook.objects.filter(pk=hook.pk, failing_since__lt=now - OFF_AFTER).exists():
        switch_off(hook, "failed")


def switch_off(hook: Hook, reason: str) -> None:
    """Stop telling an address; its settings page and `zhike doctor` say why."""
    Hook.objects.filter(pk=hook.pk).update(is_active=False, off_reason=reason)
    hook.is_active, hook.off_reason = False, reason


def due() -> list[uuid.UUID]:
    """Addresses with a message whose time has come."""
    waiting = Q(messages__state=MessageState.WAITING, messages__next_at__lte=timezone.now())
    free = Q(messages__leased_until=None) | Q(messages__leased_until__lt=timezone.now())
    return list(Hook.objects.filter(waiting & free, is_active=True).distinct().values_list("pk", flat=True))


def forget(now: dt.datetime | None = None) -> int:
    """Delete messages of more than thirty days, whatever came of them."""
    old = HookMessage.objects.filter(created_at__lt=(now or timezone.now()) - dt.timedelta(days=KEEP_DAYS))
    gone = 0
    while numbers := list(old.values_list("number", flat=True)[:5000]):
        HookTry.objects.filter(message_id__in=numbers).delete()
        gone += HookMessage.objects.filter(number__in=numbers).delete()[0]
    return gone


def counts(hook: Hook) -> dict[str, int]:
    """How many messages of an address wait and how many were given up."""
    states = (MessageState.WAITING, MessageState.DEAD)
    rows = HookMessage.objects.filter(hook=hook, state__in=states).exclude(event=TEST).values("state").annotate(n=Count("number"))
    return {row["state"]: row["n"] for row in rows}


def again(hook: Hook, numbers: Sequence[int] | None = None) -> int:
    """Put given-up messages back to be sent: the named ones (whatever came of them), or all that failed. Answers how many."""
    rows = HookMessage.objects.filter(hook=hook).exclude(state=MessageState.EMPTY).exclude(event=TEST)
    rows = rows.filter(state=MessageState.DEAD) if numbers is None else rows.filter(number__in=numbers)
    return rows.update(state=MessageState.WAITING, tries=0, next_at=timezone.now(), leased_until=None, sent_at=None)
