"""When the front may run on the next batch, while this one's features are coded (docs/decisions/lookahead.md)."""

from pytorch_lightning import Trainer


def goes_on(trainer: Trainer, batch_idx: int) -> bool:
    """Whether the next batch of training meets the weights and statistics of this one's beginning.

    It does within an accumulation of gradients, but for a validation in its middle. Without accumulation it never does:
    it needs what the step of the optimiser makes of the weights.
    """
    batches = batch_idx + 1
    until_validation = trainer.fit_loop.total_batch_idx + 1 if trainer.check_val_every_n_epoch is None else batches
    return bool(
        batches < trainer.num_training_batches
        and batches % trainer.accumulate_grad_batches
        and trainer.val_check_batch is not None  # else validation goes by the clock
        and until_validation % trainer.val_check_batch
    )
