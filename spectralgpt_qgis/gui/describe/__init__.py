"""The window that describes a raster layer as models see it, and lists which models fit."""
