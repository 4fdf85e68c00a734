"""`zhike user`: people who log in, beside the pages in the browser."""

from __future__ import annotations

from importlib import import_module

import click

from zhike.server.cli.context import json_option, with_company
from zhike.server.companies import Company
from zhike.server.console import is_chinese, show, show_json, show_table, words
from zhike.server.control import address_of

ROLES = ("admin", "manager", "sales", "service", "auditor", "analyst")
WORK = "zhike.server.staff"  # loads models: only after Django is set up


@click.group(help=words(zh="新增、列出用户，重设密码，给链接", en="Add and list people, set passwords, make links"))
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


@user.command(help=words(zh="给一个链接，用来设密码", en="Make a link to choose a password"))
@click.argument("username")
@click.option(
    "--port", default=8000, show_default=True, help=words(zh="网页的端口，写在网址里", en="Port of the web server, for the address")
)
@json_option
@with_company
def link(company: Company, username: str, port: int, as_json: bool) -> None:
    """Make a link that works once, and show it; links made before end."""
    username, path = import_module(WORK).link(username)
    url = address_of(company, port) + path
    if as_json:
        show_json({"username": username, "link": url})
    else:
        show(
            zh=f"{username} 用这个链接设密码（只能用一次，7 天内有效）：\n  {url}",
            en=f"{username} chooses a password by this link (once, within 7 days):\n  {url}",
        )


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
