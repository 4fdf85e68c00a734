"""Bodies of requests are taken in whole before the application looks at them."""

from __future__ import annotations

import errno
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest

from zhike.server.wsgi import KEPT_IN_MEMORY, application, take_in


def taken(source: object, **environ: str) -> dict[str, Any]:
    """The environment after a body came in, `read` of it under "read"."""
    found: dict[str, Any] = {"wsgi.input": source, **environ}
    with SpooledTemporaryFile(max_size=KEPT_IN_MEMORY) as body:
        take_in(found, body)
        return found | {"read": found["wsgi.input"].read()}


class Slow:
    """Gives one byte at a time, and then what is said."""

    def __init__(self, text: bytes, end: Exception | None = None) -> None:
        self.rest, self.end = BytesIO(text), end

    def read(self, size: int = -1) -> bytes:
        found = self.rest.read(min(size, 1))
        if not found and self.end is not None:
            raise self.end
        return found


@pytest.mark.parametrize("text", [b"a=1&b=2", b"x" * (KEPT_IN_MEMORY + 5)], ids=["small", "larger than memory"])
def test_a_body_is_whole_when_the_application_starts(text: bytes) -> None:
    assert taken(BytesIO(text), CONTENT_LENGTH="7")["read"] == text


def test_a_body_without_a_length_gets_one() -> None:
    found = taken(Slow(b"name=abc"), HTTP_TRANSFER_ENCODING="chunked")
    assert (found["CONTENT_LENGTH"], found["read"]) == ("8", b"name=abc")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.ECONNRESET])
def test_who_reads_a_broken_body_is_told_why(code: int) -> None:
    with pytest.raises(OSError, match="broken") as raised:
        taken(Slow(b"na", OSError(code, "broken")), CONTENT_LENGTH="8")
    assert raised.value.errno == code


def test_the_application_answers(db: None) -> None:
    told: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/health",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "CONTENT_LENGTH": "3",
        "wsgi.input": BytesIO(b"abc"),
        "wsgi.url_scheme": "http",
    }
    list(application(environ, lambda status, headers: told.append(status)))
    assert told == ["200 OK"]
