"""Predictions of the tiny models for the sample scene, computed by hand."""

from __future__ import annotations

import numpy as np
from osgeo import gdal

GREEN, RED, NIR = 3, 4, 8  # bands of the sample


def read(path, band=1):
    dataset = gdal.Open(str(path))  # a reference, as a band keeps none to its dataset
    return dataset.GetRasterBand(band).ReadAsArray()


def expected_classes(scene):
    """Classes by the tiny model's rule: the largest of 60 (green - nir), 30 (nir - red) - 3, and 0 wins."""
    green, red, nir = (read(scene, band).astype("float32") / 10000 for band in (GREEN, RED, NIR))
    scores = np.stack([60 * (green - nir), 30 * (nir - red) - 3, np.zeros_like(nir)])
    return scores.argmax(0) + 1
