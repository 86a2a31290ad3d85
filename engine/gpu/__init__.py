"""PyTorch as an inference backend, for GPUs only; needs the training tier."""
