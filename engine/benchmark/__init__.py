"""Benchmarks of accuracy and speed: the product and its peers on the same inputs."""
