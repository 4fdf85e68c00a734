"""Indexes of own fields: made and dropped beside the work of others until those present are those wanted."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F

from zhike.kernel.customfields import indexes
from zhike.kernel.customfields.catalogue import Definitions, current_version, wanted_indexes
from zhike.kernel.customfields.indexes import IndexPlan
from zhike.kernel.customfields.tables import CustomField, FieldCatalogue, FieldWork
from zhike.kernel.jobs import every, job
from zhike.kernel.registry import objects

LOCK = "hashtextextended('zhike.fieldindexes', 0)"
SQL_PROGRESS = """
select c.relname, p.phase, case when p.blocks_total > 0 then 100 * p.blocks_done / p.blocks_total end
from pg_stat_progress_create_index p join pg_class c on c.oid = p.index_relid where p.datname = current_database()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """How far the indexes of one field are: made of wanted, percent of the one at work, why one could not be made."""

    made: int
    wanted: int
    percent: int | None = None
    error: str = ""


def have_indexes_made() -> None:
    """Let the worker bring the indexes up to date, after the transaction that asked for it."""
    make_indexes.defer()


def wanted() -> dict[str, tuple[CustomField, IndexPlan]]:
    """Every index that the definitions ask for now, by name."""
    found: dict[str, tuple[CustomField, IndexPlan]] = {}
    rows = list(CustomField.objects.filter(is_archived=False).order_by("label", "position"))
    for label in dict.fromkeys(row.label for row in rows):
        if not objects.has(label):
            continue
        model = objects.get(label).model
        own = [row for row in rows if row.label == label]
        made = Definitions(model, own).made()
        for row in own:
            found |= {plan.name: (row, plan) for plan in wanted_indexes(model, row, made[row.pk])}
    return found


def bring_up_to_date() -> list[str]:
    """Make what is wanted and missing, drop what is there and not wanted; the names of both. Safe to run at any time.

    Inside a transaction (tests) indexes are made plainly, otherwise beside running work, which needs no long lock.
    """
    beside = not connection.in_atomic_block
    with connection.cursor() as cursor:
        cursor.execute(f"select pg_try_advisory_lock({LOCK})")
        if not cursor.fetchone()[0]:
            return []
    try:
        return _bring_up_to_date(beside)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"select pg_advisory_unlock({LOCK})")


def _bring_up_to_date(beside: bool) -> list[str]:
    asked, there = wanted(), indexes.present()
    done = [name for name, is_valid in there.items() if name not in asked or not is_valid]
    for name in done:
        _run(f'drop index {"concurrently " if beside else ""}if exists "{name}"')
    tables = set()
    for name, (row, plan) in asked.items():
        if there.get(name):
            continue
        if _make(row, plan, beside):
            tables.add(plan.table)
            done.append(name)
    for table in tables:
        _run(f'analyze "{table}"')
    if done:
        # What serves a field is part of its definition as readers see it.
        FieldCatalogue.objects.filter(version=current_version()).update(version=F("version") + 1)
    return done


def _make(row: CustomField, plan: IndexPlan, beside: bool) -> bool:
    """Make one index; one that cannot be made is noted with its field, and leaves nothing behind."""
    FieldWork.objects.filter(field_id=row.pk, kind="index").delete()
    try:
        with transaction.atomic() if not beside else _plain():
            _run("set statement_timeout = 0" if beside else "select 1")
            _run(plan.create_sql(concurrently=beside))
    except (IntegrityError, DatabaseError) as error:
        code = "values_twice" if isinstance(error, IntegrityError) else "index_failed"
        _run(f'drop index {"concurrently " if beside else ""}if exists "{plan.name}"')
        FieldWork.objects.create(field_id=row.pk, kind="index", state=FieldWork.State.FAILED, error=code)
        return False
    return True


class _plain:
    """A block without a transaction."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *told: object) -> None:
        return None


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@job(queue="default", lock="field_indexes")
def make_indexes() -> None:
    """Bring the indexes up to date."""
    bring_up_to_date()


@every("*/10 * * * *")
def mend_indexes() -> None:
    """Make again what a crash left half made, and drop what an undo left over."""
    bring_up_to_date()


def building(field: CustomField) -> Building | None:
    """How far a field's indexes are; None when it has all it asks for."""
    mine = [plan.name for row, plan in wanted().values() if row.pk == field.pk]
    there = indexes.present()
    made = sum(there.get(name, False) for name in mine)
    failed = FieldWork.objects.filter(field_id=field.pk, kind="index", state=FieldWork.State.FAILED).values_list("error", flat=True).first()
    if made == len(mine) and not failed:
        return None
    with connection.cursor() as cursor:
        cursor.execute(SQL_PROGRESS)
        percents = {name: percent for name, _phase, percent in cursor.fetchall()}
    percent = next((percents[name] for name in mine if name in percents), None)
    return Building(made=made, wanted=len(mine), percent=int(percent) if percent is not None else None, error=failed or "")
