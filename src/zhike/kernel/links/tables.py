"""What is kept of links to other systems: integrations, tokens, answers that may be asked for again, webhooks and their messages."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from zhike.kernel.ids import uuid7


class Integration(models.Model):
    """Another system that reads and writes here: an actor with the grants of one role, at home in one team."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    role_id = models.IntegerField()
    team_id = models.IntegerField(null=True)
    is_active = models.BooleanField(default=True, db_default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "kernel"
        constraints: ClassVar = [models.UniqueConstraint(fields=["name"], name="integration_once")]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """A key to the interface, of a person or of an integration; only its digest is kept.

    `scopes` narrows it: object label -> "read" or "write"; empty means all that its holder may.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user_id = models.IntegerField(null=True)
    integration = models.ForeignKey(Integration, models.CASCADE, null=True, related_name="tokens")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64)
    scopes: Any = models.JSONField(default=dict)
    ends_on = models.DateField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_on = models.DateField(null=True)
    last_used_from = models.CharField(max_length=45, blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.IntegerField(null=True)

    class Meta:
        app_label = "kernel"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["digest"], name="apitoken_digest_once"),
            models.CheckConstraint(
                condition=Q(user_id__isnull=False, integration__isnull=True) | Q(user_id__isnull=True, integration__isnull=False),
                name="apitoken_of_one",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["user_id", "-created_at"], name="apitoken_of_person")]

    def __str__(self) -> str:
        return self.name


class ApiUse(models.Model):
    """Requests of a token in the running minute. The table is unlogged: after a crash counting begins anew."""

    token = models.OneToOneField(ApiToken, models.CASCADE, primary_key=True, related_name="+")
    minute = models.BigIntegerField()
    count = models.IntegerField()

    class Meta:
        app_label = "kernel"


class KeptAnswer(models.Model):
    """The answer to a request that carried an Idempotency-Key, given again to whoever repeats it within a day."""

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=200)
    asked = models.CharField(max_length=64)  # digest of method, address and body
    status = models.PositiveSmallIntegerField(null=True)
    headers: Any = models.JSONField(default=dict)
    body = models.BinaryField(default=b"")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "kernel"
        constraints: ClassVar = [models.UniqueConstraint(fields=["token", "key"], name="kept_answer_once")]
        indexes: ClassVar = [models.Index(fields=["at"], name="kept_answer_time")]


class Hook(models.Model):
    """An address that hears of changes, as one integration may see them.

    `events` is object label -> verbs; `fields` is object label -> names (none named: all the integration may see).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80)
    url = models.CharField(max_length=500)
    integration = models.ForeignKey(Integration, models.PROTECT, related_name="hooks")
    events: Any = models.JSONField(default=dict)
    fields: Any = models.JSONField(default=dict)
    secret = models.CharField(max_length=300)  # sealed
    old_secret = models.CharField(max_length=300, blank=True, db_default="")
    old_secret_until = models.DateTimeField(null=True)
    is_active = models.BooleanField(default=True, db_default=True)
    off_reason = models.CharField(max_length=40, blank=True, db_default="")
    failing_since = models.DateTimeField(null=True)
    last_ok_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        app_label = "kernel"

    def __str__(self) -> str:
        return self.name


class MessageState(models.TextChoices):
    """Where a message stands; dead is given up, empty had nothing the integration may see."""

    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"
    EMPTY = "empty"


class HookMessage(models.Model):
    """One event for one address. Its id stays the same however often it is sent, its body is written once."""

    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, editable=False)
    hook = models.ForeignKey(Hook, models.CASCADE, related_name="messages", db_index=False)
    event = models.CharField(max_length=120)
    told: Any = models.JSONField(default=dict)
    body = models.TextField(blank=True, db_default="")
    state = models.CharField(max_length=7, choices=MessageState, default=MessageState.WAITING, db_default="waiting")
    tries = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_at = models.DateTimeField(db_default=Now())
    leased_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "kernel"
        indexes: ClassVar = [
            models.Index(fields=["hook", "-number"], name="hookmessage_of_hook"),
            models.Index(fields=["hook", "next_at"], condition=Q(state="waiting"), name="hookmessage_waiting"),
            models.Index(fields=["hook", "-number"], condition=Q(state="dead"), name="hookmessage_dead"),
            models.Index(fields=["created_at"], name="hookmessage_time"),
        ]


class HookTry(models.Model):
    """One attempt to deliver a message: when, how long, what came back."""

    message = models.ForeignKey(HookMessage, models.CASCADE, related_name="attempts")
    at = models.DateTimeField(db_default=Now())
    milliseconds = models.PositiveIntegerField(default=0)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=60, blank=True, db_default="")
    answer = models.TextField(blank=True, db_default="")

    class Meta:
        app_label = "kernel"
