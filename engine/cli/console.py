"""`vigil console`: the deadline board and the pages behind it."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from engine.cli.exits import ExitCode, Failure, ends_when_told
from engine.cli.options import Brokers, OptionalPolicies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import ExitStack
    from threading import Event

    from fastapi import FastAPI

    from engine.archive.archive import Archive
    from engine.console.app import House
    from engine.console.keeping import Keeper
    from engine.console.keys import ApiKey
    from engine.console.oidc import Client
    from engine.console.opening import Opening
    from engine.console.people import SignIn
    from engine.console.sources import Sources
    from engine.core.instants import Instant
    from engine.core.policy import Book
    from engine.documents.fees import Fee
    from engine.metrics.console import ConsoleMetrics
    from engine.settings import Settings

PATIENCE_SECONDS = 3.0
"""How long a verdict may be on its way to the board before it counts as unknown."""
_IN_HAND_SECONDS = 3.0
"""Of real time, within which what was read is committed."""
_FEW_BYTES = 64 * 1024
"""Of a partition at once, where a record or two are looked for."""
ANSWER_WITHIN = 10.0
"""Seconds for Kafka to confirm what somebody records."""


@ends_when_told()
def command(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0: any free one.")] = 8090,
    policies: OptionalPolicies = None,
    archive: Annotated[
        str | None, typer.Option("--archive", metavar="URL", help="Instead of VIGIL_ARCHIVE_URL.")
    ] = None,
    follow: Annotated[
        bool,
        typer.Option(help="Keep the archive itself; --no-follow where `vigil archive run` does."),
    ] = True,
    zone: Annotated[
        str, typer.Option(help="Times are told in this zone to whom no browser says a better one.")
    ] = "UTC",
    name: Annotated[str, typer.Option(help="Who you are, where nobody signs in (local).")] = "",
    bootstrap_servers: Brokers = None,
) -> None:
    """Serve the deadline board and the pages behind it.

    Every running clock, soonest first, live; each escalation with its verdicts and why; and forms that
    record what was done, as events on Kafka like those of any other producer. The console holds no truth
    of its own: the board is read from the engine's state, the pages from the archive.

    Who may: VIGIL_CONSOLE_SIGN_IN=oidc signs people in by a provider of OpenID Connect, proxy believes the
    header of a proxy that does. Without either (local) everybody who reaches the page may record things, so
    it listens on this machine only. docs/console-sign-in.md has the steps.

    \b
    Exit codes:
      0   stopped by SIGTERM or SIGINT
      69  no broker, no database, no provider to sign in by, or the port is taken
      78  settings, policies, the sign-in or a topic are refused: the message says what to do

    \b
    Examples:
      vigil console -p policies
      vigil console -p policies --archive postgresql://vigil@db/vigil --no-follow --port 8090
      VIGIL_CONSOLE_SIGN_IN=proxy VIGIL_CONSOLE_PROXIES=10.0.0.0/8 vigil console --host 0.0.0.0
    """
    import secrets

    from engine.cli.inputs import settings_with
    from engine.console.app import application
    from engine.console.opening import Opening
    from engine.metrics.certificates import show_certificates
    from engine.metrics.console import ConsoleMetrics
    from engine.stream.logs import configure

    settings = settings_with(
        bootstrap_servers=bootstrap_servers,
        archive_url=archive,
        policies=policies,
    )
    configure(settings.log_format, settings.log_level)
    secret = settings.console_secret.get_secret_value() or secrets.token_urlsafe(32)
    by = sign_in(settings, host, name, secret)
    given, metrics = _given(settings, by, secret, zone), ConsoleMetrics()
    show_certificates(metrics.registry, settings.certificates)

    def make(stack: "ExitStack") -> "FastAPI":
        return application(stack.enter_context(_house(settings, given, metrics, follow=follow)))

    _serve(Opening(make, metrics), host, port)


def sign_in(settings: "Settings", host: str, name: str, secret: str) -> "SignIn":
    """How people are known to a console on `host`. Failure for what cannot be meant or lets in anybody."""
    import getpass
    from urllib.parse import urlsplit

    from engine.console.oidc import ProviderAway
    from engine.console.people import AtThisMachine, BadSignIn, BehindProxy, is_loopback

    if settings.console_sign_in == "local":
        if not is_loopback(host) and settings.env != "dev":
            hint = (
                "VIGIL_CONSOLE_SIGN_IN=oidc, or proxy, behind one that signs people in; or --host 127.0.0.1"
            )
            raise Failure(f"nobody signs in, so {host} must not be listened on", ExitCode.REFUSED, hint)
        hosts = {urlsplit(settings.console_url).hostname or ""} - {""} if is_loopback(host) else None
        return AtThisMachine(name or getpass.getuser(), hosts=hosts)
    responders, admins = _several(settings.console_responders), _several(settings.console_admins)
    try:
        if settings.console_sign_in == "oidc":
            return _open_id_connect(settings, secret, responders, admins)
        return BehindProxy(
            settings.console_user_header,
            settings.console_groups_header,
            _several(settings.console_proxies),
            responders,
            admins,
        )
    except ProviderAway as error:
        raise Failure(str(error), ExitCode.UNREACHABLE) from None
    except BadSignIn as error:
        raise Failure(str(error), ExitCode.REFUSED) from None


def _open_id_connect(
    settings: "Settings", secret: str, responders: "Sequence[str]", admins: "Sequence[str]"
) -> "SignIn":
    from engine.console.oidc import OpenIdConnect, discover

    client = client_of(settings)
    return OpenIdConnect(client, discover(client.issuer), secret, responders, admins)


def client_of(settings: "Settings") -> "Client":
    """What the provider knows the console by, as set. BadSignIn."""
    from engine.console.oidc import Client

    client = Client(
        settings.console_oidc_issuer,
        settings.console_oidc_client_id,
        settings.console_oidc_client_secret,
        settings.console_url,
        settings.console_oidc_scopes,
        settings.console_oidc_name_claim,
        settings.console_oidc_groups_claim,
        settings.console_session_hours,
    )
    client.check()
    return client


class _Given(NamedTuple):
    """What is known to be right before anything is opened."""

    book: "Book"
    keys: "Sequence[ApiKey]"
    fees: "Mapping[str, Fee]"
    sign_in: "SignIn"
    secret: str
    zone: str


def _several(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _given(settings: "Settings", sign_in: "SignIn", secret: str, zone: str) -> _Given:
    """Failure for what is wrong with it, or where the brokers do not let the console in."""
    from zoneinfo import ZoneInfoNotFoundError

    from engine.cli.topics import broker_errors
    from engine.console.keys import api_keys
    from engine.core.instants import time_zone
    from engine.policies import load
    from engine.stream.allowed import must_be_allowed
    from engine.stream.rights import roles
    from engine.stream.topics import let_in

    try:
        time_zone(zone)
    except ZoneInfoNotFoundError:
        raise Failure(f"--zone {zone}: there is no such time zone", ExitCode.USAGE) from None
    book = load(settings.policies)
    keys = () if settings.console_keys is None else api_keys(settings.console_keys)
    fees = {} if settings.console_fees is None else _fees(settings.console_fees)
    with broker_errors():
        let_in(settings, settings.start_timeout)
        must_be_allowed(settings, roles(settings)["console"].rights)
    return _Given(book, keys, fees, sign_in, secret, zone)


@contextmanager
def _house(
    settings: "Settings", given: _Given, metrics: "ConsoleMetrics", *, follow: bool
) -> "Iterator[House]":
    """Opened when the archive is, whose schema may have to be brought up to date."""
    from threading import Event

    from engine.cli.archiving import opened
    from engine.cli.reading import reader
    from engine.console.app import Clock, House
    from engine.console.audit import Audit
    from engine.console.backtests import Backtests
    from engine.console.board import Board
    from engine.console.escalations import Escalations
    from engine.console.lists import Lists
    from engine.console.live import Live
    from engine.console.people import Forms
    from engine.console.single import Single
    from engine.console.summaries import Summaries
    from engine.core.decide import Options
    from engine.core.instants import SECOND, Span
    from engine.documents.rendering import Press
    from engine.intake.sending import Sender
    from engine.stream.clock import clock_of

    stopping, book = Event(), given.book
    archive = opened(settings, stopping, only_reads=not follow)
    assert archive is not None  # noqa: S101  # nobody stops it meanwhile
    clock = clock_of(settings)
    speed = settings.clock_speed if settings.clock == "scaled" else 1.0
    sources = _sources(settings, clock.now, speed)
    board = Board(book, Span(int(PATIENCE_SECONDS * SECOND * speed)), sources.of)
    options = Options(open_on_first_event=settings.open_on_first_event)
    topics = {"ticket": settings.tickets_topic}
    with (
        archive,
        Press(settings.templates) as press,
        _kept(settings, archive, stopping, metrics, follow=follow) as keeper,
    ):
        pages = Escalations(archive.engine, book, options, press)
        yield House(
            live=Live(
                board, settings.changelog_topic, lambda: reader(settings, "earliest"), clock.now, metrics
            ),
            sources=sources,
            keeper=keeper,
            escalations=pages,
            single=Single(archive.engine, pages),
            lists=Lists(archive.engine, board),
            summaries=Summaries(
                archive.engine, board, book, settings.policies, options, given.fees, clock.now
            ),
            backtests=Backtests(
                archive.engine, book, settings.policies, settings.console_candidate, options, clock.now
            ),
            sender=Sender(settings.client_options(), topics, ANSWER_WITHIN),
            sign_in=given.sign_in,
            forms=Forms(given.secret),
            clock=Clock(clock.now, speed),
            metrics=metrics,
            keys=given.keys,
            zone=given.zone,
            audit=Audit(archive.engine),
        )


def _sources(settings: "Settings", now: "Callable[[], Instant]", speed: float) -> "Sources":
    from engine.cli.reading import Committed, reader
    from engine.console.sources import Bounds, Sources
    from engine.core.instants import SECOND, Span

    behind = settings.behind_after
    if settings.clock == "events":  # nothing is judged then that has not been read
        behind = 0.0
    elif behind:  # what the workers have in hand is committed a moment later, however fast the clock runs
        behind = max(behind, _IN_HAND_SECONDS * speed)
    return Sources(
        Bounds(Span(int(behind * SECOND)), Span(int(settings.heard_within * SECOND))),
        (settings.tickets_topic, settings.incidents_topic),
        lambda: reader(settings, "earliest", max_partition_fetch_bytes=_FEW_BYTES),
        Committed(settings),
        now,
    )


def _fees(file: Path) -> "Mapping[str, Fee]":
    from engine.documents.fees import read_fees

    try:
        return read_fees(file)
    except OSError as error:
        raise Failure(f"VIGIL_CONSOLE_FEES: {file}: {error.strerror}", ExitCode.REFUSED) from None


@contextmanager
def _kept(
    settings: "Settings", archive: "Archive", stopping: "Event", metrics: "ConsoleMetrics", *, follow: bool
) -> "Iterator[Keeper | None]":
    """While inside, the topics are followed into the archive, if that is wanted."""
    from engine.cli.archiving import archived, follower
    from engine.console.keeping import Keeper
    from engine.metrics.archive import ArchiveMetrics

    if not follow:
        yield None
        return
    counts = ArchiveMetrics(metrics.registry)
    keeper = Keeper(follower(settings, archived(settings), archive, counts, stopping).run, stopping, metrics)
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.stop()


def _serve(opening: "Opening", host: str, port: int) -> None:
    """Until it is stopped. What kept it from beginning is raised."""
    from aiokafka.errors import KafkaError

    from engine.cli.serving import serve

    serve(
        opening,
        host,
        port,
        "there is no such address here",
        "--port 0 takes any that is free",
        timeout_graceful_shutdown=5,
        proxy_headers=False,  # a proxy is known by its own address, not by what it forwards
    )
    if isinstance(opening.failed, KafkaError | TimeoutError):
        wrong = "no broker answers, or a topic is missing"
        raise Failure(wrong, ExitCode.UNREACHABLE, "the log above says which; `vigil doctor` looks closer")
    if opening.failed is not None:
        raise opening.failed
