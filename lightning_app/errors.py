"""The exceptions that a user of this program can cause, each with one sentence and the remedy.

::

    DfcError
    ├── OptionError     an option out of its range, or two options that do not fit together
    ├── CfgError        a Darknet .cfg that is wrong or asks for what is not supported
    ├── WeightsError    a weights file that does not fit its network
    ├── DataError       a devkit, a picture or an annotation that cannot be used
    ├── CodecError      a picture that a codec cannot code, or bytes that it cannot decode
    ├── FeatureError    features or outputs of a network that are not finite
    ├── TrainingError   a training that cannot go on
    ├── RankError       another rank of the same run has ended
    └── Stopped         a signal that ended the program in good order
"""

from signal import Signals


class DfcError(Exception):
    """The root: ``dfc`` prints its message as one sentence and exits with a status.

    Attributes:
        status: 2, or 128 and the number of the signal.
    """

    status = 2


class OptionError(DfcError):
    """An option out of its range, or two options that do not fit together."""


class CfgError(DfcError):
    """A Darknet ``.cfg`` that is wrong or asks for what is not supported."""


class WeightsError(DfcError):
    """A weights file that does not fit its network."""


class DataError(DfcError):
    """A devkit, a picture or an annotation that cannot be used."""


class CodecError(DfcError):
    """A picture that a codec cannot code, or bytes that it cannot decode."""


class FeatureError(DfcError):
    """Features that cannot be quantised, or outputs that say nothing, because they are not finite."""


class TrainingError(DfcError):
    """A training that cannot go on, because its loss is not finite."""


class RankError(DfcError):
    """Another rank of the same run has ended, and what it said is the reason."""


class Stopped(DfcError):  # noqa: N818  (no error)
    """A signal that ended the program in good order.

    Args:
        number: of the signal.
        then: what was done, and how to go on.
    """

    def __init__(self, number: Signals, then: str) -> None:
        name = "Ctrl-C" if number is Signals.SIGINT else number.name
        super().__init__(f"stopped by {name}: {then}")
        self.status = 128 + number
