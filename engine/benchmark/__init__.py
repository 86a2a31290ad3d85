"""Benchmarks of accuracy and speed: the product and its baselines on the same inputs."""
