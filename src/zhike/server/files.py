"""Where uploaded files lie: each company has a folder of its own."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage

from zhike.kernel.places import folder_here


class CompanyStorage(FileSystemStorage):
    """Django's storage below the folder of the company at hand; no name leads out of it."""

    @property
    def location(self) -> str:
        """The company's folder."""
        return str(folder_here(Path(self.base_location).absolute()))

    def _save(self, name: str, content: Any) -> str:
        """Write under another name first: a file that was cut off by a full disk or a kill never looks whole."""
        target = Path(self.path(name))
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as file:
                for chunk in content.chunks():
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            part.rename(target)
        finally:
            part.unlink(missing_ok=True)
        return name


def cache_key(key: str, prefix: str, version: int) -> str:
    """A key of the cache that no other company can ask for."""
    return f"{folder_here(Path(prefix or '-'))}:{version}:{key}"
