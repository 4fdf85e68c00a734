"""`zhike company`: create, list, rename, move, bring up to date and drop companies."""

from dataclasses import asdict
from importlib import import_module
from pathlib import Path

import click
from django.apps import apps

from zhike.server.backups import backup_company
from zhike.server.bootstrap import tell_progress
from zhike.server.cli.context import json_option, with_django
from zhike.server.console import is_chinese, say, show, show_json, show_table, words
from zhike.server.control import Company, address_of, get_company, list_companies, list_kept
from zhike.server.founding import create_company, drop_company, rename_company
from zhike.server.home import current_home, drop_rooms
from zhike.server.moving import drop_kept, move_company
from zhike.server.processes import ServerError
from zhike.server.upgrading import bring_up_to_date

host_option = click.option(
    "--host", "hosts", multiple=True, help=words(zh="自己的主机名，可多次", en="A host name of its own; may be repeated")
)


port_option = click.option(
    "--port", default=8000, show_default=True, help=words(zh="网页的端口，写在网址里", en="Port of the web server, for the address")
)


@click.group(
    help=words(
        zh="新建、列出、改名、搬移、更新、删除公司（一家公司一个数据库）",
        en="Create, list, rename, move, update and drop companies (one database each)",
    )
)
def company() -> None:
    """The group itself does nothing."""


@company.command(help=words(zh="新建一家空的公司", en="Create an empty company"))
@click.argument("name")
@click.option("--slug", help=words(zh="短名，用在网址里；默认取拼音", en="Short name for the address; default: its pinyin"))
@host_option
@port_option
@json_option
@with_django
def create(name: str, slug: str | None, hosts: tuple[str, ...], port: int, as_json: bool) -> None:
    """Create a company, say its address and the link by which its first administrator chooses a password."""
    say(zh=f"新建“{name}”……", en=f"Creating {name} …")
    made = create_company(name, slug, hosts=hosts)
    admin, link = _found_staff(made)
    if as_json:
        show_json({**plain(made), "username": admin, "link": link})
        return
    show(
        zh=f"已新建：{made.name}（{made.slug}）  {address_of(made, port)}",
        en=f"Created {made.name} ({made.slug})  {address_of(made, port)}",
    )
    if admin:
        show(
            zh=f"管理员 {admin} 还没有密码。打开这个链接设一个（只能用一次，7 天内有效）：\n  {address_of(made, port)}{link}",
            en=f"The administrator {admin} has no password yet. Open this link to choose one (once, within 7 days):\n  {address_of(made, port)}{link}",
        )


def plain(item: Company) -> dict[str, object]:
    """A company for machines: everything but the password that a server's address may hold."""
    return {**asdict(item), "server": item.server_shown, "hosts": list(item.hosts)}


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
        show_json([plain(item) for item in found])
        return
    header = ("短名", "名称", "主机名", "数据库", "状态", "创建时间")
    show_table(header if is_chinese() else ("slug", "name", "hosts", "database", "state", "created"), [_row(item) for item in found])


def _row(item: Company) -> tuple[str, ...]:
    states = {"open": "正常", "updating": "更新中", "moving": "搬移中", "failed": "更新失败"}
    state = words(zh=states.get(item.state, item.state), en=item.state) + (words(zh="，演示", en=", demo") if item.is_demo else "")
    database = item.database + (f" @ {item.server_shown}" if item.server else "")
    return item.slug, item.name, ", ".join(item.hosts) or "-", database, state, f"{item.created_at.astimezone():%Y-%m-%d %H:%M}"


@company.command(help=words(zh="改名称、短名和主机名；数据不动", en="Change name, short name and hosts; data stays where it is"))
@click.argument("name")
@click.option("--to", default="", help=words(zh="新名称", en="The new name"))
@click.option("--slug", default="", help=words(zh="新短名", en="The new short name"))
@host_option
@click.option("--no-host", "no_hosts", multiple=True, help=words(zh="不再用的主机名", en="A host that it no longer has"))
@json_option
@with_django
def rename(name: str, to: str, slug: str, hosts: tuple[str, ...], no_hosts: tuple[str, ...], as_json: bool) -> None:
    """Rename a company."""
    if not (to or slug or hosts or no_hosts):
        raise click.UsageError(words(zh="请给出 --to、--slug、--host 或 --no-host", en="Give --to, --slug, --host or --no-host"))
    found = rename_company(name, to=to, slug=slug, hosts=hosts, no_hosts=no_hosts)
    if as_json:
        show_json(plain(found))
    else:
        show(
            zh=f"现在是：{found.name}（{found.slug}）  {'、'.join(found.hosts)}",
            en=f"Now {found.name} ({found.slug})  {', '.join(found.hosts)}",
        )


