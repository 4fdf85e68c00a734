"""What every record has in common, and the tables in which the kernel keeps its own facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self, TypeVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .actor import NO_RULES, Actor, Rule
from .errors import Refused
from .fields import JSONDict
from .ids import uuid7
from .policy import policy_of
from .veil import CUSTOM, lay_veil, veil_of

M = TypeVar("M", bound=models.Model, covariant=True)


class RecordQuerySet(models.QuerySet[M]):
    """Rows that are read through the policy: `visible_to` for reading, `allowed` for any other verb.

    Rows read by `visible_to` or `veiled` hold nothing that the actor may not see of a field: hidden values are empty,
    masked ones masked. Such rows are for showing; actions read their own.
    """

    _veil: Mapping[str, Rule] = NO_RULES
    _reader: Actor | None = None

    def visible_to(self, actor: Actor) -> Self:
        return self.allowed(actor, "view").veiled(actor)

    def allowed(self, actor: Actor, verb: str) -> Self:
        return self.filter(policy_of(self.model).rows(actor, verb))

    def veiled(self, actor: Actor) -> Self:
        """The same rows as this actor may see their fields."""
        found = self.all()
        if actor.field_rules:
            found._veil, found._reader = veil_of(rules_over(self.model, actor)), actor
        return found

    def iterator(self, chunk_size: int | None = None) -> Iterator[M]:
        for row in super().iterator(chunk_size):
            yield self._shown(row)

    def _clone(self) -> Self:
        copy: Self = super()._clone()  # type: ignore[misc]
        copy._veil, copy._reader = self._veil, self._reader
        return copy

    def _fetch_all(self) -> None:
        is_new = self._result_cache is None
        super()._fetch_all()
        if is_new and self._reader:
            self._result_cache = [self._shown(row) for row in self._result_cache or ()]

    def _shown(self, row: Any) -> Any:
        """The row as its reader may see it, and so the records joined to it."""
        if self._reader is None or not isinstance(row, models.Model):
            return row
        for joined in list(row._state.fields_cache.values()):
            if isinstance(joined, models.Model) and (veil := veil_of(rules_over(type(joined), self._reader))):
                lay_veil(joined, veil)
        return lay_veil(row, self._veil) if self._veil else row

    def _require_open(self, names: Iterable[object]) -> None:
        """What passes no veil (plain values, sums, an order) must not touch a column under one."""
        for name in names if self._veil else ():
            top = str(name).lstrip("-+").partition("__")[0]
            if top == "custom" and any(name.startswith(CUSTOM) for name in self._veil):
                raise Refused("not_permitted", verb="view", label=self.model._meta.label_lower)
            if top in self._veil or top.removesuffix("_id") in self._veil:
                raise Refused("not_permitted", verb="view", label=self.model._meta.label_lower)

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Sums over open columns; Refused("not_permitted") for one under the veil."""
        for expression in (*args, *kwargs.values()) if self._veil else ():
            self._require_open(part.name for part in expression.flatten() if isinstance(part, F))
        return super().aggregate(*args, **kwargs)

    def order_by(self, *names: Any) -> Self:
        """An order by open columns; Refused("not_permitted") for one under the veil."""
        self._require_open(name for name in names if isinstance(name, str))
        found: Self = super().order_by(*names)
        return found

    def _values(self, *fields: str, **expressions: Any) -> Self:
        self._require_open(fields)
        found: Self = super()._values(*fields, **expressions)  # type: ignore[misc]
        return found


def rules_over(model: type[models.Model], actor: Actor) -> Mapping[str, Rule]:
    """The field rules of an object type; a part of another has that one's too, for fields of the same name."""
    own = actor.rules(model._meta.label_lower)
    try:
        policy = policy_of(model)
    except KeyError:
        return own
    return {**actor.rules(policy.parent._meta.label_lower), **own} if policy.is_part and policy.parent else own


class Tracked(models.Model):
    """A table whose every change is kept in the history, however the change was made."""

    id = models.UUIDField(
        primary_key=True, default=uuid7, db_default=models.Func(function="zhike_uuid7", output_field=models.UUIDField()), editable=False
    )

    objects = RecordQuerySet.as_manager()

    # Columns that are worked out from other facts: they change without a person's doing and have no history.
    untracked: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True


