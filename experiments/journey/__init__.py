"""One picture's journey: what each stage makes of it, as small pictures and a table (docs/understand/journey.md).

stages (the program's own parts) → pictures (what a person looks at) → ``results/journey``.
"""
