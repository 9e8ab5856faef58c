import importlib
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def doubles(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    # Spawned workers inherit sys.path, and import the doubles by it.
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("doubles")
