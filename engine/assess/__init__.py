"""Accuracy assessment of maps: figures against a reference, area-adjusted figures, samples. Inference tier only."""
