"""Benchmark of the engine's speed, compared with what users would use instead: `python -m engine benchmark speed`."""
