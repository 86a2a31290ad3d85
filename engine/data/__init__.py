"""Reads rasters and vector layers: grids, bands in a model's unit, validity masks, labels."""
