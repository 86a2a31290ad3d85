"""The engine of SpectralGPT for QGIS: pure Python, knows nothing of QGIS."""
