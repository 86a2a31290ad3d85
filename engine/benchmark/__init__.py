"""The product beside its peers, on the same inputs: how accurate, how fast."""
