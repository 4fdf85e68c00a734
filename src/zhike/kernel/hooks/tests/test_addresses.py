"""Where a webhook may go: nothing inside, no name that changes its mind, no redirect, no endless answer."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from zhike.customers.models import Customer
from zhike.kernel.actions import create_record
from zhike.kernel.errors import Refused
from zhike.kernel.hooks import delivering, posting
from zhike.kernel.hooks.addresses import Target, may_reach, resolve
from zhike.kernel.hooks.tests.conftest import MakeHook
from zhike.kernel.hooks.tests.receiver import Receiver, receiving
from zhike.kernel.links import actors
from zhike.kernel.links.tables import Hook, HookTry
from zhike.server.control import Company

INSIDE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.100.100.200", "0.0.0.0", "::1", "fe80::1", "fc00::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "224.0.0.1", "255.255.255.255",
)  # fmt: skip


@pytest.mark.parametrize("ip", INSIDE)
def test_addresses_inside_are_not_reached(ip: str) -> None:
    assert not may_reach(ip)


@pytest.mark.parametrize("ip", ["8.8.8.8", "2606:4700:4700::1111"])
def test_addresses_outside_are(ip: str) -> None:
    assert may_reach(ip)


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost/x", "https://[::1]/", "https://169.254.169.254/latest/meta-data", "https://2130706433/", "https://0x7f.1/",
        "https://[::ffff:127.0.0.1]/", "https://127.1/",
    ],
)  # fmt: skip
def test_names_of_what_is_inside_are_refused_however_they_are_written(url: str) -> None:
    with pytest.raises(Refused) as caught:
        resolve(url)
    assert caught.value.code in ("hook_inside", "hook_unknown_host")


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://example.com/", "file:///etc/passwd", "javascript:alert(1)", "https://", "https://user:pass@example.com/", "https://example.com/a b",
        "https://example.com/\r\nX-Evil: 1", "https://example.com\\@127.0.0.1/", "https://example.com:99999/", "gopher://example.com/",
        "https://" + "a" * 600 + ".com/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(Refused) as caught:
        resolve(url)
    assert caught.value.code == "hook_address"


def test_plain_http_needs_a_word_from_the_environment() -> None:
    with pytest.raises(Refused) as caught:
        resolve("http://example.com/")
    assert caught.value.code == "hook_not_https"


def test_a_network_can_be_allowed_by_the_environment(settings: Settings) -> None:
    settings.ZHIKE_HOOK_NETWORKS = ["10.8.0.0/16", "fd00::/8"]
    assert (may_reach("10.8.3.4"), may_reach("10.9.0.1"), may_reach("fd00::7"), may_reach("127.0.0.1")) == (True, False, True, False)


def test_a_name_is_looked_up_again_before_each_message(
    committed: Company, receiver: Receiver, hook_to: MakeHook, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name was outside when the webhook was made, and leads inside when a message is due (DNS rebinding)."""
    hook, _secret = hook_to()
    settings.ZHIKE_HOOK_NETWORKS = []
    answers = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", receiver.port))]]
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **facts: answers[0])
    Hook.objects.update(url=f"http://rebound.example:{receiver.port}/")
    sender = actors.integration(hook.integration)
    assert sender is not None
    create_record(Customer, {"name": "x", "kind": "company"}, by=sender)
    monkeypatch.undo()
    delivering.work(hook.pk)
    assert receiver.heard == []
    assert HookTry.objects.get().error in ("hook_inside", "hook_unknown_host")


def to(receiver: Receiver) -> Target:
    return Target(is_tls=False, host="127.0.0.1", port=receiver.port, path="/", ip="127.0.0.1")


def test_a_redirect_is_not_followed() -> None:
    with receiving() as first, receiving() as second:
        first.answers.append((302, {"Location": second.url}, b""))
        answer = posting.post(to(first), "{}", {})
        assert (answer.status, answer.error) == (302, "redirected")
        assert second.heard == []


def test_a_long_answer_is_cut_off() -> None:
    with receiving() as heard:
        heard.answers.append((200, {}, b"x" * 5_000_000))
        answer = posting.post(to(heard), "{}", {})
        assert (answer.is_good, len(answer.text)) == (True, posting.KEPT)


def test_an_answer_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SECONDS_IN_ALL", 1.0)
    listening = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        sock, _peer = listening.accept()
        with sock:
            try:
                for _byte in range(100):
                    sock.sendall(b"H")
                    time.sleep(0.1)
            except OSError:
                return

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    began = time.monotonic()
    answer = posting.post(Target(is_tls=False, host="x", port=listening.getsockname()[1], path="/", ip="127.0.0.1"), "{}", {})
    listening.close()
    assert (answer.error, time.monotonic() - began < 3) == ("timed_out", True)


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert posting.post(Target(is_tls=False, host="x", port=port, path="/", ip="127.0.0.1"), "{}", {}).error == "no_connection"


@contextmanager
def tls_server(folder: Path, name: str) -> Iterator[tuple[int, str]]:
    """An https server with a certificate of its own making for `name`; its port, and the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.headers["Host"].encode())

        def log_message(self, *args: object) -> None:
            return

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, private)
    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], str(cert)
    finally:
        server.shutdown()
        server.server_close()


def test_the_certificate_has_to_be_trusted_and_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was looked up, the certificate is checked against the name."""
    with tls_server(tmp_path, "hooks.example") as (port, cert):

        def ask(host: str) -> posting.Answer:
            return posting.post(Target(is_tls=True, host=host, port=port, path="/", ip="127.0.0.1"), "{}", {})

        assert ask("hooks.example").error == "bad_certificate"
        monkeypatch.setenv("SSL_CERT_FILE", cert)
        assert (ask("hooks.example").status, ask("hooks.example").text) == (200, f"hooks.example:{port}")
        assert ask("other.example").error == "bad_certificate"
