"""A comparison in words, for a terminal and for a page."""
