"""Samples with their attribute table, the parts they are dealt into, and the datasets that ship with denote."""
