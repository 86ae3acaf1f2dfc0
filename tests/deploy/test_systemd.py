"""The units for systemd: read by systemd where it is, closed in, and restarted by our exit codes."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.exits import ExitCode
from engine.cli.inputs import settings_with
from engine.console.people import networks
from engine.settings import Settings

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
UNITS = sorted(file.name for file in FOLDER.glob("*.service"))
LOOSEST = 15
"""Of systemd's own measure of exposure, in tenths; 100 is a service without any bounds."""

by_unit = pytest.mark.parametrize("unit", UNITS)


def lines(unit: str) -> list[tuple[str, str]]:
    """The unit's settings, in order; a setting may be there more than once."""
    found = []
    for line in (FOLDER / unit).read_text().splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.append((name, value))
    return found


def of(unit: str, name: str) -> list[str]:
    return [value for key, value in lines(unit) if key == name]


def test_every_role_has_a_unit() -> None:
    assert UNITS == [
        "vigil-archive.service",
        "vigil-console.service",
        "vigil-intake.service",
        "vigil-notify.service",
        "vigil-worker@.service",
    ]


@by_unit
def test_its_command_is_one_of_ours(unit: str) -> None:
    program, *arguments = shlex.split(of(unit, "ExecStart")[0])
    assert program == "/opt/vigil/bin/vigil"
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli.main", *arguments, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@by_unit
def test_every_setting_exists_and_every_secret_is_a_credential(unit: str) -> None:
    credentials = {value.partition(":")[0] for value in of(unit, "LoadCredential")}
    given = dict(value.split("=", 1) for value in of(unit, "Environment"))
    assert credentials
    assert {name.removeprefix("VIGIL_").lower() for name in given} <= set(Settings.model_fields)
    files = {value for name, value in given.items() if name.endswith("_FILE")}
    assert files == {f"%d/{name}" for name in credentials}


@by_unit
def test_it_is_started_again_unless_its_configuration_is_refused(unit: str) -> None:
    assert of(unit, "Restart") == ["always"]
    kept_down = {int(code) for code in of(unit, "RestartPreventExitStatus")[0].split()}
    assert kept_down == {ExitCode.REFUSED, ExitCode.USAGE}
    assert of(unit, "StartLimitIntervalSec") == ["0"], "a broker may be away for long"


@by_unit
def test_it_begins_once_the_clock_is_set_where_something_waits_for_that(unit: str) -> None:
    """By a clock that is ahead until then a worker is refused, and stays down; others date events by it."""
    assert "time-sync.target" in of(unit, "After")[0].split()


def test_a_port_for_all_in_the_common_file_leaves_each_unit_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of EnvironmentFile= goes over Environment= of the unit, wherever it is named."""
    monkeypatch.setenv("VIGIL_METRICS_PORT", "9464")
    ports = {}
    for unit in UNITS:
        assert [value for value in of(unit, "Environment") if "METRICS_PORT" in value] == []
        words = shlex.split(of(unit, "ExecStart")[0])
        if "--metrics-port" in words:
            ports[unit] = words[words.index("--metrics-port") + 1]
    assert ports.pop("vigil-worker@.service") == "%i"
    assert set(ports) == {"vigil-archive.service", "vigil-notify.service"}
    taken = {settings_with(metrics_port=int(port)).metrics_port for port in ports.values()}
    assert len(taken | {9464, 9465}) == 4


def test_a_worker_has_time_to_drain() -> None:
    assert int(of("vigil-worker@.service", "TimeoutStopSec")[0]) > Settings().drain_timeout + 3 * 20


def test_the_console_signs_people_in_by_a_proxy_of_this_machine() -> None:
    given = dict(value.split("=", 1) for value in of("vigil-console.service", "Environment"))
    assert given["VIGIL_CONSOLE_SIGN_IN"] == "proxy"
    proxies = networks(given["VIGIL_CONSOLE_PROXIES"].split(","))
    assert all(network.is_loopback for network in proxies)
    assert "--no-follow" in of("vigil-console.service", "ExecStart")[0], "the archive's unit follows"


@by_unit
def test_systemd_takes_it_and_finds_it_closed_in(unit: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze here")
    name = unit.replace("@", "@9464")
    copy = tmp_path / name
    copy.write_text((FOLDER / unit).read_text().replace("/opt/vigil/bin/vigil", "/bin/true"))

    def systemd(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [analyze, *arguments, str(copy)]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    verified = systemd("verify", "--man=no")
    assert verified.returncode == 0, verified.stderr
    assert name not in verified.stderr, "what it does not know it only warns of"
    measured = systemd("security", "--offline=yes", "--no-pager", f"--threshold={LOOSEST}")
    assert measured.returncode == 0, measured.stdout[-300:]
    copy.write_text(re.sub(r"(?m)^(Protect|Restrict|SystemCall).*\n", "", copy.read_text()) + "Protekt=yes\n")
    assert systemd("security", "--offline=yes", "--no-pager", f"--threshold={LOOSEST}").returncode != 0
    assert "Protekt" in systemd("verify", "--man=no").stderr
