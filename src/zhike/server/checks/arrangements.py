"""What an administrator arranges: backups, mail, the way in from outside, page files."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module

from zhike.server.backups import Note, notes_of
from zhike.server.bootstrap import are_static_files_fresh
from zhike.server.checks.findings import Finding, fail, good, warn
from zhike.server.console import words
from zhike.server.control import Company, list_companies
from zhike.server.home import current_home

_BACKUP_DAYS, _CHECK_DAYS = 2, 35
_LOCAL = ("127.0.0.1", "localhost", ".localhost", "[::1]", "testserver")


def backups() -> Iterator[Finding]:
    """How old each company's last backup is, and when one was last proved to be restorable."""
    notes, now = notes_of(), datetime.now(UTC)
    real = [company for company in list_companies() if not company.is_demo]
    late = [company.slug for company in real if _age(notes.get(company.slug, Note()).at, now) > timedelta(days=_BACKUP_DAYS)]
    unchecked = [company.slug for company in real if _age(notes.get(company.slug, Note()).checked, now) > timedelta(days=_CHECK_DAYS)]
    if late:
        yield warn(
            "backups",
            ", ".join(late),
            zh="两天没有备份：zhike backup，并设成每天",
            en="No backup for two days: zhike backup, and have it run daily",
        )
    elif unchecked:
        yield warn(
            "backups",
            ", ".join(unchecked),
            zh="一个月没有试过恢复：zhike backup --check 文件",
            en="No trial restore for a month: zhike backup --check FILE",
        )
    elif real:
        yield good("backups", words(zh="都在两天内", en="none older than two days"))


def _age(text: str, now: datetime) -> timedelta:
    return now - datetime.fromisoformat(text) if text else timedelta.max


def mail() -> Iterator[Finding]:
    """Whether invitations and notices can leave the house."""
    settings = import_module("zhike.server.settings")
    host, port = str(getattr(settings, "EMAIL_HOST", "")), int(getattr(settings, "EMAIL_PORT", 25))
    if not host:
        yield warn(
            "mail",
            words(zh="没有设置", en="not set up"),
            zh="邀请和通知发不出去，见 docs/guide/settings.md",
            en="Invitations cannot be mailed, see docs/guide/en/settings.md",
        )
        return
    try:
        socket.create_connection((host, port), timeout=3).close()
    except OSError:
        yield warn("mail", f"{host}:{port}", zh="连不上邮件服务器", en="The mail server cannot be reached")
    else:
        yield good("mail", f"{host}:{port}")


def way_in() -> Iterator[Finding]:
    """Whether what is reachable from outside is so by TLS only."""
    settings = import_module("zhike.server.settings")
    outside = [host for host in settings.ZHIKE_HOSTS if host not in _LOCAL] + [host for company in _companies() for host in company.hosts]
    if settings.DEBUG:
        yield fail("tls", "ZHIKE_DEBUG=1", zh="出错页会显示细节，去掉它", en="Error pages show details: unset it")
    elif "*" in settings.ZHIKE_HOSTS:
        yield fail("tls", "ZHIKE_HOSTS=*", zh="写明主机名，否则可以伪造", en="Name the hosts, else they can be forged")
    elif outside and not settings.SESSION_COOKIE_SECURE:
        yield warn(
            "tls",
            ", ".join(outside[:3]),
            zh="前面放 HTTPS 代理并设 ZHIKE_BEHIND_TLS=1，否则 Cookie 会明文传",
            en="Put a TLS proxy in front and set ZHIKE_BEHIND_TLS=1, else cookies travel in the clear",
        )
    else:
        yield good(
            "tls",
            words(zh="只在本机" if not outside else "Cookie 只走 HTTPS", en="this machine only" if not outside else "cookies by TLS only"),
        )


def _companies() -> list[Company]:
    return list_companies()


def pages() -> Iterator[Finding]:
    """Whether the collected front-end files are those of the installed package."""
    if are_static_files_fresh():
        yield good("static", str(current_home().static))
    else:
        yield warn(
            "static",
            words(zh="页面文件不是最新", en="not up to date"),
            zh="运行 zhike up，会自动整理",
            en="Run `zhike up`: it collects them",
        )
