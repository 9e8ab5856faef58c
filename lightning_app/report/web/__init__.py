"""``report.html``: figures, tables and pictures in one file, which asks the network for nothing."""
