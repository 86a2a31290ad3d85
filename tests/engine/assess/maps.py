"""Small class maps made for a test."""

import numpy as np
import pyogrio
import rasterio
import shapely
from affine import Affine

from engine.cards import ModelClass
from engine.infer.writer import Layer, write_categories

CLASSES = (
    ModelClass(1, "water", "Open water", "#0000ff"),
    ModelClass(2, "land", "Dry land", "#00aa00"),
    ModelClass(5, "ice", "Ice", "#ffffff"),
)
TRANSFORM = Affine(10, 0, 500_000, 0, -10, 4_700_000)


def write_map(path, values, *, classes=(), nodata=0, crs="EPSG:32631", transform=TRANSFORM):
    """A class map of `values` [rows, columns], with category names when classes are given."""
    values = np.asarray(values)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=1,
        height=values.shape[0],
        width=values.shape[1],
        dtype=values.dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
    ) as dataset:
        dataset.write(values, 1)
    if classes:
        write_categories(path.with_name(f"{path.name}.aux.xml"), Layer("", "uint8", 0, classes))
    return str(path)


def write_vector(path, geometries, crs="EPSG:32631", **fields):
    """A GeoPackage of geometries with fields."""
    geometries = np.asarray(geometries, object)
    pyogrio.raw.write(
        path,
        shapely.to_wkb(geometries),
        field_data=[np.asarray(values) for values in fields.values()],
        fields=list(fields),
        geometry_type=geometries[0].geom_type,
        crs=crs,
        driver="GPKG",
    )
    return str(path)


def centres(rows, columns, transform=TRANSFORM):
    """Points at pixel centres."""
    return [
        shapely.Point(transform @ (c + 0.5, r + 0.5))
        for r, c in zip(np.ravel(rows), np.ravel(columns))
    ]


def read_vector(path):
    """Geometries, and the fields by name."""
    meta, _, geometries, fields = pyogrio.raw.read(path)
    return shapely.from_wkb(geometries), dict(zip(meta["fields"], fields))
