"""How fast the engine is, beside what users would use instead: `python -m engine benchmark speed`."""
