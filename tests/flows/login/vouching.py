"""A small OpenID provider on loopback: discovery, keys, log-in, tokens and userinfo, as strict as a real one."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "zhike", "client-secret-of-hengli-and-nobody-else"


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(kw_only=True)
class Provider:
    """Who is logged in there, and what it gets wrong on purpose."""

    claims: dict[str, Any]
    key: rsa.RSAPrivateKey = field(default_factory=_new_key)
    signs_with: rsa.RSAPrivateKey | str | None = None  # another key, a shared text (HS256), or nothing (none)
    changed: dict[str, Any] = field(default_factory=dict)  # claims of the token that are not as they should be
    userinfo: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    asked: dict[str, str] = field(default_factory=dict)  # by the last log-in
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def log_in(self, address: str) -> dict[str, str]:
        """What a person does at the provider: the answer that the browser carries back."""
        self.asked = dict(parse_qsl(urlsplit(address).query))
        assert self.asked["response_type"] == "code"
        assert self.asked["client_id"] == CLIENT
        code = secrets.token_urlsafe()
        self.codes[code] = self.asked
        return {"code": code, "state": self.asked["state"]}

    def token(self, sent: dict[str, str]) -> dict[str, Any] | None:
        """The token for a code, once, for who knows client secret and code verifier; None refuses."""
        asked = self.codes.pop(sent.get("code", ""), None)
        if asked is None or (sent.get("client_id"), sent.get("client_secret")) != (CLIENT, SECRET):
            return None
        digest = base64.urlsafe_b64encode(hashlib.sha256(sent.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if (asked["code_challenge_method"], asked["code_challenge"], asked["redirect_uri"]) != ("S256", digest, sent["redirect_uri"]):
            return None
        now = int(time.time())
        told = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.claims, **self.changed}
        key = self.key if self.signs_with is None else self.signs_with
        algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "HS256" if key else "none"
        signed = jwt.encode(told, key, algorithm=algorithm, headers={"kid": "one"})
        return {"access_token": "access", "token_type": "Bearer", "id_token": signed}

    def document(self, path: str) -> dict[str, Any] | None:
        """What stands at an address."""
        if path == "/.well-known/openid-configuration":
            ways = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys", "userinfo_endpoint": "userinfo"}
            return {"issuer": self.url, **{name: f"{self.url}/{way}" for name, way in ways.items()}}
        if path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return {"keys": [public | {"kid": "one", "alg": "RS256", "use": "sig"}]}
        return (self.claims | self.userinfo) if path == "/userinfo" else None


@contextmanager
def provider(**claims: Any) -> Iterator[Provider]:
    """A provider that listens on loopback until the block ends."""
    one = Provider(claims=claims)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(one.document(self.path))

        def do_POST(self) -> None:
            sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self._answer(one.token({name: values[0] for name, values in sent.items()}))

        def _answer(self, document: dict[str, Any] | None) -> None:
            body = json.dumps(document or {"error": "invalid_grant"}).encode()
            self.send_response(400 if document is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: a test is read by its answers."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    one.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()


def address_with(url: str, **given: str) -> str:
    """An address with other parameters."""
    parts = urlsplit(url)
    return f"{parts.path}?{urlencode(dict(parse_qsl(parts.query)) | given)}"
