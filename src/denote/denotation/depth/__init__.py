"""Does the label proportion of what neurons denote depend on depth? Numbers by network, curves, tests, verdicts."""
