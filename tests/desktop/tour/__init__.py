"""Steps of the tour, by theme, and how QGIS is driven for them; runs inside QGIS only."""
