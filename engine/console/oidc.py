"""Sign-in by OpenID Connect: authorization code with PKCE, state, nonce; a signed cookie says who it is."""

import re
import secrets
import time
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import msgspec
from authlib.integrations.base_client.errors import MismatchingStateError, OAuthError
from itsdangerous import BadData
from joserfc.errors import JoseError
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from engine.console.people import (
    LONGEST_NAME,
    NOTHING,
    SHORTEST_SECRET,
    BadSignIn,
    NotSignedIn,
    Person,
    Session,
    is_loopback,
    is_name,
    role_of,
)
from engine.console.signed import LEEWAY_SECONDS, serializer

SIGN_IN, CALLBACK = "/sign-in", "/sign-in/callback"
SIGN_IN_SECONDS = 600
"""From leaving for the provider to coming back."""
ANSWER_SECONDS = 10.0
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Of signatures by the provider's own keys. `none` and those by a shared secret are never taken, whatever
the provider says that it supports."""
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_WHO = "who"
_FAULTS = (OAuthError, JoseError, httpx.HTTPError, ValueError, LookupError, TypeError, RuntimeError)
"""The last four: of an answer that is none."""
_LONGEST_KEPT = 500
"""Characters of a page's address: it travels to the provider and back."""
_CODE = re.compile(r"[a-z_]{1,40}")


class ProviderAway(BadSignIn):
    """The provider does not answer; the settings may be right."""


class SignInRefused(Exception):
    """Somebody came back from the provider and is not let in. `reason` is a name; the message says it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Client(NamedTuple):
    """What the provider knows us by, and what of its tokens we read."""

    issuer: str
    id: str
    secret: SecretStr
    url: str
    """Where browsers reach the console: scheme, host, port."""
    scopes: str = "openid profile email"
    name_claim: str = "preferred_username"
    groups_claim: str = "groups"
    hours: float = 8.0
    """Of a session."""

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by TLS."""
        return self.url.startswith("https://")

    def check(self) -> None:
        """BadSignIn says what of it cannot be meant, and what to do."""
        for name, text in (("ISSUER", self.issuer), ("CLIENT_ID", self.id), ("CLIENT_SECRET", self._shown)):
            if not text:
                raise BadSignIn(f"VIGIL_CONSOLE_OIDC_{name} is needed to sign in by OpenID Connect")
        if not self.url:
            raise BadSignIn(
                "VIGIL_CONSOLE_URL is needed: where browsers reach the console, such as "
                f"https://vigil.example.com; the provider must know {CALLBACK} of it as a redirect URI"
            )
        _must_be_https("VIGIL_CONSOLE_OIDC_ISSUER", self.issuer)
        _must_be_https("VIGIL_CONSOLE_URL", self.url)
        if urlsplit(self.url).path.strip("/") or urlsplit(self.url).query:
            raise BadSignIn(f"VIGIL_CONSOLE_URL: expected no path, not {self.url!r}: pages begin at /")
        if "openid" not in self.scopes.split():
            raise BadSignIn(f"VIGIL_CONSOLE_OIDC_SCOPES: openid must be among them, not {self.scopes!r}")

    @property
    def _shown(self) -> str:
        return "***" if self.secret.get_secret_value() else ""


