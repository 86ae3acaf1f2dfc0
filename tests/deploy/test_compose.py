"""docker-compose.yml and what it mounts: by the specification, whole, and in our own words."""

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.validators import validator_for

from engine.cli.console import sign_in
from engine.cli.exits import Failure
from engine.intake.configuration import doors
from engine.settings import Settings
from servers import missing

ROOT = Path(__file__).resolve().parents[2]
OURS = ("topics", "worker", "archive", "console", "intake", "notify")


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return found


def specification() -> dict[str, Any]:
    """The specification's schema, a file of check-jsonschema; importing that needs another click."""
    spec = importlib.util.find_spec("check_jsonschema")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "builtin_schemas" / "vendor" / "compose-spec.json"
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def problems(document: dict[str, Any]) -> list[str]:
    schema = specification()
    validator = validator_for(schema)(schema)  # the draft that the schema names: by another it finds nothing
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


def test_it_follows_the_compose_specification() -> None:
    assert problems(compose()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"depend_on": ["kafka"]},
        {"ports": "9092:9092"},
        {"healthcheck": {"test": ["CMD", "true"], "every": "10s"}},
        {"depends_on": {"kafka": {"condition": "service_helthy", "required": "maybe so"}}},
    ],
)
def test_the_specification_finds_a_planted_mistake(change: dict[str, Any]) -> None:
    document = compose()
    document["services"]["worker"].update(change)
    assert problems(document) != []


def test_every_setting_of_ours_exists_and_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for service in OURS:
        given = compose()["services"][service]["environment"]
        fields = {name.removeprefix("VIGIL_").lower() for name in given}
        assert fields <= set(Settings.model_fields), f"{service}: no such setting"
        for name, value in given.items():
            monkeypatch.setenv(name, str(value))
        assert Settings().bootstrap_servers == "kafka:19092"


def test_every_setting_in_the_dockerfile_exists() -> None:
    names = re.findall(r"\bVIGIL_([A-Z_]+)=", (ROOT / "deploy/Dockerfile").read_text())
    assert names
    assert {name.lower() for name in names} <= set(Settings.model_fields)


