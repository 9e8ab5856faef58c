"""What every test may use: the folder of real pictures and weights, or a skip that says so."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """``../shared``: real VOC pictures, VOC-trained weights and HM's results."""
    path = ROOT.parent / "shared"
    if not path.is_dir():
        pytest.skip(f"no real pictures and weights: {path} is not there")
    return path