def discover(issuer: str) -> dict[str, Any]:
    """What the provider says of itself (OpenID Connect Discovery 1.0). BadSignIn, ProviderAway."""
    where = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    hint = "open it from this machine; VIGIL_CONSOLE_OIDC_ISSUER is the address without /.well-known…"
    try:
        answer = httpx.get(where, timeout=ANSWER_SECONDS)
        answer.raise_for_status()
        found = answer.json()
    except httpx.HTTPStatusError as error:
        raise ProviderAway(f"{where} answers {error.response.status_code}: {hint}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ProviderAway(f"{where} does not answer ({type(error).__name__}): {hint}") from None
    except ValueError:
        raise BadSignIn(f"{where} is no discovery document: {hint}") from None
    if not isinstance(found, dict) or found.get("issuer") != issuer:
        told = found.get("issuer") if isinstance(found, dict) else None
        raise BadSignIn(
            f"the provider calls itself {str(told)[:200]!r} and not {issuer!r}: VIGIL_CONSOLE_OIDC_ISSUER "
            "must be the same, to the letter; of a provider with tenants name yours"
        )
    for name in _ENDPOINTS:
        if not isinstance(found.get(name), str):
            raise BadSignIn(f"{where} names no {name}: that is no provider of the authorization code flow")
        _must_be_https(f"{name} of {where}", found[name])
    algorithms = found.get("id_token_signing_alg_values_supported") or ["RS256"]
    if not set(algorithms) & set(ALGORITHMS):
        raise BadSignIn(f"the provider signs by {algorithms}: expected some of {', '.join(ALGORITHMS)}")
    return found


class OpenIdConnect:
    """A person is who a provider says; its token's signature, issuer, audience, expiry, nonce are checked."""

    def __init__(
        self,
        client: Client,
        found: Mapping[str, Any],
        cookie_secret: str,
        responders: Collection[str],
        admins: Collection[str],
        now: Callable[[], float] = time.time,
    ) -> None:
        """`found`: as `discover` gives it. BadSignIn."""
        client.check()
        if len(cookie_secret) < SHORTEST_SECRET:
            raise BadSignIn(
                f"VIGIL_CONSOLE_SECRET: expected at least {SHORTEST_SECRET} characters, drawn at random: "
                "`openssl rand -base64 32`"
            )
        self.client, self.cookie_secret, self._now = client, cookie_secret, now
        self._responders, self._admins = frozenset(responders), frozenset(admins)
        self._app = _app(client, found)
        self._states = serializer(cookie_secret, "vigil console sign-in")
        self._has_userinfo = "userinfo_endpoint" in found

    @property
    def cookie(self) -> str:
        """Its name. With __Host- no other host, and no page without TLS, can put one in its place."""
        return "__Host-vigil" if self.client.is_secure else "vigil"

    def who(self, headers: Mapping[str, str], address: str, session: Session = NOTHING) -> Person:
        """NotSignedIn where nobody has, or it is too long ago."""
        try:
            known = msgspec.convert(session.get(_WHO), _Known)
        except msgspec.ValidationError:
            raise NotSignedIn("sign in to see this page") from None
        if known.until <= self._now():
            raise NotSignedIn("your session has ended: sign in again")
        return Person(known.name, role_of({known.name, *known.groups}, self._responders, self._admins))

    async def begin(self, request: Request, back: str) -> Response:
        """To the provider; `back` is the page to show after it."""
        callback = self.client.url.rstrip("/") + CALLBACK
        kept = local_path(back) if len(back) <= _LONGEST_KEPT else "/"
        state = str(self._states.dumps([kept, secrets.token_urlsafe(16)]))
        begun = await self._app.create_authorization_url(callback, state=state)
        url = begun.pop("url")
        until = self._now() + SIGN_IN_SECONDS
        await self._app.save_authorize_data(
            request, redirect_uri=callback, back=local_path(back), until=until, **begun
        )
        return RedirectResponse(url, 303)

    def asked_for(self, state: str) -> str:
        """The page that was asked for when a sign-in was begun, in whatever tab; else the board."""
        try:
            return str(self._states.loads(state, max_age=SIGN_IN_SECONDS)[0])
        except BadData:
            return "/"

    async def finish(self, request: Request) -> tuple[Person, str]:
        """Who came back, and the page to show. From then on the session knows them. SignInRefused."""
        state = request.query_params.get("state", "")
        begun = await self._app.framework.get_state_data(request.session, state)
        if begun is not None and begun["until"] < self._now():
            raise SignInRefused("too_late", "that took too long: sign in again")
        claims = await self._claims(request)
        name = _name(claims, self.client.name_claim)
        groups = _groups(claims.get(self.client.groups_claim)) & (self._responders | self._admins)
        request.session.clear()
        request.session[_WHO] = {
            "name": name, "groups": sorted(groups), "until": self._now() + self.client.hours * 3600,
        }  # fmt: skip
        return self.who({}, "", request.session), begun["back"]

    async def _claims(self, request: Request) -> dict[str, Any]:
        """Of the token, checked; of what it lacks, as the provider tells it beside (Okta: thin tokens)."""
        self._app.server_metadata.pop("jwks", None)  # what the provider has withdrawn is believed no longer
        options = {
            "iss": {"essential": True, "value": self.client.issuer},
            "aud": {"essential": True, "value": self.client.id},
        }
        try:
            token = await self._app.authorize_access_token(
                request, claims_options=options, leeway=LEEWAY_SECONDS
            )
            claims = dict(token["userinfo"])
            if self._has_userinfo and not {self.client.name_claim, self.client.groups_claim} <= claims.keys():
                told = await self._app.userinfo(token=token)
                if told["sub"] != claims["sub"]:
                    raise SignInRefused("other_subject", "the provider speaks of two people")
                claims = {**told, **claims}
        except _FAULTS as error:
            raise _refused(error) from None
        return claims


def _refused(error: Exception) -> SignInRefused:
    """What it says of itself may be anybody's words: only names are taken over."""
    if isinstance(error, MismatchingStateError):
        return SignInRefused("unknown_state", "this sign-in was not begun in this browser: sign in again")
    if isinstance(error, OAuthError):
        code = error.error if _CODE.fullmatch(str(error.error)) else "error"
        return SignInRefused(f"provider:{code}", f"the provider refuses it: {code}")
    if isinstance(error, JoseError):
        what = ":".join(["token", error.error, *([error.claim] if hasattr(error, "claim") else [])])
        return SignInRefused(what, "the provider's token cannot be believed")
    if isinstance(error, httpx.HTTPError):
        return SignInRefused(f"away:{type(error).__name__}", "the provider does not answer: try again")
    return SignInRefused(f"unreadable:{type(error).__name__}", "the provider's answer cannot be read")


class _Known(msgspec.Struct):
    """What the cookie holds."""

    name: str
    groups: list[str]
    until: float


def local_path(text: str) -> str:
    """A path of ours with its query, or the board: whatever else it is, it may lead to another site."""
    is_ours = (
        text.startswith("/")
        and not text.startswith(("//", SIGN_IN, "/signed-out", "/sign-out"))
        and "\\" not in text
        and text.isprintable()
        and len(text) <= 1_000
    )
    return text if is_ours else "/"


def _app(client: Client, found: Mapping[str, Any]) -> Any:
    """authlib's client; its types are its own."""
    import authlib.deprecate  # its filter comes first

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", authlib.deprecate.AuthlibDeprecationWarning)
        from authlib.integrations.starlette_client import OAuth
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    basic = "client_secret_basic" in methods
    metadata = {name: found[name] for name in (*_ENDPOINTS, "issuer", "userinfo_endpoint") if name in found}
    algorithms = found.get("id_token_signing_alg_values_supported") or ["RS256"]
    return OAuth().register(
        "vigil",
        client_id=client.id,
        client_secret=client.secret.get_secret_value(),
        client_kwargs={
            "scope": client.scopes,
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_basic" if basic else "client_secret_post",
            "timeout": ANSWER_SECONDS,
        },
        id_token_signing_alg_values_supported=[one for one in algorithms if one in ALGORITHMS],
        **metadata,
    )


def _name(claims: Mapping[str, Any], claim: str) -> str:
    name = claims.get(claim)
    if not isinstance(name, str) or not name.strip():
        raise SignInRefused("no_name", f"the provider does not say who you are: there is no {claim}")
    if claim == "email" and claims.get("email_verified") is False:
        raise SignInRefused("email_not_verified", "the provider has not verified your e-mail address")
    name = name.strip()
    if not is_name(name):
        raise SignInRefused("bad_name", f"{claim}: expected at most {LONGEST_NAME} printable characters")
    return name


def _groups(value: object) -> frozenset[str]:
    """A list, or one."""
    listed = value if isinstance(value, list) else [value]
    return frozenset(one for one in listed if isinstance(one, str))


def _must_be_https(what: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        is_well = bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        )
        parts.port  # noqa: B018  # raises where it is none
    except ValueError:
        is_well = False
    if not is_well:
        raise BadSignIn(f"{what}: expected https://…, not {url[:200]!r}: tokens must not travel in the clear")
