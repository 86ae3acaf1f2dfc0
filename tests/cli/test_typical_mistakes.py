"""What a typical mistake is answered with names the thing that is wrong."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from running import vigil

from engine.cli.exits import ExitCode
from engine.demo.broker import free_port
from unprivileged import without_rights


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("notify", "check", "--config"), "a file of receivers and routes"),
        (("intake", "run", "--doors"), "a file of doors"),
        (("policy", "lint"), "a folder of policies, or one file"),
    ],
)
def test_a_file_that_is_not_there_is_told_as_what_it_was_to_be(
    tmp_path: Path, command: tuple[str, ...], expected: str
) -> None:
    done = vigil(*command, str(tmp_path / "none.yaml"))
    assert f"none.yaml: expected {expected}; found nothing there\n" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"VIGIL_BOOTSTRAP_SERVERS": "localhost"},
            "VIGIL_BOOTSTRAP_SERVERS: 'localhost': expected host:port",
        ),
        ({"KAFKA_BOOTSTRAP_SERVERS": "foo"}, "KAFKA_BOOTSTRAP_SERVERS: 'foo': expected host:port"),
        ({"VIGIL_METRICS_PORT": "abc"}, "VIGIL_METRICS_PORT: Input should be a valid integer"),
        (
            {"VIGIL_SECURITY_PROTOCOL": "SASL_SSL"},
            "VIGIL_SECURITY_PROTOCOL=SASL_SSL needs VIGIL_SASL_USERNAME",
        ),
    ],
)
def test_a_setting_that_is_wrong_is_named_by_its_variable(given: dict[str, str], line: str) -> None:
    done = vigil("topics", "check", **given)
    assert done.returncode == ExitCode.REFUSED
    assert done.stderr.startswith(f"vigil: {line}")
    assert len(done.stderr.splitlines()) == 1


def test_of_several_settings_each_has_a_line() -> None:
    done = vigil("topics", "check", VIGIL_PARTITIONS="0", VIGIL_SASL_MECHANISM="NONE")
    assert [line.partition(": Input")[0] for line in done.stderr.splitlines()] == [
        "vigil: VIGIL_PARTITIONS", "VIGIL_SASL_MECHANISM",
    ]  # fmt: skip


def test_an_address_that_is_not_public_is_what_was_found(tmp_path: Path) -> None:
    hook = {"type": "webhook", "url": "https://127.0.0.1/in", "secret": "whsec_" + "QUJD" * 10}
    file = tmp_path / "notify.yaml"
    file.write_text(json.dumps({"receivers": {"hook": hook}, "route": {"receiver": "hook"}}))
    done = vigil("notify", "check", "--config", str(file))
    said = "receivers.hook.url: expected allow_private: true if it is meant; found 127.0.0.1 is not public\n"
    assert said in done.stderr


def test_what_is_no_time_is_told_without_the_words_of_python() -> None:
    done = vigil("archive", "prune", "--before", "yesterday")
    assert done.stderr.splitlines()[0] == "vigil: --before yesterday: no time in ISO 8601"


def test_a_folder_of_templates_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """In its place those shipped would be sent to customers."""
    done = vigil("templates", "list", VIGIL_TEMPLATES=str(tmp_path / "tepmlates"))
    assert done.returncode == ExitCode.REFUSED
    assert done.stderr == f"vigil: {tmp_path}/tepmlates: expected a folder of templates; found none there\n"


@pytest.mark.parametrize("which", ["", "status-update"], ids=["the folder", "one in it"])
@pytest.mark.parametrize("mode", [0o000, 0o444], ids=["not listed", "not entered"])
def test_a_folder_of_templates_that_may_not_be_read_is_refused(which: str, mode: int) -> None:
    vigil("templates", "list")  # imports
    with TemporaryDirectory() as own:
        (Path(own) / "status-update").mkdir()
        (Path(own) / "status-update/customer-first.md").write_text("Ours")
        Path(own).chmod(0o755)
        closed = Path(own, which)
        with without_rights({closed: mode}):
            done = vigil("templates", "list", VIGIL_TEMPLATES=own)
    assert done.returncode == ExitCode.REFUSED
    expected = "expected a folder of templates that we may read; found no right to"
    assert done.stderr == f"vigil: {closed}: {expected}\n"


def test_a_file_and_an_event_by_hand_are_not_both_sent() -> None:
    for by_hand in (["--type", "ticket.opened.v1", "--subject", "desk:1"], ["--subject", "desk:1"]):
        done = vigil("send", "events.jsonl", *by_hand)
        said = "vigil: name either FILE, or --type and --subject\n"
        assert (done.returncode, done.stderr) == (ExitCode.USAGE, said)


def test_a_bench_whose_broker_is_away_ends_as_other_commands_do() -> None:
    done = vigil("bench", "lateness", "--clocks", "100", "-b", f"127.0.0.1:{free_port()}")
    assert (done.returncode, "vigil: no broker at" in done.stderr) == (ExitCode.UNREACHABLE, True)
    assert " in 0 s" not in done.stderr, "it was not waited for"


@pytest.mark.parametrize(
    ("given", "check"),
    [
        ({"VIGIL_CONSOLE_KEYS": "x" * 300}, "console"),
        ({"VIGIL_ARCHIVE_URL": f"sqlite:///{'x' * 300}"}, "archive"),
        ({"VIGIL_TEMPLATES": "/none/templates"}, "templates"),
    ],
)
def test_a_file_that_cannot_be_read_does_not_end_the_doctor(given: dict[str, str], check: str) -> None:
    away = f"127.0.0.1:{free_port()}"
    done = vigil("doctor", "--json", VIGIL_BOOTSTRAP_SERVERS=away, VIGIL_POLICIES="deploy/policies", **given)
    failed = [one["check"] for one in json.loads(done.stdout)["findings"] if one["sign"] == "fail"]
    assert set(failed) == {check, "broker"}


def test_the_file_of_a_certificate_that_is_not_there_is_named() -> None:
    given = {"VIGIL_SECURITY_PROTOCOL": "SSL", "VIGIL_TLS_CA_FILE": "/none/ca.pem"}
    done = vigil("topics", "check", **given)
    assert done.returncode == ExitCode.REFUSED
    assert "tls_files: TLS files: [Errno 2] No such file or directory: '/none/ca.pem'" in done.stderr


def test_bytes_that_are_no_text_are_one_line() -> None:
    done = vigil("send", "--type", "ticket.opened.v1", "--subject", "\udcff")
    said = "vigil: a word of the command line is not UTF-8\n"
    assert (done.returncode, done.stderr) == (ExitCode.USAGE, said)


def test_a_demo_whose_broker_is_away_has_left_nothing_there() -> None:
    done = vigil("demo", "--plain", KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_port()}")
    assert (done.returncode, "no broker at" in done.stderr) == (ExitCode.UNREACHABLE, True)
    assert "left on" not in done.stderr


def test_a_log_of_which_nothing_can_be_read_is_no_success_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "x"
    done = vigil("import", "github-status", "deploy/policies/standard.yaml", "-o", str(out))
    assert (done.returncode, out.exists()) == (ExitCode.FOUND, False)
    assert "standard.yaml: no line of it can be read as github-status" in done.stderr
