"""Does the evidence hold what it promises, where the truth is known; at full size."""
