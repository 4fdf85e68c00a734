"""A small SAML identity provider: its own key and certificate, and responses signed as real ones are, or wrong on purpose."""

from __future__ import annotations

import base64
import datetime as dt
import uuid
import zlib
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils

ISSUER, SSO_URL = "https://idp.hengli.example/saml", "https://idp.hengli.example/sso"
PROTOCOL, ASSERTION = "urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:2.0:assertion"
MINUTES = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """A private key with the certificate that stands for it, both as PEM."""

    private: str
    certificate: str


def new_keys() -> Keys:
    """A fresh key, certified by itself for a day."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "idp.hengli.example")]), dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - MINUTES).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Keys(private=key.private_bytes(*form).decode(), certificate=made.public_bytes(serialization.Encoding.PEM).decode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a response says: of whom, to whom, in answer to what, and until when."""

    answers: str
    recipient: str
    audience: str
    name_id: str = "u-1"
    attributes: dict[str, str] = field(default_factory=dict)
    issuer: str = ISSUER
    until: dt.timedelta = MINUTES

    def but(self, **changed: Any) -> Told:
        """The same with something else in it."""
        return replace(self, **changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserting:
    """The provider: its key, and what it knows of the person who is logged in there."""

    keys: Keys
    name_id: str = "u-1"
    attributes: dict[str, str] = field(default_factory=dict)

    def log_in(self, address: str) -> Told:
        """What the provider answers to the request that a browser brought in an address."""
        asked = etree.fromstring(zlib.decompress(base64.b64decode(parse_qs(urlsplit(address).query)["SAMLRequest"][0]), -15))
        return Told(
            answers=asked.get("ID"), recipient=asked.get("AssertionConsumerServiceURL"),
            audience=asked.findtext(f"{{{ASSERTION}}}Issuer") or "", name_id=self.name_id, attributes=self.attributes,
        )  # fmt: skip

    def respond(self, told: Told, keys: Keys | None = None) -> str:
        """A response with a signed assertion."""
        return response(told, self.sign(assertion(told), keys))

    def sign(self, xml: str, keys: Keys | None = None) -> str:
        """XML with an enveloped signature over its root."""
        keys = keys or self.keys
        return str(OneLogin_Saml2_Utils.add_sign(xml, keys.private, keys.certificate).decode())


def assertion(told: Told) -> str:
    """An assertion without a signature."""
    now = dt.datetime.now(dt.UTC)
    start, end = _moment(now - MINUTES), _moment(now + told.until)
    stated = "".join(
        f'<saml:Attribute Name="{name}"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>'
        for name, value in told.attributes.items()
    )
    return (
        f'<saml:Assertion xmlns:saml="{ASSERTION}" ID="_{uuid.uuid4().hex}" Version="2.0" IssueInstant="{_moment(now)}">'
        f"<saml:Issuer>{told.issuer}</saml:Issuer>"
        f'<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{told.name_id}</saml:NameID>'
        f'<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData '
        f'NotOnOrAfter="{end}" Recipient="{told.recipient}" InResponseTo="{told.answers}"/></saml:SubjectConfirmation></saml:Subject>'
        f'<saml:Conditions NotBefore="{start}" NotOnOrAfter="{end}"><saml:AudienceRestriction>'
        f"<saml:Audience>{told.audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>"
        f'<saml:AuthnStatement AuthnInstant="{_moment(now)}"><saml:AuthnContext><saml:AuthnContextClassRef>'
        "urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"
        f"<saml:AttributeStatement>{stated}</saml:AttributeStatement></saml:Assertion>"
    )


def response(told: Told, *assertions: str) -> str:
    """A response that carries assertions, itself without a signature."""
    return (
        f'<samlp:Response xmlns:samlp="{PROTOCOL}" xmlns:saml="{ASSERTION}" ID="_{uuid.uuid4().hex}" Version="2.0" '
        f'IssueInstant="{_moment(dt.datetime.now(dt.UTC))}" Destination="{told.recipient}" InResponseTo="{told.answers}">'
        f"<saml:Issuer>{told.issuer}</saml:Issuer><samlp:Status><samlp:StatusCode "
        f'Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{"".join(assertions)}</samlp:Response>'
    )


def _moment(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def packed(xml: str) -> str:
    """As a form carries it."""
    return base64.b64encode(xml.encode()).decode()
