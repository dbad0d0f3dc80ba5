"""The search on *fit* for the property of every neuron, and the scores of that on *test*."""
