"""`vigil doctor` says of a console what would keep it from starting, or let in whoever likes."""

from pathlib import Path
from typing import Any

import pytest

from console.provider import provider
from engine.cli.console_setup import examine_console
from engine.cli.doctor import examine
from engine.cli.exits import ExitCode
from engine.cli.findings import Finding, Sign
from engine.demo.broker import free_port
from engine.intake.keys import hash_of
from engine.settings import Settings

IN_ORDER = {
    "console_sign_in": "proxy",
    "console_proxies": "10.0.0.7, fd00::/8",
    "console_responders": "support",
    "console_secret": "0123456789abcdef" * 4,
    "archive_url": "postgresql://vigil@db/vigil",
}


def found(**changed: Any) -> list[Finding]:
    given = {name: value for name, value in (IN_ORDER | changed).items() if value is not None}
    return list(examine_console(Settings.model_validate(given)))


def amiss(**changed: Any) -> tuple[str, Sign, str]:
    (one,) = (finding for finding in found(**changed) if finding.sign is not Sign.OK)
    assert one.advice
    return one.check, one.sign, one.found


def test_one_in_order_is_said_to_be() -> None:
    (proxies,) = found()
    assert proxies.sign is Sign.OK
    assert proxies.found == "X-Forwarded-User is believed of 10.0.0.7/32, fd00::/8"


def test_nothing_is_said_where_there_is_no_console() -> None:
    assert list(examine_console(Settings(archive_url="postgresql://vigil@db/vigil"))) == []


@pytest.mark.parametrize("proxies", ["", " , ", "oauth2-proxy", "10.0.0.7/8"])
def test_proxies_that_a_console_refuses_are_a_failure(proxies: str) -> None:
    (wrong,) = (finding for finding in found(console_proxies=proxies) if finding.sign is Sign.FAIL)
    assert (wrong.check, wrong.code) == ("console proxies", ExitCode.REFUSED)
    assert "VIGIL_CONSOLE_PROXIES" in wrong.found


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "::/0", "10.0.0.7,0.0.0.0/1"])
def test_a_proxy_that_is_everybody_is_a_failure(everybody: str) -> None:
    check, sign, said = amiss(console_proxies=everybody)
    assert (check, sign) == ("console proxies", Sign.FAIL)
    assert "may say that they are anybody" in said


def test_one_header_cannot_say_both_who_it_is_and_in_which_groups() -> None:
    check, sign, said = amiss(console_groups_header="x-forwarded-user")
    assert (check, sign) == ("console sign-in", Sign.FAIL)
    assert said == "X-Forwarded-User is to say who it is, and in which groups"


def test_a_console_where_nobody_may_record_anything_is_pointed_out() -> None:
    check, sign, said = amiss(console_responders=" ,")
    assert (check, sign) == ("console sign-in", Sign.WARN)
    assert "nobody may record" in said


def test_a_provider_that_is_not_whole_or_does_not_answer_is_a_failure() -> None:
    by_provider = {"console_sign_in": "oidc", "console_proxies": None}
    check, sign, said = amiss(**by_provider)
    assert (check, sign) == ("console provider", Sign.FAIL)
    assert "VIGIL_CONSOLE_OIDC_ISSUER" in said
    away = {
        "console_oidc_issuer": f"http://127.0.0.1:{free_port()}",
        "console_oidc_client_id": "vigil",
        "console_oidc_client_secret": "hunter2",
        "console_url": "https://vigil.example.com",
    }
    check, sign, said = amiss(**by_provider, **away)
    assert (check, sign) == ("console provider", Sign.FAIL)
    assert "does not answer" in said
    assert "hunter2" not in said


def test_a_provider_that_answers_is_said_to() -> None:
    with provider() as there:
        given = {
            "console_sign_in": "oidc",
            "console_proxies": None,
            "console_oidc_issuer": there.url,
            "console_oidc_client_id": "vigil",
            "console_oidc_client_secret": "hunter2",
            "console_url": "https://vigil.example.com",
        }
        (said,) = found(**given)
    assert (said.check, said.sign) == ("console provider", Sign.OK)


def test_settings_of_a_sign_in_that_is_not_on_are_pointed_out() -> None:
    check, sign, said = amiss(console_sign_in=None)
    assert (check, sign) == ("console sign-in", Sign.WARN)
    assert said.endswith("local nothing reads VIGIL_CONSOLE_PROXIES, VIGIL_CONSOLE_RESPONDERS")
    alone = found(console_sign_in="local", console_proxies=None, console_responders=None)
    assert [finding.sign for finding in alone] == [Sign.OK]


@pytest.mark.parametrize(("secret", "said"), [(None, "drawn at each start"), ("hunter2", "7 characters")])
def test_a_secret_that_is_missing_or_easily_guessed_is_pointed_out(secret: str | None, said: str) -> None:
    check, sign, text = amiss(console_secret=secret)
    assert (check, sign) == ("console secret", Sign.WARN)
    assert said in text
    assert "hunter2" not in text


def test_a_console_without_an_archive_of_its_own_choice_is_pointed_out() -> None:
    check, sign, said = amiss(archive_url=None)
    assert (check, sign) == ("console archive", Sign.WARN)
    assert "sqlite:///vigil-archive.db" in said


def test_the_keys_of_the_api_are_read_as_the_console_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "keys.yaml"
    assert amiss(console_keys=file)[0] == "console keys"
    file.write_text("keys:\n- {name: reports, hash: the-key-itself, scopes: [read]}\n")
    check, sign, said = amiss(console_keys=file)
    assert (check, sign) == ("console keys", Sign.FAIL)
    assert "keys.yaml:2" in said
    assert "the-key-itself" not in said
    file.write_text(f"keys:\n- {{name: reports, hash: '{hash_of('a key')}', scopes: [read]}}\n")
    assert [finding.sign for finding in found(console_keys=file)] == [Sign.OK, Sign.OK]


@pytest.mark.parametrize("text", [None, "acme: much\n"])
def test_fees_that_cannot_be_read_are_a_failure(text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "fees.yaml"
    if text is not None:
        file.write_text(text)
    check, sign, said = amiss(console_fees=file)
    assert (check, sign) == ("console fees", Sign.FAIL)
    assert "fees.yaml" in said


def test_the_command_looks_at_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_CONSOLE_SIGN_IN", "proxy")
    monkeypatch.setenv("VIGIL_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    checks = {finding.check for finding in examine(None, 0.5)}
    assert {"console proxies", "console secret", "console archive"} <= checks


def test_a_candidate_that_cannot_be_read_is_a_warning_for_the_console_starts_without_it(
    tmp_path: Path,
) -> None:
    file = tmp_path / "tried.yaml"
    file.write_text("policy: gold\n")
    check, sign, said = amiss(console_candidate=tmp_path)
    assert (check, sign) == ("console candidate", Sign.WARN)
    assert "effective_from" in said
    file.write_text("policy: gold\neffective_from: 2026-01-01T00:00:00Z\n")
    assert found(console_candidate=tmp_path)[-1].found == f"{tmp_path}: gold"
