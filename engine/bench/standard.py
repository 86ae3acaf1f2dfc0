"""Where the policies are that ship with Vigil, in a checkout and in an installed package."""

from pathlib import Path

import engine

_PACKAGE = Path(engine.__file__).parent


def standard_policies() -> Path:
    """The folder of the standard policy. FileNotFoundError where an installation lacks it."""
    for folder in (_PACKAGE / "policies" / "standard", _PACKAGE.parent / "deploy" / "policies"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(2, "not installed; name a folder of policies", "standard policies")
