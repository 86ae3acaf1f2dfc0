"""A deployment on the secured broker: a principal a role, with the rights of the generated script."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from cli.running import variables, vigil, vigil_process
from engine.settings import Settings
from engine.stream.rights import roles
from security.secured_kafka import SecuredKafka, generated_acls, mtls_settings, scram_settings
from servers import unique

POLICY = """
policy: short
effective_from: 2020-01-01T00:00:00Z
default_severity: P1
match: {}
clocks:
  triage: {budget: {P1: 1s}, risk: []}
"""


class Deployed:
    def __init__(self, broker: SecuredKafka, folder: Path) -> None:
        self.broker, self.folder = broker, folder
        name = unique("secured")
        self.values: dict[str, Any] = {
            "app_id": name,
            "env": "dev",
            "partitions": 2,
            "replication_factor": 1,
            "policies": folder / "policies",
            "metrics_host": "127.0.0.1",
            "metrics_port": 0,
            "archive_url": f"sqlite:///{folder / 'archive.db'}",
            "start_timeout": 20,
            **{
                f"{one}_topic": f"{name}.{one}"
                for one in ("tickets", "incidents", "commands", "outcomes", "dlq")
            },
        }
        self.settings = Settings(**self.values)
        self.roles = roles(self.settings)
        self.passwords = {role.principal: broker.add_user(role.principal) for role in self.roles.values()}
        self.acls = generated_acls(self.settings, folder)
        broker.grant(self.acls)
        (folder / "policies").mkdir()
        (folder / "policies" / "policy.yaml").write_text(POLICY)
        self.running: list[subprocess.Popen[bytes]] = []

    def as_(self, role: str, **changes: Any) -> Settings:
        """The settings of a process that comes in as that role's principal."""
        user = self.roles[role].principal
        return Settings(
            **{**self.values, **scram_settings(self.broker, user, self.passwords[user]), **changes}
        )

    def as_certificate(self, role: str, **changes: Any) -> Settings:
        return Settings(
            **{**self.values, **mtls_settings(self.broker, self.roles[role].principal), **changes}
        )

    def environment(self, settings: Settings) -> dict[str, str]:
        """Its variables; the password is in a file, as in production."""
        given = {name: getattr(settings, name) for name in settings.model_fields_set}
        password = given.pop("sasl_password", None)
        if password is not None:
            file = self.folder / f"{settings.sasl_username}.password"
            file.write_text(password.get_secret_value() + "\n")
            given["sasl_password_file"] = file
        for url in ("archive_url", "notify_url"):
            given[url] = getattr(settings, url).get_secret_value()
        return {f"VIGIL_{name.upper()}": str(value) for name, value in given.items()}

    def vigil(self, settings: Settings, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """A command, to its end; what serves is a process, for it sets up logs and signals of its own."""
        run = vigil_process if arguments[0] == "worker" or "run" in arguments else vigil
        return run(*arguments, stdin=stdin, **self.environment(settings))

    def start(self, name: str, settings: Settings, *arguments: str, **more: str) -> "subprocess.Popen[bytes]":
        """A command that goes on until `stop`; what it says is in `log(name)`."""
        with self.log(name).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "engine.cli.main", *arguments],
                env=variables(self.environment(settings) | more),
                stdout=log,
                stderr=log,
            )
        self.running.append(process)
        return process

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def wait_for(self, name: str, text: str, seconds: float = 40) -> None:
        until = time.monotonic() + seconds
        while text not in self.log(name).read_text(errors="replace"):
            assert time.monotonic() < until, (
                f"no {text!r} in {seconds} s:\n{self.log(name).read_text()[-3000:]}"
            )
            time.sleep(0.1)

    def stop(self) -> list[int]:
        """SIGTERM to all; their exit codes."""
        for process in self.running:
            process.terminate()
        codes = []
        for process in self.running:
            try:
                codes.append(process.wait(30))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(process.wait())
        self.running.clear()
        return codes
