"""The forms of boxes, by hand."""

import pytest
import torch

from lightning_app.boxes import cxcywh_to_xyxy, pairwise_iou, voc_to_xyxy, xyxy_to_cxcywh, xyxy_to_voc

SIZE = (60, 80)


def test_boxes_become_fractions_by_darknets_convention_and_come_back() -> None:
    voc = torch.tensor([[1.0, 1, 80, 60], [11, 7, 41, 37]])
    fractions = xyxy_to_cxcywh(voc_to_xyxy(voc, SIZE))
    # voc_label.py: x = ((11 + 41) / 2 - 1) / 80, w = (41 - 11) / 80, …
    torch.testing.assert_close(fractions[1], torch.tensor([25 / 80, 21 / 60, 30 / 80, 30 / 60]))
    torch.testing.assert_close(xyxy_to_voc(cxcywh_to_xyxy(fractions), SIZE), voc)


def test_boxes_beyond_the_picture_come_back_cut_to_it() -> None:
    assert xyxy_to_voc(torch.tensor([[-0.5, -0.5, 1.5, 1.5]]), SIZE).tolist() == [[1, 1, 80, 60]]


def test_iou_is_worked_out_by_hand() -> None:
    a = torch.tensor([[0.0, 0.0, 2.0, 2.0], [5.0, 5.0, 5.0, 5.0]])
    b = torch.tensor([[1.0, 1.0, 3.0, 3.0], [5.0, 5.0, 5.0, 5.0]])
    assert pairwise_iou(a, b).tolist() == [[pytest.approx(1 / 7), 0], [0, 0]]
