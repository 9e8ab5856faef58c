"""A detector in the style of a ResNet, as somebody else would write it: nothing in it knows this program's networks."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lightning_app.darknet import RegionOptions, YoloOptions
from lightning_app.fx import TracedDetector

ANCHORS = ((1.5, 1.5), (2.5, 2.5), (3.5, 3.5))


class Block(nn.Module):
    """A residual block whose activations overwrite their inputs."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.skip = nn.Conv2d(channels, filters, 1, stride, bias=False) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += self.skip(x)
        return self.relu(out)  # type: ignore[no-any-return]


class Body(nn.Module):
    """Images -> a coarse head and a fine one, joined as in a feature pyramid."""

    def __init__(self, head: int, heads: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1, 8, 1, 1))
        self.stem = nn.Conv2d(3, 8, 7, 2, 3)
        self.layer1 = nn.Sequential(Block(8, 8, 1), Block(8, 16, 2))
        self.layer2 = nn.Sequential(Block(16, 24, 2), Block(24, 24, 1))
        self.layer3 = nn.Sequential(Block(24, 32, 2), nn.Dropout(0.1))
        self.coarse = nn.Conv2d(32, head, 1)
        self.fine = nn.Conv2d(56, head, 1) if heads > 1 else None

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        early = self.layer2(self.layer1(F.max_pool2d(F.relu(self.stem(images) * self.scale, inplace=True), 1)))
        late = self.layer3(early)
        if self.fine is None:
            return (self.coarse(late),)
        grown = F.interpolate(late, size=early.shape[-2:])
        return self.coarse(late), self.fine(torch.cat((early, grown), 1))


class ResNetDetector(TracedDetector):
    """One ``[region]`` head over 32 times smaller features.

    Args:
        classes: how many.
        side: of the images in pixels.
    """

    def __init__(self, classes: int = 5, side: int = 64) -> None:
        options = RegionOptions(ANCHORS, classes)
        super().__init__(Body(options.channels, heads=1), [options], (side, side))


class PyramidDetector(TracedDetector):
    """Two ``[yolo]`` heads, at 16 and 8 times smaller features."""

    def __init__(self, classes: int = 5, side: int = 64) -> None:
        heads = [YoloOptions(ANCHORS, (0, 1), classes), YoloOptions(ANCHORS, (1, 2), classes)]
        super().__init__(Body(heads[0].channels, heads=2), heads, (side, side))
