"""Bodies of requests are taken in whole before the application looks at them."""

from __future__ import annotations

import errno
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any

import pytest

from zhike.server.wsgi import CHUNK, KEPT_IN_MEMORY, application, largest, take_in


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


def answered(path: str, body: object, **environ: str) -> tuple[str, str]:
    """Status and text of one request."""
    told: list[str] = []
    asked = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "HTTP_HOST": "localhost",
        "wsgi.input": body,
        "wsgi.url_scheme": "http",
        **environ,
    }
    parts = application(asked, lambda status, headers: told.append(status))
    return told[0], b"".join(parts).decode()


def test_the_application_answers(db: None) -> None:
    assert answered("/health", BytesIO(b"abc"), CONTENT_LENGTH="3")[0] == "200 OK"


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "without a length"])
def test_more_than_a_request_may_carry_is_not_taken_in(db: None, settings: Any, declared: bool) -> None:
    settings.ZHIKE_IMPORT_MAX_MB = 1
    body = BytesIO(b"x" * (largest() + CHUNK * 3))
    length = {"CONTENT_LENGTH": str(len(body.getvalue()))} if declared else {"HTTP_TRANSFER_ENCODING": "chunked"}
    form = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": "application/x-www-form-urlencoded", **length}
    status, text = answered("/login/", body, **form)
    assert status.startswith("413")
    assert "内容太大" in text
    assert body.tell() == (0 if declared else largest() + CHUNK)
    json = {**form, "CONTENT_TYPE": "application/json", "HTTP_AUTHORIZATION": "Bearer none"}
    assert answered("/api/v1/customers", BytesIO(body.getvalue()), **json)[0].startswith("401")
