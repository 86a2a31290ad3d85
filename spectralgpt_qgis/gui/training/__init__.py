"""The training dock: its inputs, the run, and the result."""
