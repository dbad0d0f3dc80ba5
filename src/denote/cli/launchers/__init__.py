"""Launchers: how the jobs of a sweep get processes to run in."""
