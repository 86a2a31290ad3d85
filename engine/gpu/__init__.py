"""PyTorch as a backend of inference: of what only the training tier has, and only on a GPU."""
