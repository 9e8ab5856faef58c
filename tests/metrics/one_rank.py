"""One rank of test_ranks.py: ``one_rank.py RANK FOLDER SHARES ...``.

SHARES are the pictures of each rank, as ``4,0,9``. It prints what all metrics compute by all SHARES that name this
rank, floats to the last digit.
"""

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed

from lightning_app.metrics import COCOMeanAveragePrecision, KilobitsPerImage, VOCMeanAveragePrecision

PICTURES = 13


def picture(index: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A prediction and a target with few places and scores, so that many boxes overlap and many scores are equal."""
    generator = torch.Generator().manual_seed(index)

    def boxes(n: int) -> Tensor:
        corner = 1 + 10 * torch.randint(0, 2, (n, 2), generator=generator)
        return torch.cat((corner, corner + torch.randint(11, 16, (n, 2), generator=generator)), dim=1).float()

    def integers(high: int, n: int) -> Tensor:
        return torch.randint(0, high, (n,), generator=generator)

    d, g = (0, 3) if index == 2 else (8, 0) if index == 3 else (8, 7)
    prediction = {"boxes": boxes(d), "scores": integers(12, d) / 12, "labels": integers(3, d)}
    return prediction, {"boxes": boxes(g), "labels": integers(3, g), "difficult": integers(4, g) == 0, "index": index}


def results(indices: list[int], repeats: int) -> dict[str, Any]:
    """What all metrics compute when this rank sees these pictures, and picture 0 again with every two of them."""
    precision, rate = VOCMeanAveragePrecision(("a", "b", "c")), KilobitsPerImage()
    coco = COCOMeanAveragePrecision(("a", "b", "c"))
    for start in range(0, len(indices), 2):
        batch = indices[start : start + 2] + [0] * repeats
        predictions, targets = zip(*map(picture, batch), strict=True)
        precision.update(predictions, targets)
        coco.update(predictions, targets)
        rate.update(torch.tensor([8 * (1000 + 37 * i**3) for i in batch]), torch.tensor(batch))
    return {name: value.tolist() for name, value in (precision.compute() | coco.compute() | rate.compute()).items()}


def share(rank: int, shares: list[int], store: Path) -> dict[str, Any]:
    """What this rank computes together with the others; several meet at a store."""
    if len(shares) > 1:
        distributed.init_process_group(
            "gloo", init_method=f"file://{store}", rank=rank, world_size=len(shares), timeout=timedelta(seconds=120)
        )
    start = sum(shares[:rank])
    computed = results(list(range(PICTURES))[start : start + shares[rank]], repeats=rank)
    if len(shares) > 1:
        distributed.destroy_process_group()
    return computed


if __name__ == "__main__":
    rank, folder = int(sys.argv[1]), Path(sys.argv[2])
    every = {text: [int(part) for part in text.split(",")] for text in sys.argv[3:]}
    ours = {text: share(rank, shares, folder / text) for text, shares in every.items() if rank < len(shares)}
    sys.stdout.write(json.dumps(ours))
