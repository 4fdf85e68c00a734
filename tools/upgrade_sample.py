"""Pack a small installation of the version checked out, so that later versions can prove they bring it up to date.

    python tools/upgrade_sample.py tests/upgrade/0.1.0.tar.gz

Run it with the code of the release to be kept (a checkout of its tag), once, right after the release. The sample holds the
control database and one company as SQL, and the files and import files that belong to them. tests/upgrade/test_upgrade.py
takes every sample in its folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from zhike.server.cluster import programs
from zhike.server.connection import address
from zhike.server.control import get_company
from zhike.server.embedded import running
from zhike.server.home import current_home
from zhike.server.processes import service_user

CSV = "订单号,日期,客户,手机,产品,数量,金额\nA-1,2026-03-01,苏州恒远,13800001111,轴承,2,120.50\nA-2,2026-04-02,无锡明诚,13900002222,阀门,1,99.99\n"
ATTACH = """
import django
django.setup()
from django.core.files.base import ContentFile
from zhike.customers.models import Customer
from zhike.kernel.actor import Actor
from zhike.kernel.screens.files import attach
from zhike.server.companies import get_company, use_company
with use_company(get_company("样品公司")):
    customer = Customer.objects.order_by("id").first()
    attach(customer, ContentFile("合同正文".encode(), name="合同.txt"), "合同.txt", by=Actor(kind="system", name="sample", source="cli"))
"""


def main(target: Path) -> None:
    """Found a company, fill it by the product's own commands, and pack it."""
    home = Path(tempfile.mkdtemp(prefix="zhike-sample-", dir="/tmp"))
    home.chmod(0o711)
    os.environ.update(ZHIKE_HOME=str(home), ZHIKE_LANG="en", DJANGO_SETTINGS_MODULE="zhike.server.settings")
    for name in ("DATABASE_URL", "ZHIKE_COMPANY"):
        os.environ.pop(name, None)
    with running(current_home()):
        _run("company", "create", "样品公司", "--json")
        sheet = home / "orders.csv"
        sheet.write_text(CSV)
        _run("import", str(sheet), "--as", "orders", "--company", "样品公司")
        _run(
            "user",
            "add",
            "linyue",
            "--name",
            "林悦",
            "--role",
            "sales",
            "--team",
            "上海组",
            "--password",
            "warm-rain-27",
            "--company",
            "样品公司",
        )
        subprocess.run([sys.executable, "-c", ATTACH], check=True)
        _pack(target, home, get_company("样品公司").database)
    print(target, target.stat().st_size)


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "zhike.server.cli", *arguments], check=True, stdout=subprocess.DEVNULL)


def _pack(target: Path, home: Path, database: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    where = address()
    for name, file in ((where.name, "control.sql"), (database, "company.sql")):
        argv = [str(programs(service_user()) / "pg_dump"), "-h", where.host, "-U", where.user, "--no-owner", "--no-privileges"]
        (home / file).write_bytes(subprocess.run([*argv, name], check=True, capture_output=True).stdout)
    (home / "sample.json").write_text(json.dumps({"database": database}))
    with tarfile.open(target, "w:gz") as tar:
        for name in ("control.sql", "company.sql", "sample.json", "files", "imports"):
            tar.add(home / name, name)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
