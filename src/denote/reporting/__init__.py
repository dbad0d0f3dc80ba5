"""Results in words: on the terminal, in report.html and in W&B."""
