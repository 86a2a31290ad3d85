"""SpectralGPT and the networks built on its encoder."""
