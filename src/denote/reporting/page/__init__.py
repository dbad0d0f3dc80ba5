"""``report.html``: one file with its data, its style and its scripts, which opens without a network."""
