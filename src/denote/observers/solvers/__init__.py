"""Numerics behind the probes: what is minimised, in which order rows are read, which rows choose settings."""
