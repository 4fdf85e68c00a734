"""What records say against an arrangement, before it is switched on: values there twice, records without one."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from zhike.kernel.customfields.catalogue import Definitions
from zhike.kernel.customfields.sql import on_table, text_of
from zhike.kernel.customfields.tables import CustomField
from zhike.kernel.errors import Refused
from zhike.kernel.registry import objects

CAP = 10_000  # counted up to here


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """How many records stand against something (CAP + 1: more), and the list that shows them."""

    count: int
    url: str


def _table(field: CustomField) -> str:
    return f'"{objects.get(field.label).model._meta.db_table}"'


def _url(field: CustomField, op: str) -> str:
    return f"/{objects.get(field.label).slug}/?cf_{field.key}.{op}=1"


def twice(field: CustomField) -> Against:
    """Records whose value another record has too."""
    table = _table(field)
    value = on_table(text_of(field.key), table)
    sql = (
        f"select count(*) from (select 1 from {table} where {value} in "
        f"(select {value} from {table} where {value} is not null group by 1 having count(*) > 1) limit {CAP + 1}) x"
    )
    return Against(count=_one(sql), url=_url(field, "twice"))


def missing(field: CustomField) -> Against:
    """Records that have no value."""
    table = _table(field)
    sql = f"select count(*) from (select 1 from {table} where {on_table(text_of(field.key), table)} is null limit {CAP + 1}) x"
    return Against(count=_one(sql), url=_url(field, "none"))


def filled(field: CustomField) -> int:
    """About how many records have a value, from a sample of pages; exact for small tables."""
    table = _table(field)
    with connection.cursor() as cursor:
        cursor.execute("select greatest(reltuples, 0)::bigint, relpages from pg_class where oid = to_regclass(%s)", [table])
        rows, pages = cursor.fetchone()
    value = on_table(text_of(field.key), table)
    if pages < 2_000:
        return _one(f"select count(*) from {table} where {value} is not null")
    share = min(100.0, 100.0 * 500 / pages)
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*), count({value}) from {table} tablesample system ({share}) repeatable (7)")
        looked, found = cursor.fetchone()
    return int(rows * found / looked) if looked else 0


def _one(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("%", "%%"), [])
        return int(cursor.fetchone()[0])


def require_ready(field: CustomField, *, was_unique: bool, was_required: bool) -> None:
    """Refused("values_twice") when a field shall be unique and is not, ("formula_needs") when its kind left a formula without sense."""
    del was_required  # required says what has to be given from now on; what is missing is shown beside the switch
    if field.is_unique and not was_unique:
        against = twice(field)
        if against.count:
            raise Refused("values_twice", count=against.count, url=against.url)
    rows = list(CustomField.objects.filter(label=field.label, is_archived=False).exclude(pk=field.pk))
    bad = Definitions(objects.get(field.label).model, [*rows, field]).bad if not field.is_archived else {}
    for refusal in bad.values():
        raise refusal
