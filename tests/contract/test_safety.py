"""Attacks on every address of the product, walked from the table of routes: a new address is attacked without another line.

Forms from elsewhere, changes by a mere look, answers that a cache or a frame could keep, parameters of no sense.
What is attacked elsewhere stands in docs/safety.md.
"""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.urls import Resolver404, resolve

from tests.cast import user_of
from tests.contract.conftest import SPECS, Samples
from tests.contract.routes import ROUTES
from zhike.kernel.registry import objects
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.proofs import written
from zhike.kernel.testing.web import BACKEND, Web

LogIn = Callable[[str], Web]
MakeSamples = Callable[[ObjectSpec], Samples]
NOTHING = str(uuid.UUID(int=7))
# Answered by signed tokens of their own instead of a form's: a program carries a bearer token, a log-in system signs its answer.
SIGNED_OTHERWISE = {"login/saml/<slug:organization_slug>/acs/"}
NASTY = (
    "\x00", "a\x00b", "'\"; drop table customers_customer; --", "\r\nSet-Cookie: own=1", "9" * 400, "-1", "1e999999", "%", "\ud800",
    "../../../../etc/passwd", "x" * 20_000, "{{7*7}}${7*7}", "[]", "\u202e", "(" * 200,
)  # fmt: skip
READS = [name for name, route in ROUTES.items() if not route.is_api and not name.startswith(("login/", "logout/", "account/"))]
READ = re.compile(r"""request\.(?:GET|POST)(?:\.get|\.getlist)?[\(\[]\s*"([\w-]+)\"""")
LISTS = ("sort", "after", "view", "q", "columns", "group", "before", "at", "peek", "value", "ids", "all", "version", "name")


def _path(name: str, slug: str = "customers", pk: object = NOTHING) -> str:
    route = ROUTES[name]
    used = route.slugs[0] if route.slugs else slug
    rest = dict.fromkeys(("change", "file", "run", "line", "share", "view", "work"), NOTHING)
    field = next(iter(objects.by_slug(used).form), "name") if objects.by_slug(used) else "name"  # type: ignore[union-attr]
    return route.path.format(slug=used, pk=pk, field=field, filter="city", group="city", panel="tags", q="x", **rest)


def _admin(*, checks: bool = False) -> Client:
    client = Client(enforce_csrf_checks=checks, raise_request_exception=False)
    client.force_login(user_of("管理员"), backend=BACKEND)
    return client


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if not route.is_api and name not in SIGNED_OTHERWISE])
def test_a_form_from_elsewhere_is_refused(name: str, db: None) -> None:
    client, before = _admin(checks=True), written()
    sent = client.post(_path(name), ROUTES[name].form or {}, headers={"Origin": "https://evil.example", "HX-Request": "true"})
    assert sent.status_code == 403
    assert client.post(_path(name), {"csrfmiddlewaretoken": "a" * 64}).status_code == 403
    assert written() == before


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.form is not None and not route.is_open])
def test_a_look_changes_nothing(name: str, samples: MakeSamples) -> None:
    """An address that is posted to is not obeyed when it is only opened, as by an image in a letter."""
    record = samples(objects.by_slug(ROUTES[name].slugs[0] if ROUTES[name].slugs else "customers") or SPECS[0]).records["陈默"]
    before = written()
    answer = _admin().get(_path(name, pk=record.pk))
    assert answer.status_code in (200, 302, 404, 405, 422), answer.status_code
    assert written() == before


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.form is None and not route.is_api])
def test_answers_are_for_one_person_and_no_frame(name: str, samples: MakeSamples) -> None:
    spec = objects.by_slug(ROUTES[name].slugs[0] if ROUTES[name].slugs else "customers") or SPECS[0]
    answer = _admin().get(_path(name, pk=samples(spec).records["陈默"].pk))
    assert answer.status_code < 500
    if answer.status_code == 200:
        assert set(answer["Cache-Control"].split(", ")) & {"private", "no-store"}, answer["Cache-Control"]
        assert "public" not in answer["Cache-Control"]
    assert (answer["X-Frame-Options"], answer["X-Content-Type-Options"]) == ("DENY", "nosniff")
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["Referrer-Policy"] == "same-origin"


@cache
def _names_read(path: str) -> tuple[str, ...]:
    """Parameters that the module of an address reads by name."""
    try:
        view = inspect.unwrap(resolve(path.partition("?")[0]).func)
    except Resolver404:
        return ()
    return tuple(dict.fromkeys([*READ.findall(inspect.getsource(inspect.getmodule(view) or inspect)), *LISTS]))


