"""Copy a figure for the docs, small enough for a repository: python scripts/shrink_figure.py FROM TO."""

from __future__ import annotations

import sys

from PIL import Image

WIDEST = 1400
"""Pixels."""
COLOURS = 96

if __name__ == "__main__":
    with Image.open(sys.argv[1]) as figure:
        figure.thumbnail((WIDEST, 10 * WIDEST))
        figure.convert("RGB").quantize(COLOURS).save(sys.argv[2], optimize=True)
