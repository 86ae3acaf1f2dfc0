"""Where the recorded logs lie, and what to do where they do not."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("VIGIL_DATA", Path(__file__).parents[1].parent / "shared" / "data"))

needs_data = pytest.mark.skipif(
    not DATA.is_dir(),
    reason=f"the recorded logs are not in {DATA} (VIGIL_DATA names another folder)",
)
