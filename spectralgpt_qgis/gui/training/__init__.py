"""The dock in which a model is trained: what goes in, the run, and what came of it."""
