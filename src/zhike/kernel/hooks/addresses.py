"""Where a webhook may go: outside addresses only, looked up once, so that a name cannot lead inside afterwards."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from ..errors import Refused

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address
PORTS = {"https": 443, "http": 80}
LONGEST = 500
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A checked address: the name for TLS and the Host header, and the one address to connect to."""

    is_tls: bool
    host: str
    port: int
    path: str
    ip: str

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == PORTS["https" if self.is_tls else "http"] else f"{name}:{self.port}"


def check_form(url: str) -> None:
    """What can be said of an address without looking it up. Raises Refused: hook_address, hook_not_https."""
    _split(url)


def resolve(url: str) -> Target:
    """Look the address up and keep one place to connect to.

    Raises Refused: hook_address (not an address), hook_not_https, hook_unknown_host, hook_inside (it leads into a closed network).
    """
    scheme, host, port, path = _split(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as unknown:
        raise Refused("hook_unknown_host", host=host) from unknown
    ips = list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))
    if not ips or not all(may_reach(ip) for ip in ips):
        raise Refused("hook_inside", host=host)
    return Target(is_tls=scheme == "https", host=host, port=port, path=path, ip=ips[0])


def may_reach(text: str) -> bool:
    """Whether an address is outside, or in a network that the environment allows (ZHIKE_HOOK_NETWORKS)."""
    ip = _plain(ipaddress.ip_address(text))
    if any(ip.version == net.version and ip in net for net in _allowed()):
        return True
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _plain(ip: Ip) -> Ip:
    """The IPv4 address inside an IPv6 one, where there is one: mapped, 6to4, NAT64."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    inside = ip.ipv4_mapped or ip.sixtofour
    if inside is None and ip in NAT64:
        inside = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return inside or ip


def _allowed() -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return [ipaddress.ip_network(text.strip(), strict=False) for text in settings.ZHIKE_HOOK_NETWORKS]


def _split(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path; control characters, spaces and passwords in it are refused."""
    if len(url) > LONGEST or any(char <= " " or char == "\x7f" or char == "\\" for char in url):
        raise Refused("hook_address", field="url")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as wrong:
        raise Refused("hook_address", field="url") from wrong
    host = parts.hostname or ""
    if parts.scheme not in PORTS or not host or parts.username is not None or parts.password is not None or not parts.path.isascii():
        raise Refused("hook_address", field="url")
    if parts.scheme == "http" and not settings.ZHIKE_HOOK_PLAIN:
        raise Refused("hook_not_https", field="url")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, host, port or PORTS[parts.scheme], path
