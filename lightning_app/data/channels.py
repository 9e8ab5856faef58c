"""Pictures of as many channels as a network takes: colour as they are, or grey."""

from lightning_app.data.pixels import Picture, to_grey
from lightning_app.errors import OptionError


def check_channels(channels: int) -> None:
    """Refuse a network that takes neither grey pictures nor colour ones.

    Raises:
        OptionError: `channels` is neither 1 nor 3.
    """
    if channels not in (1, 3):
        raise OptionError(
            f"the network takes pictures of {channels} channels: give one with channels=1, for grey, or channels=3"
        )


def as_channels(picture: Picture, channels: int) -> Picture:
    """A picture as a network of so many channels is to see it.

    A grey picture keeps three channels, all alike, so that the augmentations and the codecs of pictures take it;
    `to_tensor` takes the first of them. It is made grey before it is resized and changed, as Darknet loads it
    (``load_image`` of ``src/image.c``, which asks its reader for the channels of the network).

    Args:
        picture: RGB (H, W, 3).
        channels: that the network takes: 1 or 3.

    Returns:
        (H, W, 3).

    Raises:
        OptionError: `channels` is neither 1 nor 3.
    """
    check_channels(channels)
    return to_grey(picture) if channels == 1 else picture
