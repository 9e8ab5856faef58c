"""What training makes small: criteria, chosen by their class paths, one file each.

A criterion takes one `TrainingRecord` and returns named terms; their weighted sum is the loss.
"""

from lightning_app.criteria.criterion import Criterion, check_terms
from lightning_app.criteria.detection import DetectionLoss
from lightning_app.criteria.distillation import Distillation
from lightning_app.criteria.rate import Rate
from lightning_app.criteria.record import TrainingRecord
from lightning_app.criteria.sum import Sum

__all__ = ["Criterion", "DetectionLoss", "Distillation", "Rate", "Sum", "TrainingRecord", "check_terms"]
