"""Fixtures of all tests: databases, the cast, a web client."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from tests import databases
from tests.cast import actor, user_of
from zhike.kernel.actor import Actor
from zhike.kernel.lists.estimates import forget_plans
from zhike.kernel.testing.web import Web
from zhike.server.control import Company


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One database for this process, copied from the template; the server goes after the tests, and all with it."""
    del django_test_environment
    with django_db_blocker.unblock():
        databases.prepare_control()
        name = databases.copy_of(databases.template(), f"w{databases.worker()}")
        databases.use_database(name)
        databases.found_company(name)
    yield
    with django_db_blocker.unblock():
        connections["default"].close()
        databases.drop(name)


@pytest.fixture(autouse=True)
def _fresh_estimates() -> None:
    """What the database expected in another test is no expectation of this one's data."""
    forget_plans()


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Company]:
    """A database of this test alone, in which transactions really commit and events are told; use instead of `db`."""
    del django_db_setup
    with django_db_blocker.unblock(), databases.fresh_copy() as company:
        yield company


@pytest.fixture
def lin_yue(db: None) -> Actor:
    """林悦, a sales person in 上海组: the owner."""
    return actor("林悦")


@pytest.fixture
def zhou_hang(db: None) -> Actor:
    """周航, a team mate of 林悦 who sees only his own."""
    return actor("周航")


@pytest.fixture
def zu_yuan(db: None) -> Actor:
    """组员, in the team of 林悦 and with grants for the whole team."""
    return actor("组员")


@pytest.fixture
def zhu_guan(db: None) -> Actor:
    """主管 of 华东区, the branch above 上海组."""
    return actor("主管")


@pytest.fixture
def chen_mo(db: None) -> Actor:
    """陈默 of 华南区: a stranger."""
    return actor("陈默")


@pytest.fixture
def shen_ji(db: None) -> Actor:
    """审计: reads and exports everything, changes nothing."""
    return actor("审计")


@pytest.fixture
def guan_li(db: None) -> Actor:
    """管理员: may do everything."""
    return actor("管理员")


@pytest.fixture
def fang_ke(db: None) -> Actor:
    """访客: logged in, without any grant."""
    return actor("访客")


@pytest.fixture
def web(db: None) -> Callable[[str], Web]:
    """A web client logged in as somebody of the cast: `web("林悦").get("/customers/")`."""
    return lambda name: Web(user=user_of(name))
