"""A browser without a screen: one person who is logged in, asking for pages and for parts of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponseBase
from django.test import Client

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
FRAGMENT = {"HX-Request": "true"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: status, text, refusal code, and the events that htmx would fire."""

    status: int
    text: str
    headers: Mapping[str, str]

    @property
    def refused(self) -> str:
        return self.headers.get("X-Refused", "")

    @property
    def events(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.headers.get("HX-Trigger", "{}"))
        return found

    @property
    def toast(self) -> str:
        return str(self.events.get("zk:toast", {}).get("text", ""))

    @property
    def undo_url(self) -> str:
        return str(self.events.get("zk:toast", {}).get("undo_url", ""))


@dataclass(slots=True)
class Web:
    """One person at the screens."""

    user: Any = None  # the company's user model, which the kernel does not know
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        if self.user is not None:
            self.client.force_login(self.user, backend=BACKEND)

    def get(self, path: str) -> Answer:
        """A whole page."""
        return _answer(self.client.get(path))

    def part(self, path: str, target: str = "") -> Answer:
        """A part of a page, as htmx asks for it."""
        return _answer(self.client.get(path, headers=FRAGMENT | ({"HX-Target": target} if target else {})))

    def post(self, path: str, values: Mapping[str, Any] | None = None) -> Answer:
        """A form sent by htmx."""
        return _answer(self.client.post(path, dict(values or {}), headers=FRAGMENT))


def _answer(response: HttpResponseBase) -> Answer:
    content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    return Answer(status=response.status_code, text=content.decode("utf-8", "replace"), headers=dict(response.items()))
