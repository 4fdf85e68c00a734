"""Every address answers who may, refuses who may not without showing anything, and sends strangers to log in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.files.base import ContentFile
from django.test import Client

from tests.cast import user_of
from tests.contract.conftest import NAMES, SPECS, Samples
from tests.contract.routes import ROUTES, Route
from tests.made import CHANGES
from zhike.kernel.actions import change_record, delete_record
from zhike.kernel.actor import Actor
from zhike.kernel.bulk.tables import BulkRun, BulkState
from zhike.kernel.history import last_change_of
from zhike.kernel.imports.tables import ImportRun, State
from zhike.kernel.lists.groups import groupings
from zhike.kernel.registry import objects
from zhike.kernel.savedviews.actions import Naming, Shown, create_view
from zhike.kernel.savedviews.tables import Audience
from zhike.kernel.screens.files import attach
from zhike.kernel.sharing import Terms, share_record
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.proofs import written
from zhike.kernel.testing.web import Answer, Web
from zhike.orders.models import OrderLine

CASES = [
    (name, spec)
    for name, route in ROUTES.items()
    for spec in SPECS
    if route.verb and (not route.slugs or spec.slug in route.slugs)
    if not (route.verb == "share" and spec.policy.shared)
    if not (route.verb == "create" and not spec.form) and not ("{filter}" in route.path and not spec.filters)
]
Case = tuple[str, ObjectSpec]
MakeSamples = Callable[[ObjectSpec], Samples]
LogIn = Callable[[str], Web]
each_case = pytest.mark.parametrize("case", CASES, ids=[f"{spec.slug}-{name or 'today'}" for name, spec in CASES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The sample record of 陈默 and the addresses around it."""

    path: str
    route: Route

    def asked_by(self, web: Web) -> Answer:
        return web.post(self.path, self.route.form) if self.route.form is not None else web.part(self.path, self.route.target)


def _place(route: Route, spec: ObjectSpec, samples: Samples, owner: str = "陈默") -> Place:
    record, admin = samples.records[owner], samples.actors["管理员"]
    field, text, _value = CHANGES[spec.label]
    change_record(record, {field: text}, by=admin)
    file = attach(record, ContentFile(b"quote"), "报价.txt", by=admin)
    panels = objects.panels(spec.label)
    share = share_record(record, Terms(), by=admin, user_id=user_of("主管").pk) if not spec.policy.shared else None
    line = OrderLine.objects.filter(order_id=record.pk).values_list("pk", flat=True).first()
    facts = {
        "slug": spec.slug, "pk": record.pk, "change": last_change_of(record.pk), "file": file.pk, "field": field,
        "filter": spec.filters[0].name if spec.filters else "none", "panel": panels[0].key if panels else "none", "q": NAMES[owner],
        "line": line, "share": share.pk if share else "", "view": _view(spec, samples), "group": next((one.key for one in groupings(spec)), ""),
    }  # fmt: skip
    if route.is_gone:
        delete_record(record, by=admin)
    return Place(path=route.path.format(**facts), route=route)


def _view(spec: ObjectSpec, samples: Samples) -> str:
    """A view for everybody; looking at its name tells nothing of a record."""
    shown, naming = Shown(), Naming(name="公司的", audience=Audience.ALL)
    return str(create_view(spec.label, naming, shown, by=samples.actors["管理员"]).pk)


@each_case
def test_who_may_is_answered(case: Case, samples: MakeSamples, web: LogIn) -> None:
    name, spec = case
    answer = _place(ROUTES[name], spec, samples(spec)).asked_by(web("管理员"))
    assert answer.status in (200, 204), (answer.status, answer.refused, answer.toast)


@each_case
def test_who_has_no_right_at_all_is_refused(case: Case, samples: MakeSamples, web: LogIn) -> None:
    name, spec = case
    place = _place(ROUTES[name], spec, samples(spec))
    before = written()
    answer = place.asked_by(web("访客"))
    _refused(answer)
    assert written() == before