def _asked(name: str, path: str, client: Client) -> Iterator[tuple[str, str, HttpResponseBase]]:
    """Each parameter alone with a value that breaks most things, then all at once with each value."""
    bare, _mark, _query = path.partition("?")
    names = _names_read(path)
    tries = [({one: value}, one, value) for one in names for value in ("\x00", "'9" + "9" * 30)]
    tries += [(dict.fromkeys(names, value), "all", value) for value in NASTY]
    for values, one, value in tries:
        told = {key: text.encode("utf-8", "surrogatepass").decode("latin-1") if "\ud800" in text else text for key, text in values.items()}
        route = ROUTES[name]
        if route.form is not None:
            yield one, value, client.post(bare, {**route.form, **told}, headers={"HX-Request": "true"})
        else:
            yield one, value, client.get(bare, told, headers={"HX-Request": "true"})


def _broken(answers: Iterator[tuple[str, str, HttpResponseBase]]) -> list[tuple[str, str, int]]:
    found = []
    for one, value, answer in answers:
        text = "" if answer.streaming else answer.content.decode("utf-8", "replace")  # type: ignore[attr-defined]
        if answer.status_code >= 500 or "Traceback" in text or "psycopg" in text:
            found.append((one, value[:40], answer.status_code))
        assert "own" not in answer.cookies
    return found


@pytest.mark.parametrize("name", READS)
def test_parameters_of_no_sense_are_told_so(name: str, samples: MakeSamples) -> None:
    spec = objects.by_slug(ROUTES[name].slugs[0] if ROUTES[name].slugs else "customers") or SPECS[0]
    path = _path(name, pk=samples(spec).records["陈默"].pk)
    assert _broken(_asked(name, path, _admin())) == []


@pytest.mark.parametrize("name", [name for name in ROUTES if "<int:" in name or "<str:" in name or "<slug:" in name])
def test_parts_of_an_address_of_no_sense_are_not_found(name: str, db: None) -> None:
    client = _admin()
    for value in ("9" * 30, "%00", "x" * 3000, "%27--", "%F0%9F%98%80", "..%2F..", "%0d%0aSet-Cookie:own=1"):
        path = "/" + re.sub(r"<(int|str|slug|path):\w+>", value, re.sub(r"<uuid:\w+>", NOTHING, name))
        for answer in (client.get(path), client.post(path)):
            assert answer.status_code < 500, (path[:200], answer.status_code)
            assert "own" not in answer.cookies


LINKS = [
    (spec, item.name)
    for spec in SPECS
    for item in spec.filters
    if item.model is not None and objects.has(item.model._meta.label_lower) and not objects.of(item.model).policy.shared
]


@pytest.mark.parametrize(("spec_of", "name"), LINKS, ids=[f"{spec.slug}-{name}" for spec, name in LINKS])
def test_a_filter_by_a_foreign_record_tells_nothing_of_it(spec_of: ObjectSpec, name: str, samples: MakeSamples, web: LogIn) -> None:
    item = spec_of.filter(name)
    assert item is not None
    assert item.model is not None
    parent = samples(objects.of(item.model)).records["陈默"]
    for path in ("", "rows", "count", "filters", f"filter/{name}", "columns", "export", "views/new", "as-of"):
        answer = web("林悦").part(f"/{spec_of.slug}/{path}?{name}={parent.pk}&at=now")
        assert str(parent) not in answer.text, path
        assert str(parent) not in str(answer.headers), path


def test_forms_do_not_take_a_foreign_record(samples: MakeSamples, web: LogIn) -> None:
    """In the address of a dialog, and in what it posts: no name is told, nothing is linked."""
    foreign = samples(objects.get("customers.customer")).records["陈默"]
    orders = samples(objects.get("orders.order")).records["林悦"]
    person = web("林悦")
    assert "番禺丙" not in person.part(f"/orders/new?customer={foreign.pk}").text
    before = written()
    sent = {"number": "SO-77", "ordered_at": "2026-03-05T10:30", "customer": foreign.pk, "value": foreign.pk}
    for answer in (person.post("/orders/new", sent), person.post(f"/orders/{orders.pk}/edit/customer", sent)):
        assert "番禺丙" not in answer.text
        assert "番禺丙" not in answer.toast
    assert written() == before


@pytest.mark.parametrize("kind", [spec for spec in SPECS if not spec.policy.shared], ids=lambda kind: kind.slug)
def test_a_foreign_record_does_not_come_by_way_of_ones_own(kind: ObjectSpec, samples: MakeSamples, web: LogIn) -> None:
    """Files, shares and ids of many that belong to another record are not reached through the address of one's own."""
    made = samples(kind)
    own, foreign, person = made.records["林悦"], made.records["陈默"], web("林悦")
    for path in (f"?peek={foreign.pk}", f"rows?ids={foreign.pk}", f"bulk/field?ids={foreign.pk}", f"export?format=csv&ids={foreign.pk}"):
        assert "番禺丙" not in person.part(f"/{kind.slug}/{path}").text, path
    kept = Samples.seen_by(made, kind, "林悦")
    assert "陈默" not in kept
    person.post(f"/{kind.slug}/bulk/delete?ids={foreign.pk},{own.pk}")
    assert kind.model.objects.filter(pk=foreign.pk).exists()
