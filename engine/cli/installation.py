"""Examines what is on this machine: versions, settings, policies and calendars, a worker's own endpoints."""

import os
import platform
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, requires, version
from typing import TYPE_CHECKING

from engine.cli.exits import ExitCode
from engine.cli.findings import Finding, fail, ok, skip, warn

if TYPE_CHECKING:
    from engine.core.policy import Book, Calendar
    from engine.settings import Settings

DISTRIBUTION = "vigil-sla"
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^;\s]+)\s*$")
_SHOWN = ("faust-streaming", "aiokafka", "tzdata", "holidays")
_NOT_SETTINGS = frozenset(("VIGIL_REQUIRE", "VIGIL_DATA"))
HORIZON_DAYS = 90
_DATES_AHEAD_DAYS = 60
"""So long before a year begins its dates are missed, where the year before has any."""


def examine_versions() -> Iterator[Finding]:
    """The libraries whose exact version matters, for the worker stands on private names of theirs."""
    found = f"vigil {version(DISTRIBUTION)}, Python {platform.python_version()}"
    wrong = []
    for requirement in requires(DISTRIBUTION) or ():
        pin = _PIN.match(requirement)
        if pin and (installed := _installed(pin[1])) != pin[2]:
            wrong.append(f"{pin[1]} {installed or 'missing'} instead of {pin[2]}")
    if wrong:
        advice = f"pip install --force-reinstall {DISTRIBUTION}=={version(DISTRIBUTION)}"
        yield fail("versions", "; ".join(wrong), advice, ExitCode.REFUSED)
    else:
        yield ok("versions", ", ".join((found, *(f"{name} {_installed(name)}" for name in _SHOWN))))


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def examine_settings() -> "tuple[list[Finding], Settings | None]":
    """The settings, when they are valid; variables that look like one and are none are pointed out."""
    from pydantic import ValidationError

    from engine.settings import Settings
    from engine.stream.checks import Refused, check_environment

    findings = [_unknown_variable(name, Settings) for name in _unknown(Settings)]
    try:
        check_environment(os.environ)
    except Refused as error:
        findings.append(fail("environment", error.message, error.hint, ExitCode.REFUSED))
    try:
        settings = Settings()
    except ValidationError as error:
        for problem in error.errors():
            field = ".".join(str(part) for part in problem["loc"])
            name = field if field.isupper() else f"VIGIL_{field.upper()}"
            found = problem["msg"].removeprefix("Value error, ")
            given = f"{name}={problem['input']}: " if field and isinstance(problem["input"], str) else ""
            findings.append(fail("settings", f"{given}{found}", "correct the environment", ExitCode.REFUSED))
        return findings, None
    if settings.env == "dev":
        findings.append(
            warn("settings", "VIGIL_ENV=dev allows a replication factor of 1", "unset it in production")
        )
    said = f"application {settings.app_id}, delivery by {settings.delivery}, {settings.clock} clock"
    findings.append(ok("settings", said))
    return findings, settings


def _unknown(settings: "type[Settings]") -> list[str]:
    known = {f"VIGIL_{name.upper()}" for name in settings.model_fields}
    return sorted(
        name for name in os.environ if name.startswith("VIGIL_") and name not in known | _NOT_SETTINGS
    )


def _unknown_variable(name: str, settings: "type[Settings]") -> Finding:
    known = [f"VIGIL_{field.upper()}" for field in settings.model_fields]
    close = get_close_matches(name, known, n=1)
    return warn(
        "settings",
        f"{name} is no setting and is ignored",
        f"did you mean {close[0]}?" if close else "remove it",
    )


def examine_policies(settings: "Settings") -> Iterator[Finding]:
    """The folder of policies as a worker would load it, and how far its calendars reach."""
    from engine.policies import PolicyErrors, load

    try:
        book = load(settings.policies)
    except PolicyErrors as error:
        named = _NO_POLICIES if settings.shadow is None else "correct VIGIL_SHADOW, or unset it"
        advice = f"vigil policy lint {settings.policies}" if settings.policies.exists() else named
        yield fail("policies", error.in_short, advice, ExitCode.REFUSED)
        return
    except OSError as error:
        yield fail("policies", f"{settings.policies}: {error.strerror}", _NO_POLICIES, ExitCode.REFUSED)
        return
    names = ", ".join(dict.fromkeys(policy.name for policy in book.policies))
    yield ok("policies", f"{len(book.policies)} in {settings.policies}: {names}")
    yield from _calendars(book)


