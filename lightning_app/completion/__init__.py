"""Scripts by which a shell completes the commands and options of ``dfc``."""
