"""The window that shows a raster layer as the models see it, and which of them fit."""
