"""Every setting of every process: `VIGIL_…` variables, validated at start, secrets from files too."""

import os
import re
import ssl
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from engine.core.instants import Instant, parse_instant
from engine.tls import FollowedContext, TlsFiles

_A_YEAR = 366 * 86_400.0
_PREFIX = re.compile(r"^Value error, ")
TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,242}$")]
"""What Kafka takes, with room for a shadow's end."""
OptionalPath = Annotated[Path | None, BeforeValidator(lambda value: None if value == "" else value)]
"""Empty, as in `VIGIL_SHADOW=`, is none: as a path it would be the folder that we are in."""
_SERVER = re.compile(r"^(\[[0-9A-Fa-f:]+\]|[^\s:,/]+):\d{1,5}$")


def _is_server(text: str) -> bool:
    return _SERVER.match(text) is not None and 0 < int(text.rpartition(":")[2]) < 65_536


class Settings(BaseSettings):
    """What a deployment chooses. Every field is read from VIGIL_ and its name in capitals.

    pydantic's ValidationError names the field that is wrong; an unknown VIGIL_ variable is ignored.
    """

    model_config = SettingsConfigDict(
        env_prefix="VIGIL_",
        extra="ignore",
        populate_by_name=True,
        hide_input_in_errors=True,  # what is said of settings that do not go together would show them all
    )

    bootstrap_servers: str = Field(
        "127.0.0.1:9092",
        validation_alias=AliasChoices(
            "VIGIL_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS", "bootstrap_servers"
        ),
        description="host:port of one or more brokers, separated by commas",
    )
    app_id: str = Field(
        "vigil",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="consumer group; prefix of the changelog and the transactional ids",
    )
    env: Literal["production", "dev"] = Field(
        "production", description="dev allows a replication factor of 1"
    )

    partitions: int = Field(48, ge=1, le=10_000, description="of the topics that `vigil topics create` makes")
    replication_factor: int = Field(3, ge=1, description="of the topics that `vigil topics create` makes")
    tickets_topic: TopicName = Field("vigil.tickets.v1", description="in: events of tickets")
    incidents_topic: TopicName = Field("vigil.incidents.v1", description="in: events of incidents")
    commands_topic: TopicName = Field("vigil.commands.v1", description="the worker's own: ticks and relays")
    outcomes_topic: TopicName = Field("vigil.outcomes.v1", description="out: what is said")
    dlq_topic: TopicName = Field("vigil.dlq.v1", description="out: what cannot be taken")

    policies: Path = Field(Path("policies"), description="folder of policy and calendar files")
    shadow: OptionalPath = Field(
        None,
        description="a second folder of policies: judge the same events by it, with topics, state and group"
        " of its own beside those of the deployment",
    )
    pace: OptionalPath = Field(
        None, description="what `vigil pace learn` wrote: warn by it, and say how often warnings came true"
    )
    templates: OptionalPath = Field(
        None, description="a folder of document templates of one's own, which come before those shipped"
    )
    archive_url: SecretStr = Field(
        SecretStr("sqlite:///vigil-archive.db"),
        description="the archive's database: sqlite:///FILE, or postgresql://USER@HOST/DATABASE",
    )
    archive_url_file: OptionalPath = Field(None, description="a file that holds the URL, instead of it")
    archive_records: int = Field(
        2_000, ge=1, le=100_000, description="records that the archive writes in one transaction, at most"
    )
    notify_url: SecretStr = Field(
        SecretStr("sqlite:///vigil-notify.db"),
        description="the delivery record's database: sqlite:///FILE, or postgresql://USER@HOST/DATABASE",
    )
    notify_url_file: OptionalPath = Field(None, description="a file that holds the URL, instead of it")
    notify_config: Path = Field(Path("notify.yaml"), description="receivers, and the routes to them")
    notify_not_older: float = Field(
        3_600.0,
        ge=0,
        description="seconds: what was found longer before the delivery record's first start is told to"
        " nobody",
    )
    notify_keep_days: float = Field(
        90.0, gt=0, description="what is over and was told is forgotten after so many days"
    )
    console_sign_in: Literal["local", "proxy", "oidc"] = Field(
        "local",
        description="local: whoever reaches the page, which only this machine does; proxy: as a proxy says;"
        " oidc: as a provider of OpenID Connect says",
    )
    console_url: str = Field(
        "",
        description="where browsers reach the console, such as https://vigil.example.com: oidc needs it; "
        "local answers to its host and to this machine's own names alone",
    )
    console_oidc_issuer: str = Field("", description="the provider's address, as its tokens say it")
    console_oidc_client_id: str = Field("", description="what the provider knows the console by")
    console_oidc_client_secret: SecretStr = Field(SecretStr(""), description="of the client")
    console_oidc_client_secret_file: OptionalPath = Field(None, description="a file that holds it, instead")
    console_oidc_scopes: str = Field("openid profile email", description="what is asked for, by blanks")
    console_oidc_name_claim: str = Field(
        "preferred_username", min_length=1, description="what of the token names the person"
    )
    console_oidc_groups_claim: str = Field(
        "groups", min_length=1, description="what of the token lists their groups"
    )
    console_session_hours: float = Field(
        8.0, gt=0, le=24, description="oidc: after so many hours people sign in again"
    )
    console_user_header: str = Field("X-Forwarded-User", description="in it the proxy says who it is")
    console_groups_header: str = Field("X-Forwarded-Groups", description="and in which groups, by commas")
    console_proxies: str = Field(
        "", description="addresses and networks of the proxies that are believed, by commas"
    )
    console_responders: str = Field("", description="people and groups that may record things, by commas")
    console_admins: str = Field("", description="people and groups that may do everything, by commas")
    console_secret: SecretStr = Field(
        SecretStr(""), description="marks forms as ours; the same for all consoles; empty: drawn at start"
    )
    console_secret_file: OptionalPath = Field(None, description="a file that holds it, instead")
    console_keys: OptionalPath = Field(
        None, description="YAML: keys of the console's API; empty: there are none"
    )
    console_fees: OptionalPath = Field(
        None, description="monthly fees, YAML or CSV, as `vigil credits --fees` reads them; empty: no money"
    )
    console_candidate: OptionalPath = Field(
        None, description="a folder of policies that are thought of, to be compared with those in force"
    )
    delivery: Literal["transactions", "acknowledged"] = Field(
        "transactions",
        description="transactions: exactly once; acknowledged: at least once, without transactions",
    )

    clock: Literal["real", "scaled", "events"] = Field(
        "real",
        description="real; scaled: faster, for drills; events: their own time, for backfills",
    )
    clock_start: str = Field("", description="ISO 8601 with an offset; scaled clock only; empty: now")
    clock_speed: float = Field(
        1.0, gt=0, le=1_000_000, description="scaled clock only: so many times as fast as life"
    )
    clock_anchor: str = Field("", description="real time at which clock_start is shown; empty: at our start")
    behind_after: float = Field(
        30.0, ge=0, le=_A_YEAR, description="seconds behind from which on verdicts are provisional; 0: never"
    )
    when_behind: Literal["say", "wait"] = Field(
        "say", description="say: provisional verdicts; wait: source_behind first, verdicts when caught up"
    )
    heard_within: float = Field(
        0.0,
        ge=0,
        le=_A_YEAR,
        description="seconds within which each input partition hears something; 0: not expected",
    )
    tick_interval: float = Field(0.25, ge=0.05, le=60, description="seconds between two looks at what is due")

    open_on_first_event: bool = Field(False, description="any first event opens an escalation")
    say_movements: bool = Field(False, description="also say clock_started, paused and resumed")

    session_timeout: float = Field(
        10.0, ge=1, le=300, description="seconds until a silent worker is replaced"
    )
    transaction_timeout: float = Field(
        60.0, ge=5, le=900, description="seconds; more than the longest broker outage to be ridden out"
    )
    drain_timeout: float = Field(
        10.0, ge=1, le=120, description="seconds for what is in flight at a rebalance or stop"
    )
    instance_id: str = Field(
        "", description="static group membership: the same name at every start of this worker"
    )
    start_timeout: float = Field(
        120.0, ge=0, description="seconds to wait for a broker that is away at start"
    )
    group_records: int = Field(16_000, ge=1, description="input records that share one transaction, at most")
    poll_records: int = Field(4_000, ge=1, le=100_000, description="records of one fetch, at most")
    chunks_in_flight: int = Field(
        8, ge=1, le=64, description="decided and not yet durable, over all partitions"
    )
    max_record_bytes: int = Field(900_000, ge=10_000, description="largest outcome or state record")
    max_dead_letter_bytes: int = Field(
        10_000_000, ge=100_000, description="largest dead letter; the topic must allow it"
    )
    idempotent_producer: bool = Field(True, description="acknowledged delivery only; off for Tansu")

    ready_lag: int = Field(10_000, ge=0, description="records behind at most, or getting fewer, to be ready")
    metrics_host: str = Field(
        "0.0.0.0",  # noqa: S104  # scraped from outside the container
        description="address of /metrics, /ready and /live",
    )
    metrics_port: int = Field(
        9464, ge=0, le=65_535, description="/metrics, /ready and /live; 0: any free port"
    )
    log_format: Literal["json", "console"] = Field("json", description="json lines; console for people")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="from which on")

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how brokers are talked to"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "PLAIN", description="how the password is shown to brokers"
    )
    sasl_username: str = Field("", description="who we are to brokers")
    sasl_password: SecretStr = Field(SecretStr(""), description="of the user")
    sasl_password_file: OptionalPath = Field(
        None, description="a file that holds the password, instead of it"
    )
    tls_ca_file: OptionalPath = Field(None, description="PEM; empty: the system's authorities")
    tls_cert_file: OptionalPath = Field(None, description="PEM; the client's certificate")
    tls_key_file: OptionalPath = Field(None, description="PEM; the client's key")
    tls_key_password: SecretStr = Field(SecretStr(""), description="of the client's key")
    tls_key_password_file: OptionalPath = Field(None, description="a file that holds it, instead of it")

    _tls: FollowedContext | None = PrivateAttr(None)
    """One for all clients, of which some are made anew while files are replaced."""

    @field_validator("bootstrap_servers")
    @classmethod
    def _servers(cls, value: str) -> str:
        servers = [server.strip() for server in value.split(",") if server.strip()]
        wrong = [server for server in servers if not _is_server(server)]
        if wrong or not servers:
            raise ValueError(
                f"{wrong[0] if wrong else value!r}: expected host:port, several separated by commas"
            )
        return ",".join(servers)

    @field_validator("clock_start", "clock_anchor")
    @classmethod
    def _start(cls, value: str) -> str:
        if value:
            parse_instant(value)
        return value

    @model_validator(mode="after")
    def _secrets_from_files(self) -> "Settings":
        for name in (
            "sasl_password", "tls_key_password", "archive_url", "notify_url", "console_secret",
            "console_oidc_client_secret",
        ):  # fmt: skip
            path: Path | None = getattr(self, f"{name}_file")
            if path is not None:
                try:
                    text = path.read_text("utf-8").rstrip("\r\n")
                except OSError as error:
                    raise ValueError(f"VIGIL_{name.upper()}_FILE: {path}: {error.strerror}") from None
                setattr(self, name, SecretStr(text))
        return self

    @model_validator(mode="after")
    def _databases_are_kept(self) -> "Settings":
        for name in ("archive_url", "notify_url"):
            url: str = getattr(self, name).get_secret_value().partition("?")[0]
            if url.rstrip("/") == "sqlite:" or url.endswith(":memory:"):
                raise ValueError(
                    f"VIGIL_{name.upper()}={url}: expected a file, sqlite:///FILE; what is in memory alone is"
                    " gone with the process"
                )
        return self

    @model_validator(mode="after")
    def _beside_the_first(self) -> "Settings":
        """A shadow reads the deployment's events, and writes to nothing that is the deployment's."""
        if self.shadow is not None:
            self.policies = self.shadow
            for name in ("app_id", "commands_topic", "outcomes_topic", "dlq_topic"):
                setattr(self, name, _of_a_shadow(name, getattr(self, name)))
        return self

    @model_validator(mode="after")
    def _belongs_together(self) -> "Settings":
        if self.security_protocol.startswith("SASL") and not (
            self.sasl_username and self.sasl_password.get_secret_value()
        ):
            raise ValueError(
                f"VIGIL_SECURITY_PROTOCOL={self.security_protocol} needs VIGIL_SASL_USERNAME and "
                "VIGIL_SASL_PASSWORD or VIGIL_SASL_PASSWORD_FILE"
            )
        names = self.all_topics
        if len(set(names)) < len(names):
            raise ValueError(f"topics must differ from each other: {', '.join(names)}")
        if self.tls_cert_file is not None and self.tls_key_file is None:
            raise ValueError("VIGIL_TLS_CERT_FILE needs VIGIL_TLS_KEY_FILE")
        return self

    @property
    def input_topics(self) -> tuple[str, str, str]:
        """What the worker consumes; these and the changelog have the same partition count."""
        return (self.tickets_topic, self.incidents_topic, self.commands_topic)

    @property
    def changelog_topic(self) -> str:
        """The state, compacted. Faust makes this name of the application's and the table's."""
        return f"{self.app_id}-{TABLE}-changelog"

    @property
    def all_topics(self) -> tuple[str, ...]:
        return (*self.input_topics, self.outcomes_topic, self.dlq_topic, self.changelog_topic)

    @property
    def clock_start_instant(self) -> Instant | None:
        return parse_instant(self.clock_start) if self.clock_start else None

    @property
    def clock_anchor_instant(self) -> Instant | None:
        return parse_instant(self.clock_anchor) if self.clock_anchor else None

    def tls_context(self) -> ssl.SSLContext | None:
        """By what the files hold when a connection is made; None where the protocol has no TLS. OSError
        (ssl.SSLError is one) for files that do not do now."""
        if not self.security_protocol.endswith("SSL"):
            return None
        files = self._tls_files()
        if self._tls is None or self._tls.files != files:
            self._tls = FollowedContext(files)
        return self._tls

    def certificates(self) -> dict[str, tuple[float, float]]:
        """`TlsFiles.times`; none where the protocol has no TLS."""
        return self._tls_files().times() if self.security_protocol.endswith("SSL") else {}

    def _tls_files(self) -> TlsFiles:
        password = self.tls_key_password.get_secret_value() or None
        return TlsFiles(self.tls_ca_file, self.tls_cert_file, self.tls_key_file, password)

    def client_options(self) -> dict[str, Any]:
        """Keyword arguments of every aiokafka client: where the brokers are, and who we are."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers.split(","),
            "security_protocol": self.security_protocol,
            "ssl_context": self.tls_context(),
        }
        if self.security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.sasl_mechanism
            options["sasl_plain_username"] = self.sasl_username
            options["sasl_plain_password"] = self.sasl_password.get_secret_value()
        return options


def what_is_wrong(error: ValidationError) -> str:
    """What was refused, a line a setting, by the names of the variables."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return "\n".join(": ".join((*_variable(one["loc"]), _PREFIX.sub("", one["msg"]))) for one in problems)


def _variable(place: tuple[int | str, ...]) -> list[str]:
    """Its name, where it is one setting that is wrong."""
    name = str(place[0]) if place else ""
    if name.lower().endswith("bootstrap_servers"):
        known = ("VIGIL_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS")
        return [next((one for one in known if one in os.environ), known[0])]
    return [f"VIGIL_{name.upper()}"] if name else []


def _of_a_shadow(setting: str, name: str) -> str:
    """What a shadow has beside a name of the deployment's. A name that is one already may be its own."""
    end = "-shadow" if setting == "app_id" else ".shadow"
    if name.endswith(end):
        raise ValueError(
            f"VIGIL_{setting.upper()}={name}: a shadow adds {end} itself; with another name there it writes "
            "to nothing that is the deployment's"
        )
    return name + end


TABLE = "escalations"
"""The table's name in Faust, and so a part of the changelog's."""
