"""Idempotency-Key: who repeats a POST with the same key gets the first answer, however many come at once.

The note of the key and what the request writes are one transaction: a second request waits at the unique index until
the first has ended, and then either reads its answer or, when it failed, runs in its place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta

from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ..errors import Refused
from ..links.tables import ApiToken, KeptAnswer
from .reading import LARGEST_UPLOAD, raw_body

KEY = re.compile(r"[\x21-\x7e]{1,200}")
WAIT_MS = 10_000
KEPT_HOURS = 24
HEADERS = ("Content-Type", "ETag", "Location", "Allow")
LOCKED = "55P03"
SQL_NOTE = """
insert into kernel_keptanswer (token_id, key, asked, headers, body) values (%s, %s, %s, '{}', '')
on conflict (token_id, key) do update set asked = excluded.asked, status = null, at = now() where kernel_keptanswer.at < %s
returning id
"""


class _Undo(Exception):
    """Takes back what a failed request wrote, with its answer."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.answer = answer


def once(request: HttpRequest, token: ApiToken, answer: Callable[[], HttpResponse]) -> HttpResponse:
    """Run a POST at most once for its key. Raises Refused: bad_key, key_used (by another request), key_in_use."""
    key = request.headers.get("Idempotency-Key")
    if request.method != "POST" or key is None:
        return answer()
    if not KEY.fullmatch(key):
        raise Refused("bad_key")
    asked = _asked(request)
    try:
        with transaction.atomic():
            number = _noted(token, key, asked)
            if number is None:
                return _kept(token, key, asked)
            response = answer()
            if response.status_code >= 500:
                raise _Undo(response)
            _keep(number, response)
            return response
    except _Undo as undone:
        return undone.answer
    except OperationalError as waited:
        if getattr(waited.__cause__, "sqlstate", "") != LOCKED:
            raise
        raise Refused("key_in_use", seconds=1) from waited


def _asked(request: HttpRequest) -> str:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    digest.update(raw_body(request, LARGEST_UPLOAD))
    return digest.hexdigest()


def _noted(token: ApiToken, key: str, asked: str) -> int | None:
    """The number of the note when this request is the one to run."""
    with connection.cursor() as cursor:
        cursor.execute(f"set local lock_timeout = {WAIT_MS}")
        cursor.execute(SQL_NOTE, [token.pk, key, asked, timezone.now() - timedelta(hours=KEPT_HOURS)])
        row = cursor.fetchone()
        cursor.execute("set local lock_timeout = 0")
    return row[0] if row else None


def _kept(token: ApiToken, key: str, asked: str) -> HttpResponse:
    kept = KeptAnswer.objects.get(token=token, key=key)
    if kept.asked != asked:
        raise Refused("key_used")
    response = HttpResponse(bytes(kept.body), status=kept.status)
    for name, value in kept.headers.items():
        response[name] = value
    response["Idempotent-Replayed"] = "true"
    return response


def _keep(number: int, response: HttpResponse) -> None:
    headers = {name: response[name] for name in HEADERS if name in response}
    KeptAnswer.objects.filter(pk=number).update(status=response.status_code, headers=headers, body=response.content)


def forget() -> int:
    """Delete answers of more than a day."""
    return KeptAnswer.objects.filter(at__lt=timezone.now() - timedelta(hours=KEPT_HOURS)).delete()[0]
