"""Examines what `vigil console` stands on: how people sign in, its secret, and the files it is given."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.cli.exits import ExitCode
from engine.cli.findings import Finding, fail, ok, warn

if TYPE_CHECKING:
    from pathlib import Path

    from engine.settings import Settings

WIDEST = 8
"""The shortest prefix of proxies: 10.0.0.0/8 and fd00::/8 are the widest networks of somebody's own."""
_OF_PROXY = {"console_user_header", "console_groups_header", "console_proxies"}
_OF_PEOPLE = {"console_responders", "console_admins"}


def examine_console(settings: "Settings") -> Iterator[Finding]:
    """Where one of the console's settings is given: whether they can be meant, and what they name."""
    named = {name for name in settings.model_fields_set if name.startswith("console_")}
    if not named:
        return
    yield from _examine_sign_in(settings, named)
    yield from _examine_secret(settings)
    yield from _examine_files(settings)
    if not {"archive_url", "archive_url_file"} & settings.model_fields_set:
        found = f"no archive is named: it takes {settings.archive_url.get_secret_value()}"
        yield warn("console archive", found, "set VIGIL_ARCHIVE_URL to the archive's database")


def _examine_sign_in(settings: "Settings", named: set[str]) -> Iterator[Finding]:
    how = settings.console_sign_in
    provider = {name for name in named if name.startswith("console_oidc_")}
    idle = {"local": _OF_PROXY | _OF_PEOPLE | provider, "proxy": provider, "oidc": _OF_PROXY}[how]
    if unused := sorted(named & idle):
        found = f"with VIGIL_CONSOLE_SIGN_IN={how} nothing reads {_variables(unused)}"
        yield warn("console sign-in", found, "choose the way that is meant, or unset them")
    if how == "local":
        yield ok("console sign-in", "nobody signs in, so it listens on this machine alone")
        return
    if not settings.console_responders.strip(" ,") and not settings.console_admins.strip(" ,"):
        advice = "set VIGIL_CONSOLE_RESPONDERS to people and groups"
        yield warn("console sign-in", "everybody may look, and nobody may record what was done", advice)
    if how == "proxy":
        yield from _examine_proxies(settings)
    else:
        yield from _examine_provider(settings)


def _examine_provider(settings: "Settings") -> Iterator[Finding]:
    """Of OpenID Connect: what the console is known by, and whether the provider answers as it should."""
    from engine.cli.console import client_of
    from engine.console.oidc import ProviderAway, discover
    from engine.console.people import BadSignIn

    try:
        client = client_of(settings)
        discover(client.issuer)
    except ProviderAway as error:
        advice = "let this machine reach the provider, and trust its authority (SSL_CERT_FILE)"
        yield fail("console provider", str(error), advice)
    except BadSignIn as error:
        yield fail("console provider", str(error), "docs/console-sign-in.md has the steps", ExitCode.REFUSED)
    else:
        yield ok("console provider", f"{client.issuer} knows {client.url} as {client.id}")


def _examine_proxies(settings: "Settings") -> Iterator[Finding]:
    from engine.console.people import BadSignIn, networks

    if settings.console_user_header.lower() == settings.console_groups_header.lower():
        found = f"{settings.console_user_header} is to say who it is, and in which groups"
        advice = "give VIGIL_CONSOLE_USER_HEADER and VIGIL_CONSOLE_GROUPS_HEADER different names"
        yield fail("console sign-in", found, advice)
    texts = [one.strip() for one in settings.console_proxies.split(",") if one.strip()]
    try:
        believed = networks(texts)
    except BadSignIn as error:
        yield fail("console proxies", str(error), "give addresses and networks", ExitCode.REFUSED)
        return
    if wide := [str(one) for one in believed if one.prefixlen < WIDEST]:
        found = f"whoever is in {', '.join(wide)} may say that they are anybody"
        yield fail("console proxies", found, "name the proxy's own addresses in VIGIL_CONSOLE_PROXIES")
        return
    said = ", ".join(map(str, believed))
    yield ok("console proxies", f"{settings.console_user_header} is believed of {said}")


def _examine_secret(settings: "Settings") -> Iterator[Finding]:
    from engine.console.people import SHORTEST_SECRET

    secret = settings.console_secret.get_secret_value()
    if not secret and settings.console_sign_in != "local":
        found = "no secret: one is drawn at each start, so what one console signed another refuses"
        yield warn("console secret", found, f"{_MAKE}; all consoles need the same")
    elif secret and len(secret) < SHORTEST_SECRET:
        found = f"the secret has {len(secret)} characters, and can be guessed"
        yield warn("console secret", found, _MAKE)


_MAKE = "openssl rand -hex 32 > FILE, and VIGIL_CONSOLE_SECRET_FILE=FILE"


def _examine_files(settings: "Settings") -> Iterator[Finding]:
    """The keys of its API and the fees, as the console reads them."""
    from engine.console.keys import KeysRefused, api_keys
    from engine.documents.fees import FeesRefused, read_fees

    if (file := settings.console_keys) is not None:
        try:
            keys = api_keys(file)
        except KeysRefused as error:
            yield fail("console keys", error.in_short, "correct the file: docs/api.md", ExitCode.REFUSED)
        else:
            yield ok("console keys", f"{file}: {', '.join(key.name for key in keys)}")
    if (file := settings.console_fees) is not None:
        try:
            fees = read_fees(file)
        except (FeesRefused, OSError) as error:
            found = f"{file}: {error.strerror}" if isinstance(error, OSError) else str(error)
            yield fail("console fees", found, "correct VIGIL_CONSOLE_FEES or the file", ExitCode.REFUSED)
        else:
            yield ok("console fees", f"{file}: {len(fees)} customers")
    if settings.console_candidate is not None:
        yield _examine_candidate(settings.console_candidate)


def _examine_candidate(folder: "Path") -> Finding:
    from engine.console.sides import Candidate

    book, wrong = Candidate(folder).read()
    if book is None:
        return warn("console candidate", wrong, "correct VIGIL_CONSOLE_CANDIDATE, or `vigil policy lint` it")
    names = dict.fromkeys(policy.name for policy in book.policies)
    return ok("console candidate", f"{folder}: {', '.join(names)}")


def _variables(names: list[str]) -> str:
    return ", ".join(f"VIGIL_{name.upper()}" for name in names)
