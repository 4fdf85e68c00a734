"""What every command needs: the database up, Django ready, the company chosen."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import click
import django

from zhike.server.bootstrap import database, name_settings
from zhike.server.companies import Company, get_company, list_companies, use_company
from zhike.server.console import words
from zhike.server.processes import ServerError

P = ParamSpec("P")
R = TypeVar("R")

json_option = click.option("--json", "as_json", is_flag=True, help=words(zh="结果输出为 JSON", en="Print the result as JSON"))


@contextmanager
def ready_django() -> Iterator[None]:
    """Start or join the database, set up Django once."""
    name_settings()
    with database():
        django.setup()
        yield


def choose_company(given: str | None) -> Company:
    """The company named by --company, else by ZHIKE_COMPANY, else the only one there is.

    Raises `company_unknown`, `company_needed` (several and none named) and `company_none`.
    """
    name = given or os.environ.get("ZHIKE_COMPANY")
    if name:
        return get_company(name)
    companies = list_companies()
    if len(companies) > 1:
        raise ServerError("company_needed", companies="、".join(f"{item.slug}（{item.name}）" for item in companies))
    if not companies:
        raise ServerError("company_none")
    return companies[0]


def with_django(function: Callable[P, R]) -> Callable[P, R]:
    """Decorate a command body that needs the database and Django but no company."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with ready_django():
            return function(*args, **kwargs)

    return run


def with_company(function: Callable[Concatenate[Company, P], R]) -> Callable[..., R]:
    """Decorate a command body that works in one company: adds `--company`, passes the company first."""

    @click.option(
        "--company",
        "company_name",
        help=words(zh="公司名称或短名；只有一家时可省略", en="Name or short name; may be left out where there is only one"),
    )
    @wraps(function)
    def run(*args: Any, company_name: str | None, **kwargs: Any) -> R:
        with ready_django(), use_company(choose_company(company_name)) as company:
            return function(company, *args, **kwargs)

    return run
