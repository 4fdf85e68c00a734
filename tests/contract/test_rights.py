"""Scope against owner, over every way a record shows: list, next rows, count, filters, search, export, peek, page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.db import transaction

from tests.cast import CAST
from tests.contract.conftest import NAMES, Samples
from tests.made import CHANGES
from zhike.kernel.actions import change_record, delete_record
from zhike.kernel.errors import Refused
from zhike.kernel.lists.pages import listing, rows, size_counted
from zhike.kernel.search.finding import find
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.web import Web

MakeSamples = Callable[[ObjectSpec], Samples]
LogIn = Callable[[str], Web]
each_person = pytest.mark.parametrize("who", [member.name for member in CAST])


def owners_in(text: str) -> set[str]:
    """Whose records a text shows."""
    return {owner for owner, name in NAMES.items() if name in text}


@each_person
def test_list_shows_what_one_may_see(who: str, spec: ObjectSpec, samples: MakeSamples, web: LogIn) -> None:
    expected = samples(spec).seen_by(spec, who)
    page = web(who).get(f"/{spec.slug}/")
    assert page.status == (200 if expected else 403)
    assert owners_in(page.text) == expected


@each_person
def test_next_rows_and_count_show_what_one_may_see(who: str, spec: ObjectSpec, samples: MakeSamples, web: LogIn) -> None:
    expected = samples(spec).seen_by(spec, who)
    assert owners_in(web(who).part(f"/{spec.slug}/rows").text) == expected
    if expected:
        counted = web(who).part(f"/{spec.slug}/count")
        assert int(re.sub(r"\D", "", counted.text) or -1) == len(expected), counted.text


@each_person
def test_every_filter_stays_within_what_one_may_see(who: str, spec: ObjectSpec, samples: MakeSamples) -> None:
    made = samples(spec)
    actor, expected = made.actors[who], made.seen_by(spec, who)
    by_pk = {record.pk: owner for owner, record in made.records.items()}
    for params in _wide_filters(spec):
        wanted = listing(spec, actor, params)
        found = {by_pk[record.pk] for record in rows(wanted).records if record.pk in by_pk}
        assert found <= expected, params
        assert size_counted(wanted).count <= len(expected), params


def _wide_filters(spec: ObjectSpec) -> Iterator[dict[str, str]]:
    """One address for each filter that keeps as much as the filter can."""
    wide = {
        "choice": ("not", "-"),
        "number": ("not", "99"),
        "person": ("not", "0"),
        "range": ("ge", "-1"),
        "dates": ("le", "2199-01-01"),
        "shared": ("is", "me"),
    }
    for item in spec.filters:
        if item.name == "batch":  # asks for ids only, and keeps nothing that was not imported
            continue
        op, value = ("any", "1") if item.build or item.where else wide[item.kind]
        yield {f"{item.name}.{op}": value}


@each_person
def test_search_finds_what_one_may_see(who: str, spec: ObjectSpec, samples: MakeSamples, web: LogIn) -> None:
    made = samples(spec)
    if spec.search is None:
        pytest.skip("cannot be searched for")
    expected, client = made.seen_by(spec, who), web(who)
    for address in ("/search/suggest", "/search/"):
        found = {
            owner
            for owner, name in NAMES.items()
            if f'href="/{spec.slug}/{made.records[owner].pk}/' in client.part(f"{address}?q={name}").text
        }
        assert found == expected, address
    hits = [hit.pk for owner in NAMES for group in find(made.actors[who], NAMES[owner]) if group.spec is spec for hit in group.records]
    assert sorted(hits) == sorted(made.records[owner].pk for owner in expected)


@each_person
@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_export_holds_what_one_may_export(who: str, kind: str, spec: ObjectSpec, samples: MakeSamples, web: LogIn) -> None:
    expected = samples(spec).seen_by(spec, who, "export")
    file = web(who).get(f"/{spec.slug}/export?format={kind}")
    assert file.status == (200 if expected else 403)
    if kind == "csv":
        assert owners_in(file.text) == expected


@each_person
def test_pages_open_for_records_one_may_see(who: str, spec: ObjectSpec, samples: MakeSamples, web: LogIn) -> None:
    made = samples(spec)
    expected, client = made.seen_by(spec, who), web(who)
    for owner, record in made.records.items():
        for part in ("", "peek", "row", "timeline"):
            answer = client.part(f"/{spec.slug}/{record.pk}/{part}")
            assert answer.status == (200 if owner in expected else 403), (owner, part)
            assert owner in expected or NAMES[owner] not in answer.text


@each_person
def test_actions_reach_what_one_may_change_and_delete(who: str, spec: ObjectSpec, samples: MakeSamples) -> None:
    made = samples(spec)
    field, value, _stored = CHANGES[spec.label]
    actor = made.actors[who]
    for verb, deed in (("change", lambda r: change_record(r, {field: value}, by=actor)), ("delete", lambda r: delete_record(r, by=actor))):
        done, codes = set(), set()
        for owner, record in made.records.items():
            try:
                with transaction.atomic():
                    deed(record)
                done.add(owner)
            except Refused as refusal:
                codes.add(refusal.code)
        assert done == made.seen_by(spec, who, verb), verb
        assert codes <= {"not_permitted"}


@each_person
def test_bulk_changes_reach_what_one_may_change(who: str, spec: ObjectSpec, samples: MakeSamples, web: LogIn) -> None:
    made = samples(spec)
    field, text, stored = CHANGES[spec.label]
    ids = ",".join(str(record.pk) for record in made.records.values())
    answer = web(who).post(f"/{spec.slug}/bulk/set/{field}?ids={ids}", {field: text})
    expected = made.seen_by(spec, who, "change")
    changed = {owner for owner, record in made.records.items() if getattr(type(record).objects.get(pk=record.pk), field) == stored}
    assert changed == expected
    assert answer.status == (204 if expected else answer.status)


@each_person
def test_bulk_delete_reaches_what_one_may_delete(who: str, spec: ObjectSpec, samples: MakeSamples, web: LogIn) -> None:
    made = samples(spec)
    ids = ",".join(str(record.pk) for record in made.records.values())
    web(who).post(f"/{spec.slug}/bulk/delete?ids={ids}")
    left = {owner for owner, record in made.records.items() if type(record).objects.filter(pk=record.pk).exists()}
    assert set(NAMES) - left == made.seen_by(spec, who, "delete")
