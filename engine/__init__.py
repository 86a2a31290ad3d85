"""The engine of SpectralGPT for QGIS, a Python package that is independent of QGIS."""
