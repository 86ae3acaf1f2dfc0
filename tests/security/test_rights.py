"""The generated ACLs: as the file in deploy/ has them, and under a deployment's own names."""

import subprocess
from pathlib import Path

import pytest

from cli.running import vigil
from engine.settings import Settings
from engine.stream import rights
from engine.stream.rights import FOLDER, roles, script


def test_the_files_in_deploy_are_those_that_the_settings_give() -> None:
    assert rights.main(["--check"]) == 0


def test_the_check_fails_on_a_file_that_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rights, "FOLDER", tmp_path / "acls")
    assert rights.main(["--check"]) == 1
    assert rights.main([]) == 0
    assert rights.main(["--check"]) == 0
    with (tmp_path / "acls" / "acls.sh").open("a") as file:
        file.write("allow everybody --operation All --topic x\n")
    assert rights.main(["--check"]) == 1


def test_the_environment_does_not_reach_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_APP_ID", "acme")
    assert rights.main(["--check"]) == 0


def test_every_role_has_a_principal_of_its_own_and_all_topics_are_somebodys() -> None:
    settings = Settings()
    found = roles(settings)
    assert len({role.principal for role in found.values()}) == len(found)
    named = {right.name for role in found.values() for right in role.rights if right.kind == "topic"}
    assert named == set(settings.all_topics)


def test_the_command_prints_them_for_a_deployments_own_names_and_a_shadows() -> None:
    own = vigil("topics", "acls", VIGIL_APP_ID="desk", VIGIL_TICKETS_TOPIC="desk.tickets")
    assert own.returncode == 0
    assert "allow desk-worker --operation Read --group desk\n" in own.stdout
    assert (
        "allow desk-worker --operation Read --operation DescribeConfigs --topic desk.tickets\n" in own.stdout
    )
    shadow = vigil("topics", "acls", "--shadow", "proposed")
    assert "--topic vigil.outcomes.v1.shadow" in shadow.stdout
    assert "--group vigil-shadow\n" in shadow.stdout


def test_without_transactions_no_transactional_id_is_granted() -> None:
    assert "transactional-id" in script(Settings())
    assert "transactional-id" not in script(Settings(delivery="acknowledged"))


def test_the_script_does_nothing_without_an_administrators_command() -> None:
    done = subprocess.run(["sh", str(FOLDER / "acls.sh")], capture_output=True, text=True, env={}, timeout=10)
    assert done.returncode != 0
    assert "KAFKA_ACLS" in done.stderr
