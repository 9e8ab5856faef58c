"""``dfc``, which is also ``python -m lightning_app``: picks the command, and imports no more than it needs.

The codec's worker processes import this module, so that torch and Lightning wait inside `main`.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

from lightning_app import __version__
from lightning_app.errors import DfcError, OptionError
from lightning_app.imports import import_for_good

USAGE = """\
dfc: train and measure object detectors. A real video codec codes the features at a cut.

  dfc fit      -c configs/yolo_lite.yaml   train, plainly or with the codec in the loop
  dfc validate -c ...                      mAP and kilobits per image on the validation pictures
  dfc test     -c ...                      the same on the test pictures
  dfc predict  -c ...                      detections as JSON
  dfc evaluate -c ...                      mAP and kilobits over splits, depths, codecs and QPs; resumable
  dfc encode   PICTURE ...                 the mobile side: code a picture's features into a .dfc file
  dfc decode   FILE.dfc ...                the cloud side: detect objects from a .dfc file
  dfc show     FILE.dfc ...                settings of a .dfc file, bytes of each part, its tile as a picture
  dfc profile  --network NET.cfg ...       costs of layers, sizes of features, and the best split over an uplink
  dfc report   NAME=FOLDER ...             the paper's Fig. 4, Fig. 5 and Table 1 from the CSVs of evaluations
  dfc weights  inspect | convert | onnx    Darknet's .weights, checkpoints and ONNX
  dfc data     convert | adapt | check | download | make   your own pictures and classes, VOC, drawn shapes
  dfc doctor                               versions, codecs, cores, GPUs, for a report of a bug
  dfc completion bash | zsh                a script by which the Tab key of your shell completes all of this

`dfc COMMAND --help` lists the options. -c (--config) FILE.yaml gives options to any command that has some.
`--print_config` prints all options with their values, as such a file.
"""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR)
"""How the system says that a file cannot be written."""

COMMANDS = {
    "report": ("lightning_app.report.command", "run"),
    "profile": ("lightning_app.profiling.command", "run"),
    "data": ("lightning_app.data.command", "run"),
    "weights": ("lightning_app.weights.command", "run"),
    "encode": ("lightning_app.transmit.command", "run_encode"),
    "decode": ("lightning_app.transmit.command", "run_decode"),
    "show": ("lightning_app.transmit.show", "run"),
    "doctor": ("lightning_app.doctor", "run"),
    "completion": ("lightning_app.completion.command", "run"),
}
"""Module and function of those that are not LightningCLI's; a module waits for its command."""

OF_LIGHTNING = ("fit", "validate", "test", "predict", "evaluate")
"""Those that are."""

WITH_CODEC = ("fit", "evaluate")
"""Commands whose threads, between two layers, leave their cores to the codec: torch's would spin there for a moment."""


def main() -> int:
    """Run the command line of this process; returns the exit status: 0, 2 after a user's mistake, 130 after Ctrl-C."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)  # noqa: T201
        return 0
    if arguments[0] == "--version":
        print(f"dfc {__version__}")  # noqa: T201
        return 0
    try:
        with _current_folder():
            _dispatch(arguments)
    except KeyboardInterrupt:
        print("dfc: stopped by Ctrl-C", file=sys.stderr)  # noqa: T201
        return 130
    except BrokenPipeError:
        if not _nobody_reads():
            raise
        return 128 + signal.SIGPIPE
    except Exception as error:
        mistake = _users_mistake(error)
        if mistake is None:
            raise
        print(f"dfc: {mistake}", file=sys.stderr)  # noqa: T201
        return mistake.status
    return 0


def _nobody_reads() -> bool:
    """Whether what is printed goes to a program that has ended, such as ``head``; nothing is printed any more then."""
    output = sys.stdout.fileno()
    poll = select.poll()
    poll.register(output, 0)  # errors are told unasked
    if not any(event & select.POLLERR for _, event in poll.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return True


@contextmanager
def _current_folder() -> Iterator[None]:
    """Let class paths name what is in the current folder; last, so that no file there hides another's module."""
    here = str(Path.cwd())
    added = [] if {"", here} & set(sys.path) else [here]
    sys.path.extend(added)
    try:
        yield
    finally:
        for folder in added:
            sys.path.remove(folder)


def _users_mistake(error: BaseException) -> DfcError | None:
    """The error of ours at the root of one; jsonargparse wraps what a constructor raises."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, DfcError):
        cause = cause.__cause__
    if cause is None and isinstance(error, OSError) and error.errno in NO_ROOM:
        where = f"{error.filename}: " if error.filename else ""
        return DfcError(f"{where}{error.strerror}; make room, or give a folder that can be written to")
    wandb = sys.modules.get("wandb")  # which takes a second to import
    if cause is None and wandb is not None and isinstance(error, wandb.Error):
        reason = str(error).splitlines()[0].rstrip(".")
        return DfcError(f"Weights & Biases: {reason}; WANDB_MODE=offline keeps the run here, for `wandb sync` later")
    return cause


def _dispatch(arguments: list[str]) -> None:
    command, rest = arguments[0], arguments[1:]
    if command == "report":  # whose figures multiply no matrices: NumPy's threads would only start and end
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if command in COMMANDS:
        module, function = COMMANDS[command]
        getattr(import_for_good(module), function)(rest)
        return
    if command not in OF_LIGHTNING and not command.startswith("-"):
        close = get_close_matches(command, [*OF_LIGHTNING, *COMMANDS], n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise OptionError(f"there is no command {command}{meant} (`dfc --help` lists the commands)")
    if command in WITH_CODEC:  # torch reads it when it is loaded
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not any(option.startswith(("-h", "--help", "--print_config")) for option in rest):
        from lightning_app.fork_server import start_early

        start_early(augments=command == "fit")
    _import_lightning()
    import_for_good("lightning_app.cli").run()


def _import_lightning() -> None:
    from lightning_app.lightning_fixes.slow_imports import without_slow_imports

    import_for_good("torch")
    with without_slow_imports():
        import_for_good("pytorch_lightning")


if __name__ == "__main__":
    sys.exit(main())
