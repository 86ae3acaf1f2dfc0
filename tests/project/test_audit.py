"""`make audit` reads pip-audit's report as it is meant: what was not looked up is not clean."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ci_scripts import ci_script


@pytest.fixture
def audit() -> ModuleType:
    return ci_script("audit")


CLEAN = {"name": "aiohttp", "version": "3.14.5", "vulns": []}
SKIPPED = {"name": "attrs", "skip_reason": "Dependency not found on PyPI and could not be audited"}
KNOWN = {
    "name": "jinja2",
    "version": "3.1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["3.1.6"]}],
}


def test_a_report_is_counted_and_each_vulnerability_is_a_line(audit: ModuleType) -> None:
    found = audit.read({"dependencies": [CLEAN, SKIPPED, KNOWN]})
    assert (found.looked_at, found.not_told) == (3, 1)
    assert found.known == ["jinja2 3.1.0: PYSEC-1 (CVE-1), mended in 3.1.6"]


@pytest.mark.parametrize(
    ("packages", "required", "code"),
    [
        ([CLEAN], "", 0),
        ([CLEAN], "1", 0),
        ([SKIPPED], "", 0),
        ([SKIPPED], "1", 1),
        ([], "", 0),
        ([], "1", 1),
        ([CLEAN, KNOWN], "", 1),
        ([SKIPPED, KNOWN], "", 1),
    ],
)
def test_what_is_known_fails_and_what_nobody_tells_fails_where_it_must_be_told(
    audit: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    packages: list[dict[str, Any]],
    required: str,
    code: int,
) -> None:
    (tmp_path / "sbom").write_text('{"components": []}')
    monkeypatch.setattr(audit, "SBOM", tmp_path / "sbom")
    monkeypatch.setattr(audit, "bill_of_materials", lambda: None)
    monkeypatch.setattr(audit, "audit", lambda _: audit.read({"dependencies": packages}))
    monkeypatch.setenv("VIGIL_AUDIT_REQUIRE", required)
    assert audit.main() == code
    told = capsys.readouterr().out
    assert ("NOT AUDITED" in told) == (CLEAN not in packages)
