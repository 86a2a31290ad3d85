"""Exports trained networks to files that predict without torch."""
