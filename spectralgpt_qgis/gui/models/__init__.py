"""The installed models in windows: a list to choose from, and the window that manages them."""
