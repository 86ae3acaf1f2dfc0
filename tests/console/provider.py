"""A provider of OpenID Connect on 127.0.0.1 that behaves as documented, and can be told to misbehave.

Discovery, authorize (everybody is signed in), token with PKCE and client authentication, each code once,
userinfo, and keys that can be changed.
"""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

import servers
from engine.demo.broker import free_port

ID, SECRET = "vigil-console", "planted-Zk9-client"
INES = {"sub": "u-1", "preferred_username": "Ines", "groups": ["support", "staff"]}

Claims = dict[str, Any]


class Provider:
    """`change`: what is done to the claims before they are signed. `sign`: how they are signed."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.keys = [RSAKey.generate_key(2048, {"kid": "first"})]
        self.person: Claims = dict(INES)
        self.beside: Claims = {}
        """What only userinfo tells."""
        self.change: Callable[[Claims], Claims] = dict
        self.sign: Callable[[Claims], str] = self.signed
        self.metadata: Claims = {}
        self.refuses = ""
        self.asked: list[dict[str, str]] = []
        """Queries of authorize."""
        self.said: list[str] = [SECRET]
        """Codes, tokens, verifiers: what nobody else may learn."""
        self._codes: dict[str, dict[str, str]] = {}
        self.app = FastAPI()
        for path, told in (
            ("/.well-known/openid-configuration", self.discovery), ("/authorize", self.authorize),
            ("/jwks", self.jwks), ("/userinfo", self.userinfo),
        ):  # fmt: skip
            self.app.add_api_route(path, told)
        self.app.add_api_route("/token", self.token, methods=["POST"])

    def rotate(self) -> None:
        """A new key, and the old one is gone."""
        self.keys = [RSAKey.generate_key(2048, {"kid": secrets.token_hex(4)})]

    def signed(self, claims: Claims, key: RSAKey | None = None) -> str:
        made = key or self.keys[0]
        return jwt.encode({"alg": "RS256", "kid": made.kid}, claims, made)

    async def discovery(self) -> Claims:
        return {
            "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/jwks",
            "userinfo_endpoint": f"{self.url}/userinfo", "response_types_supported": ["code"],
            "subject_types_supported": ["public"], "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        } | self.metadata  # fmt: skip

    async def authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        if self.refuses:
            told = {"error": self.refuses, "error_description": "<b>pay here</b>", "state": asked["state"]}
            return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(told)}", 302)
        if asked["response_type"] != "code" or asked["code_challenge_method"] != "S256":
            return JSONResponse({"error": "invalid_request"}, 400)
        code = secrets.token_urlsafe(24)
        self.said.append(code)
        self._codes[code] = asked
        told = {"code": code, "state": asked["state"]}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(told)}", 302)

    async def token(self, request: Request) -> Response:
        given = {name: str(value) for name, value in (await request.form()).items()}
        basic = "Basic " + base64.b64encode(f"{ID}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != basic:
            return JSONResponse({"error": "invalid_client"}, 401)
        asked = self._codes.pop(given.get("code", ""), None)
        if asked is None or given["redirect_uri"] != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        digest = hashlib.sha256(given["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now, access = int(time.time()), secrets.token_urlsafe(24)
        claims = {
            "iss": self.url, "aud": ID, "exp": now + 300, "iat": now, "nonce": asked["nonce"], **self.person,
        }  # fmt: skip
        told = {"access_token": access, "token_type": "Bearer", "expires_in": 300}
        told["id_token"] = self.sign(self.change(claims))
        self.said += [access, str(told["id_token"]), given["code_verifier"], asked["nonce"]]
        return JSONResponse(told)

    async def jwks(self) -> Claims:
        return dict(KeySet(self.keys).as_dict(private=False))

    async def userinfo(self, request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.said:
            return JSONResponse({"error": "invalid_token"}, 401)
        return JSONResponse({"sub": self.person["sub"], **self.beside})


@contextmanager
def provider() -> Iterator[Provider]:
    """One that listens."""
    port = free_port()
    made = Provider(port)
    with listening(made.app, port):
        yield made


@contextmanager
def listening(app: FastAPI, port: int) -> Iterator[None]:
    """While inside, it is served on this machine; what it does at its start and end it does not do."""
    with servers.listening(app, port, access_log=False, lifespan="off", proxy_headers=False):
        yield
