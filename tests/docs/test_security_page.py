"""What docs/security.md shows, typed at a Kafka that is configured as it says."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from elsewhere import TOOLS
from pages import ROOT, Command, blocks, commands_of
from reader import Reader
from shell import calls
from shown import difference

from engine.demo.broker import KafkaBroker, NoJava
from engine.settings import Settings
from policies.files import CALENDAR, policy, write
from security.secured_kafka import SecuredKafka, acls_of, generated_acls
from servers import missing

PAGE = ROOT / "docs" / "security.md"
_KAFKA_ACLS = '#!/bin/sh\nprintf "%s\\n" "$*" >> recorded\n'
"""Stands in for kafka-acls.sh, which is not among the jars."""
_AS_ADMIN = ["--bootstrap-server", "broker:9093", "--command-config", "admin.properties"]


class AsThePageSays(SecuredKafka):
    """Its listeners, its logins and its authorizer are those of the page."""

    def _properties(self) -> dict[str, object]:
        mine = KafkaBroker._properties(self)
        told = {
            "/etc/kafka/broker.pem": str(self.authority.pair("127.0.0.1")),
            "/etc/kafka/ca.pem": str(self.authority.file),
            "User:admin": "User:admin;User:ANONYMOUS",
        }
        addresses = {"SASL_SSL://:9093,…": f"SASL_SSL://{self.scram}", "SSL://:9094,…": f"SSL://{self.mtls}"}
        for block in blocks(PAGE):
            for line in block.text.splitlines() if block.kind == "properties" else ():
                if line.startswith("#"):  # at a line's beginning alone: elsewhere it is of the value
                    continue
                name, _, value = line.partition("=")
                if name == "listeners":
                    listener = addresses[value]
                    mine["listeners"] = f"{mine['listeners']},{listener}"
                    mine["advertised.listeners"] = f"{mine['advertised.listeners']},{listener}"
                else:
                    assert "/etc/" not in value or value in told, f"{block.where}: {line}"
                    mine[name] = told.get(value, value)
        mine["listener.security.protocol.map"] = (
            f"{mine['listener.security.protocol.map']},SASL_SSL:SASL_SSL,SSL:SSL"
        )
        return mine


@pytest.fixture(scope="module")
def secured_kafka() -> Iterator[AsThePageSays]:
    made = AsThePageSays(Path(tempfile.mkdtemp(prefix="vigil-kafka-")))
    try:
        made.start()
    except NoJava as error:
        missing(f"no Apache Kafka here: {error}")
    yield made
    made.stop()


@pytest.fixture
def reader(secured_kafka: AsThePageSays, tmp_path: Path) -> Iterator[Reader]:
    """Whose administrator has granted the rights once, and made the topics; here with one broker."""
    one_broker = {"env": "dev", "replication_factor": 1, "partitions": 2}
    secrets, policies = tmp_path / "secrets", tmp_path / "policies"
    secrets.mkdir()
    policies.mkdir()
    write(policies, CALENDAR, policy())
    before = tmp_path / "before"
    before.mkdir()
    secured_kafka.grant(generated_acls(Settings(**one_broker), before))
    (secrets / "kafka-password").write_text(secured_kafka.add_user("vigil-worker") + "\n")
    for role in ("worker", "admin"):
        pair = secured_kafka.authority.pair(f"vigil-{role}")
        for end in ("crt", "key"):
            shutil.copy(pair.with_suffix(f".{end}"), secrets / f"{role}.{end}")
    variables = {f"VIGIL_{name.upper()}": str(value) for name, value in one_broker.items()} | {
        "VIGIL_METRICS_HOST": "127.0.0.1", "VIGIL_METRICS_PORT": "0", "VIGIL_LOG_LEVEL": "debug",
    }  # fmt: skip
    made = Reader(
        tmp_path,
        variables,
        {
            "VIGIL_BOOTSTRAP_SERVERS=broker:9093": f"VIGIL_BOOTSTRAP_SERVERS={secured_kafka.scram}",
            "VIGIL_BOOTSTRAP_SERVERS=broker:9094": f"VIGIL_BOOTSTRAP_SERVERS={secured_kafka.mtls}",
            "/run/secrets": str(secrets),
            "/etc/ssl/kafka-ca.pem": str(secured_kafka.authority.file),
        },
    )
    acls = tmp_path / ".bin" / "kafka-acls.sh"
    acls.write_text(_KAFKA_ACLS)
    acls.chmod(0o755)
    made.type(
        Command("before", 0, f"VIGIL_BOOTSTRAP_SERVERS={secured_kafka.bootstrap} vigil topics create", ())
    )
    yield made
    made.stop()


def test_what_the_page_shows_can_be_typed(secured_kafka: AsThePageSays, reader: Reader) -> None:
    for command in commands_of(PAGE):
        if not any(call.program in TOOLS for call in calls(command.text)):
            printed = reader.type(command)
            wrong = difference(command.shown, printed)
            assert wrong is None, f"{command.where}: {command.text}\n{wrong}"
    told = [line.split() for line in (reader.folder / "recorded").read_text().splitlines()]
    assert all(arguments[:4] == _AS_ADMIN for arguments in told)
    secured_kafka.grant([acl for arguments in told for acl in acls_of(arguments[4:])])
