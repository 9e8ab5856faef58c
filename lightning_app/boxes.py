"""The forms of boxes, with Darknet's own convention between VOC's pixels and fractions of the picture.

VOC's pixels begin at 1 and both edges belong to the box. Darknet's ``voc_label.py`` subtracts 1 from both edges, so
that the right edge is not the end of its pixel, and its ``valid`` adds 1 to both. Weights trained by Darknet expect
the first and need the second; boxes go there and back unchanged.
"""

import torch
from torch import Tensor

Window = tuple[float, float, float, float]
"""Where a picture lies in the network's input: xyxy fractions of the input."""
WHOLE: Window = (0.0, 0.0, 1.0, 1.0)


def voc_to_xyxy(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """VOC pixels (G, 4) of a picture of ``size`` (height, width) to xyxy fractions (G, 4)."""
    height, width = size
    return (boxes - 1) / boxes.new_tensor([width, height, width, height])


def xyxy_to_voc(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Fractions xyxy (G, 4) to VOC pixels (G, 4), cut to a picture of ``size`` (height, width) as Darknet does."""
    height, width = size
    last = boxes.new_tensor([width, height, width, height])
    return torch.clamp(boxes * last + 1, boxes.new_ones(4), last)


def picture_to_input(boxes: Tensor, window: Window) -> Tensor:
    """Fractions xyxy (G, 4) of a picture to those of the network's input, which the picture fills at ``window``."""
    corner, extent = _corner_and_extent(boxes, window)
    return boxes * extent + corner


def input_to_picture(boxes: Tensor, window: Window) -> Tensor:
    """The way back (``src/region_layer.c``, ``correct_region_boxes``)."""
    corner, extent = _corner_and_extent(boxes, window)
    return (boxes - corner) / extent


def _corner_and_extent(boxes: Tensor, window: Window) -> tuple[Tensor, Tensor]:
    left, top, right, bottom = window
    return boxes.new_tensor([left, top, left, top]), boxes.new_tensor([right - left, bottom - top] * 2)


def xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """Edges (..., 4) to centre, width and height (..., 4)."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat([(low + high) / 2, high - low], dim=-1)


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Centre, width and height (..., 4) to edges (..., 4)."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of xyxy boxes: (..., P, 4), (..., Q, 4) -> (..., P, Q); 0 for two empty boxes."""
    top_left = torch.maximum(a[..., :, None, :2], b[..., None, :, :2])  # (..., P, Q, 2)
    bottom_right = torch.minimum(a[..., :, None, 2:], b[..., None, :, 2:])  # (..., P, Q, 2)
    shared = (bottom_right - top_left).clamp(min=0).prod(dim=-1)  # (..., P, Q)
    union = _area(a)[..., :, None] + _area(b)[..., None, :] - shared
    return shared / union.clamp(min=torch.finfo(union.dtype).tiny)


def _area(boxes: Tensor) -> Tensor:
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)
