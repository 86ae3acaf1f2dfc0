"""A real Apache Kafka that asks who one is: SCRAM over TLS, mTLS, and nothing allowed without an ACL."""

import argparse
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from engine.demo.broker import KafkaBroker, NoJava, free_port
from engine.settings import Settings
from engine.stream.rights import script
from servers import missing

_RECORD = 'printf "%s\\n" "$*" >> "$RECORDED"'
"""Stands in for kafka-acls, which is not among the jars: notes what it is called with."""


class SecuredKafka(KafkaBroker):
    """`bootstrap` is the brokers' own listener, and the tests': whoever gets there may do all."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, removes=True)
        self._scram_port, self._mtls_port = free_port(), free_port()
        self.authority = Authority(folder / "tls")
        self.admin: KafkaAdminClient | None = None

    @property
    def scram(self) -> str:
        return f"127.0.0.1:{self._scram_port}"

    @property
    def mtls(self) -> str:
        return f"127.0.0.1:{self._mtls_port}"

    def _properties(self) -> dict[str, object]:
        mine = super()._properties()
        listeners = f",SCRAM://{self.scram},MTLS://{self.mtls}"
        mine["listeners"] = f"{mine['listeners']}{listeners}"
        mine["advertised.listeners"] = f"{mine['advertised.listeners']}{listeners}"
        mine["listener.security.protocol.map"] = (
            f"{mine['listener.security.protocol.map']},SCRAM:SASL_SSL,MTLS:SSL"
        )
        login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        return mine | {
            "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.scram.scram-sha-512.sasl.jaas.config": login,
            "listener.name.mtls.ssl.client.auth": "required",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.authority.pair("127.0.0.1"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.authority.file,
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
        }

    def start(self, seconds: float = 60) -> None:
        super().start(seconds)
        self.admin = self.admin or KafkaAdminClient(bootstrap_servers=self.bootstrap)

    def stop(self) -> None:
        if self.admin is not None:
            self.admin.close()
        super().stop()

    def add_user(self, name: str) -> str:
        """Its password."""
        password = secrets.token_urlsafe(12)
        assert self.admin is not None
        self.admin.alter_user_scram_credentials(
            [UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, password)]
        )
        return password

    def grant(self, acls: list[ACL]) -> None:
        assert self.admin is not None
        done = self.admin.create_acls(acls)
        assert not done["failed"], done

    def revoke(self, acl: ACL) -> None:
        assert self.admin is not None
        self.admin.delete_acls([acl])


class Authority:
    """A certificate authority of the test's own. Keys and certificates are PEM, and good for so many days."""

    def __init__(self, folder: Path, days: int = 2) -> None:
        if shutil.which("openssl") is None:
            missing("no openssl here, which makes the certificates")
        folder.mkdir(parents=True)
        self._folder, self._days = folder, days
        self.file = folder / "ca.pem"
        self._key = folder / "ca.key"
        self._request(
            self._key, self.file, "-subj", "/CN=vigil test authority", "-addext", "keyUsage=keyCertSign"
        )

    def pair(self, name: str) -> Path:
        """A file with the key and the certificate of a client, or of the server at that address."""
        key, certificate, both = (self._folder / f"{name}.{end}" for end in ("key", "crt", "pem"))
        if not both.exists():
            signing = ("-CA", str(self.file), "-CAkey", str(self._key))
            self._request(
                key, certificate, "-subj", f"/CN={name}", *signing, "-addext", "subjectAltName=IP:127.0.0.1"
            )
            both.write_text(key.read_text() + certificate.read_text())
            both.chmod(0o600)
        return both

    def _request(self, key: Path, certificate: Path, *options: str) -> None:
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        command = [
            "openssl",
            "req",
            "-x509",
            *curve,
            "-days",
            str(self._days),
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ]
        done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr


def start_secured_kafka() -> SecuredKafka:
    """Running; its folder goes with it."""
    broker = SecuredKafka(Path(tempfile.mkdtemp(prefix="vigil-kafka-")))
    try:
        broker.start()
    except BaseException:
        broker.stop()
        raise
    return broker


def secured_kafka_or_skip() -> Iterator[SecuredKafka]:
    """For a fixture: one that runs until its tests are over; none as for `servers.kafka_or_skip`."""
    try:
        broker = start_secured_kafka()
    except NoJava as error:
        missing(f"no Apache Kafka here: {error}")
    yield broker
    broker.stop()


def generated_acls(settings: Settings, folder: Path) -> list[ACL]:
    """What the generated script asks of kafka-acls, run by a shell as an administrator would."""
    recorder, record, file = folder / "record.sh", folder / "recorded", folder / "acls.sh"
    recorder.write_text(_RECORD)
    file.write_text(script(settings))
    record.unlink(missing_ok=True)
    environment = {**os.environ, "KAFKA_ACLS": f"sh {recorder}", "RECORDED": str(record)}
    subprocess.run(["sh", str(file)], env=environment, check=True, timeout=30)
    return [acl for line in record.read_text().splitlines() for acl in acls_of(line.split())]


def acls_of(arguments: list[str]) -> list[ACL]:
    """As kafka-acls reads its command line: one ACL an operation."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--add", action="store_true", required=True)
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", action="append", required=True)
    parser.add_argument("--resource-pattern-type", choices=["literal", "prefixed"], default="literal")
    resource = parser.add_mutually_exclusive_group(required=True)
    for kind in ("topic", "group", "transactional-id"):
        resource.add_argument(f"--{kind}")
    given = vars(parser.parse_args(arguments))
    kind = next(kind for kind in ("topic", "group", "transactional_id") if given[kind] is not None)
    pattern = ResourcePattern(
        ResourceType[kind.upper()],
        given[kind],
        ACLResourcePatternType[given["resource_pattern_type"].upper()],
    )
    operations = [
        ACLOperation["DESCRIBE_CONFIGS" if one == "DescribeConfigs" else one.upper()]
        for one in given["operation"]
    ]
    return [ACL(given["allow_principal"], "*", one, ACLPermissionType.ALLOW, pattern) for one in operations]


def scram_settings(broker: SecuredKafka, user: str, password: str) -> dict[str, Any]:
    """Of a client that comes in by SCRAM over TLS."""
    return {
        "bootstrap_servers": broker.scram,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": user,
        "sasl_password": password,
        "tls_ca_file": broker.authority.file,
    }


def mtls_settings(broker: SecuredKafka, user: str) -> dict[str, Any]:
    """Of a client that comes in by its certificate."""
    pair = broker.authority.pair(user)
    return {
        "bootstrap_servers": broker.mtls,
        "security_protocol": "SSL",
        "tls_ca_file": broker.authority.file,
        "tls_cert_file": pair,
        "tls_key_file": pair,
    }
