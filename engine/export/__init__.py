"""Trained networks to files that predict without torch."""
