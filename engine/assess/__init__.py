"""Judging maps: accuracy against a reference, area-adjusted figures, samples to judge by. Inference tier only."""
