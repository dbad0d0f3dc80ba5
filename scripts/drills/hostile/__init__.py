"""Inputs that are malformed or hostile, by where they come in."""
