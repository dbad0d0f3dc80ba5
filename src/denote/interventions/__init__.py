"""Interventions: what happens to a network's outputs where the state of one of its layers is replaced."""
