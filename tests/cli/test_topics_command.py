"""`vigil topics` as a program sees it: what it prints and the code it ends with."""

import json
import os
import subprocess
import sys

from engine.demo.broker import KafkaBroker, free_port
from servers import unique


def vigil(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIGIL_", "KAFKA_"))}
    return subprocess.run(
        [sys.executable, "-m", "engine.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**kept, **settings},
    )


def places(broker: str) -> dict[str, str]:
    name = unique("cli")
    topics = {
        f"VIGIL_{k.upper()}_TOPIC": f"{name}.{k}"
        for k in ("tickets", "incidents", "commands", "outcomes", "dlq")
    }
    dev = {"VIGIL_ENV": "dev", "VIGIL_PARTITIONS": "2", "VIGIL_REPLICATION_FACTOR": "1"}
    return {"VIGIL_BOOTSTRAP_SERVERS": broker, "VIGIL_APP_ID": name, **topics, **dev}


def test_check_finds_them_missing_create_makes_them_and_check_is_content(kafka: KafkaBroker) -> None:
    here = places(kafka.bootstrap)
    before = vigil("topics", "check", "--json", **here)
    assert before.returncode == 1
    assert {d["what"] for d in json.loads(before.stdout)["differences"]} == {"missing"}

    created = vigil("topics", "create", "--json", **here)
    assert created.returncode == 0, created.stderr
    assert len(json.loads(created.stdout)["created"]) == 6

    after = vigil("topics", "check", "--json", **here)
    assert (after.returncode, json.loads(after.stdout)) == (0, {"ok": True, "differences": []})


def test_check_says_to_people_what_to_do(kafka: KafkaBroker) -> None:
    said = vigil("topics", "check", **places(kafka.bootstrap))
    assert said.returncode == 1
    assert "vigil topics create" in said.stderr
    assert said.stdout == ""


def test_one_copy_in_production_is_refused() -> None:
    said = vigil("topics", "create", VIGIL_REPLICATION_FACTOR="1")
    assert said.returncode == 78
    assert "VIGIL_ENV=dev" in said.stderr


def test_a_broker_that_is_away_ends_with_69_and_one_line() -> None:
    address = f"127.0.0.1:{free_port()}"
    said = vigil("topics", "check", VIGIL_BOOTSTRAP_SERVERS=address)
    assert said.returncode == 69, said.stderr
    assert address.partition(":")[0] in said.stderr
    assert "Traceback" not in said.stderr


def test_a_wrong_password_ends_with_78_and_says_so(kafka: KafkaBroker) -> None:
    sasl = {
        "VIGIL_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "VIGIL_SASL_USERNAME": kafka.user,
        "VIGIL_SASL_PASSWORD": "wrong",
    }
    said = vigil("topics", "check", **sasl, VIGIL_BOOTSTRAP_SERVERS=kafka.sasl_bootstrap)
    assert said.returncode == 78, said.stderr
    assert "refused user" in said.stderr