_NO_POLICIES = "set VIGIL_POLICIES to the folder of your policies"


def _calendars(book: "Book") -> Iterator[Finding]:
    """Ask each calendar for a day well ahead; one that cannot answer will not be able to judge soon."""
    from engine.cli.inputs import now
    from engine.core.calendars import CalendarError
    from engine.core.instants import DAY, Instant
    from engine.core.policy import AROUND_THE_CLOCK

    ahead = Instant(now() + HORIZON_DAYS * DAY)
    named = [calendar for name, calendar in book.calendars.items() if name != AROUND_THE_CLOCK]
    for calendar in named:
        try:
            calendar.next_opening(ahead)
        except CalendarError as error:
            advice = "check this machine's clock and the calendar, and that tzdata and holidays are current"
            yield fail("calendars", str(error), advice, ExitCode.REFUSED)
            return
    if named:
        zones = ", ".join(f"{calendar.name} ({calendar.zone})" for calendar in named)
        yield ok("calendars", f"{zones}; tzdata {book.tzdata}, holidays {book.holidays}")
    for calendar in named:
        yield from _dates_of_next_year(calendar)


def _dates_of_next_year(calendar: "Calendar") -> Iterator[Finding]:
    """Dates of its own are written down year by year: on those that nobody wrote it is open as on any day."""
    from engine.cli.inputs import now
    from engine.core.calendars import BusinessCalendar
    from engine.core.instants import DAY, Instant, to_datetime

    if not isinstance(calendar, BusinessCalendar):
        return
    years = calendar.dated_years
    coming = to_datetime(Instant(now() + _DATES_AHEAD_DAYS * DAY)).year
    if coming - 1 in years and coming not in years:
        found = f"{calendar.name} has dates of its own in {coming - 1} and none in {coming}"
        advice = f"add those of {coming} to its holidays.dates and restart the workers, if there are any"
        yield warn("calendar dates", found, advice)


def examine_pace(settings: "Settings") -> Iterator[Finding]:
    """What a worker warns by beside its policies; nothing where it has no such file."""
    from engine.core.instants import format_instant
    from engine.replay.pace_file import PaceFileRefused, read

    if settings.pace is None:
        return
    try:
        learned = read(settings.pace)
    except (OSError, PaceFileRefused) as error:
        found = f"{settings.pace}: {error.strerror}" if isinstance(error, OSError) else str(error)
        yield fail(
            "pace", found, "learn it anew with `vigil pace learn`, or unset VIGIL_PACE", ExitCode.REFUSED
        )
        return
    span = f"clocks from {format_instant(learned.since)}, due by {format_instant(learned.until)}"
    yield ok("pace", f"{settings.pace}: {len(learned.pace.kinds)} kinds, {span}; hash {learned.pace.hash}")


def examine_templates(settings: "Settings") -> Iterator[Finding]:
    """The folder of one's own templates, where one is named."""
    from engine.documents.rendering import TemplateError, must_be_templates

    if settings.templates is None:
        return
    try:
        must_be_templates(settings.templates)
    except TemplateError as error:
        yield fail("templates", str(error), "correct VIGIL_TEMPLATES, or unset it", ExitCode.REFUSED)


def examine_worker(url: str, *, asked: bool, timeout: float) -> Iterator[Finding]:
    """A worker's own word on whether it is ready. `asked`: the caller named it, so silence is a failure."""
    address = f"{url.rstrip('/')}/ready"
    try:
        status, body = _get(address, timeout)
    except (OSError, ValueError) as error:
        found = f"{address} does not answer: {getattr(error, 'reason', error)}"
        if asked:
            yield fail("worker", found, "is it running, and is this its VIGIL_METRICS_PORT?")
        else:
            yield skip("worker", found, "name one with --worker http://HOST:PORT")
        return
    if status == 200:
        yield ok("worker", f"{address}: ready")
    else:
        yield fail(
            "worker",
            f"{address}: {status} {body}",
            "it is not assigned, recovering or behind; its logs say which",
        )


_WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""A proxy of the environment leads out of where workers are, and does not know this machine's 127.0.0.1."""


def _get(address: str, timeout: float) -> tuple[int, str]:
    if not address.startswith(("http://", "https://")):
        raise ValueError("expected http://HOST:PORT")
    try:
        with _WITHOUT_PROXY.open(address, timeout=timeout) as answer:
            return answer.status, answer.read(2_000).decode(errors="replace").strip()
    except urllib.error.HTTPError as error:
        return error.code, error.read(2_000).decode(errors="replace").strip()
