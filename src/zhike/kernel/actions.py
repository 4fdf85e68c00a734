"""Do: what every change shares: one transaction, a fresh row under lock, the policy, the rule, history and event."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar, Concatenate, ParamSpec, TypeVar, cast

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from . import history
from .actor import Actor, Rule
from .customfields import values as own_values
from .customfields.indexes import field_of_clash
from .errors import Refused
from .events import Event, publish
from .fielddefs import is_custom_name
from .fields import field_of
from .followups import settle
from .models import Record, Tracked
from .policy import policy_of

P = ParamSpec("P")
R = TypeVar("R", bound=Tracked)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsChanged(Event):
    """Records of one type were made, changed or deleted; `fields` is empty for a new or deleted one.

    `is_found`: their search documents are written already.
    """

    name: ClassVar[str] = "kernel.records_changed"

    label: str
    ids: list[str]
    verb: str
    fields: list[str]
    is_found: bool = False


def action(*, needs: str) -> Callable[[Callable[Concatenate[R, P], T]], Callable[Concatenate[R, P], T]]:
    """Run a rule on a freshly read, locked record that `by` may act on.

    The rule takes the record first and `by: Actor` by keyword. Raises Refused("not_permitted") or ("gone").
    """

    def wrap(rule: Callable[Concatenate[R, P], T]) -> Callable[Concatenate[R, P], T]:
        @wraps(rule)
        def run(record: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
            by = kwargs["by"]
            assert isinstance(by, Actor)
            model = type(record)
            with transaction.atomic():
                fresh = model.objects.select_for_update(of=("self",)).filter(pk=record.pk).first()
                if fresh is None:
                    raise Refused("gone", label=model._meta.label_lower)
                policy_of(model).require(by, needs, fresh)
                change = history.begin_change(by, verb=rule.__name__, label=model._meta.label_lower, object_id=record.pk)
                done = rule(cast("R", fresh), *args, **kwargs)
                settle(str(change.pk), model._meta.label_lower)
                return done

        return run

    return wrap


def creation(model: type[R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Run a rule that makes a record of `model`; the actor needs a grant to create it."""

    def wrap(rule: Callable[P, R]) -> Callable[P, R]:
        @wraps(rule)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            by = kwargs["by"]
            assert isinstance(by, Actor)
            policy_of(model).require_any(by, "create")
            with transaction.atomic():
                change = history.begin_change(by, verb=rule.__name__, label=model._meta.label_lower)
                made = rule(*args, **kwargs)
                settle(str(change.pk), model._meta.label_lower)
                return made

        return run

    return wrap


def the_only(model: type[R], *, by: Actor, **key: Any) -> R:
    """The one row of a table of settings, made by a change of its own while there is none. Raises Refused("not_permitted")."""
    policy_of(model).require_any(by, "change")
    found = model._default_manager.filter(**key).first()
    if found is None:
        with transaction.atomic():
            history.begin_change(by, verb="create", label=model._meta.label_lower)
            found = model._default_manager.get_or_create(**key)[0]
    return cast("R", found)


def save_new(record: R, *, by: Actor) -> R:
    """Store a new record inside a creation; owner and team default to the actor's, own fields to what the company set.

    Raises Refused("taken", field=...) when a value that must be unique exists already, ("required") for an own field.
    """
    _unveiled(record)
    if isinstance(record, Record):
        record.owner_id = record.owner_id or by.user_id
        record.team_id = record.team_id or by.home_team
        own_values.complete(record, by=by)
    check_shape(record)
    try:
        with transaction.atomic():
            record.save(force_insert=True)
    except IntegrityError as clash:
        raise refused_by(clash) from clash
    _tell(record, "created", [])
    return record


def save_change(record: R, *fields: str, expected: int | None = None) -> R:
    """Store the named fields of a locked record, raise its version, and tell.

    Raises Refused("changed_meanwhile") when `expected` is not the stored version any more.
    """
    _unveiled(record)
    if isinstance(record, Record):
        if expected is not None and expected != record.version:
            raise Refused("changed_meanwhile", version=record.version)
        record.version += 1
        record.updated_at = timezone.now()
        stored = [*dict.fromkeys("custom" if is_custom_name(name) else name for name in fields), "version", "updated_at"]
    else:
        stored = list(fields)
    check_shape(record, only=fields)
    try:
        with transaction.atomic():
            record.save(update_fields=stored)
    except IntegrityError as clash:
        raise refused_by(clash) from clash
    _tell(record, "changed", list(fields))
    return record


def _unveiled(record: Tracked) -> None:
    """RuntimeError for a row that was read for somebody's eyes: storing it would lose what he may not see."""
    if getattr(record, "is_veiled", False):
        raise RuntimeError(f"{record._meta.label} was read for showing and must not be stored.")