@each_case
def test_a_stranger_is_refused(case: Case, samples: MakeSamples, web: LogIn) -> None:
    name, spec = case
    route = ROUTES[name]
    if spec.policy.shared or "{pk}" not in route.path:
        pytest.skip("reached by everyone with a grant; what it shows is tested in test_rights.py")
    place = _place(route, spec, samples(spec))
    before = written()
    answer = place.asked_by(web("林悦"))
    if (
        "/bulk/set/" in place.path or "/bulk/field" in place.path
    ):  # the dialog asks for a value only; see test_rights.py for what it changes
        assert answer.status == 200
    else:
        _refused(answer)
    assert written() == before


def _refused(answer: Answer) -> None:
    assert (answer.status, answer.refused) in {(403, "not_permitted"), (422, "nothing_selected"), (404, "gone")}, answer.status
    assert not [text for text in NAMES.values() if text in answer.text]


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.needs])
def test_a_place_that_needs_a_right_refuses_who_has_none(name: str, web: LogIn) -> None:
    route = ROUTES[name]
    answer = web("访客").post(route.path, route.form) if route.form is not None else web("访客").get(route.path)
    assert (answer.status, answer.refused) == (403, "not_permitted")


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.is_run])
@pytest.mark.parametrize("who", ["陈默", "主管", "访客"])
def test_an_import_is_shown_to_nobody_but_who_began_it(name: str, who: str, lin_yue: Actor, web: LogIn) -> None:
    run = ImportRun.objects.create(file_name="番禺丙.csv", path="/nowhere", sha256="0" * 64, target="customers", actor_id=lin_yue.user_id)
    route = ROUTES[name]
    path = route.path.format(run=run.pk)
    answer = web(who).post(path, route.form) if route.form is not None else web(who).get(path)
    assert answer.status in (403, 404)
    assert "番禺丙" not in answer.text
    assert ImportRun.objects.get(pk=run.pk).state == State.NEW


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.is_work])
@pytest.mark.parametrize("who", ["陈默", "主管", "访客"])
def test_work_is_shown_to_nobody_but_who_ordered_it(name: str, who: str, lin_yue: Actor, web: LogIn) -> None:
    values = {"city": "番禺丙"}
    run = BulkRun.objects.create(label="customers.customer", verb="set", values=values, actor_id=lin_yue.user_id, actor_name="林悦")
    route = ROUTES[name]
    path = route.path.format(work=run.pk)
    answer = web(who).post(path, route.form) if route.form is not None else web(who).get(path)
    assert answer.status in (403, 404)
    assert "番禺丙" not in answer.text
    run.refresh_from_db()
    assert (run.state, run.is_stop_wanted) == (BulkState.WAITING, False)


def test_a_filter_that_a_type_does_not_have_is_not_found(spec: ObjectSpec, web: LogIn) -> None:
    answer = web("管理员").part(f"/{spec.slug}/filter/nonsense")
    assert (answer.status, answer.refused) in {(404, "gone"), (422, "unknown_filter")}


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if not route.is_open and not route.is_api])
def test_nobody_gets_in_without_logging_in(name: str, db: None) -> None:
    nothing = dict.fromkeys(("pk", "change", "file", "run", "line", "share", "view", "work"), "00000000-0000-7000-8000-000000000000")
    path = ROUTES[name].path.format(slug="customers", field="city", filter="city", group="city", panel="tags", q="x", **nothing)
    answer = Client().get(path)
    assert answer.status_code in (302, 405)
    if answer.status_code == 302:
        assert answer["Location"].startswith("/login/")
    part = Client().get(path, headers={"HX-Request": "true"})
    assert part.status_code in (401, 302, 405)


@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.is_open])
def test_open_addresses_answer_everybody(name: str, db: None) -> None:
    route = ROUTES[name]
    answer = Client().post(route.path, route.form) if route.form is not None else Client().get(route.path)
    assert answer.status_code in ((302, 404) if "/none/" in route.path else (200, 302))  # no such system to log in by


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("name", [name for name, route in ROUTES.items() if route.is_api])
def test_a_program_without_a_token_gets_nothing_and_a_session_is_none(name: str, method: str, web: LogIn) -> None:
    nothing = dict.fromkeys(("pk", "file"), "00000000-0000-7000-8000-000000000000")
    for client in (Client(), web("管理员").client):
        answer = client.generic(method, ROUTES[name].path.format(slug="customers", **nothing))
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
