"""`zhike company`: create, list and drop companies."""

from dataclasses import asdict
from importlib import import_module

import click
from django.apps import apps

from zhike.server.cli.context import json_option, with_django
from zhike.server.console import is_chinese, say, show, show_json, show_table, words
from zhike.server.control import Company, get_company, list_companies
from zhike.server.founding import create_company, drop_company


@click.group(help=words(zh="新建、列出、删除公司（一家公司一个数据库）", en="Create, list and drop companies (one database each)"))
def company() -> None:
    """The group itself does nothing."""


@company.command(help=words(zh="新建一家空的公司", en="Create an empty company"))
@click.argument("name")
@click.option("--slug", help=words(zh="短名，用在网址里；默认取拼音", en="Short name for the address; default: its pinyin"))
@json_option
@with_django
def create(name: str, slug: str | None, as_json: bool) -> None:
    """Create a company and say its address."""
    say(zh=f"新建“{name}”……", en=f"Creating {name} …")
    made = create_company(name, slug)
    admin, password = _found_staff(made)
    if as_json:
        show_json({**asdict(made), "username": admin, "password": password})
    else:
        show(
            zh=f"已新建：{made.name}（{made.slug}）  http://{made.slug}.localhost:8000\n登录：{admin}  密码 {password}（只显示这一次）",
            en=f"Created {made.name} ({made.slug})  http://{made.slug}.localhost:8000\nLog in: {admin}  password {password} (shown only now)",
        )


def _found_staff(made: Company) -> tuple[str, str]:
    """The first administrator; nobody where the people's domain is not installed, as in tests of the server alone."""
    if not apps.is_installed("zhike.org"):
        return "", ""
    found: tuple[str, str] = import_module("zhike.server.staff").found(made)  # loads models: only after Django is set up
    return found


@company.command("list", help=words(zh="列出公司", en="List companies"))
@json_option
@with_django
def list_(as_json: bool) -> None:
    """List companies, oldest first."""
    found = list_companies()
    if as_json:
        show_json([asdict(item) for item in found])
        return
    header = ("短名", "名称", "数据库", "演示", "创建时间") if is_chinese() else ("slug", "name", "database", "demo", "created")
    show_table(header, [_row(item) for item in found])


def _row(item: Company) -> tuple[str, ...]:
    is_demo = words(zh="是", en="yes") if item.is_demo else ""
    return item.slug, item.name, item.database, is_demo, f"{item.created_at.astimezone():%Y-%m-%d %H:%M}"


@company.command(help=words(zh="删除公司和它的全部数据，不可恢复", en="Drop a company and all its data for good"))
@click.argument("name")
@click.option("--yes", is_flag=True, help=words(zh="不再询问", en="Do not ask"))
@json_option
@with_django
def drop(name: str, yes: bool, as_json: bool) -> None:
    """Drop a company after asking."""
    found = get_company(name)
    question = words(zh=f"确定删除“{found.name}”和它的全部数据？", en=f"Drop {found.name} and all its data?")
    if not yes:
        click.confirm(question, abort=True, err=True)
    gone = drop_company(found.slug)
    if as_json:
        show_json(asdict(gone))
    else:
        show(zh=f"已删除：{gone.name}", en=f"Dropped {gone.name}")
