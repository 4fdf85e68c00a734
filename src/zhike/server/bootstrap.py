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
from zhike.server.control import list_companies, make_control, schema_marks
from zhike.server.embedded import running
from zhike.server.home import Home, current_home
from zhike.server.processes import die_with_parent

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
    return bool(companies) and are_static_files_fresh() and all(marks.get(item.database) == digest for item in companies)


def are_static_files_fresh() -> bool:
    """True when the collected front-end files are those of the installed package."""
    stamp = current_home().static / "digest"
    return stamp.exists() and stamp.read_text() == digests.static_files()


def prepare() -> None:
    """Migrate companies and collect front-end files where that is needed; needs a running database."""
    django.setup()
    # Imported here by name: founding loads the pinyin tables, which the supervisor never needs.
    founding = import_module("zhike.server.founding")
    for company in founding.outdated_companies():
        say(zh=f"更新“{company.name}”的数据表……", en=f"Updating the tables of {company.name} …")
        founding.migrate_company(company)
    if not are_static_files_fresh():
        say(zh="整理页面文件……", en="Collecting front-end files …")
        collect_static()


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
    prepare()


if __name__ == "__main__":
    main()
