"""Values of a company's own fields as SQL: one expression a field, the same in filters, orders and indexes.

In an expression a column is written as a token (`col("custom")`), so that it can be put for any table or alias.
Numbers lie in JSON as texts, which keeps them exact; days and moments as ISO texts, which sort as they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.db import models
from django.db.models import Expression, F

MARK = "\x01"
TOKEN = re.compile(f"{MARK}(\\w+){MARK}")
LOWEST = "-Infinity"
LONGEST_KEY = 200

SQL_FUNCTIONS = """
create or replace function zhike_number(value text) returns numeric language sql immutable parallel safe as $$
  select case when value ~ '^-?[0-9]{1,20}([.][0-9]{1,20})?$' then value::numeric end
$$;
create or replace function zhike_day(value text) returns date language sql immutable parallel safe as $$
  select case when value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}'
    then make_date(substr(value, 1, 4)::int, substr(value, 6, 2)::int, substr(value, 9, 2)::int) end
$$;
create or replace function zhike_moment_day(value text) returns date language sql immutable parallel safe as $$
  select case when value ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$' then ((make_timestamp(
    substr(value, 1, 4)::int, substr(value, 6, 2)::int, substr(value, 9, 2)::int,
    substr(value, 12, 2)::int, substr(value, 15, 2)::int, substr(value, 18, 2)::int) at time zone 'UTC') at time zone 'Asia/Shanghai')::date end
$$;
create or replace function zhike_custom_back(custom jsonb, old jsonb) returns jsonb language sql immutable parallel safe as $$
  select jsonb_strip_nulls(coalesce(custom, '{}') || coalesce((
    select jsonb_object_agg(substr(e.key, 4), e.value) from jsonb_each(old) e where starts_with(e.key, 'cf_')), '{}'))
$$;
create or replace function zhike_fields_changed() returns trigger language plpgsql as $$begin
  insert into kernel_fieldcatalogue (id, version) values (1, (extract(epoch from clock_timestamp()) * 1000000)::bigint)
  on conflict (id) do update set version = excluded.version;
  return null; end$$;
"""
SQL_TRIGGER = """
create or replace trigger fields_changed after insert or update or delete on kernel_customfield
for each statement execute function zhike_fields_changed();
insert into kernel_fieldcatalogue (id, version) values (1, 1) on conflict do nothing;
"""


def col(name: str) -> str:
    """A column of the record's table, as a token."""
    return f"{MARK}{name}{MARK}"


def text_of(key: str) -> str:
    """The stored text of a field; null when it is empty."""
    return f"({col('custom')} ->> '{key}')"


def text_key(text: str) -> str:
    """A text as something to compare: never null, short enough for an index, in the order of its characters."""
    return f"(coalesce(left({text}, {LONGEST_KEY}), '') collate \"C\")"


def number_key(number: str) -> str:
    """A number as something to compare: empty is below all others."""
    return f"coalesce({number}, '{LOWEST}'::numeric)"


def choice_key(key: str, codes: Sequence[str]) -> str:
    """A choice by the place of its code; empty comes before the first."""
    listed = ",".join(codes)
    return f"coalesce(array_position('{{{listed}}}'::text[], {text_of(key)}), 0)"


def on_table(sql: str, table: str) -> str:
    """The expression for a table (quoted already), for SQL that is run with parameters."""
    return TOKEN.sub(rf'{table}."\1"', sql.replace("%", "%%"))


def bare(sql: str) -> str:
    """The expression as an index definition has it: columns by their bare names, nothing escaped."""
    return TOKEN.sub(r'"\1"', sql)


class OwnSql(Expression):
    """An expression with tokens as part of a query of the ORM."""

    def __init__(self, sql: str, output_field: models.Field[Any, Any]) -> None:
        super().__init__(output_field=output_field)
        self.sql = sql
        self.columns: list[Any] = [F(name) for name in dict.fromkeys(TOKEN.findall(sql))]
        self.names = list(dict.fromkeys(TOKEN.findall(sql)))

    def get_source_expressions(self) -> list[Any]:
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.columns = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        del connection
        found = {name: compiler.compile(column)[0] for name, column in zip(self.names, self.columns, strict=True)}
        return TOKEN.sub(lambda token: found[token.group(1)], self.sql.replace("%", "%%")), []
