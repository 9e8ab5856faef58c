"""What crosses a cut of a graph that somebody else's network has."""

import pytest

from lightning_app.errors import OptionError
from lightning_app.graph.cut import crossing_layers
from lightning_app.graph.node import IMAGE, Node

SHAPE = (4, 8, 8)
# conv_a, its size, conv_b behind conv_a, and conv_b grown to that size: the size is no tensor of features.
NODES = [
    Node(0, "conv_a", (IMAGE,), SHAPE),
    Node(1, "size", (0,), (0, 0, 0), crosses=False),
    Node(2, "conv_b", (0,), (2, 4, 4)),
    Node(3, "grown", (2, 1), (2, 8, 8)),
]


@pytest.mark.parametrize("reduced", [True, False])
def test_what_cannot_be_sent_is_computed_again_from_the_features_that_it_was_made_of(reduced: bool) -> None:
    assert crossing_layers(NODES, (3,), cut=2, reduced=reduced) == (2, 0)


def test_nothing_smaller_takes_the_place_of_features_that_are_computed_from_again() -> None:
    smaller = Node(3, "smaller", (0,), (1, 2, 2))
    nodes = [*NODES[:3], smaller, Node(4, "joined", (2, 1, 3), (2, 8, 8))]
    assert crossing_layers(nodes, (4,), cut=2, reduced=True) == (2, 0)
    assert crossing_layers([*nodes[:4], Node(4, "joined", (2, 3), (2, 8, 8))], (4,), cut=2, reduced=True) == (2, 3)


def test_what_would_be_computed_again_from_the_image_is_refused_by_its_name() -> None:
    nodes = [NODES[0], Node(1, "size", (IMAGE,), (0, 0, 0), crosses=False), *NODES[2:]]
    with pytest.raises(OptionError, match="nothing can be sent behind the input image: it gives no"):
        crossing_layers(nodes, (3,), cut=2, reduced=True)
