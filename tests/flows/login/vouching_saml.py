"""A small SAML identity provider: reads what it is asked, and signs real answers, right ones and wrong ones."""

from __future__ import annotations

import base64
import datetime as dt
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Names
from onelogin.saml2.utils import OneLogin_Saml2_Utils

ENTITY, SSO_URL = "https://idp.hengli.example/metadata", "https://idp.hengli.example/sso"
SPACES = 'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
ASSERTION = """<saml:Assertion {spaces} ID="{id}" Version="2.0" IssueInstant="{now}"><saml:Issuer>{issuer}</saml:Issuer>\
<saml:Subject><saml:NameID Format="{format}">{name_id}</saml:NameID><saml:SubjectConfirmation Method="{method}">\
<saml:SubjectConfirmationData{confirmation}/></saml:SubjectConfirmation></saml:Subject>\
<saml:Conditions NotBefore="{begin}" NotOnOrAfter="{end}">{audiences}</saml:Conditions>\
<saml:AuthnStatement AuthnInstant="{now}"><saml:AuthnContext><saml:AuthnContextClassRef>\
urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
{attributes}</saml:Assertion>"""
RESPONSE = """<samlp:Response {spaces} ID="{id}" Version="2.0" IssueInstant="{now}"{facts}><saml:Issuer>{issuer}</saml:Issuer>\
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{status}"/></samlp:Status>{assertion}</samlp:Response>"""


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A key and the certificate it signed for itself, as PEM."""

    key: str
    certificate: str


def signer() -> Signer:
    """A new key with its certificate."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "idp.hengli.example")]), dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number()).not_valid_before(now).not_valid_after(now + dt.timedelta(days=9))
    form = serialization.Encoding.PEM
    secret = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Signer(key=secret.decode(), certificate=made.sign(key, hashes.SHA256()).public_bytes(form).decode())


