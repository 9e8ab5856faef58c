"""What each step beyond "min–max, 8 bits, tiled, HEVC" saves: ``make fewer-bits``.

plan (the rows) → measure (``dfc evaluate``, each run once) → table (docs/evidence/fewer-bits.md, from
``results/fewer-bits``).
"""
