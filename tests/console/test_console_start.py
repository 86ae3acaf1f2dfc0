"""`vigil console` and `doctor` with OpenID Connect: what is wrong is named, and no secret is."""

import pytest

from cli.running import vigil, vigil_process
from console.provider import ID, Provider, provider
from engine.cli.console_setup import examine_console
from engine.cli.exits import ExitCode
from engine.cli.findings import Sign
from engine.demo.broker import free_port
from engine.settings import Settings
from security.planted import PLANTED, assert_nothing_of_it

OIDC = {
    "VIGIL_CONSOLE_SIGN_IN": "oidc", "VIGIL_CONSOLE_OIDC_CLIENT_ID": "vigil", "VIGIL_LOG_LEVEL": "debug",
    "VIGIL_CONSOLE_OIDC_CLIENT_SECRET": PLANTED, "VIGIL_CONSOLE_SECRET": PLANTED * 3,
    "VIGIL_CONSOLE_URL": "https://vigil.example.com", "VIGIL_START_TIMEOUT": "0",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({"VIGIL_CONSOLE_OIDC_ISSUER": "http://id.example"}, 78, "VIGIL_CONSOLE_OIDC_ISSUER: expected https"),
        ({}, 78, "VIGIL_CONSOLE_OIDC_ISSUER is needed"),
        ({"VIGIL_CONSOLE_OIDC_CLIENT_SECRET_FILE": "/nowhere"}, 78, "VIGIL_CONSOLE_OIDC_CLIENT_SECRET_FILE"),
    ],
)
def test_settings_that_cannot_be_meant_end_it_with_their_name(
    changed: dict[str, str], code: int, said: str
) -> None:
    done = vigil("console", "-p", "deploy/policies", **(OIDC | changed))
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert_nothing_of_it(done.stdout, done.stderr)


def test_a_folder_of_time_zones_is_none() -> None:
    done = vigil("console", "-p", "deploy/policies", "--zone", "Europe", VIGIL_START_TIMEOUT="0")
    assert (done.returncode, done.stderr) == (2, "vigil: --zone Europe: there is no such time zone\n")


def test_a_provider_that_is_away_ends_it_and_nothing_secret_is_said() -> None:
    away = {"VIGIL_CONSOLE_OIDC_ISSUER": f"http://127.0.0.1:{free_port()}"}
    done = vigil_process("console", "-p", "deploy/policies", **(OIDC | away))
    assert done.returncode == 69, done.stderr
    assert "does not answer" in done.stderr
    assert "open it from this machine" in done.stderr
    assert "Deprecat" not in done.stderr, "of a library's own that nobody here can heed"
    assert_nothing_of_it(done.stdout, done.stderr)


def settings(by: Provider, **changed: str) -> Settings:
    given = {
        "console_sign_in": "oidc", "console_responders": "support", "console_secret": "0123456789abcdef" * 4,
        "archive_url": "postgresql://vigil@db/vigil", "console_url": "https://vigil.example.com",
        "console_oidc_issuer": by.url, "console_oidc_client_id": ID, "console_oidc_client_secret": PLANTED,
    }  # fmt: skip
    return Settings.model_validate(given | changed)


def test_doctor_asks_the_provider() -> None:
    with provider() as by:
        (well,) = examine_console(settings(by))
        assert (well.check, well.sign) == ("console provider", Sign.OK)
        (wrong,) = examine_console(settings(by, console_oidc_issuer=f"{by.url}/"))
        assert (wrong.sign, wrong.code) == (Sign.FAIL, 78)
        assert "to the letter" in wrong.found
        assert_nothing_of_it(wrong.found, wrong.advice)
    (away,) = examine_console(settings(by))
    assert (away.check, away.sign) == ("console provider", Sign.FAIL)
    assert away.code is not ExitCode.REFUSED, "the settings may be right"
    assert "let this machine reach the provider" in away.advice
