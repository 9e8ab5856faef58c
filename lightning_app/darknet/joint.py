"""Joint training: a picture that says what it shows and not where trains only the classes on the paths of its labels.

Source: Darknet's ``src/region_layer.c`` (``forward_region_layer``, ``onlyclass``), October 2017. Darknet takes a
picture's first label alone; here each label takes part.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from lightning_app.darknet.assign import Where, distinct
from lightning_app.darknet.class_loss import tree_labels, tree_term
from lightning_app.darknet.head import Head
from lightning_app.darknet.region import RegionOptions
from lightning_app.darknet.tree import WordTree


def class_only_terms(head: Head, class_only: Sequence[Tensor], region: RegionOptions) -> dict[str, Tensor]:
    """The terms of the loss of B pictures, each with labels (J,) and no boxes, summed.

    A label trains the anchor whose objectness times the label's probability is the highest. Every other anchor is
    pulled to objectness 0; this one is left as sure as it is.
    """
    assert region.tree is not None
    labels = [tree_labels(own, region) for own in class_only]
    places = [_best_anchors(head, picture, own, region.tree) for picture, own in enumerate(labels)]
    picture, anchor, row, column = (torch.cat(parts) for parts in zip(*places, strict=True))  # 4 · (T,)
    where = (picture, anchor, row, column)
    weight = torch.full_like(head.objectness, region.noobject_scale)
    weight[where] = 0
    return {
        "objectness": 0.5 * (weight * head.objectness.sigmoid().square()).sum(),
        "class": region.class_scale * tree_term(head.classes[where], distinct(where), torch.cat(labels), region.tree),
    }


@torch.no_grad()
def _best_anchors(head: Head, picture: int, labels: Tensor, tree: WordTree) -> Where:
    """The anchor of a picture that each of its labels (J,) trains."""
    likely = tree.log_probability(tree.log_softmax(head.classes[picture]), labels)  # (A, N, M, J)
    sure = F.logsigmoid(head.objectness[picture])  # (A, N, M)
    best = (sure[..., None] + likely).flatten(0, 2).argmax(dim=0)  # (J,)
    anchor, row, column = torch.unravel_index(best, sure.shape)
    return torch.full_like(best, picture), anchor, row, column
