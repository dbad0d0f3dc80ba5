"""What a neuron denotes, and the label proportion of that by depth."""
