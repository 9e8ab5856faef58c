"""What a criterion of somebody's own may not give is said by the name of the term."""

import pytest
import torch

from lightning_app.criteria import DetectionLoss
from lightning_app.criteria.criterion import check_terms
from lightning_app.errors import OptionError


@pytest.mark.parametrize(
    ("term", "said"),
    [(torch.zeros(2), r"of shape \(2,\)"), (torch.zeros(1), r"of shape \(1,\)"), (0.5, "a float")],
)
def test_a_term_that_is_no_tensor_of_no_dimension_is_refused_by_its_name(term: object, said: str) -> None:
    with pytest.raises(OptionError, match=f"the term box of DetectionLoss is {said}: give a tensor of no dimension"):
        check_terms(DetectionLoss(), {"class": torch.tensor(1.0), "box": term})


def test_tensors_of_no_dimension_pass() -> None:
    check_terms(DetectionLoss(), {"box": torch.tensor(1.0)})