class Record(Tracked):
    """Base of every object type that a person can open, list, share and look back on."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("负责人"),
    )
    team = models.ForeignKey(
        settings.ZHIKE_TEAM_MODEL,
        models.DO_NOTHING,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("团队"),
    )
    created_at = models.DateTimeField(_("建立时间"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("更新时间"), db_default=Now(), editable=False)
    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    batch_id = models.UUIDField(null=True, editable=False, verbose_name=_("导入批次"))
    custom = JSONDict(default=dict, db_default={}, blank=True, editable=False)

    class Meta:
        abstract = True


class Change(models.Model):
    """One deed of an actor: who, when, why and from where; history rows point here, undo starts here."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(db_default=Now(), editable=False)
    actor_kind = models.CharField(max_length=12)
    actor_id = models.IntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True)
    verb = models.CharField(max_length=40)
    label = models.CharField(max_length=80, blank=True)
    object_id = models.UUIDField(null=True)
    source = models.CharField(max_length=20, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    undoes = models.ForeignKey("self", models.CASCADE, null=True, related_name="undone_by")
    undone_at = models.DateTimeField(null=True)
    undo_progress = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["-at"], name="change_time"),
            models.Index(fields=["object_id", "-at"], name="change_of_object"),
            models.Index(fields=["actor_id", "-at"], name="change_reveal", condition=Q(verb="reveal")),
            models.Index(fields=["actor_id", "-at"], name="change_actor"),
            models.Index(fields=["label", "-at"], name="change_label"),
        ]


class HistoryEntry(models.Model):
    """One row of one change; `old` holds the values before it (all of them when the row was deleted).

    The table is partitioned by month and written by triggers only; see `zhike.kernel.history`.
    """

    hid = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    kind = models.SmallIntegerField()
    object_id = models.UUIDField()
    change = models.ForeignKey(Change, models.DO_NOTHING, null=True, db_constraint=False, related_name="entries")
    op = models.CharField(max_length=1)
    old = models.JSONField(null=True)

    class Meta:
        managed = False
        db_table = "kernel_history"


class TableKind(models.Model):
    """The small number that stands for a table in history and search."""

    kind = models.SmallAutoField(primary_key=True)
    table = models.CharField(max_length=80, unique=True)


class OutboxEvent(models.Model):
    """A fact to tell, written with the change it reports and kept until every listener has heard it."""

    name = models.CharField(max_length=80)
    payload = models.JSONField()
    at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True)
    tries = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(sent_at=None), name="outbox_waiting")]


class SearchDoc(models.Model):
    """What can be found of one record, beside the owner and team that decide who may find it."""

    id = models.UUIDField(primary_key=True)  # the record's own
    kind = models.SmallIntegerField()
    owner_id = models.IntegerField(null=True)
    team_id = models.IntegerField(null=True)
    updated_at = models.DateTimeField()
    title = models.TextField()  # its names, folded, for the second look at hits of three or more characters
    tsv = SearchVectorField()

    class Meta:
        indexes = [
            GinIndex(fields=["tsv"], name="search_words"),
            models.Index(fields=["owner_id", "-updated_at", "-id"], name="search_owner"),
            models.Index(fields=["team_id", "-updated_at", "-id"], name="search_team"),
            models.Index(fields=["kind", "-updated_at", "-id"], name="search_kind"),
        ]


class Attachment(Tracked):
    """A file kept with a record; who sees the record sees the file."""

    kind = models.SmallIntegerField()
    object_id = models.UUIDField()
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    added_by = models.IntegerField(null=True)
    added_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["object_id", "-added_at"], name="attachment_of_object")]


class Preference(models.Model):
    """A person's own setting of a screen, such as the columns of a list."""

    user_id = models.IntegerField()
    key = models.CharField(max_length=100)
    value: Any = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user_id", "key"], name="preference_once")]


class ExportRecord(models.Model):
    """Who took which rows out of the house, when, and by which filters."""

    at = models.DateTimeField(db_default=Now())
    actor_id = models.IntegerField(null=True)
    actor_name = models.CharField(max_length=150, blank=True)
    label = models.CharField(max_length=80)
    filters = models.TextField(blank=True)
    columns: Any = models.JSONField()
    format = models.CharField(max_length=10)
    rows = models.IntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["-at"], name="export_time")]


class Share(Tracked):
    """One record opened to a person or a team beyond their scope, to look at or to change, until a moment or for good."""

    kind = models.SmallIntegerField()
    object_id = models.UUIDField()
    user_id = models.IntegerField(null=True)
    team_id = models.IntegerField(null=True)
    can_change = models.BooleanField(default=False, db_default=False)
    until = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True, db_default="")
    given_by = models.IntegerField(null=True)
    given_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["object_id", "user_id", "team_id"], name="share_once", nulls_distinct=False),
            models.CheckConstraint(
                condition=Q(user_id=None, team_id__isnull=False) | Q(user_id__isnull=False, team_id=None), name="share_with_somebody"
            ),
        ]
        indexes = [
            models.Index(fields=["user_id"], include=["object_id", "kind", "can_change", "until"], name="share_of_person"),
            models.Index(fields=["team_id"], include=["object_id", "kind", "can_change", "until"], name="share_of_team"),
        ]
