"""`zhike backup` and `zhike restore`: while everything runs, checked row by row."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from zhike.server.backups import Backup, backup_all, backup_company, keep_newest, newest
from zhike.server.cli.context import json_option, ready_django
from zhike.server.console import say, show, show_json, words
from zhike.server.control import get_company
from zhike.server.home import current_home
from zhike.server.moments import base_backup, restore_to
from zhike.server.processes import ServerError
from zhike.server.restoring import Restored, check_backup, read_manifest, restore_company, restore_home

_PATH = click.Path(path_type=Path)


@click.command(
    help=words(
        zh="备份，不用停下：每家公司一个文件（库、附件、导入文件），再加一个存密钥和设置的文件",
        en="Back up without stopping: one file a company (database, files, imports), and one with keys and settings",
    )
)
@click.option("--company", "name", help=words(zh="只备份这一家", en="Only this company"))
@click.option("--to", "folder", type=_PATH, help=words(zh="放在哪个目录；默认 ZHIKE_HOME/backups", en="Folder; default ZHIKE_HOME/backups"))
@click.option("--keep", type=click.IntRange(1), help=words(zh="每家只留最新的几份", en="Keep only so many of each"))
@click.option(
    "--check", "to_check", type=_PATH, help=words(zh="试着恢复这份备份到临时库，逐行核对", en="Prove that this backup can be restored")
)
@click.option("--check-newest", "is_newest", is_flag=True, help=words(zh="核对每家公司最新的一份", en="Prove the newest of each company"))
@click.option(
    "--base",
    is_flag=True,
    help=words(
        zh="给自带数据库做一份底本，此后可恢复到任意时刻", en="A base of the embedded database: from then on any moment can be brought back"
    ),
)
@json_option
def backup(folder: Path | None, as_json: bool, **wish: Any) -> None:
    """Back up, check backups, or make a base for going back to a moment."""
    target = folder or current_home().backups
    with ready_django():
        if wish["to_check"] or wish["is_newest"]:
            for path in [wish["to_check"]] if wish["to_check"] else newest(target):
                _tell_equal(check_backup(path), as_json)
        elif wish["base"]:
            made = base_backup(keep=wish["keep"] or 2)
            show(zh=f"底本：{made.path}（{made.size / 1e6:.1f} MB）", en=f"Base: {made.path} ({made.size / 1e6:.1f} MB)")
        else:
            _back_up(target, wish["name"], wish["keep"], as_json)


def _back_up(target: Path, name: str | None, keep: int | None, as_json: bool) -> None:
    wanted = [backup_company(get_company(name), target)] if name else backup_all(target)
    done = []
    for one in wanted:
        done.append(one)
        if not as_json:
            _tell(one)
    gone = keep_newest(target, keep) if keep else []
    if as_json:
        show_json({"backups": [{**asdict(one), "path": str(one.path)} for one in done], "removed": [str(path) for path in gone]})
    elif gone:
        show(zh=f"删去旧的 {len(gone)} 份", en=f"{len(gone)} older ones removed")


def _tell(one: Backup) -> None:
    show(
        zh=f"{one.path}  {one.tables} 张表 {one.rows:,} 行，{one.files} 个文件，{one.size / 1e6:.1f} MB，{one.seconds:.1f} 秒",
        en=f"{one.path}  {one.tables} tables, {one.rows:,} rows, {one.files} files, {one.size / 1e6:.1f} MB, {one.seconds:.1f} s",
    )


def _tell_equal(one: Restored, as_json: bool) -> None:
    if as_json:
        facts = {"company": one.company.slug, "database": one.company.database, "tables": one.tables, "rows": one.rows}
        show_json({**facts, "files": one.files, "kept": one.kept, "equal": True, "seconds": round(one.seconds, 2)})
    else:
        show(
            zh=f"“{one.company.name}”：{one.tables} 张表、{one.rows:,} 行逐行相等，{one.files} 个文件校验无误（{one.seconds:.1f} 秒）",
            en=f"{one.company.name}: {one.tables} tables, {one.rows:,} rows, all equal; {one.files} files with the right hash ({one.seconds:.1f} s)",
        )


@click.command(
    help=words(
        zh="恢复一份备份；或用 --to-time 把自带数据库恢复到某个时刻",
        en="Bring a backup back; or, with --to-time, the embedded database as of a moment",
    )
)
@click.argument("file", required=False, type=_PATH)
@click.option("--as", "as_name", default="", help=words(zh="恢复成一家新公司，原来的不动", en="As a new company beside the other"))
@click.option("--replace", is_flag=True, help=words(zh="替换现有的；旧库留着", en="Replace what is there; the old database is kept"))
@click.option(
    "--to-time", "moment", help=words(zh="时刻，如 '2026-11-26 09:30:00+08:00'", en="A moment such as '2026-11-26 09:30:00+08:00'")
)
@click.option(
    "--into",
    "new_home",
    type=_PATH,
    help=words(zh="恢复到这个新的数据目录；不给就换下现在的库", en="Into this new home; else in place of the present database"),
)
@json_option
def restore(file: Path | None, as_name: str, replace: bool, moment: str | None, new_home: Path | None, as_json: bool) -> None:
    """Restore a file, or everything to a moment."""
    if bool(file) == bool(moment):
        raise click.UsageError(words(zh="请给出备份文件，或 --to-time", en="Name a backup, or --to-time"))
    if moment:
        back = restore_to(_moment(moment), new_home)
        show(
            zh=f"已恢复到 {back.moment}：{back.home}；{back.companies} 家公司，{back.rows:,} 行。原来的库：{back.kept or '没有动'}",
            en=f"As of {back.moment}: {back.home}; {back.companies} companies, {back.rows:,} rows. The old database: {back.kept or 'untouched'}",
        )
        return
    assert file is not None
    if read_manifest(file).kind == "home":
        written = restore_home(file, replace_old=replace)
        show(zh=f"写回：{'、'.join(written) or '没有（都已存在）'}", en=f"Written: {', '.join(written) or 'nothing (all there)'}")
        return
    with ready_django():
        done = restore_company(file, as_name=as_name, replace_old=replace)
    _tell_equal(done, as_json)
    if done.kept and not as_json:
        say(zh=f"被换下的库 {done.kept} 还留着：zhike company kept", en=f"The replaced database {done.kept} is kept: zhike company kept")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ServerError("moment_invalid", moment=text) from None
    return found if found.tzinfo else found.astimezone()
