"""Widgets for installed models: a list to choose from, and the window that manages them."""
