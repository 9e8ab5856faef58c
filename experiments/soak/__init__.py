"""A long training of the demo's network with the codec in the loop, watched: ``make soak``.

watch (a row every 100 steps) → verdict (what grew) → a figure, all in ``results/soak``.
"""
