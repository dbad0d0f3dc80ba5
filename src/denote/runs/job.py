"""One job: from a dataset and an architecture to the evidence in its folder."""