def test_who_waits_for_somebody_waits_for_a_service_that_can_tell() -> None:
    services = compose()["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}, which is not there"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{other} says nothing of its health"


def test_kafka_is_given_every_setting_that_one_node_needs() -> None:
    given = compose()["services"]["kafka"]["environment"]
    needed = """
        CLUSTER_ID KAFKA_NODE_ID KAFKA_PROCESS_ROLES KAFKA_LISTENERS KAFKA_ADVERTISED_LISTENERS
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP KAFKA_CONTROLLER_QUORUM_VOTERS KAFKA_CONTROLLER_LISTENER_NAMES
        KAFKA_INTER_BROKER_LISTENER_NAME KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR KAFKA_TRANSACTION_STATE_LOG_MIN_ISR KAFKA_LOG_DIRS
    """
    assert set(needed.split()) <= set(given)
    listeners = {part.split(":")[0] for part in given["KAFKA_LISTENERS"].split(",")}
    protocols = {part.split(":")[0] for part in given["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")}
    advertised = {part.split(":")[0] for part in given["KAFKA_ADVERTISED_LISTENERS"].split(",")}
    assert listeners == protocols
    assert advertised == listeners - {given["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    assert given["KAFKA_INTER_BROKER_LISTENER_NAME"] in advertised


def test_the_broker_takes_the_largest_record_that_the_topics_allow_or_the_topics_say_so() -> None:
    given = compose()["services"]["kafka"]["environment"]
    assert int(given["KAFKA_MESSAGE_MAX_BYTES"]) >= Settings().max_record_bytes


def test_every_file_that_is_mounted_is_there() -> None:
    for service in compose()["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), source
            else:
                assert source in compose()["volumes"]


@pytest.mark.parametrize("service", ["intake", "notify"])
def test_what_needs_secrets_starts_when_asked_for_and_is_given_those_that_its_file_names(
    service: str,
) -> None:
    document = compose()
    said = document["services"][service]
    assert said["profiles"] == [service], "all else starts without anybody's secrets"
    (config,) = (volume.split(":")[0] for volume in said["volumes"] if volume.startswith("./"))
    named = set(re.findall(r"/run/secrets/([\w-]+)", (ROOT / config).read_text()))
    assert named == set(said["secrets"])
    assert named <= set(document["secrets"])


@pytest.mark.parametrize("service", OURS)
def test_what_is_read_only_has_its_secrets_from_files_for_compose_refuses_to_write_others_into_it(
    service: str,
) -> None:
    document = compose()
    said = document["services"][service]
    sources = {name: set(document["secrets"][name]) for name in said.get("secrets", ())}
    assert said["read_only"]
    assert sources == {name: {"file"} for name in sources}


def test_ports_are_open_to_this_machine_only() -> None:
    for service in compose()["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_prometheus_asks_each_process_of_ours_where_it_answers() -> None:
    jobs = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"]
    asked = {
        name: found["port"] for job in jobs for found in job["dns_sd_configs"] for name in found["names"]
    }
    assert asked.keys() == set(OURS) - {"topics"}
    for name, port in asked.items():
        assert f":{port}/ready" in compose()["services"][name]["healthcheck"]["test"][-1]
    worker = compose()["services"]["worker"]
    assert asked["worker"] == worker["environment"]["VIGIL_METRICS_PORT"] == int(worker["expose"][0])


def test_the_console_reads_the_archive_that_another_keeps() -> None:
    services = compose()["services"]
    console, archive = services["console"], services["archive"]
    assert "--no-follow" in console["command"]
    for name in ("environment", "volumes"):
        assert set(console[name]) <= set(archive[name])
    url = console["environment"]["VIGIL_ARCHIVE_URL"]
    assert url == archive["environment"]["VIGIL_ARCHIVE_URL"]


def test_the_console_takes_its_address_where_nobody_signs_in_and_only_for_development(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console = compose()["services"]["console"]
    host = console["command"][console["command"].index("--host") + 1]
    for name, value in console["environment"].items():
        monkeypatch.setenv(name, str(value))
    assert sign_in(Settings(), host, "kim", "secret").who({}, "").name == "kim"
    monkeypatch.delenv("VIGIL_ENV")
    monkeypatch.setenv("VIGIL_REPLICATION_FACTOR", "3")
    with pytest.raises(Failure, match="nobody signs in"):
        sign_in(Settings(), host, "kim", "secret")


def test_nothing_of_ours_writes_to_its_root_or_has_a_capability() -> None:
    for name in OURS:
        service = compose()["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


def test_the_doors_are_taken_with_the_secret_that_is_mounted(tmp_path: Path) -> None:
    (secret,) = compose()["services"]["intake"]["secrets"]
    text = (ROOT / "deploy/intake/intake.yaml").read_text()
    assert f"/run/secrets/{secret}" in text
    (tmp_path / "secret").write_text("made-up-for-this-test")
    (tmp_path / "intake.yaml").write_text(text.replace(f"/run/secrets/{secret}", str(tmp_path / "secret")))
    assert list(doors(tmp_path / "intake.yaml")) == ["github"]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        missing("there is no promtool (Debian: prometheus)")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


def test_prometheus_accepts_its_configuration() -> None:
    done = promtool("check", "config", str(ROOT / "deploy/prometheus/prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


def test_prometheus_keeps_what_the_dashboards_show() -> None:
    (kept,) = (
        re.fullmatch(r"--storage\.tsdb\.retention\.time=(\d+)d", argument)
        for argument in compose()["services"]["prometheus"]["command"]
        if "retention" in argument
    )
    assert kept
    for file in (ROOT / "deploy/grafana/dashboards").glob("*.json"):
        board = json.loads(file.read_text())
        windows = [
            option["value"]
            for variable in board["templating"]["list"]
            if variable["name"] == "window"
            for option in variable["options"]
        ]
        days = [int(value[:-1]) for value in windows if value.endswith("d")]
        shown = re.fullmatch(r"now-(\d+)d", board["time"]["from"])
        assert (int(shown[1]) if shown else 0) + max(days, default=0) <= int(kept[1]), file.name


def test_grafana_is_given_the_source_the_dashboards_and_one_of_them_as_its_home() -> None:
    grafana = compose()["services"]["grafana"]
    sources = yaml.safe_load((ROOT / "deploy/grafana/provisioning/datasources/prometheus.yaml").read_text())
    assert [source["type"] for source in sources["datasources"]] == ["prometheus"], (
        "the dashboards' variable finds it"
    )
    provider = yaml.safe_load((ROOT / "deploy/grafana/provisioning/dashboards/vigil.yaml").read_text())
    folder = provider["providers"][0]["options"]["path"]
    assert f"./deploy/grafana/dashboards:{folder}:ro" in grafana["volumes"]
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == folder
    assert (ROOT / "deploy/grafana/dashboards" / home.name).exists()
