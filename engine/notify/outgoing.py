"""The one way out: HTTP to places that a file names, and to no place that a file must not reach.

Whoever may write a receiver's URL could otherwise have us ask whatever we can reach: a database's port, a
cloud's metadata. So the address is checked where the connection is made, after the name is resolved: it is
the very address that is dialled, and a name that answers differently the second time gains nothing.
"""

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, ThreadedResolver

from engine.answers import beginning, retry_after
from engine.notify.alert import Refused, TryAgain

LONGEST_ANSWER = 65_536
"""Bytes that are read of an answer; nobody who answers an alert has more to say."""
_METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "fd00:ec2::254", "168.63.129.16", "100.100.100.200", "192.0.0.192"))
)
"""Of AWS, Google and others; AWS by IPv6; Azure, in public space; Alibaba; Oracle."""
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
"""The last label of what some read as an IPv4 address: 127.1, 2130706433, 0x7f000001."""
_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")
"""All that is given out of IPv6 for the public; the rest is reserved, site-local or worse."""


class Forbidden(OSError):
    """An address that this receiver must not reach."""


class Reach(NamedTuple):
    """What a receiver was allowed, by name, in its configuration."""

    allow_http: bool = False
    allow_private: bool = False
    timeout: float = 15.0
    """Seconds, from the name's resolution to the answer's last byte."""
    proxy: str | None = None
    """Instead of a connection of our own. The environment's proxies are not used."""
    secrets: tuple[str, ...] = ()
    """What is taken out of an answer: we tell what a receiver says, and some say what they were sent."""


class Answer(NamedTuple):
    status: int
    body: bytes
    """At most LONGEST_ANSWER of it."""
    headers: Mapping[str, str]


