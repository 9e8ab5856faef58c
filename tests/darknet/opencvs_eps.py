"""Batch norm as OpenCV's importer computes it, for tests that compare our networks with OpenCV's."""

from torch import nn


def set_opencvs_eps(network: nn.Module) -> None:
    """Let every batch norm of a network add 1e-6 to its variances, where ours adds 1e-5."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-6
