"""The web application for any WSGI server. See docs/adr/0025-web-by-wsgi.md.

The body of a request is taken in whole before anything else happens: who sends a byte a second holds a thread, which
costs little, and no connection to the database, of which there are few. What is larger than the largest file that an
import takes is not taken in at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from tempfile import SpooledTemporaryFile
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.wsgi import get_wsgi_application

from zhike.kernel.imports.limits import max_upload_mb
from zhike.server.processes import die_with_parent
from zhike.server.warming import warm_for

KEPT_IN_MEMORY = 1024 * 1024  # bytes of a body; what is larger goes to a temporary file
CHUNK = 64 * 1024
BESIDE_FILE = 8 * 1024 * 1024  # bytes of a form around the file it carries

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "zhike.server.settings")
if os.environ.get("ZHIKE_SUPERVISED"):
    # A web server killed at once leaves its worker processes behind, and those keep the port.
    die_with_parent()

_django = get_wsgi_application()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request."""
    warm_for(environ)
    if environ.get("CONTENT_LENGTH") not in (None, "", "0") or environ.get("HTTP_TRANSFER_ENCODING"):
        with SpooledTemporaryFile(max_size=KEPT_IN_MEMORY) as body:
            take_in(environ, body)
            return _django(environ, start_response)
    return _django(environ, start_response)


def take_in(environ: dict[str, Any], body: SpooledTemporaryFile[bytes]) -> None:
    """Put the whole body of a request into a file, from which the application then reads it."""
    source, length, most = environ["wsgi.input"], 0, largest()
    try:
        if int(environ.get("CONTENT_LENGTH") or 0) > most:
            raise RequestDataTooBig(f"more than {most} bytes")
        while chunk := source.read(CHUNK):
            body.write(chunk)
            length += len(chunk)
            if length > most:
                raise RequestDataTooBig(f"more than {most} bytes")
        body.seek(0)
    except (OSError, RequestDataTooBig) as broken:  # a full disk, the client is gone, too much: whoever reads the body is told
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = Unreadable(broken), str(length + 1)  # not nothing: it shall be read
        return
    environ["wsgi.input"], environ["CONTENT_LENGTH"] = body, str(length)


def largest() -> int:
    """Bytes that a request may have."""
    return max_upload_mb() * 1024 * 1024 + BESIDE_FILE


class Unreadable:
    """A body that could not be taken in."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, size: int = -1) -> bytes:
        """Raises what happened while the body came in."""
        del size
        raise self.error

    readline = read
