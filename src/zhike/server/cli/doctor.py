"""`zhike doctor`: look at every part and say what to do."""

from dataclasses import asdict

import click

from zhike.server.checks import Finding, examine
from zhike.server.cli.context import json_option
from zhike.server.console import is_chinese, show_json, words

_NAMES = {
    "python": "Python",
    "home": "数据目录",
    "secrets": "密钥和文件",
    "disk": "磁盘空间",
    "memory": "内存",
    "time_zone": "时区",
    "port": "端口",
    "database": "数据库",
    "settings": "数据库设置",
    "connections": "连接",
    "transactions": "长事务",
    "clock": "时钟",
    "replica": "只读副本",
    "companies": "公司",
    "migrations": "数据表",
    "indexes": "索引",
    "worker": "后台任务",
    "jobs": "任务队列",
    "events": "事件",
    "search": "搜索",
    "history": "历史分区",
    "bloat": "表膨胀",
    "webhooks": "变更通知",
    "kept": "留着的旧库",
    "backups": "备份",
    "tls": "外部访问",
    "mail": "邮件",
    "static": "页面文件",
}
_VERDICTS = {"ok": "正常", "warn": "注意", "fail": "故障"}


@click.command(help=words(zh="检查安装是否正常；有故障时退出码为 1", en="Check the installation; exit code 1 when a part fails"))
@json_option
def doctor(as_json: bool) -> None:
    """Print findings as they come."""
    findings = []
    for finding in examine():
        findings.append(finding)
        if not as_json:
            print(_line(finding), flush=True)
    is_well = all(finding.verdict != "fail" for finding in findings)
    if as_json:
        show_json({"ok": is_well, "checks": [asdict(finding) for finding in findings]})
    if not is_well:
        raise SystemExit(1)


def _line(finding: Finding) -> str:
    name = _NAMES.get(finding.check, finding.check) if is_chinese() else finding.check
    verdict = _VERDICTS[finding.verdict] if is_chinese() else finding.verdict
    advice = f"  → {finding.advice}" if finding.advice else ""
    return f"[{verdict}] {name}: {finding.seen}{advice}"