def must_be_url(url: str, reach: Reach) -> SplitResult:
    """The parts of a URL that may be tried. ValueError says what was expected, without the URL itself: the
    path of an incoming webhook is its password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("expected a URL such as https://host/path") from None
    schemes = ("https", "http") if reach.allow_http else ("https",)
    if parts.scheme not in schemes:
        more = "" if reach.allow_http else " (http needs allow_http: true)"
        raise ValueError(f"expected a URL that begins with {' or '.join(schemes)}://{more}")
    if not parts.hostname or port == 0 or any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise ValueError("expected a URL with a host, and without blanks")
    if parts.username is not None or parts.password is not None:
        raise ValueError("expected no user and password in the URL")
    try:
        address = ip_address(parts.hostname)
    except ValueError:
        if _NUMBER.fullmatch(parts.hostname.rstrip(".").rpartition(".")[2]):
            raise ValueError("expected a host's name, or its address in full") from None
        return parts  # a name: judged when it is resolved
    try:
        must_be_allowed(address, reach)
    except Forbidden as error:
        raise ValueError(str(error)) from None
    return parts


def must_be_allowed(address: IPv4Address | IPv6Address, reach: Reach) -> None:
    """Forbidden says why an address is not to be reached.

    Link-local, metadata, multicast and unspecified addresses never are: no receiver lives there.
    """
    for one in (address, *_within(address)):
        if one in _METADATA or one.is_link_local or one.is_multicast or one.is_unspecified:
            raise Forbidden(f"{address} is no place for alerts (link-local, metadata or multicast)")
        if not reach.allow_private and not _is_public(one):
            raise Forbidden(f"{address} is not public; expected allow_private: true if it is meant")


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global  # not so in 100.64.0.0/10, which carriers and clouds share
    return address in _NAT64 or (address.is_global and address in _UNICAST)


def _within(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address leads to: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, IPv4Address):
        return []
    teredo = address.teredo or ()
    found = [one for one in (address.ipv4_mapped, address.sixtofour, *teredo) if one is not None]
    if address in _NAT64:
        found.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return found


def checked_socket(where: tuple[Any, ...], reach: Reach) -> socket.socket:
    """A socket for one answer of `getaddrinfo`, about to be connected to it. Forbidden where it must not."""
    family, kind, protocol, _, to = where
    must_be_allowed(ip_address(str(to[0]).partition("%")[0]), reach)
    return socket.socket(family, kind, protocol)


def connect(host: str, port: int, reach: Reach) -> socket.socket:
    """A connection that blocks, for what is not HTTP. OSError; Forbidden where no address may be reached."""
    failure: OSError = OSError(f"{host} has no address")
    for where in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        try:
            made = checked_socket(where, reach)
        except Forbidden as error:
            failure = error
            continue
        try:
            made.settimeout(reach.timeout)
            made.connect(where[4])
            return made
        except OSError as error:
            failure = error
            made.close()
    raise failure


async def post(url: str, body: bytes, headers: Mapping[str, str], reach: Reach) -> Answer:
    """Send and read the answer, whatever its status. Redirects are not followed.

    TryAgain where it did not arrive or nobody knows whether it did, Refused where it must not be sent.
    Neither says more of the URL than its host.
    """
    try:
        host = must_be_url(url, reach).hostname
    except ValueError as error:
        raise Refused(str(error)) from None
    dialler = _Dialler(reach)
    try:
        async with _session(dialler, reach) as session, session.post(
            url, data=body, headers=headers, allow_redirects=False, proxy=reach.proxy
        ) as answer:  # fmt: skip
            body = without(reach.secrets, await _some(answer.content))
            return Answer(answer.status, body, answer.headers)
    except TimeoutError:
        raise TryAgain(f"{host} did not answer within {reach.timeout:g} s") from None
    except ValueError:  # aiohttp's InvalidURL, and what no name server can be asked
        raise Refused(f"{host} is no host's name") from None
    except (ClientError, OSError) as error:
        if dialler.refused and not dialler.has_dialled:
            raise Refused(f"{host}: {dialler.refused}") from None
        raise TryAgain(f"{host}: {_why(error)}") from None


class _Dialler:
    """Makes the sockets of one request, and knows whether there was any: aiohttp tells only the failures of
    all addresses in one."""

    def __init__(self, reach: Reach) -> None:
        # Through a proxy, which address is reached is the proxy's to judge; its own may be private.
        self._reach = reach._replace(allow_private=True) if reach.proxy else reach
        self.refused: Forbidden | None = None
        self.has_dialled = False

    def __call__(self, where: tuple[Any, ...]) -> socket.socket:
        try:
            made = checked_socket(where, self._reach)
        except Forbidden as error:
            self.refused = error
            raise
        self.has_dialled = True
        return made


def _session(dialler: _Dialler, reach: Reach) -> ClientSession:
    """One a request: alerts are few, and what is open to nobody needs no closing."""
    connector = TCPConnector(
        resolver=ThreadedResolver(), use_dns_cache=False, socket_factory=dialler, force_close=True
    )
    return ClientSession(
        connector=connector,
        timeout=ClientTimeout(total=reach.timeout),
        trust_env=False,
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": "Vigil"},
    )


async def _some(content: Any) -> bytes:
    """The answer up to LONGEST_ANSWER."""
    parts, size = [], 0
    while size < LONGEST_ANSWER and (part := await content.read(LONGEST_ANSWER - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def without(secrets: Iterable[str], said: bytes) -> bytes:
    """What somebody said, with `***` for each of the secrets."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said = said.replace(secret.encode(), b"***")
    return said


def _why(error: Exception) -> str:
    """What went wrong, in a few words: messages of the library hold the URL."""
    cause = getattr(error, "os_error", None) or error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate does not hold: {cause.verify_message}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return f"the connection broke ({type(error).__name__})"


def must_be_taken(answer: Answer, who: str) -> None:
    """Return for 2xx. TryAgain for what passes by itself, with the wait that was asked for; by 5xx, without
    one, perhaps for the content, at which it broke. Else Refused, by 400, 413 and 422 for the content."""
    status = answer.status
    if 200 <= status < 300:
        return
    if status in (408, 425, 429) or status >= 500:
        after = retry_after(answer.headers)
        broke = status >= 500 and status not in (503, 504) and after is None
        raise TryAgain(f"{who} answered {status}", after, is_for_content=broke)
    raise Refused(
        f"{who} answered {status}{beginning(answer.body)}", is_for_content=status in (400, 413, 422)
    )


class Pace:
    """Keeps calls of one kind apart: a turn a key and interval, whoever in this process asks."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._free: dict[str, float] = {}

    async def turn(self, key: str) -> None:
        """Return when it is the caller's turn."""
        now = time.monotonic()
        at = max(now, self._free.get(key, now))
        self._free[key] = at + self._interval
        await asyncio.sleep(at - now)