@dataclass(frozen=True, kw_only=True)
class Question:
    """What we asked."""

    id: str
    issuer: str
    answer_to: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an answer says; None leaves a fact out."""

    answers: str | None
    confirms: str | None
    destination: str | None
    recipient: str | None
    audiences: tuple[str, ...]
    issuer: str = ENTITY
    name_id: str = "u-1"
    name_format: str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    method: str = Names.CM_BEARER
    mail: str = "linyue@hengli.example"
    name: str = "林悦"
    minutes: int = 5  # how long it holds from now
    confirmed_for: int | None = 5  # and how long its bearer has to bring it
    begins: int = -1
    status: str = "Success"

    def assertion(self) -> str:
        """What is said of a person, unsigned."""
        told = {"Recipient": self.recipient, "InResponseTo": self.confirms}
        if self.confirmed_for is not None:
            told["NotOnOrAfter"] = when(self.confirmed_for)
        audiences = "".join(
            f"<saml:AudienceRestriction><saml:Audience>{one}</saml:Audience></saml:AudienceRestriction>" for one in self.audiences
        )
        return ASSERTION.format(
            spaces=SPACES, id=new_id(), now=when(0), issuer=self.issuer, format=self.name_format, name_id=self.name_id, method=self.method,
            confirmation=_facts(told), begin=when(self.begins), end=when(self.minutes), audiences=audiences, attributes=self._attributes(),
        )  # fmt: skip

    def response(self, assertion: str) -> str:
        """The envelope around it, unsigned."""
        facts = _facts({"InResponseTo": self.answers, "Destination": self.destination})
        return RESPONSE.format(
            spaces=SPACES, id=new_id(), now=when(0), facts=facts, issuer=self.issuer, status=self.status, assertion=assertion
        )

    def _attributes(self) -> str:
        told = {"mail": self.mail, "urn:oid:2.16.840.1.113730.3.1.241": self.name}
        rows = (
            f'<saml:Attribute Name="{name}"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>'
            for name, value in told.items() if value
        )  # fmt: skip
        found = "".join(rows)
        return f"<saml:AttributeStatement>{found}</saml:AttributeStatement>" if found else ""


@dataclass(kw_only=True)
class Provider:
    """The system: who it is, what it was asked last."""

    own: Signer = field(default_factory=signer)
    asked: Question | None = None

    def read(self, address: str) -> Question:
        """What a person brings from us, as strict as a real one."""
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == SSO_URL
        asked = etree.fromstring(zlib.decompress(base64.b64decode(parse_qs(parts.query)["SAMLRequest"][0]), -15))
        assert (asked.get("Destination"), asked.get("ProtocolBinding"), asked.get("Version")) == (SSO_URL, Names.BINDING_HTTP_POST, "2.0")
        issuer = asked.findtext("saml:Issuer", namespaces=Names.NSMAP)
        self.asked = Question(id=asked.get("ID"), issuer=issuer, answer_to=asked.get("AssertionConsumerServiceURL"))
        return self.asked

    def answer(self, question: Question) -> Answer:
        """The answer that is right."""
        to, asked = question.answer_to, question.id
        return Answer(answers=asked, confirms=asked, destination=to, recipient=to, audiences=(question.issuer,))

    def signed(self, answer: Answer, **how: str) -> str:
        """An answer whose assertion is signed."""
        return answer.response(sign(answer.assertion(), self.own, **how))


def sign(text: str, by: Signer, *, algorithm: str = Names.RSA_SHA256, digest: str = Names.SHA256) -> str:
    """Sign the outermost element."""
    made = OneLogin_Saml2_Utils.add_sign(text, by.key, by.certificate, sign_algorithm=algorithm, digest_algorithm=digest)
    return made.decode() if isinstance(made, bytes) else str(made)


def sent(text: str) -> dict[str, str]:
    """The form that the browser carries back."""
    return {"SAMLResponse": base64.b64encode(text.encode()).decode(), "RelayState": ""}


def new_id() -> str:
    """An id for an element."""
    return str(OneLogin_Saml2_Utils.generate_unique_id())


def when(minutes: int) -> str:
    """A moment so many minutes from now."""
    return f"{dt.datetime.now(dt.UTC) + dt.timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def _facts(told: dict[str, str | None]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in told.items() if value is not None)


Wrapping = Callable[[str, str], str]


def _parts(response: str, evil: str) -> tuple[etree._Element, etree._Element, etree._Element, etree._Element]:
    """The envelope, the signed assertion in it, its signature, and an assertion nobody signed."""
    root = etree.fromstring(response)
    good = root.find("saml:Assertion", Names.NSMAP)
    assert good is not None
    signature = good.find("ds:Signature", Names.NSMAP)
    assert signature is not None
    return root, good, signature, etree.fromstring(evil)


def _text(root: etree._Element) -> str:
    return str(etree.tostring(root, encoding="unicode"))


def evil_first(response: str, evil: str) -> str:
    """The unsigned assertion stands before the signed one."""
    root, good, _signature, bad = _parts(response, evil)
    good.addprevious(bad)
    return _text(root)


def evil_last(response: str, evil: str) -> str:
    """The unsigned assertion stands behind the signed one."""
    root, _good, _signature, bad = _parts(response, evil)
    root.append(bad)
    return _text(root)


def good_in_extensions(response: str, evil: str) -> str:
    """The signed assertion is hidden in the extensions of the envelope."""
    root, good, _signature, bad = _parts(response, evil)
    hidden = etree.Element(f"{{{Names.NS_SAMLP}}}Extensions")
    root.replace(good, bad)
    hidden.append(good)
    root.insert(1, hidden)
    return _text(root)


def good_in_signature(response: str, evil: str) -> str:
    """The evil assertion carries the signature of the good one, and the good one inside it."""
    root, good, signature, bad = _parts(response, evil)
    root.replace(good, bad)
    good.remove(signature)
    bad.insert(1, signature)
    kept = etree.SubElement(signature, f"{{{Names.NS_DS}}}Object")
    kept.append(good)
    return _text(root)


def same_id(response: str, evil: str) -> str:
    """The same with one id for both."""
    root, good, _signature, bad = _parts(response, evil)
    bad.set("ID", str(good.get("ID")))
    return good_in_signature(_text(root), _text(bad))


def evil_around(response: str, evil: str) -> str:
    """The evil assertion holds the good one in its advice."""
    root, good, _signature, bad = _parts(response, evil)
    root.replace(good, bad)
    advice = etree.Element(f"{{{Names.NS_SAML}}}Advice")
    advice.append(good)
    conditions = bad.find("saml:Conditions", Names.NSMAP)
    assert conditions is not None
    conditions.addnext(advice)
    return _text(root)


WRAPPINGS: tuple[Wrapping, ...] = (evil_first, evil_last, good_in_extensions, good_in_signature, same_id, evil_around)
