"""Rasters and vectors as the engine sees them: grids, bands in a model's unit, masks."""
