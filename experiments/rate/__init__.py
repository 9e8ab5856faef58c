"""How well the estimate of `Rate` follows HEVC's real bits: ``python -m experiments.rate``."""
