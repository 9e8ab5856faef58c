"""``dfc evaluate``: one checkpoint over many operating points, each picture coded once and kept.

plan (which points) → module (the run) → measuring (a batch over all links) → links (one picture at one point) → coding
(through the codec) → judge (what the cloud finds) → sweep_point (accuracy and rate) → results (points.csv, classes.csv,
images.csv, bd.csv, outcomes.npz). store keeps what was coded and judged, for coding and judge.
"""
