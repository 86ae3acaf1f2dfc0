"""Java, Maven, and the jars of Apache Kafka that `pom.xml` names, kept in a cache folder."""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from xml.etree import ElementTree

Report = Callable[[str], None]

JAVA = 17  # Kafka 4's broker refuses to run on less
_FETCH_SECONDS = 600


class NoJava(Exception):
    """This machine cannot run Apache Kafka; the message says what is missing."""


def kafka_version() -> str:
    """The version of Apache Kafka that `pom.xml` pins."""
    tree = ElementTree.fromstring(_pom())  # noqa: S314 - our own file
    version = tree.findtext(".//{*}dependency/{*}version")
    if version is None:
        raise ValueError("engine/demo/pom.xml names no version of kafka_2.13")
    return version


def java() -> Path:
    """A Java that is new enough, from JAVA_HOME or the path."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    if found is None:
        raise NoJava(f"no java {'in JAVA_HOME' if home else 'on the path'} (Java {JAVA} or newer is needed)")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=30).stderr  # noqa: S603
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < JAVA:
        raise NoJava(f"Java {version[1] if version else '?'} is too old (Java {JAVA} or newer is needed)")
    return Path(found)


def kafka_jars(report: Report) -> Path:
    """The folder with Apache Kafka's jars; fetched by Maven the first time."""
    # Named by all that the pom says, so that a changed dependency is never missed.
    folder = _cache() / f"kafka-{kafka_version()}-{hashlib.sha256(_pom()).hexdigest()[:8]}"
    if not folder.is_dir():
        _fetch(folder, report)
    return folder


def _fetch(folder: Path, report: Report) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NoJava("no mvn on the path (Maven fetches Apache Kafka's jars the first time)")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetching-") as work:
        pom, jars = Path(work) / "pom.xml", Path(work) / "jars"
        pom.write_bytes(_pom())
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
        _run([maven, "-B", "-f", str(pom), *goal], report)
        try:
            jars.rename(folder)  # whole or not at all: an interrupted fetch never passes for a finished one
        except OSError:
            if not folder.is_dir():  # else somebody else was faster
                raise


def _run(command: list[str], report: Report) -> None:
    lines: list[str] = []
    fetched = 0
    with subprocess.Popen(  # noqa: S603
        ["timeout", str(_FETCH_SECONDS), *command] if shutil.which("timeout") else command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as maven:
        for line in maven.stdout or ():
            lines.append(line.rstrip())
            if line.startswith("[INFO] Downloaded") and ".jar" in line:
                fetched += 1
                report(f"fetching Apache Kafka {kafka_version()} by Maven: {fetched} files")
    if maven.returncode != 0:
        last = "\n".join(f"  {line}" for line in lines if "ERROR" in line) or "\n".join(lines[-10:])
        raise NoJava(f"Maven could not fetch Apache Kafka (code {maven.returncode}):\n{last}")


def _pom() -> bytes:
    return resources.files("engine.demo").joinpath("pom.xml").read_bytes()


def _cache() -> Path:
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file():
        return checkout / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vigil"
