"""An id in an address tells its name only to who may see the record: every filter over records, and every form that takes one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import models

from tests.contract.conftest import NAMES, Samples
from tests.contract.routes import ROUTES
from zhike.kernel.models import Record
from zhike.kernel.registry import objects
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.web import Web


def places() -> Iterator[tuple[str, str]]:
    """Addresses that take the id of a record, with the object type of that record."""
    for spec in objects:
        links = {
            field.name: field.related_model._meta.label_lower
            for field in spec.model._meta.concrete_fields
            if isinstance(field, models.ForeignKey) and isinstance(field.related_model, type) and issubclass(field.related_model, Record)
        }
        for item in spec.filters:
            if item.column in links:
                yield f"/{spec.slug}/?{item.name}.is={{pk}}", links[item.column]
        for name in {*spec.form, *spec.form_more} & links.keys() if spec.form else ():
            yield f"/{spec.slug}/new?{name}={{pk}}", links[name]


PLACES = list(places())


@pytest.mark.parametrize(("path", "label"), PLACES, ids=[path for path, _label in PLACES])
def test_a_name_behind_an_id_is_for_who_may_see_it(
    path: str, label: str, samples: Callable[[ObjectSpec], Samples], web: Callable[[str], Web]
) -> None:
    hidden = samples(objects.get(label)).records["陈默"]
    address = path.format(pk=hidden.pk)
    assert NAMES["陈默"] in web("管理员").get(address).text
    shown = web("林悦").get(address)
    assert shown.status == 200
    assert NAMES["陈默"] not in shown.text


def test_every_parameter_in_the_routes_is_known() -> None:
    """A new parameter of a screen has to be looked at: does it name a record?"""
    known = {"ids", "q", "format", "start", "end", "group", "values", "at"}
    asked = {part.partition("=")[0] for route in ROUTES.values() for part in route.path.partition("?")[2].split("&") if part}
    assert asked <= known
