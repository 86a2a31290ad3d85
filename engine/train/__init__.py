"""Training: a generic trainer, masked pretraining and fine-tuning. Needs the training tier (torch)."""
