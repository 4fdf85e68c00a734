"""`zhike user`: people who log in, until they are managed in the browser."""

from __future__ import annotations

from importlib import import_module

import click

from zhike.server.cli.context import json_option, with_company
from zhike.server.companies import Company
from zhike.server.console import is_chinese, show, show_json, show_table, words

ROLES = ("admin", "manager", "sales", "service", "analyst")
WORK = "zhike.server.staff"  # loads models: only after Django is set up


@click.group(help=words(zh="新增、列出用户，重设密码", en="Add and list people, set passwords"))
def user() -> None:
    """The group itself does nothing."""


@user.command(help=words(zh="新增用户", en="Add a person"))
@click.argument("username")
@click.option("--name", required=True, help=words(zh="姓名", en="Full name"))
@click.option("--role", type=click.Choice(ROLES), required=True, help=words(zh="角色", en="Role"))
@click.option("--team", default="", help=words(zh="团队，没有就新建", en="Team, made when missing"))
@click.option("--password", default="", help=words(zh="不给就生成一个", en="Made up when left out"))
@json_option
@with_company
def add(company: Company, /, as_json: bool, **person: str) -> None:
    """Add a person and show the password once."""
    del company
    work = import_module(WORK)
    username, secret = work.add(work.NewPerson(**person))
    _tell(username, secret, as_json)


@user.command(help=words(zh="重设密码", en="Set a new password"))
@click.argument("username")
@click.option("--password", "chosen", default="", help=words(zh="不给就生成一个", en="Made up when left out"))
@json_option
@with_company
def password(company: Company, username: str, chosen: str, as_json: bool) -> None:
    """Set a password and show it once."""
    del company
    username, secret = import_module(WORK).change_password(username, chosen)
    _tell(username, secret, as_json)


@user.command("list", help=words(zh="列出用户", en="List people"))
@json_option
@with_company
def list_(company: Company, as_json: bool) -> None:
    """List people with role and team."""
    del company
    rows = import_module(WORK).rows()
    if as_json:
        show_json([dict(zip(("username", "name", "role", "team"), row, strict=True)) for row in rows])
        return
    show_table(("用户名", "姓名", "角色", "团队") if is_chinese() else ("user", "name", "role", "team"), rows)


def _tell(username: str, secret: str, as_json: bool) -> None:
    if as_json:
        show_json({"username": username, "password": secret})
    else:
        show(zh=f"用户 {username}，密码 {secret}（只显示这一次）", en=f"User {username}, password {secret} (shown only now)")
