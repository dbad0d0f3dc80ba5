"""What the observers cost, beside what a user would take instead; see ``scripts/benchmark.py``."""
