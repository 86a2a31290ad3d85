"""Steps of the desktop tour by topic, and functions that operate QGIS; works only inside QGIS."""
