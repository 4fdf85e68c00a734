"""`zhike import`: bring in a file, look at it first, go on after a crash, take it back."""

from importlib import import_module
from pathlib import Path
from typing import Any

import click

from zhike.server.cli.context import json_option, with_company
from zhike.server.companies import Company
from zhike.server.console import words

_HELP = words(
    zh=(
        "从文件导入（CSV、XLSX、JSON、Parquet，可为 .gz）。列由列名和内容猜出，也可用 --map 指明。\n\n"
        "中断后再运行同一条命令，会从断处继续。被拒绝的行写进一个文件并注明原因，其余照常导入。\n\n"
        "退出码：0 完成（可能有被拒绝的行，会说明），1 什么也没有导入，2 用法错误。"
    ),
    en=(
        "Bring in a file (CSV, XLSX, JSON, Parquet, also .gz). Columns are guessed from headings and contents, or named with --map.\n\n"
        "After a crash the same command goes on where it was. Refused rows go to a file with the reason, the rest goes in.\n\n"
        "Exit codes: 0 done (rows may have been refused, it says so), 1 nothing was imported, 2 wrong usage."
    ),
)


@click.command(name="import", help=_HELP)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--as",
    "target",
    help=words(zh="导入成什么：customers、products、orders、contacts", en="What it becomes: customers, products, orders, contacts"),
)
@click.option(
    "--map",
    "pairs",
    multiple=True,
    metavar="'COLUMN=field'",
    help=words(
        zh="文件的列=字段，如 '金额=line.amount'；'列=' 表示不导入",
        en="File column=field, such as 'Total=line.amount'; 'Column=' leaves it out",
    ),
)
@click.option(
    "--only-mapped", is_flag=True, help=words(zh="只导入 --map 指明的列，其余不猜", en="Take only what --map names, guess nothing")
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="field",
    help=words(zh="按哪个字段辨认已有的记录，可多个", en="Field by which known records are told, may be repeated"),
)
@click.option(
    "--mode",
    type=click.Choice(["upsert", "insert", "update"]),
    default="upsert",
    show_default=True,
    help=words(zh="新增并更新、只新增、只更新", en="Both, only new records, only known ones"),
)
@click.option(
    "--on-refused",
    type=click.Choice(["rest", "nothing"]),
    default="rest",
    show_default=True,
    help=words(zh="有行被拒绝时：导入其余，或什么也不导入", en="When rows are refused: take the rest, or nothing"),
)
@click.option(
    "--clear-empty", is_flag=True, help=words(zh="空单元格清空原值（默认保留）", en="Empty cells clear what is stored (kept by default)")
)
@click.option("--owner", help=words(zh="新记录的负责人（用户名）", en="Who owns new records (user name)"))
@click.option("--sheet", help=words(zh="工作表名", en="Name of the sheet"))
@click.option("--encoding", help=words(zh="文字编码，如 gb18030", en="Text encoding, such as gb18030"))
@click.option("--delimiter", help=words(zh="分隔符", en="Delimiter"))
@click.option(
    "--language",
    type=click.Choice(["zh-hans", "en"]),
    default=words(zh="zh-hans", en="en"),
    help=words(zh="原因用哪种语言写", en="Language of the reasons"),
)
@click.option(
    "--refused",
    "refused_to",
    type=click.Path(path_type=Path, dir_okay=False),
    help=words(zh="把被拒绝的行写到这个文件", en="Write refused rows to this file"),
)
@click.option("--dry-run", is_flag=True, help=words(zh="只检查，不写入", en="Check only, write nothing"))
@click.option("--undo", "undo_id", metavar="RUN", help=words(zh="撤销一次导入", en="Take an import back"))
@click.option("--list", "is_list", is_flag=True, help=words(zh="列出导入", en="List imports"))
@json_option
@with_company
def import_(company: Company, /, **wish: Any) -> None:
    """Do what was asked; Django's models are loaded only now."""
    del company
    work = import_module("zhike.server.cli.import_work")
    if not (wish["is_list"] or wish["undo_id"]) and not (wish["file"] and wish["target"]):
        raise click.UsageError(words(zh="请给出文件和 --as", en="Name a file and --as"))
    raise SystemExit(work.run(work.Wish(**wish)))
