"""The command `zhike`: each command is loaded only when it is called, so help stays quick."""

import sys
from importlib import import_module
from importlib.util import find_spec

import click

from zhike.server.console import words
from zhike.server.explanations import explain
from zhike.server.processes import ServerError

# Name, "module:attribute", and what it does in Chinese and English.
COMMANDS: tuple[tuple[str, str, str, str], ...] = (
    ("up", "zhike.server.cli.up:up", "启动数据库、网页和后台任务", "Start database, web and worker"),
    (
        "company",
        "zhike.server.cli.company:company",
        "新建、列出、改名、搬移、更新、删除公司",
        "Create, list, rename, move, update and drop companies",
    ),
    ("user", "zhike.server.cli.user:user", "新增、列出用户", "Add and list people"),
    ("demo", "zhike.server.cli.demo:demo", "生成演示公司", "Generate a demo company"),
    ("import", "zhike.server.cli.import_:import_", "从文件导入", "Bring in a file"),
    ("export", "zhike.server.cli.export:export", "导出为文件", "Write records to a file"),
    ("metric", "zhike.server.cli.metric:metric", "查看指标", "Show a metric"),
    ("backup", "zhike.server.cli.backup:backup", "备份，不用停下", "Back up without stopping"),
    ("restore", "zhike.server.cli.backup:restore", "恢复一份备份，或恢复到某个时刻", "Bring back a backup or a moment"),
    ("doctor", "zhike.server.cli.doctor:doctor", "检查安装是否正常", "Check the installation"),
    ("bench", "zhike.server.cli.bench:bench", "测量速度", "Measure speed"),
)


class LazyGroup(click.Group):
    """A group whose commands are imported by name; a command that is not installed is not listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the installed commands in their fixed order."""
        return [name for name, target, _zh, _en in COMMANDS if find_spec(target.partition(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, None when there is none of that name."""
        target = next((target for name, target, _zh, _en in COMMANDS if name == cmd_name), None)
        if target is None or cmd_name not in self.list_commands(ctx):
            return None
        module, _, attribute = target.partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands from the table above, without importing them."""
        names = self.list_commands(ctx)
        rows = [(name, words(zh=zh, en=en)) for name, _target, zh, en in COMMANDS if name in names]
        with formatter.section(words(zh="命令", en="Commands")):
            formatter.write_dl(rows)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help=words(
        zh="知客：客户关系管理。\n\n退出码：0 成功，1 被拒绝或失败，2 用法错误。",
        en="Zhike: customer relationships.\n\nExit codes: 0 done, 1 refused or failed, 2 wrong usage.",
    ),
)
@click.version_option(package_name="zhike")
def zhike() -> None:
    """The group itself does nothing."""


def main() -> None:
    """Run the command line; refusals are put into words and end with exit code 1."""
    try:
        zhike(prog_name="zhike")
    except ServerError as error:
        print(explain(error), file=sys.stderr)
        raise SystemExit(1) from None
    except PermissionError as error:
        # Usually a home made by root and used by somebody else.
        print(words(zh=f"没有权限：{error.filename}", en=f"Permission denied: {error.filename}"), file=sys.stderr)
        raise SystemExit(1) from None
