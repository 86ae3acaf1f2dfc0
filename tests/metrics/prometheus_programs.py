"""Prometheus's own programs, where this machine has them."""

import shutil

from servers import missing


def program(name: str, package: str = "prometheus") -> str:
    """The path of a program of Prometheus; without it the test is skipped, or fails where all is required."""
    found = shutil.which(name)
    if found is None:
        missing(f"{name} is not installed (Debian: apt-get install {package})")
    return found
