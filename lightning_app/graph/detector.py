"""What a detector must offer so that this program splits, trains, measures and sends it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypedDict

from torch import Tensor, nn

from lightning_app.errors import OptionError, WeightsError
from lightning_app.graph.cut import Passthrough, Split, between, crossing_layers
from lightning_app.graph.node import IMAGE, Node, Shape
from lightning_app.graph.run import Part, run


class Truth(TypedDict):
    """The objects of one picture.

    ``boxes`` (G, 4) cxcywh fractions, ``labels`` (G,) class numbers, ``class_only`` (J,) those of what is somewhere in
    a picture without boxes.
    """

    boxes: Tensor
    labels: Tensor
    class_only: Tensor


class Detections(TypedDict):
    """The boxes of one picture, by falling score.

    ``boxes`` (D, 4) xyxy fractions of the network's input picture, ``scores`` (D,), ``labels`` (D,) class numbers.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


class SplitDetector(nn.Module, ABC):
    """A detector as a graph of layers, which can be cut behind any of them.

    A subclass sets the attributes and defines `layer`, `detect`, `losses` and `architecture`; the rest follows from
    them. `lightning_app.darknet.Network` is one, `lightning_app.fx.TracedDetector` another.

    Attributes:
        nodes: the graph, one node per layer, in the order in which they run.
        outputs: indices of the layers whose outputs are the raw heads.
        size: rows and columns of the input image that the network is made for.
        channels: of the input image: 3, or 1 for pictures that are made grey.
        classes: K, how many classes the network tells apart.
        seen: how many pictures the weights were trained on.
    """

    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    size: tuple[int, int]
    channels: int = 3
    seen: int = 0
    notes: tuple[str, ...] = ()

    @property
    @abstractmethod
    def classes(self) -> int:
        """K, how many classes the network tells apart."""

    @property
    @abstractmethod
    def architecture(self) -> object:
        """All that the outputs depend on beside the weights; its ``repr`` is the same on every machine."""

    @abstractmethod
    def layer(self, node: Node) -> nn.Module:
        """The module of a node: it takes the tensors of the node's inputs, and gives the node's output."""

    @abstractmethod
    def detect(self, raws: Sequence[Tensor], score_threshold: float, nms_threshold: float) -> list[Detections]:
        """The detections of each of B pictures.

        A higher score threshold must give the same detections, without those of lower scores: `dfc evaluate` keeps what
        it has found, and only leaves detections out when the threshold rises.

        Args:
            raws: outputs of the network, each (B, channels, N, M).
            score_threshold: a detection's score must be above it, 0 to 1.
            nms_threshold: the worse of two detections of one class goes where their IoU is above it, 0 to 1.

        Raises:
            FeatureError: an output is NaN or infinite.
        """

    @abstractmethod
    def losses(self, raws: Sequence[Tensor], truths: Sequence[Truth], form: str, seen: int) -> dict[str, Tensor]:
        """The terms of the loss of B pictures, each summed over them, by name.

        Args:
            raws: outputs of the network, each (B, channels, N, M).
            truths: the objects of each picture.
            form: which loss, where the detector has several.
            seen: how many pictures the weights were trained on, these included.

        Raises:
            OptionError: the detector has no such form, or cannot be trained by these truths.
        """

    def imitation(self, raws: Sequence[Tensor], teachers: Sequence[Tensor]) -> dict[str, Tensor]:  # noqa: ARG002
        """How far raw heads are from a teacher's: terms of no dimension, about 1 where nothing is alike.

        Args:
            raws: outputs of the network, each (B, channels, N, M).
            teachers: outputs of a network with the same heads, for the same images.

        Raises:
            OptionError: the detector does not say how its heads are compared.
        """
        raise OptionError(
            f"{type(self).__name__} cannot learn from a teacher: define `imitation`, or take another criterion"
        )

    def check_teacher(self, teacher: SplitDetector) -> None:
        """Raise `OptionError` where the outputs of a teacher do not mean what those of the network mean."""
        if teacher.size != self.size:
            raise OptionError(
                f"the teacher is made for images of {_size(teacher)} and the network for {_size(self)}: "
                "take a teacher of the same input size"
            )
        if teacher.channels != self.channels:
            raise OptionError(
                f"the teacher takes pictures of {teacher.channels} channels and the network of {self.channels}: "
                "take a teacher of the same channels"
            )
        if _head_shapes(teacher) != _head_shapes(self):
            raise OptionError(
                f"the teacher has heads of {_head_shapes(teacher)} and the network of {_head_shapes(self)}: "
                "take a teacher with the same heads"
            )

    def check_form(self, form: str) -> None:
        """Raise `OptionError` where the detector has no such form of the loss."""
        if form != "darknet":
            raise OptionError(f"the detector has no loss of the form {form}: leave it at darknet")

    def check_classes(self, classes: Sequence[str]) -> None:
        """Raise `OptionError` where data of these classes are not the detector's, or a name stands for two of them."""
        self.check_number_of_classes(len(classes))
        twice = [name for name, count in Counter(classes).items() if count > 1]
        if twice:
            raise OptionError(f"the class {twice[0]} is named twice: name each class once, in the order of the labels")

    def check_number_of_classes(self, number: int) -> None:
        """Raise `OptionError` where the data have more classes than the detector, or fewer."""
        if number != self.classes:
            raise OptionError(
                f"the data has {number} classes and the network {self.classes}: give the names of the network's "
                "classes as --data.classes, or make a .cfg for those of the data by `dfc data adapt`"
            )

    def load_weights(self, path: Path) -> list[str]:
        """Fill the detector from a file of its own format; the names of the layers that the file does not reach.

        Raises:
            WeightsError: the file does not fit, or the detector has no such format.
        """
        raise WeightsError(f"{path} is no checkpoint of this program, and {type(self).__name__} reads nothing else")

    def reseed(self, *entropy: int) -> None:
        """Start the draws of every dropout anew, as a function of these numbers, each 0 or more, and of nothing else.

        Args:
            entropy: such as the seed, epoch, batch and rank of a training step.
        """

    def unchanging(self) -> AbstractContextManager[None]:
        """For the time that nobody changes the weights: a detector may prepare them once for all pictures."""
        return nullcontext()

    def identity(self) -> Iterator[bytes]:
        """All that the outputs depend on: the architecture and the weights."""
        yield repr(self.architecture).encode()
        for name, tensor in self.state_dict().items():
            if not name.endswith("num_batches_tracked"):  # batch norm's own count, which Darknet's files do not keep
                yield name.encode()
                yield tensor.detach().cpu().numpy().tobytes()

    def idle(self) -> list[nn.Module]:
        """The layers that no output depends on: nothing runs them, and nothing can train them."""
        running = {node.index for node in between(self.nodes, (IMAGE,), self.outputs)}
        return [self.layer(node) for node in self.nodes if node.index not in running]

    def node(self, name: str) -> Node:
        """The node of a layer's name.

        Raises:
            OptionError: there is no such layer; the message lists those there are.
        """
        for node in self.nodes:
            if node.name == name:
                return node
        raise OptionError(f"no layer is named {name!r}; the layers are {', '.join(node.name for node in self.nodes)}")

    def shapes(self, names: Sequence[str]) -> dict[str, Shape]:
        """C, N, M of what layers give for an image of the network's own size, by their names."""
        return {name: self.node(name).shape for name in names}

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Images (B, C, H, W) in [0, 1] -> the raw output of each head, (B, channels, N, M)."""
        return self.tapped(images, self.outputs)

    def tapped(self, images: Tensor, indices: tuple[int, ...]) -> tuple[Tensor, ...]:
        """Images (B, C, H, W) -> the outputs of several layers, by their indices, in one pass."""
        return run(between(self.nodes, (IMAGE,), indices), self.layer, (IMAGE,), indices, (images,))

    def split(self, name: str, passthrough: Passthrough = "reduced") -> Split:
        """Cut the network behind a layer.

        Args:
            name: the layer whose output is the first tensor to send, such as ``max_7``.
            passthrough: the second tensor that is sent where a later layer joins an earlier one: ``full``, the earlier
                layer itself, or ``reduced``, the smallest outputs along its ways to the joins, which the mobile side
                computes.

        Returns:
            front (images -> crossing tensors), back (crossing tensors -> raw heads), and the names of the layers that
            made the crossing tensors.

        Raises:
            OptionError: there is no such layer, or what would be sent is no tensor of features.
        """
        cut = self.node(name).index
        crossing = crossing_layers(self.nodes, self.outputs, cut, reduced=passthrough == "reduced")
        front = Part(between(self.nodes, (IMAGE,), crossing), self.layer, (IMAGE,), crossing)
        back = Part(between(self.nodes, crossing, self.outputs), self.layer, crossing, self.outputs)
        return Split(front, back, tuple(self.nodes[index].name for index in crossing))


def _size(network: SplitDetector) -> str:
    rows, columns = network.size
    return f"{columns}×{rows}"


def _head_shapes(network: SplitDetector) -> str:
    """C×N×M of every raw head, in words."""
    return ", ".join("×".join(map(str, network.nodes[index].shape)) for index in network.outputs)
