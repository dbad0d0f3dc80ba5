"""Names of the probes. Apart, because checking a config must not wait for the libraries that fit them."""

KINDS = ("linear", "neuron", "centroid", "sparse", "mlp", "majority")
"""What ``probe=`` may name, in the order in which they are listed."""