def require_fields(by: Actor, label: str, names: Iterable[str], *, is_new: bool = False) -> None:
    """Refused("field_not_permitted") for a field that the actor may not write.

    Of a new record everything but hidden fields may be given; later a read-only or masked field stays as it is.
    """
    rules = by.rules(label)
    for name in names if rules else ():
        rule = rules.get(name) or rules.get(name.removesuffix("_id"))
        if rule is Rule.HIDDEN or (rule and not is_new):
            raise Refused("field_not_permitted", field=name, label=label)


def remove(record: Tracked) -> None:
    """Delete a locked record and what belongs to it; the history keeps all of it for undo."""
    told = RecordsChanged(label=record._meta.label_lower, ids=[str(record.pk)], verb="deleted", fields=[])
    try:
        with transaction.atomic():
            record.delete()
    except models.ProtectedError as kept:
        raise Refused("still_needed", count=len(kept.protected_objects)) from kept
    publish(told)


def refused_by(clash: IntegrityError) -> Refused:
    """A broken constraint as a refusal that names it."""
    diagnostic = getattr(clash.__cause__, "diag", None)
    name = getattr(diagnostic, "constraint_name", "") or ""
    if own := field_of_clash(name):
        return Refused("taken", constraint=name, field=own)
    if getattr(clash.__cause__, "sqlstate", "") == "23505":
        detail = str(getattr(diagnostic, "message_detail", ""))
        field = detail.partition("(")[2].partition(")")[0]
        return Refused("taken", constraint=name, field=field, **_title(str(getattr(diagnostic, "table_name", "")), field))
    return Refused("rule_broken", constraint=name)


def _title(table: str, field: str) -> dict[str, str]:
    """How people call a column, where it is one of a model."""
    models_here = (model for model in apps.get_models() if model._meta.db_table == table)
    named = next((one for model in models_here for one in model._meta.concrete_fields if one.name == field), None)
    return {"title": str(named.verbose_name)} if named else {}


def check_shape(record: models.Model, only: tuple[str, ...] | None = None) -> None:
    """Raise Refused("invalid_value") for a value that is not as the model declares it; uniqueness is the database's to say."""
    skipped = [f.name for f in record._meta.fields if only is not None and f.name not in only]
    try:
        record.clean_fields(exclude={*skipped, "owner", "team"})
    except ValidationError as wrong:
        field, problems = next(iter(wrong.error_dict.items()))
        raise Refused("invalid_value", field=field, why=str(problems[0].code)) from wrong


def _tell(record: models.Model, verb: str, fields: list[str]) -> None:
    publish(RecordsChanged(label=record._meta.label_lower, ids=[str(record.pk)], verb=verb, fields=fields))


def prepared(model: type[Tracked], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as the object type stores them: its own `prepare` adds what follows from them (keys, normal forms)."""
    rule = _prepare.get(model)
    return rule(dict(values)) if rule else dict(values)


Prepare = Callable[[dict[str, Any]], dict[str, Any]]
_prepare: dict[type[Tracked], Prepare] = {}


def set_prepare(model: type[Tracked], rule: Prepare) -> None:
    _prepare[model] = rule


def create_record(model: type[R], values: Mapping[str, Any], *, by: Actor) -> R:
    """Make a record of any plain object type."""

    @creation(model)
    def create(*, by: Actor) -> R:
        require_fields(by, model._meta.label_lower, values, is_new=True)
        given = own_values.split(values)
        record = model(**prepared(model, given.plain))
        _put_own(record, given.own, by=by)
        return save_new(record, by=by)

    return create(by=by)


def change_record(record: R, values: Mapping[str, Any], *, by: Actor, expected: int | None = None) -> R:
    """Change fields of any plain object type; what already holds is not written again."""

    @action(needs="change")
    def change(fresh: R, *, by: Actor) -> R:
        require_fields(by, fresh._meta.label_lower, values)
        given = own_values.split(values)
        wanted = prepared(type(fresh), given.plain)
        differing = [name for name, value in wanted.items() if getattr(fresh, field_of(fresh, name).attname) != _plain(value)]
        for name in differing:
            setattr(fresh, name, wanted[name])
        differing += _put_own(fresh, given.own, by=by)
        if not differing:
            return fresh
        return save_change(fresh, *differing, expected=expected)

    return change(record, by=by)


def _put_own(record: Tracked, given: Mapping[str, Any], *, by: Actor) -> list[str]:
    """Merge values of own fields into what the row holds; the names of those that differ."""
    before = record.custom if isinstance(record, Record) else {}
    patch = own_values.patch_of(type(record), given, before, by=by)
    if patch and isinstance(record, Record):
        record.custom = own_values.merged(before, patch)
    return own_values.names_of(patch)


def delete_record(record: R, *, by: Actor) -> uuid.UUID:
    """Delete a record; the answer is the change that undo takes back."""

    @action(needs="delete")
    def delete(fresh: R, *, by: Actor) -> uuid.UUID:
        del by
        remove(fresh)
        change = history.current_change()
        assert change is not None
        return change

    return delete(record, by=by)


def _plain(value: Any) -> Any:
    return value.pk if isinstance(value, models.Model) else value
