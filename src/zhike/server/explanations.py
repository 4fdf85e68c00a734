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
