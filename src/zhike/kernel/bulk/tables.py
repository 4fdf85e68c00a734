"""What is kept of a bulk change that runs as a job: what, over which records, by whom, how far, and what came of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.functions import Now

from zhike.kernel.ids import uuid7


class BulkState(models.TextChoices):
    """Where a run stands."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    FAILED = "failed"


WORKING = (BulkState.WAITING, BulkState.RUNNING)
BUSY = (*WORKING, BulkState.UNDOING)


class BulkRun(models.Model):
    """One change of many records; which ones was written down when it was ordered, in a table named after the run."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    label = models.CharField(max_length=80)
    verb = models.CharField(max_length=40)
    values: Any = models.JSONField(default=dict)
    filters = models.TextField(blank=True, db_default="")  # the list's address when all that match were chosen
    actor: Any = models.JSONField(default=dict)
    actor_id = models.IntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True, db_default="")
    state = models.CharField(max_length=10, choices=BulkState, default=BulkState.WAITING)
    is_stop_wanted = models.BooleanField(default=False, db_default=False)
    total = models.IntegerField(default=0)
    done = models.IntegerField(default=0)
    counts: Any = models.JSONField(default=dict)  # changed, and each reason for which a record was left alone
    skipped: Any = models.JSONField(default=list)  # the first of those, as [id, reason]
    progress: Any = models.JSONField(default=dict)  # of what follows the rows, and of undo: phase, done, total
    report: Any = models.JSONField(default=dict)  # what an undo did
    change_id = models.UUIDField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    error_code = models.CharField(max_length=60, blank=True, db_default="")

    class Meta:
        app_label = "kernel"
        indexes: ClassVar = [
            models.Index(fields=["-created_at"], name="bulkrun_time"),
            models.Index(fields=["actor_id", "-created_at"], name="bulkrun_of_person"),
            models.Index(fields=["change_id"], name="bulkrun_change"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.label}"

    @property
    def table(self) -> str:
        """The table that holds the ids of the chosen records."""
        return f"zhike_bulk_{self.pk.hex}"

    @property
    def changed(self) -> int:
        """How many records were changed so far."""
        return int(self.counts.get("changed", 0))
