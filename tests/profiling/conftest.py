"""The paper's network, built once."""

from pathlib import Path

import pytest

from lightning_app.darknet import Network

NETWORKS = Path(__file__).parents[2] / "configs/networks"


@pytest.fixture(scope="session")
def yolov2() -> Network:
    """yolov2-voc at 416×416, in evaluation mode."""
    return Network.from_cfg(NETWORKS / "yolov2-voc.cfg").eval()
