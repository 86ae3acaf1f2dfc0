"""Who is at the page, and what they may do."""

from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeAlias
from urllib.parse import urlsplit

from itsdangerous import BadSignature, SignatureExpired
from starlette.requests import HTTPConnection

from engine.console.signed import serializer

VIEWER, RESPONDER, ADMIN = "viewer", "responder", "admin"
ROLES = (VIEWER, RESPONDER, ADMIN)
"""Each may do all that those before it may: look; send events; and what changes the console itself."""
FORM_HOURS = 12
LONGEST_NAME = 200
SHORTEST_SECRET = 32
"""Characters; of hexadecimal digits these are 128 bits. Who guesses the secret is whoever he likes."""

Network: TypeAlias = IPv4Network | IPv6Network
Session: TypeAlias = Mapping[str, Any]
"""What a signed cookie says; empty where there is none."""
NOTHING: Session = MappingProxyType({})


class NotSignedIn(Exception):
    """Nobody that we know; the message says why, and to whom that helps nothing it says nothing."""


class NotAllowed(Exception):
    """Somebody who may not do this."""


class StaleForm(Exception):
    """The form is not one of ours, or too old. What was typed is kept; sending it again helps."""


class BadSignIn(ValueError):
    """Settings of the sign-in that cannot be meant."""


class Person(NamedTuple):
    """Somebody who has signed in."""

    name: str
    role: str = VIEWER

    def may(self, role: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


def allowed(person: Person, role: str) -> Person:
    """Who may do what takes a role. NotAllowed."""
    if not person.may(role):
        raise NotAllowed(f"you are here as {person.name}, a {person.role}; this takes the role {role}")
    return person


class SignIn(Protocol):
    """How somebody is known."""

    def who(self, headers: Mapping[str, str], address: str, session: Session = NOTHING) -> Person:
        """Of a request's headers, names in lower case, the address that it came from, and its session.
        NotSignedIn."""


def who(sign_in: SignIn, request: HTTPConnection) -> Person:
    """Who sent it. NotSignedIn."""
    address = request.client.host if request.client else ""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():  # several lines of one header are one list (RFC 9110, 5.3)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return sign_in.who(headers, address, request.scope.get("session", NOTHING))


def is_name(text: str) -> bool:
    """Whether it can be somebody's name here: it stands in events for ever."""
    return len(text) <= LONGEST_NAME and text.isprintable()


def role_of(names: Collection[str], responders: Collection[str], admins: Collection[str]) -> str:
    """Of somebody with these names: their own and those of their groups."""
    if any(one in admins for one in names):
        return ADMIN
    return RESPONDER if any(one in responders for one in names) else VIEWER


class AtThisMachine:
    """Whoever reaches the page is the person named: only for a page that no other machine reaches."""

    def __init__(self, name: str, role: str = RESPONDER, hosts: Collection[str] | None = None) -> None:
        """`hosts`: by which it may be asked for, beside this machine's own names; None: by any. A site whose
        name leads here is another one to browsers, and the console would be its own (DNS rebinding)."""
        self._person, self._hosts = Person(name, role), hosts

    def who(self, headers: Mapping[str, str], address: str, session: Session = NOTHING) -> Person:
        host = _host(headers.get("host", ""))
        if self._hosts is not None and host not in self._hosts and not is_loopback(host):
            raise NotSignedIn(
                f"nobody signs in here, so it must not be asked for as {host[:LONGEST_NAME] or 'nothing'}: "
                "open it as 127.0.0.1, or name it in VIGIL_CONSOLE_URL"
            )
        return self._person


def _host(text: str) -> str:
    """Of a `Host` header, in lower case, without its port; empty where it is none."""
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""


class BehindProxy:
    """A proxy in front has signed them in and says who they are in a header.

    The header is believed of the proxies named alone: anybody else could write it.
    """

    def __init__(
        self,
        user: str,
        groups: str,
        proxies: Sequence[str],
        responders: Collection[str],
        admins: Collection[str],
    ) -> None:
        """`user`, `groups`: names of headers. BadSignIn for proxies that are no addresses."""
        self._user, self._groups = user.lower(), groups.lower()
        self._proxies = networks(proxies)
        self._responders, self._admins = frozenset(responders), frozenset(admins)

    def who(self, headers: Mapping[str, str], address: str, session: Session = NOTHING) -> Person:
        if not _is_of(address, self._proxies):
            raise NotSignedIn("this page is reached through its proxy")
        name = _text(headers.get(self._user, "")).strip()
        if not name:
            raise NotSignedIn(f"the proxy says nobody: it must set {self._user}")
        if not is_name(name):
            raise NotSignedIn(f"{self._user}: expected at most {LONGEST_NAME} printable characters")
        groups = {one.strip() for one in _text(headers.get(self._groups, "")).split(",")} | {name}
        return Person(name, role_of(groups, self._responders, self._admins))


def _text(value: str) -> str:
    """Of a header, whose bytes are read as Latin-1: proxies send UTF-8, and some do send Latin-1."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def networks(texts: Sequence[str]) -> list[Network]:
    """Addresses and networks, such as 10.0.0.0/8. BadSignIn."""
    if not texts:
        raise BadSignIn(
            "name the proxies whose header is believed: VIGIL_CONSOLE_PROXIES=10.0.0.7,10.1.0.0/16"
        )
    try:
        return [ip_network(text) for text in texts]
    except ValueError as error:
        raise BadSignIn(f"VIGIL_CONSOLE_PROXIES: {error}") from None


def _is_of(address: str, allowed: Sequence[Network]) -> bool:
    try:
        known = ip_address(address)
    except ValueError:
        return False
    return any(known in network for network in allowed)


def is_loopback(host: str) -> bool:
    """Whether only this machine is reached by it."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def same_site(headers: Mapping[str, str]) -> None:
    """A browser says where a form came from; NotAllowed where it says another site."""
    site = headers.get("sec-fetch-site", "same-origin")
    origin = headers.get("origin")
    if site not in ("same-origin", "none") or (origin and origin.partition("://")[2] != headers.get("host")):
        raise NotAllowed("the form came from another site")


class Forms:
    """Marks forms as ours, each for one person, so that no other site can send one for them (CSRF)."""

    def __init__(self, secret: str) -> None:
        self._sign = serializer(secret, "vigil console form")

    def token(self, person: Person) -> str:
        return str(self._sign.dumps(person.name))

    def check(self, token: str, person: Person) -> None:
        """StaleForm."""
        try:
            name = self._sign.loads(token, max_age=FORM_HOURS * 3600)
        except SignatureExpired:
            raise StaleForm(
                f"this form is older than {FORM_HOURS} h: look it over, and send it again"
            ) from None
        except BadSignature:
            raise StaleForm("this form is not one of this page: look it over, and send it again") from None
        if name != person.name:
            raise StaleForm("this form was made for somebody else: look it over, and send it again")
