"""Scripts of `.ci`, as modules."""

import importlib.util
from pathlib import Path
from types import ModuleType

_CI = Path(__file__).resolve().parents[2] / ".ci"


def ci_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_script", _CI / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
