"""The exceptions that a user of this program can cause, each with one sentence and the remedy.

::

    DfcError
    ├── OptionError     an option out of its range, or two options that do not fit together
    ├── CfgError        a Darknet .cfg that is wrong or asks for what is not supported
    ├── WeightsError    a weights file that does not fit its network
    ├── DataError       a devkit, a picture or an annotation that cannot be used
    ├── CodecError      a picture that a codec cannot code, or bytes that it cannot decode
    ├── FeatureError    features that cannot be quantised
    ├── TrainingError   a training that cannot go on
    └── RankError       another rank of the same run has ended
"""


class DfcError(Exception):
    """The root: ``dfc`` prints its message as one sentence and exits with status 2."""


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
    """Features that cannot be quantised, because they are not finite."""


class TrainingError(DfcError):
    """A training that cannot go on, because its loss is not finite."""


class RankError(DfcError):
    """Another rank of the same run has ended, and what it said is the reason."""
