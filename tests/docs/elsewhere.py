"""Commands of the pages that are not ours: why they do not run in a test, and what is looked at instead."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import yaml
from command_line import refused
from pages import ROOT

from engine.settings import Settings

Problem = str | None


class Tool(NamedTuple):
    why: str
    """It does not run here."""
    look: Callable[[Sequence[str]], Problem]
    """At what it names of ours."""


def _no_such_file(*paths: str) -> Problem:
    missing = [path for path in paths if not any(ROOT.glob(path))]
    return f"there is no {missing[0]}" if missing else None


def _after(arguments: Sequence[str], *options: str) -> list[str]:
    """What follows each of the options."""
    return [value for word, value in pairwise(arguments) if word in options]


def _make(arguments: Sequence[str]) -> Problem:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for word in arguments:
        name, is_variable, _ = word.partition("=")
        told = rf"^{name} \?=|\$\({name}\)" if is_variable else rf"^{name}:"
        if not re.search(told, makefile, re.MULTILINE):
            return f"the Makefile has no {'variable' if is_variable else 'target'} {name}"
    return None


def _compose(arguments: Sequence[str]) -> Problem:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))["services"]
    profiles = {profile for service in services.values() for profile in service.get("profiles", ())}
    if arguments[0] != "compose" or "up" not in arguments:
        return "expected docker compose … up"
    for profile in _after(arguments, "--profile"):
        if profile not in profiles:
            return f"docker-compose.yml has no profile {profile}; there are {', '.join(sorted(profiles))}"
    for scaled in _after(arguments, "--scale"):
        if scaled.partition("=")[0] not in services:
            return f"docker-compose.yml has no service {scaled.partition('=')[0]}"
    return None


def _kubectl(arguments: Sequence[str]) -> Problem:
    if "apply" in arguments:
        return _no_such_file(*_after(arguments, "-f"))
    if "exec" not in arguments or "--" not in arguments:
        return "expected kubectl apply -f FILE, or kubectl exec deployment/NAME -- COMMAND"
    (name,) = (word for word in arguments if word.startswith("deployment/vigil-"))
    run = list(arguments[list(arguments).index("--") + 1 :])
    return _no_such_file(f"deploy/helm/vigil/templates/{name.removeprefix('deployment/vigil-')}.yaml") or (
        refused(run[1:]) if run[0] == "vigil" else "expected vigil after --"
    )


def _helm(arguments: Sequence[str]) -> Problem:
    if arguments[0] != "install":
        return "expected helm install NAME CHART"
    return _no_such_file(f"{arguments[2]}/Chart.yaml")


def _systemctl(arguments: Sequence[str]) -> Problem:
    units = [word for word in arguments[1:] if not word.startswith("-")]
    files = [re.sub(r"@.*", "@", unit) for unit in units]
    return _no_such_file(*(f"deploy/systemd/{file}.service" for file in files))


def _scripts(arguments: Sequence[str]) -> Problem:
    """The files of the repository among the arguments: `tests/…`, `docs/…`, `deploy/…`."""
    return _no_such_file(*(word for word in arguments if re.match(r"(tests|docs|deploy)/", word)))


def _kcat(arguments: Sequence[str]) -> Problem:
    topics = Settings().all_topics
    return next((f"no topic of ours: {name}" for name in _after(arguments, "-t") if name not in topics), None)


def _proxy(arguments: Sequence[str]) -> Problem:
    return None if any(word.startswith("--upstream=") for word in arguments) else "expected --upstream=…"


def _pip(arguments: Sequence[str]) -> Problem:
    if locks := _after(arguments, "-r"):
        return _no_such_file(*locks)
    (wheel,) = (word for word in arguments if word.endswith(".whl"))
    name = re.findall(r'^name = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[0]
    return None if Path(wheel).match(f"{name.replace('-', '_')}-*.whl") else f"no wheel of {name}"


TOOLS = {
    "make": Tool("the targets are what CI runs, or take long", _make),
    "pytest": Tool("a test is run by the tests", _scripts),
    "docker": Tool("needs Docker's daemon; tests/deploy/test_compose.py reads the file", _compose),
    "kubectl": Tool("needs a cluster; tests/deploy has what it applies", _kubectl),
    "helm": Tool("needs a cluster; tests/deploy/test_helm.py renders the chart", _helm),
    "systemctl": Tool("needs systemd; tests/deploy/test_systemd.py reads the units", _systemctl),
    "install": Tool("puts files of deploy/ in place, as root", _scripts),
    "python3": Tool("makes a wheel, as tests/deploy/test_image.py does, and an environment", lambda _: None),
    "/opt/vigil-1/bin/pip": Tool("needs the wheel; tests/deploy/test_image.py builds it", _pip),
    "python": Tool("scripts of the repository, with the recorded logs; their own tests run them", _scripts),
    "kcat": Tool("librdkafka's; tests/contract/test_contract_page.py reads what it would send", _kcat),
    "kafka-configs.sh": Tool("Kafka's own, as its administrator", lambda _: None),
    "oauth2-proxy": Tool("a proxy of others", _proxy),
}
"""All that the pages call and that neither is ours nor comes with every system."""

SYSTEM = {"curl", "cut", "date", "done", "echo", "export", "for", "ln", "set", "sh", "source", "uuidgen"}
"""What a shell has, or every system."""

LATER = {
    r"^docs/security.md:": "needs Kafka with passwords and certificates: tests/docs/test_security_page.py",
    r"^docs/deployment.md: set -a": "needs the files of /etc/vigil, as root; tests/cli/test_doctor.py",
    r"^\S+: vigil bench": "measures for minutes; tests/bench runs each part for a moment",
    r"^\S+: vigil demo": "plays for two minutes; tests/e2e/test_demo_runs.py",
}
"""Commands of ours, after their page, that are not typed here, and where they run instead."""
