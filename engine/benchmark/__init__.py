"""Accuracy of the product beside its peers, on the same inputs, splits and draws."""
