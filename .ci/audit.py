"""What we are made of, and what is known against it: a bill of materials, and the advisories for the locks.

`make audit` runs it. A known vulnerability fails. An index that has no advisories (a mirror, or no network)
does not, but is said; with VIGIL_AUDIT_REQUIRE=1 it fails as well.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

SHIPPED = "requirements.lock"
LOCKS = (SHIPPED, "requirements-dev.lock", "requirements-audit.lock")
SBOM = Path("dist/sbom.cdx.json")
TOOLS = Path(sys.executable).parent
SECONDS = 300


class Found(NamedTuple):
    looked_at: int
    not_told: int
    """Of those, the ones of which the index told nothing."""
    known: list[str]
    """A line a vulnerability."""


def read(report: dict[str, Any]) -> Found:
    """What pip-audit's JSON says. Its own summary calls clean what it could not look up."""
    packages = report["dependencies"]
    known = [
        f"{one['name']} {one['version']}: {each['id']} ({', '.join(each.get('aliases', ()))}), "
        f"mended in {', '.join(each.get('fix_versions', ())) or 'no version'}"
        for one in packages
        for each in one.get("vulns", ())
    ]
    return Found(len(packages), sum("skip_reason" in one for one in packages), known)


def audit(lock: str) -> Found:
    """Of one lock; with nothing looked at where no index answered."""
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "-f", "json", "-r", lock]
    done = subprocess.run(  # noqa: S603  # our own tool and files
        [str(TOOLS / "pip-audit"), *options], capture_output=True, text=True, timeout=SECONDS
    )
    try:
        return read(json.loads(done.stdout))
    except json.JSONDecodeError:
        sys.stderr.write("".join(f"  {line}\n" for line in done.stderr.splitlines()[-3:]))
        return Found(0, 0, [])


def bill_of_materials() -> None:
    """CycloneDX, of what is shipped; the same lock gives the same bytes."""
    SBOM.parent.mkdir(exist_ok=True)
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "-o", str(SBOM)]
    command = [str(TOOLS / "cyclonedx-py"), "requirements", SHIPPED, *options]
    quiet = {**os.environ, "PYTHONWARNINGS": "ignore"}  # a lock does not say who depends on whom
    subprocess.run(command, check=True, timeout=SECONDS, env=quiet)  # noqa: S603


def main() -> int:
    """The exit code."""
    bill_of_materials()
    print(f"{SBOM}: {len(json.loads(SBOM.read_text())['components'])} components")
    status = 0
    for lock in LOCKS:
        found = audit(lock)
        told = found.looked_at - found.not_told
        print(f"{lock}: {len(found.known)} known vulnerabilities in {told} of {found.looked_at} packages")
        for line in found.known:
            print(f"  {line}")
        if found.known:
            status = 1
        if not told or found.not_told:
            print(f"  NOT AUDITED: {found.not_told or 'all'}; the index here has no advisories for them")
            status = status or int(os.environ.get("VIGIL_AUDIT_REQUIRE") == "1")
    return status


if __name__ == "__main__":
    sys.exit(main())
