"""The detectors of `resnet_detector`, by the name by which a command line finds them."""

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def images() -> Tensor:
    """Two drawn ones."""
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
