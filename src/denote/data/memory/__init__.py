"""Inputs, columns and samples made of what a caller holds in memory."""
