"""One POST to a checked address: no redirects, no proxies, bounded in time and in what is read."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as TooSlow
from urllib3.util.ssl_match_hostname import CertificateError

from .addresses import Target

SECONDS_TO_CONNECT = 5.0
SECONDS_IN_ALL = 15.0
MOST_READ = 64 * 1024  # bytes of an answer
KEPT = 2_000  # characters of an answer that the log shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: a status, or the code of what went wrong; `error` is empty for a 2xx."""

    status: int | None = None
    error: str = ""
    text: str = ""
    milliseconds: int = 0

    @property
    def is_good(self) -> bool:
        return not self.error


def post(target: Target, body: str, headers: Mapping[str, str]) -> Answer:
    """Send a body once and answer what came of it; nothing is raised for what the other side does."""
    began = time.monotonic()
    connection = _connection(target)
    # A receiver that drips its answer byte by byte never runs into a read time-out: the clock closes the socket.
    clock = threading.Timer(SECONDS_IN_ALL, _cut, [connection])
    clock.daemon = True
    clock.start()
    status, error, text = None, "", ""
    try:
        connection.request(
            "POST", target.path, body=body.encode(), headers=_all(headers, target), preload_content=False, decode_content=False
        )
        response = connection.getresponse()
        status, text = response.status, _read(response)
        error = "" if 200 <= status < 300 else "redirected" if 300 <= status < 400 else "refused_by_receiver"
    except (OSError, HTTPError, HTTPException, ValueError) as failure:
        error = _code(failure, time.monotonic() - began)
    finally:
        clock.cancel()
        connection.close()
    return Answer(status=status, error=error, text=text, milliseconds=int((time.monotonic() - began) * 1000))


def _connection(target: Target) -> HTTPConnection:
    if not target.is_tls:
        return HTTPConnection(target.ip, target.port, timeout=SECONDS_TO_CONNECT)
    # The name is checked against the certificate although the connection goes to the address it was looked up to.
    return HTTPSConnection(
        target.ip, target.port, timeout=SECONDS_TO_CONNECT, server_hostname=target.host, assert_hostname=target.host,
        ssl_context=ssl.create_default_context(),
    )  # fmt: skip


def _all(headers: Mapping[str, str], target: Target) -> dict[str, str]:
    return {
        "Host": target.host_header,
        "User-Agent": "Zhike-Webhook/1",
        "Content-Type": "application/cloudevents+json; charset=utf-8",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }


def _read(response: object) -> str:
    found = response.read(MOST_READ)  # type: ignore[attr-defined]
    return bytes(found).decode("utf-8", "replace").replace("\x00", "")[:KEPT]


def _cut(connection: HTTPConnection) -> None:
    sock = connection.sock
    with suppress(OSError, AttributeError):
        sock.shutdown(socket.SHUT_RDWR)


def _code(failure: Exception, seconds: float) -> str:
    if seconds >= SECONDS_IN_ALL - 0.1:
        return "timed_out"
    if isinstance(failure, (ssl.SSLError, CertificateError)):
        return "bad_certificate"
    if isinstance(failure, (NewConnectionError, ConnectionError)):  # before the time-outs, of which the first is a kind
        return "no_connection"
    if isinstance(failure, (TooSlow, TimeoutError)):
        return "timed_out"
    return "broken_answer"
