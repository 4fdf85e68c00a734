"""A program at the interface: it carries a token and speaks JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.test import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The stable code of a problem, "" for none."""
        return str(self.data.get("code", "")) if "problem" in self.headers.get("Content-Type", "") else ""

    @property
    def wrong(self) -> dict[str, str]:
        """Field -> code of a problem."""
        return {error["field"]: error["code"] for error in self.data["errors"]}

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


@dataclass(slots=True)
class Program:
    """Calls the interface with one token."""

    token: str
    client: Client = field(default_factory=Client)

    def get(self, path: str, **headers: str) -> Reply:
        return self.send("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Reply:
        return self.send("POST", path, body, **headers)

    def patch(self, path: str, body: Any, version: int | str | None = None, **headers: str) -> Reply:
        if version is not None:
            headers["If_Match"] = f'"{version}"'
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, version: int | str | None = None, **headers: str) -> Reply:
        if version is not None:
            headers["If_Match"] = f'"{version}"'
        return self.send("DELETE", path, **headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """One request to an address under /api/v1/; a text or bytes body goes as it is."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            given.setdefault("Authorization", f"Bearer {self.token}")
        kind = given.pop("Content-Type", "application/json")
        text = body if isinstance(body, (bytes, str)) else b"" if body is None else json.dumps(body)
        answer = self.client.generic(method, f"/api/v1/{path}", text, content_type=kind, headers=given)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
        return Reply(status=answer.status_code, headers=dict(answer.items()), content=content)
