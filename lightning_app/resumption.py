"""What a checkpoint must be for a run that takes all of it, by ``--ckpt_path``, and how it is made to fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytorch_lightning.utilities import rank_zero_info

from lightning_app.checkpoint import CRITERION, TRANSFORM, check_crossing, match_part, network_state, put_own
from lightning_app.errors import WeightsError
from lightning_app.lightning_fixes.epoch_end import end_the_epoch
from lightning_app.lightning_fixes.optimizer_options import take_over_options

if TYPE_CHECKING:
    from lightning_app.detector import Detector


def make_fit(checkpoint: dict[str, Any], detector: Detector) -> None:
    """Refuse another network's checkpoint in one sentence, before torch does in a hundred lines; change it to fit.

    Args:
        checkpoint: as Lightning has loaded it; changed in place.
        detector: that Lightning will fill with it.

    Raises:
        WeightsError: it is another network's, another transform's, or a training cannot go on from it.
    """
    trainer, own = detector.trainer, detector.state_dict()
    resumes = trainer.state.fn == "fit"
    source, state = str(trainer.ckpt_path or "the checkpoint"), checkpoint["state_dict"]
    if resumes:
        if "optimizer_states" not in checkpoint:
            raise WeightsError(f"{source} has weights and no run to resume; give it as --model.weights instead")
        end_the_epoch(trainer, checkpoint["loops"]["fit_loop"])
    network_state(detector.network, state, source)
    check_crossing(checkpoint, detector.transform, source)
    if not resumes:  # which asks no criterion
        put_own(state, own, CRITERION)
    for part in (TRANSFORM, CRITERION):
        told = match_part(state, own, part, source)
        if told and resumes:
            raise WeightsError(f"{told} A run resumes with what it began with: set it so, or use --model.weights")
        if told:
            rank_zero_info(told)
    detector.network.seen = checkpoint["seen"]
    if resumes:
        take_over_options(checkpoint, detector.configure_optimizers())
