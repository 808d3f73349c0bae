"""Where a webhook may lead: to public addresses over https, and to networks that were allowed on purpose.

    URL ──parse──▶ Receiver ──the name's addresses──▶ refusal(each) ──▶ "" : connect to that very address

Gateways look at the URL (no name is looked up for a client: that would tell what names there are inside); who delivers
looks at every address that the name has at that moment, and connects to one that it has looked at.
"""

import contextlib
import ipaddress
import re
import socket
from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec import Struct

from pipeline.settings import Network

LONGEST = 2_000  # characters of a URL
NOT_PUBLIC = "leads to an address that is not public"
PORTS = (443, 8443)  # beside them only in networks that are allowed on purpose
_PRINTABLE = re.compile(r"[!-~]+")
_NAME = re.compile(
    r"(?=.{1,253}\.?$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?"
)

# What Python's is_global lets through, though it leads inside or to nobody: 6to4 and its relays, Teredo, the protocols'
# own block, documentation, and the one metadata service (Azure's) with a public address.
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",
        "192.88.99.0/24",
        "168.63.129.16/32",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    )
)
_GLOBAL_V6 = ipaddress.ip_network("2000::/3")  # what is outside embeds IPv4 (mapped, NAT64), is local or is nobody's


class Receiver(Struct, frozen=True):
    """A URL in its pieces. `path` is path and query as they go into the request."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The header Host, and what logs may say: paths and queries may hold secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


class BadReceiver(ValueError):
    """A URL that no webhook can have: what is wrong, and what is allowed."""

    def __init__(self, wrong: str, allowed: str) -> None:
        super().__init__(wrong)
        self.wrong, self.allowed = wrong, allowed


def parse(url: str, allowed: Sequence[Network]) -> Receiver:
    """The URL, looked at as far as that goes without asking for its name's addresses. Raises BadReceiver."""
    wanted = "an https URL of at most 2,000 printable ASCII characters, like https://hooks.example.com/headrace"
    if len(url) > LONGEST or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise BadReceiver("is no such URL", wanted)
    try:
        split = urlsplit(url)
        host, port = split.hostname or "", split.port
    except ValueError:
        raise BadReceiver("is no such URL", wanted) from None
    if split.scheme not in ("https", "http") or not host:
        raise BadReceiver("is no such URL", wanted)
    if "@" in split.netloc or split.fragment or "#" in url:
        raise BadReceiver("has a user, a password or a fragment", wanted)
    secure = split.scheme == "https"
    path = (split.path or "/") + (f"?{split.query}" if split.query else "")
    receiver = Receiver(secure, host, port if port is not None else (443 if secure else 80), path)
    _look(receiver, allowed)
    return receiver


def refusal(receiver: Receiver, address: str, allowed: Sequence[Network]) -> str:
    """Why this address of the receiver may not be connected to; "" when it may."""
    ip = ipaddress.ip_address(address)
    if any(ip in network for network in allowed):
        return ""
    return _unusual(receiver) or ("" if _is_public(ip) else NOT_PUBLIC)


def _unusual(receiver: Receiver) -> str:
    """What keeps it from being a receiver anywhere but in a network that is allowed on purpose."""
    if not receiver.secure:
        return "is http, which is for networks in HEADRACE_WEBHOOK_ALLOW alone"
    if receiver.port not in PORTS:
        return f"has port {receiver.port}, which is for networks in HEADRACE_WEBHOOK_ALLOW alone"
    return NOT_PUBLIC if f".{receiver.host.rstrip('.').lower()}".endswith(".localhost") else ""


def _look(receiver: Receiver, allowed: Sequence[Network]) -> None:
    address = _numeric(receiver)
    if address:
        why = refusal(receiver, address, allowed)
    elif not _NAME.fullmatch(receiver.host) or ":" in receiver.host:
        why = "has a host that is neither a name nor an address"
    else:  # a name: its addresses are looked at when it is delivered to
        why = "" if allowed else _unusual(receiver)
    if why:
        raise BadReceiver(why, f"https to a public address, port {' or '.join(map(str, PORTS))}")


def _numeric(receiver: Receiver) -> str:
    """The address that a host spells, in any way that the system understands (127.1, 0x7f000001); "" for a name."""
    with contextlib.suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(receiver.host, receiver.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        return str(found[0][4][0])
    return ""


def _is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if not ip.is_global or ip.is_multicast or any(ip in network for network in _REFUSED):
        return False
    return ip.version == 4 or ip in _GLOBAL_V6
