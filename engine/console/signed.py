"""What the console signs, for itself and for others of its secret: sessions, forms, the way to a provider."""

import time
from typing import Any

from itsdangerous import SignatureExpired, TimestampSigner, URLSafeTimedSerializer
from starlette.middleware.sessions import SessionMiddleware
from starlette.types import ASGIApp

LEEWAY_SECONDS = 60
"""That another's clock may differ from ours: the provider's, or that of the console beside this one."""


class Signer(TimestampSigner):
    """Takes what was signed up to LEEWAY_SECONDS from now, which itsdangerous calls expired: what one console
    signs is read by another, a moment later, whose clock may be behind."""

    def unsign(
        self, signed_value: str | bytes, max_age: int | None = None, return_timestamp: bool = False
    ) -> Any:
        value, signed = super().unsign(signed_value, return_timestamp=True)
        age = time.time() - signed.timestamp()
        if max_age is not None and not -LEEWAY_SECONDS <= age <= max_age:
            raise SignatureExpired(f"signed {age:.0f} s ago", payload=value, date_signed=signed)
        return (value, signed) if return_timestamp else value


class Sessions(SessionMiddleware):
    """Starlette's, with that signer."""

    def __init__(self, app: ASGIApp, secret_key: str, cookie: str, max_age: int, https_only: bool) -> None:
        # Lax: the way back from the provider comes from another site.
        super().__init__(app, secret_key, cookie, max_age, same_site="lax", https_only=https_only)
        self.signer = Signer(secret_key)


def serializer(secret: str, salt: str) -> URLSafeTimedSerializer:
    """Of what has an age, in an address or a form."""
    return URLSafeTimedSerializer(secret, salt=salt, signer=Signer)
