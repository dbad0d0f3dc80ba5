"""Cases whose answer is known, against the goals that were set for them beforehand; run by ``scripts/simulate.py``."""