@company.command(
    help=words(
        zh="搬到另一个库或另一台服务器，逐行核对后切换", en="Move to another database or server; compared row by row before the switch"
    )
)
@click.argument("name")
@click.option("--database", default="", help=words(zh="新的库名", en="Name of the new database"))
@click.option(
    "--server",
    help=words(
        zh="另一台服务器：postgresql://用户:密码@主机:5432/postgres；空字符串表示搬回来",
        en="Another server: postgresql://user:password@host:5432/postgres; an empty text moves back",
    ),
)
@json_option
@with_django
def move(name: str, database: str, server: str | None, as_json: bool) -> None:
    """Move a company and say what was compared."""
    say(zh="搬移期间这家公司的页面会暂停……", en="Its pages wait while it moves …")
    moved = move_company(name, database=database, server=server)
    if as_json:
        show_json({**plain(moved.company), "tables": moved.tables, "rows": moved.rows, "kept": moved.kept})
    else:
        show(
            zh=f"已搬好：{moved.tables} 张表、{moved.rows:,} 行逐行相等。旧库 {moved.kept} 还留着，只读；确认后运行 zhike company kept --drop 编号",
            en=f"Moved: {moved.tables} tables, {moved.rows:,} rows, all equal. The old database {moved.kept} is kept, read-only: "
            "zhike company kept --drop NUMBER once you are sure",
        )


@company.command(help=words(zh="列出留着的旧库，或删掉其中一个", en="List databases that are kept, or drop one of them"))
@click.option("--drop", "number", type=int, metavar="N", help=words(zh="删掉这个编号，不可恢复", en="Drop this number for good"))
@json_option
@with_django
def kept(number: int | None, as_json: bool) -> None:
    """List or drop kept databases."""
    if number is not None:
        gone = drop_kept(number)
        show(zh=f"已删掉：{gone.database}", en=f"Dropped {gone.database}")
        return
    rows = [(one.id, one.company, one.database, one.why, f"{one.at.astimezone():%Y-%m-%d %H:%M}") for one in list_kept()]
    if as_json:
        show_json([dict(zip(("id", "company", "database", "why", "at"), row, strict=True)) for row in rows])
    else:
        show_table(("编号", "公司", "库", "原因", "时间") if is_chinese() else ("id", "company", "database", "why", "at"), rows)


@company.command(
    help=words(
        zh="把各家公司更新到这个版本；一家失败不影响其他", en="Bring companies to this version; one that fails does not stop the others"
    )
)
@click.option("--company", "name", help=words(zh="只更新这一家", en="Only this one"))
@json_option
@with_django
def migrate(name: str | None, as_json: bool) -> None:
    """Migrate companies; exit code 1 when one failed."""
    done = bring_up_to_date([get_company(name)] if name else None, say=tell_progress)
    failed = [one for one in done if one.error]
    if as_json:
        show_json([{"slug": one.company.slug, "seconds": round(one.seconds, 2), "error": one.error} for one in done])
    for one in [] if as_json else done:
        said = one.error or words(zh="已更新", en="up to date")
        show(zh=f"{one.company.name}：{said}（{one.seconds:.1f} 秒）", en=f"{one.company.name}: {said} ({one.seconds:.1f} s)")
    if not done and not as_json:
        show(zh="都是最新的。", en="All are up to date.")
    if failed:
        raise ServerError("companies_failed", companies=", ".join(one.company.name for one in failed))


@company.command(help=words(zh="删除公司和它的全部数据；先留一份备份", en="Drop a company and all its data; a last backup is kept"))
@click.argument("name")
@click.option("--yes", is_flag=True, help=words(zh="不再询问", en="Do not ask"))
@click.option("--no-backup", is_flag=True, help=words(zh="不留备份", en="Keep no backup"))
@click.option("--to", "folder", type=click.Path(path_type=Path), help=words(zh="备份放在哪里", en="Where the backup goes"))
@json_option
@with_django
def drop(name: str, yes: bool, no_backup: bool, folder: Path | None, as_json: bool) -> None:
    """Drop a company after its name was typed."""
    found = get_company(name)
    if not yes:
        question = words(
            zh=f"要删除“{found.name}”和它的全部数据，请输入它的名称", en=f"To drop {found.name} and all its data, type its name"
        )
        if click.prompt(question, err=True) != found.name:
            raise ServerError("name_not_typed", company=found.name)
    last = None if no_backup else backup_company(found, folder or current_home().backups).path
    gone = drop_company(found.slug)
    drop_rooms(gone.database)
    if as_json:
        show_json({**plain(gone), "backup": str(last) if last else None})
    else:
        show(
            zh=f"已删除：{gone.name}" + (f"。最后的备份：{last}" if last else ""),
            en=f"Dropped {gone.name}" + (f". Last backup: {last}" if last else ""),
        )
