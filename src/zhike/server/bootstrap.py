"""Getting an installation ready: database up, companies migrated, front-end files collected, demo there.

`python -m zhike.server.bootstrap` does the parts that need Django in a process of its own, so that the supervisor,
which lives as long as the installation runs, stays small.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import cast

import django
from django.conf import settings
from django.core.management import call_command

from zhike.demo.logins import DEMO_LOGINS
from zhike.server import digests
from zhike.server.connection import is_embedded
from zhike.server.console import say, words
from zhike.server.control import Company, list_companies, make_control, schema_marks
from zhike.server.embedded import running
from zhike.server.explanations import explain
from zhike.server.home import Home, current_home
from zhike.server.processes import ServerError, die_with_parent

SETTINGS = "zhike.server.settings"
_STATIC_STORAGE = "zhike.server.static.ModuleStorage"


def name_settings() -> None:
    """Point Django at our settings unless somebody chose others."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)


@contextmanager
def database(home: Home | None = None) -> Iterator[None]:
    """Have the database server and the control table while the block runs."""
    if not is_embedded():
        make_control()
        yield
        return
    with running(home or current_home()):
        make_control()
        yield


def is_ready() -> bool:
    """True when nothing has to be migrated or collected and there is a company; costs some ten milliseconds."""
    companies, marks, digest = list_companies(), schema_marks(), digests.migrations()
    is_current = all(item.is_open and not item.server and marks.get(item.database) == digest for item in companies)
    return bool(companies) and are_static_files_fresh() and is_current


def are_static_files_fresh() -> bool:
    """True when the collected front-end files are those of the installed package."""
    stamp = current_home().static / "digest"
    return stamp.exists() and stamp.read_text() == digests.static_files()


def prepare() -> None:
    """Migrate companies and collect front-end files where that is needed; needs a running database.

    A company that could not be brought up to date is named and stays closed; raises `database_newer`.
    """
    django.setup()
    make_control()
    # Imported here by name: founding loads the pinyin tables, which the supervisor never needs.
    upgrading = import_module("zhike.server.upgrading")
    for one in upgrading.bring_up_to_date(say=tell_progress):
        if one.error:
            say(
                zh=f"“{one.company.name}”没有更新成功，先关着：{one.error}。改好后运行 zhike company migrate",
                en=f"{one.company.name} could not be brought up to date and stays closed: {one.error}. Then: zhike company migrate",
            )
    with import_module("zhike.server.working").alone():
        if not are_static_files_fresh():
            say(zh="整理页面文件……", en="Collecting front-end files …")
            collect_static()


def tell_progress(company: Company, number: int, total: int) -> None:
    """Say which company is being brought up to date, and how many there are."""
    count = f"[{number}/{total}] " if total > 1 else ""
    say(zh=f"{count}更新“{company.name}”的数据表……", en=f"{count}Updating the tables of {company.name} …")


def collect_static() -> None:
    """Copy, hash and compress the front-end files into the home."""
    # The settings use the hashing storage only once its manifest exists; here it is made.
    cast("dict[str, str]", settings.STORAGES["staticfiles"])["BACKEND"] = _STATIC_STORAGE
    stamp = current_home().static / "digest"
    stamp.unlink(missing_ok=True)
    # django-htmx brings copies of htmx that we do not serve, and one of them imports a file that is not there.
    call_command("collectstatic", verbosity=0, interactive=False, clear=True, ignore_patterns=["django_htmx"])
    stamp.write_text(digests.static_files())


def demo_logins() -> tuple[tuple[str, str, str], ...]:
    """Log-in name, name and role of the demo people, in the terminal's language."""
    return tuple((login.username, login.name, words(zh=login.title, en=login.title_en)) for login in DEMO_LOGINS)


def main() -> None:
    """Prepare, as a child of the supervisor."""
    die_with_parent()
    name_settings()
    try:
        prepare()
    except ServerError as error:
        say(zh=explain(error), en=explain(error))
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
