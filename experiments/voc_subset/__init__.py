"""The paper's experiment on a part of VOC2007, in one resumable command: ``make experiment``.

plan (networks, candidates) → steps (commands of ``dfc``, each run once) → conclusions (what ``results/`` keeps).
"""
