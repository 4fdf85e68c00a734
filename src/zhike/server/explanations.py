"""Words for the error codes of the server, each with what to do."""

from zhike.server.console import words
from zhike.server.processes import ServerError

_WORDS: dict[str, tuple[str, str]] = {
    "service_user_missing": (
        "以 root 运行时需要系统用户 {user}，但无法新建。请执行：useradd --system {user}",
        "Running as root needs a system user {user}, which could not be made. Run: useradd --system {user}",
    ),
    "embedded_database_missing": (
        "没有自带数据库的程序。请重新运行 make run，或设置 DATABASE_URL 使用已有的 PostgreSQL（15 至 18）。",
        "The embedded database is not installed. Run `make run` again, or set DATABASE_URL to a PostgreSQL 15 to 18.",
    ),
    "folder_not_ours": (
        "文件夹 {folder} 不属于当前用户，请移走后再试。",
        "The folder {folder} belongs to somebody else; move it away and try again.",
    ),
    "database_not_created": ("无法新建数据库：\n{detail}", "The database could not be created:\n{detail}"),
    "database_did_not_start": (
        "数据库没有起来，记录见 {log}：\n{detail}",
        "The database did not start, see {log}:\n{detail}",
    ),
    "user_unknown": ("没有叫“{username}”的在用用户。看一下：zhike user list", "There is no active user {username}. See: zhike user list"),
    "user_refused": ("没有做成：{detail}", "Not done: {detail}"),
    "database_unreachable": ("连不上数据库：{detail}", "The database cannot be reached: {detail}"),
    "database_url_invalid": (
        "DATABASE_URL 应形如 postgresql://用户:密码@主机:5432/数据库",
        "DATABASE_URL has to look like postgresql://user:password@host:5432/name",
    ),
    "create_database_not_allowed": (
        "数据库用户没有新建数据库的权限。请管理员执行：ALTER ROLE … CREATEDB",
        "The database user may not create databases. Ask its administrator for: ALTER ROLE … CREATEDB",
    ),
    "web_did_not_start": ("网页没有起来，记录见 {log}", "The web server did not start, see {log}"),
    "port_taken": (
        "端口 {port} 已被占用。换一个：zhike up --port 8001",
        "Port {port} is in use. Take another one: zhike up --port 8001",
    ),
    "already_running": (
        "这个数据目录（{home}）已有 zhike up 在运行。",
        "Another `zhike up` is already running on {home}.",
    ),
    "prepare_failed": ("准备没有完成，原因见上。", "Preparing failed for the reason above."),
    "company_unknown": ("没有公司“{company}”。", "There is no company {company}."),
    "company_ambiguous": (
        "有几家公司都叫“{company}”，请用短名。",
        "Several companies are called {company}: use the short name.",
    ),
    "company_exists": ("公司“{company}”已经存在。", "The company {company} exists already."),
    "company_name_empty": ("公司名称不能为空。", "A company needs a name."),
    "company_slug_invalid": (
        "短名“{slug}”只能有小写字母、数字和连字符。",
        "The short name {slug} may have small letters, digits and hyphens only.",
    ),
    "company_needed": (
        "有几家公司，请用 --company 指明：{companies}",
        "There are several companies, name one with --company: {companies}",
    ),
    "bench_needs_checkout": (
        "测速程序在源码目录里，请在源码目录中运行。",
        "The benchmarks are part of the source checkout: run this in it.",
    ),
    "demo_failed": ("演示数据没有写完。", "The demo data could not be written."),
    "export_object_unknown": ("没有“{object}”，可用：{objects}", "There is no {object}, only: {objects}"),
    "export_columns_unknown": ("没有这些列：{columns}。可用：{known}", "There are no columns {columns}, only: {known}"),
    "export_refused": ("无法导出：{detail}", "Cannot export: {detail}"),
    "companies_failed": (
        "没有更新成功：{companies}。它们先关着，改好后再运行 zhike company migrate",
        "Not brought up to date: {companies}. They stay closed; run zhike company migrate again once the cause is gone",
    ),
    "database_newer": (
        "“{company}”的库来自更新的版本（有 {migration}），没有启动，也没有改动。请装回那个版本，或恢复升级前的备份。",
        "The database of {company} is of a newer version (it has {migration}). Nothing was started or changed. "
        "Install that version again, or restore the backup made before.",
    ),
    "host_invalid": ("“{host}”不是主机名，应形如 crm.example.com", "{host} is no host name; it should look like crm.example.com"),
    "host_taken": ("主机名 {host} 已经属于“{company}”。", "The host {host} belongs to {company}."),
    "host_not_its_own": ("“{company}”没有主机名 {host}。", "{company} has no host {host}."),
    "move_same_place": (
        "“{company}”已经在那里。请给出 --database 或 --server。",
        "{company} is there already. Give --database or --server.",
    ),
    "database_exists": (
        "已经有库 {database}，没有动它。换一个名字。",
        "There is a database {database}; it was left alone. Take another name.",
    ),
    "not_equal": (
        "核对不一致，没有切换，原来的照常用：{count} 张表（{tables}）",
        "Not equal, so nothing was switched and the old one stays in use: {count} tables ({tables})",
    ),
    "kept_unknown": ("没有编号 {number}。看一看：zhike company kept", "There is no number {number}. See: zhike company kept"),
    "name_not_typed": ("名称不对，没有删除“{company}”。", "That is not the name; {company} was not dropped."),
    "dump_failed": ("没有备份成：{detail}", "The dump failed: {detail}"),
    "load_failed": ("没有装回去：{detail}", "Loading failed: {detail}"),
    "programs_missing": (
        "需要 PostgreSQL {version} 的 {program}。Debian：apt install postgresql-client-{version}",
        "{program} of PostgreSQL {version} is needed. On Debian: apt install postgresql-client-{version}",
    ),
    "disk_full": (
        "磁盘满了（{folder}）。没有留下半份文件，原有数据都在。腾出空间再来。",
        "The disk is full ({folder}). No half file was left and all data is there. Free some space and run it again.",
    ),
    "backups_failed": ("没有备份成：{companies}。其余已备份。", "Not backed up: {companies}. The others are."),
    "backup_missing": ("没有这个文件：{path}", "There is no such file: {path}"),
    "backup_incomplete": ("{path} 不是完整的备份。换一份。", "{path} is not a complete backup. Take another one."),
    "backup_damaged": ("{path} 已损坏：{member}。什么也没有恢复。", "{path} is damaged: {member}. Nothing was restored."),
    "backup_too_new": ("{path} 来自更新的版本 {version}，请先升级。", "{path} was made by the newer version {version}: upgrade first."),
    "backup_other_kind": ("{path} 不是公司的备份（{kind}）。", "{path} is not a backup of a company ({kind})."),
    "company_is_there": (
        "“{company}”还在。用 --as 恢复成另一家，或用 --replace 换下它（旧库留着）。",
        "{company} is there. Use --as for another company beside it, or --replace (its database is kept).",
    ),
    "moment_needs_embedded": (
        "自己的 PostgreSQL 请用 pg_basebackup 或 pgBackRest，见 docs/guide/server.md",
        "With a PostgreSQL of your own use pg_basebackup or pgBackRest, see docs/guide/en/server.md",
    ),
    "restart_needed": ("请先重新启动 zhike up，再做一次。", "Restart `zhike up` first, then do it again."),
    "base_failed": ("底本没有做成：{detail}", "The base backup failed: {detail}"),
    "moment_too_early": (
        "没有早于 {moment} 的底本；最早的是 {first}。做底本：zhike backup --base",
        "There is no base before {moment}; the first is of {first}. Make one: zhike backup --base",
    ),
    "moment_too_late": (
        "记录还没有到 {moment}。换一个早一点的时刻；什么也没有改动。",
        "What was written does not reach {moment}. Name an earlier moment; nothing was changed.",
    ),
    "moment_invalid": ("“{moment}”不是时刻，应形如 2026-11-26 09:30:00+08:00", "{moment} is no moment; write 2026-11-26 09:30:00+08:00"),
    "home_not_empty": ("{home} 里已经有数据库。换一个空目录。", "{home} has a database. Name an empty folder."),
    "stop_first": ("请先停下 zhike up 和其他命令。", "Stop `zhike up` and other commands first."),
    "company_none": (
        "还没有公司。新建一家：zhike company create 名称",
        "There is no company yet. Make one: zhike company create NAME",
    ),
}


def explain(error: ServerError) -> str:
    """The error in the terminal's language; an unknown code is shown as it is."""
    zh, en = _WORDS.get(error.code, (str(error), str(error)))
    try:
        return words(zh=zh, en=en).format(**error.facts)
    except (KeyError, IndexError, ValueError):
        return str(error)
