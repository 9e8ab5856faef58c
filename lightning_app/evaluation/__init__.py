"""``dfc evaluate``: one checkpoint over many operating points, each picture coded once and kept.

plan (which points) → module (a batch at each of them) → links (how a picture crosses) ⇄ store (what was coded
before) → sweep_point (what is measured) → results (points.csv, classes.csv, images.csv, bd.csv, outcomes.npz).
"""
