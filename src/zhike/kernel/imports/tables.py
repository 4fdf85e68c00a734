"""What is kept of an import: the run with its progress, and the rows that were refused while it was applied."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from zhike.kernel.ids import uuid7


class State(models.TextChoices):
    """Where a run stands."""

    NEW = "new"
    CHECKING = "checking"
    CHECKED = "checked"
    STAGING = "staging"
    APPLYING = "applying"
    DONE = "done"
    REFUSED = "refused"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"


BUSY = (State.CHECKING, State.STAGING, State.APPLYING, State.UNDOING)
FINISHED = (State.DONE, State.REFUSED, State.UNDOING, State.UNDONE, State.FAILED)


class ImportRun(models.Model):
    """One file brought in once: what was asked, how far it is, what came of it, and the change its rows point to."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    file_name = models.CharField(max_length=255)
    path = models.CharField(max_length=500)
    sha256 = models.CharField(max_length=64)
    target = models.CharField(max_length=40)
    mapping: Any = models.JSONField(default=dict)
    options: Any = models.JSONField(default=dict)
    actor: Any = models.JSONField(default=dict)
    actor_id = models.IntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True, db_default="")
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    is_wanted = models.BooleanField(default=False, db_default=False)  # a person said go: resume it after a crash
    progress: Any = models.JSONField(default=dict)
    counts: Any = models.JSONField(default=dict)
    report: Any = models.JSONField(default=dict)
    refused_path = models.CharField(max_length=500, blank=True, db_default="")
    change_id = models.UUIDField(null=True)
    undo_change_id = models.UUIDField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=60, blank=True, db_default="")
    error_facts: Any = models.JSONField(default=dict)

    class Meta:
        app_label = "kernel"
        indexes: ClassVar = [
            models.Index(fields=["-created_at"], name="importrun_time"),
            models.Index(fields=["sha256"], name="importrun_file"),
        ]

    def __str__(self) -> str:
        return self.file_name


class ImportRefusal(models.Model):
    """A file row refused after it was read: by rights, by what the database holds, or by the database itself."""

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="refusals", db_index=False)
    row = models.BigIntegerField()
    field = models.CharField(max_length=120, blank=True, db_default="")
    code = models.CharField(max_length=60)
    detail = models.CharField(max_length=200, blank=True, db_default="")
    while_applying = models.BooleanField(db_default=False)

    class Meta:
        app_label = "kernel"
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "row"], name="import_refusal_once")]
