"""Recipes that make the shipped models from the shared collections; see `__main__`."""
