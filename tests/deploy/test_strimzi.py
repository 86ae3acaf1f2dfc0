"""The resources of Strimzi: as the files in deploy/ have them, and the same rights as the script's."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.running import vigil
from engine.settings import Settings
from engine.stream import strimzi
from engine.stream.rights import roles
from engine.stream.topics import declared


def resources(text: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(text))


def test_the_files_in_deploy_are_those_that_the_settings_give() -> None:
    assert strimzi.main(["--check"]) == 0


def test_the_check_fails_on_a_file_that_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strimzi, "FOLDER", tmp_path / "strimzi")
    assert strimzi.main(["--check"]) == 1
    assert strimzi.main([]) == 0
    assert strimzi.main(["--check"]) == 0
    (tmp_path / "strimzi" / "users.yaml").write_text("---\n")
    assert strimzi.main(["--check"]) == 1


def test_every_topic_is_there_with_its_partitions_replicas_and_settings() -> None:
    settings = Settings(partitions=12)
    found = {one["spec"]["topicName"]: one["spec"] for one in resources(strimzi.topics(settings))}
    for topic in declared(settings):
        spec = found.pop(topic.name)
        assert (spec["partitions"], spec["replicas"]) == (12, 3)
        assert spec["config"] == topic.configs
    assert found == {}


def test_every_principal_may_what_the_script_grants_it_and_no_more() -> None:
    settings = Settings()
    found = {one["metadata"]["name"]: one["spec"] for one in resources(strimzi.users(settings))}
    kinds = {"topic": "topic", "group": "group", "transactionalId": "transactional-id"}
    for role in roles(settings).values():
        spec = found.pop(role.principal)
        granted = [
            (
                kinds[acl["resource"]["type"]],
                acl["resource"]["name"],
                tuple(acl["operations"]),
                acl["resource"]["patternType"] == "prefix",
            )
            for acl in spec["authorization"]["acls"]
        ]
        assert granted == [tuple(right) for right in role.rights]
    assert found == {}


def test_a_name_that_kubernetes_does_not_take_keeps_its_name_on_kafka() -> None:
    settings = Settings(tickets_topic="Desk_Tickets")
    (first, *_) = resources(strimzi.topics(settings))
    assert first["metadata"]["name"] == "desk-tickets"
    assert first["spec"]["topicName"] == "Desk_Tickets"


def test_the_command_prints_them_for_a_deployments_own_names_and_cluster() -> None:
    done = vigil("topics", "strimzi", "--cluster", "east", VIGIL_APP_ID="desk", VIGIL_PARTITIONS="6")
    assert done.returncode == 0
    found = resources(done.stdout)
    assert {one["kind"] for one in found} == {"KafkaTopic", "KafkaUser"}
    assert {one["metadata"]["labels"]["strimzi.io/cluster"] for one in found} == {"east"}
    names = [one["metadata"]["name"] for one in found]
    assert {"desk-worker", "desk-escalations-changelog"} <= set(names)
    assert [one["spec"]["partitions"] for one in found if one["kind"] == "KafkaTopic"] == [6] * 6
