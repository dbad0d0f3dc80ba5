"""The answer: what was found, what speaks against it and what to do next, told once for every reader."""
