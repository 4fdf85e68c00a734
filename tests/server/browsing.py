"""A person at a company's address, over TLS, with cookies: as a browser, without one."""

from __future__ import annotations

import json
import re
import ssl
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, headers (small letters) and text."""

    status: int
    headers: dict[str, str]
    text: str


@dataclass(slots=True)
class Person:
    """Asks at `host`, which is reached at a port of this machine."""

    host: str
    port: int
    certificate: Path | None = None
    cookies: dict[str, str] = field(default_factory=dict)
    flags: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, values: dict[str, str] | None = None, headers: dict[str, str] | None = None) -> Answer:
        """One request; cookies are kept."""
        connection = self._connect()
        told = {"Host": self.host, "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **(headers or {})}
        body = None
        if values is not None:
            body = urlencode(values)
            told |= {"Content-Type": "application/x-www-form-urlencoded", "X-CSRFToken": self.cookies.get("zhike_csrf", "")}
            told |= {"Referer": f"https://{self.host}/", "Origin": f"https://{self.host}"}
        connection.request(method, path, body, told)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key], self.flags[key] = rest.partition(";")[0], rest.partition(";")[2]
        connection.close()
        return Answer(status=response.status, headers={name.lower(): value for name, value in response.getheaders()}, text=text)

    def _connect(self) -> HTTPConnection:
        if self.certificate is None:
            return HTTPConnection("127.0.0.1", self.port, timeout=30)
        context = ssl.create_default_context(cafile=str(self.certificate))
        connection = _Named("127.0.0.1", self.port, timeout=30, context=context)
        connection.named = self.host
        return connection

    def get(self, path: str, **headers: str) -> Answer:
        """A page."""
        return self.ask("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, values: dict[str, str]) -> Answer:
        """A form, as htmx sends it."""
        return self.ask("POST", path, values, {"HX-Request": "true"})

    def log_in(self, username: str, password: str) -> Answer:
        """The log-in page, filled in."""
        page = self.get("/login/")
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        token = found.group(1) if found else self.cookies.get("zhike_csrf", "")
        return self.ask("POST", "/login/", {"login": username, "password": password, "csrfmiddlewaretoken": token})


class _Named(HTTPSConnection):
    """Connects to this machine and checks the certificate against the name that was asked for."""

    named = ""

    def connect(self) -> None:
        HTTPConnection.connect(self)
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self.named)  # type: ignore[attr-defined]


def undo_url(answer: Answer) -> str:
    """Where the toast of an answer leads back."""
    return str(json.loads(answer.headers["hx-trigger"])["zk:toast"]["undo_url"])
