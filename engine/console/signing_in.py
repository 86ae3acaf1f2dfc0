"""The way in and out by OpenID Connect: to the provider, back, and the end of the session."""

from collections.abc import Callable
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from engine.console.api import BASE
from engine.console.oidc import CALLBACK, SIGN_IN, OpenIdConnect, SignInRefused, local_path
from engine.console.people import Forms, NotSignedIn, same_site, who
from engine.console.signed import Sessions

log = structlog.stdlib.get_logger("vigil.console")

SIGN_OUT, SIGNED_OUT = "/sign-out", "/signed-out"
_NO_PAGES = ("/stream", f"{BASE}/")
"""Answered by 401: who asks is a script."""


class SigningIn:
    """The pages. `problem` draws one that says something went as it should not."""

    def __init__(self, sign_in: OpenIdConnect, forms: Forms, problem: Callable[..., Response]) -> None:
        self._sign_in, self._forms, self._problem = sign_in, forms, problem

    def add_to(self, app: FastAPI) -> None:
        """With the session that they keep: signed, for this site alone, of a bounded life."""
        client = self._sign_in.client
        app.add_middleware(
            Sessions,
            secret_key=self._sign_in.cookie_secret,
            cookie=self._sign_in.cookie,
            max_age=round(client.hours * 3600),
            https_only=client.is_secure,
        )
        app.add_api_route(SIGN_IN, self.begin)
        app.add_api_route(CALLBACK, self.finish)
        app.add_api_route(SIGN_OUT, self.end, methods=["POST"])
        app.add_api_route(SIGNED_OUT, self.ended, response_class=HTMLResponse)

    def redirect(self, request: Request) -> Response | None:
        """Of a page that somebody unsigned asks for; None of what is no page."""
        path = request.url.path
        if request.method != "GET" or path.startswith(_NO_PAGES) or "hx-request" in request.headers:
            return None
        asked = f"{path}?{request.url.query}" if request.url.query else path
        return RedirectResponse(f"{SIGN_IN}?{urlencode({'to': asked})}", 303)

    async def begin(self, request: Request, to: str = "/") -> Response:
        """To the provider."""
        if self._is_in(request):
            return RedirectResponse(local_path(to), 303)
        return await self._sign_in.begin(request, to)

    async def finish(self, request: Request) -> Response:
        """Back from it."""
        try:
            person, back = await self._sign_in.finish(request)
        except SignInRefused as error:
            asked = self._sign_in.asked_for(request.query_params.get("state", ""))
            if error.reason == "unknown_state" and self._is_in(request):
                return RedirectResponse(asked, 303)  # several tabs went, and another was first
            log.warning("sign_in_refused", reason=error.reason, address=_address(request))
            again = f"{SIGN_IN}?{urlencode({'to': asked})}"
            return self._problem(request, 401, "You are not signed in", str(error), again)
        log.info("signed_in", who=person.name, role=person.role, address=_address(request))
        return RedirectResponse(back, 303)

    async def end(self, request: Request) -> Response:
        """Out. The provider's own session is its own."""
        same_site(request.headers)
        person = who(self._sign_in, request)
        self._forms.check(str((await request.form()).get("csrf", "")), person)
        request.session.clear()
        log.info("signed_out", who=person.name)
        return RedirectResponse(SIGNED_OUT, 303)

    async def ended(self, request: Request) -> Response:
        """What is seen after it."""
        return self._problem(
            request, 200, "You are signed out", "Your provider may still know you: sign out there too."
        )

    def _is_in(self, request: Request) -> bool:
        try:
            who(self._sign_in, request)
        except NotSignedIn:
            return False
        return True


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
