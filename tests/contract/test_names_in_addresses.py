"""An id in an address tells its name only to who may see the record."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.conftest import NAMES, Samples
from zhike.customers.models import Customer
from zhike.kernel.registry import objects
from zhike.kernel.spec import ObjectSpec
from zhike.kernel.testing.web import Web


@pytest.mark.parametrize("path", ["/orders/?customer.is={pk}", "/orders/new?customer={pk}"])
def test_a_name_behind_an_id_is_for_who_may_see_it(path: str, samples: Callable[[ObjectSpec], Samples], web: Callable[[str], Web]) -> None:
    hidden = samples(objects.of(Customer)).records["陈默"]
    address = path.format(pk=hidden.pk)
    assert NAMES["陈默"] in web("管理员").get(address).text
    shown = web("林悦").get(address)
    assert shown.status == 200
    assert NAMES["陈默"] not in shown.text
