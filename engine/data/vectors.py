"""Reads polygons and points of a vector file in a raster's CRS, for masks, zones and labels."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj.exceptions import ProjError
from rasterio.crs import CRS

from ..errors import EmptyArea, VectorUnreadable
from .attributes import as_in_file, filled_values
from .grid import Box, Grid

_SUBSET = "|subset="
POINTS, POLYGONS = (0, 4), (3, 6)  # shapely's type ids: single and multi
_COLLECTION = 7

_MANY = 8  # names in a message
_FAR = 10  # in sides of the raster
_POINTS_A_SIDE = 32  # points along a polygon's longer side when its edges are densified


@dataclass(frozen=True)
class Polygons:
    """Polygons that touch a raster.

    Attributes:
        geometries: shapely polygons and multipolygons [n] in the raster's CRS, valid.
        fields: Attributes by name, one array [n] for each, as in `Features`.
        fids: Feature ids in the file [n].
    """

    geometries: NDArray[Any]
    fields: dict[str, NDArray[Any]]
    fids: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of polygons."""
        return len(self.geometries)


@dataclass(frozen=True)
class Features:
    """Features of a file, in the file's CRS.

    Attributes:
        geometries: shapely geometries [n] in the file's CRS, unchanged.
        fields: Attributes by name, one array [n] for each; masked where integers or booleans are NULL.
        dtypes: The fields' types in the file, as numpy names.
        fids: Feature ids in the file [n].
        crs: The file's CRS; None if it has none, when the raster's is assumed.
        bounds: Bounds of the whole file, in its CRS.
        left_out: Number of features with another type of geometry, or without any.
        source: The file's path, for messages.
        purpose: What it is for, for messages.
        kinds: Requested geometry types, shapely's type ids.
    """

    geometries: NDArray[Any]
    fields: dict[str, NDArray[Any]]
    dtypes: dict[str, str]
    fids: NDArray[np.int64]
    crs: pyproj.CRS | None
    bounds: Any
    left_out: int
    source: str
    purpose: str
    kinds: tuple[int, ...]

    def on(self, grid: Grid, follow: bool = True) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """The features that touch a raster.

        Args:
            grid: The raster's grid.
            follow: See `read_polygons`.

        Returns:
            Valid geometries in the raster's CRS [m], and their indices among the features [m].

        Raises:
            EmptyArea: No feature touches the raster.
            VectorUnreadable: No transformation between their CRS and the raster's is known.
        """
        crs = self.crs or _plane_crs(grid)
        _check_way(crs, grid, self.purpose, self.source)
        shapes = _projected(self.geometries, crs, grid, follow)
        touching = shapely.intersects(shapes, _ground(grid)) & ~shapely.is_empty(shapes)
        if not touching.any():
            raise EmptyArea(
                f"The {self.purpose} {self.source} and the raster do not overlap: bounds {_told(self.bounds)} in "
                f"{_named(crs)}, those of the raster {_told(grid.bounds)} in {_named(pyproj.CRS(grid.crs.to_wkt()))}. "
                f"Choose {self._kind()} within the raster, or check the CRS of both layers."
            )
        return shapes[touching], np.flatnonzero(touching)

    def _kind(self) -> str:
        if len(self.geometries):
            return "polygons" if (shapely.get_dimensions(self.geometries) == 2).any() else "points"
        return _wanted(self.kinds)  # no features near the raster


def read_polygons(path: str, grid: Grid, purpose: str = "mask", follow: bool = True) -> Polygons:
    """Reads the polygons of a file that touch a raster, in the raster's CRS.

    Args:
        path: Any OGR file; `file|layername=NAME`, as QGIS writes it, chooses a layer.
        grid: The raster's grid.
        purpose: What the polygons are for, for messages.
        follow: Whether edges are densified before a transformation, so that they stay straight in
            the file's CRS; otherwise only the vertices are transformed.

    Raises:
        VectorUnreadable: The file is missing, damaged, or without polygons.
        EmptyArea: No polygon touches the raster.
    """
    features = read_features(path, purpose, POLYGONS, grid)
    shapes, keep = features.on(grid, follow)
    fields = {name: column[keep] for name, column in features.fields.items()}
    return Polygons(shapes, fields, features.fids[keep])


def read_features(
    path: str, purpose: str, kinds: tuple[int, ...] = POLYGONS, grid: Grid | None = None
) -> Features:
    """Reads the features of a file with given types of geometry.

    Args:
        path: See `read_polygons`.
        purpose: What they are for, for messages.
        kinds: Requested types as shapely's type ids: `POLYGONS`, `POINTS` or both.
        grid: Only features near this raster are read; None reads all.

    Raises:
        VectorUnreadable: The file is missing, damaged or without such features, or no transformation between its CRS
            and the raster's is known.
    """
    file, layer = split_source(path)
    if not file or ("://" not in file and not file.startswith("/vsi") and not os.path.exists(file)):
        raise VectorUnreadable(
            f"The {purpose} file {file or '(no path)'} does not exist. "
            f"Choose a vector file with {_wanted(kinds)}."
        )
    try:
        file, layer = find_layer(path, purpose)
        info = pyogrio.read_info(file, layer=layer, force_total_bounds=True)
        crs = _known_crs(info.get("crs"))
        if grid and crs:
            _check_way(crs, grid, purpose, file)
        box = _box_in(grid, crs or _plane_crs(grid)) if grid else None
        chosen = {"layer": layer, "bbox": box, "where": _subset(path)}
        meta, fids, wkb, columns = pyogrio.raw.read(file, return_fids=True, force_2d=True, **chosen)
        names, dtypes = list(map(str, meta["fields"])), list(map(str, meta["dtypes"]))
        columns = [
            as_in_file(column, dtype, partial(filled_values, file, name, chosen))
            for name, dtype, column in zip(names, dtypes, columns)
        ]
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise VectorUnreadable(
            f"The {purpose} file {file} cannot be read"
            + (f" (layer {layer})" if layer else "")
            + ". Check whether it opens in QGIS, and export it again, for instance as GeoPackage.",
            details=str(error),
        ) from error
    geometries = shapely.from_wkb(wkb if wkb is not None else [], on_invalid="ignore")
    if kinds != POINTS:
        geometries = _without_collections(geometries)
    of_kind = np.isin(shapely.get_type_id(geometries), kinds)
    # An empty FlatGeobuf reports -1 features.
    if (
        info["features"] <= 0
        or info["total_bounds"] is None
        or wkb is None
        or (len(geometries) and not of_kind.any())
    ):
        kind = info.get("geometry_type") or "no geometry"
        remedy = ", or buffer the features first" if kinds == POLYGONS else ""
        raise VectorUnreadable(
            f"The {purpose} file {file} has no {_wanted(kinds)} (it has {max(info['features'], 0)} "
            f"features of type {kind}). Choose a layer of {_wanted(kinds)}{remedy}."
        )
    return Features(
        geometries[of_kind],
        {name: column[of_kind] for name, column in zip(names, columns)},
        dict(zip(names, dtypes)),
        np.asarray(fids, np.int64)[of_kind],
        crs,
        info.get("total_bounds"),
        int((~of_kind).sum()),
        file,
        purpose,
        kinds,
    )


def find_layer(path: str, purpose: str) -> tuple[str, str | int | None]:
    """File and layer of a source; if no layer is named, the only one with geometries.

    Args:
        path: See `read_polygons`.
        purpose: What it is for, for messages.

    Raises:
        VectorUnreadable: No layer is named, and there are several with geometries.
        DataSourceError: It is not a vector file.
    """
    file, layer = split_source(path)
    if layer is not None:
        return file, layer
    layers = [str(name) for name, kind in pyogrio.list_layers(file) if kind]
    if len(layers) > 1:
        raise VectorUnreadable(
            f"The {purpose} file {file} has several layers: {', '.join(layers[:_MANY])}. Specify one of them, as in "
            f"{file}|layername={layers[0]}."
        )
    return file, layers[0] if layers else None


def split_source(path: str) -> tuple[str, str | int | None]:
    """File and layer of a source as QGIS writes it: `file.gpkg|layername=NAME|subset=...`."""
    file, *options = path.partition(_SUBSET)[0].split("|")
    for option in options:
        name, _, value = option.partition("=")
        if name.lower() == "layername" and value:
            return file, value
        if name.lower() == "layerid" and value.isdigit():
            return file, int(value)
    return file, None


def _subset(path: str) -> str | None:
    """The filter of a source as QGIS writes it, the SQL after WHERE; None for all features."""
    return path.partition(_SUBSET)[2] or None


def _known_crs(text: str | None) -> pyproj.CRS | None:
    """A file's CRS; None if it has none, for which GeoPackages store an "undefined" one.

    Raises:
        ValueError: PROJ does not know the CRS.
    """
    crs = pyproj.CRS.from_user_input(text).to_2d() if text else None
    return None if crs is not None and crs.name.lower().startswith("undefined ") else crs


def _check_way(crs: pyproj.CRS, grid: Grid, purpose: str, file: str) -> None:
    """Refuses a file whose coordinates cannot be transformed to the raster's, such as those of a local site grid."""
    if _same(crs, grid.crs):
        return
    try:
        pyproj.Transformer.from_crs(crs, grid.crs.to_wkt(), always_xy=True)
    except ProjError as error:
        raise VectorUnreadable(
            f"The {purpose} file {file} has the CRS '{_named(crs)}' and the raster '{_named(_plane_crs(grid))}', and "
            "no transformation between them is known. Use a layer in the raster's CRS, or set the CRS that the "
            "coordinates are actually in.",
            details=str(error),
        ) from error


def _without_collections(geometries: NDArray[Any]) -> NDArray[Any]:
    """Replaces geometry collections, which intersections produce, by their polygons."""
    collected = np.flatnonzero(shapely.get_type_id(geometries) == _COLLECTION)
    for place in collected:
        areas = _areas_of(shapely.make_valid(geometries[place]))
        if not areas.is_empty:
            geometries[place] = areas
    return geometries


def _plane_crs(grid: Grid) -> pyproj.CRS:
    """The raster's CRS, which is assumed for a file without one."""
    return pyproj.CRS(grid.crs.to_wkt()).to_2d()


def _box_in(grid: Grid, crs: pyproj.CRS) -> Box | None:
    """The raster's bounds in the file's CRS, with a margin; None if unknown or across the antimeridian."""
    if _same(crs, grid.crs):
        return tuple(grid.bounds)
    box = grid.ground(CRS.from_wkt(crs.to_wkt()))
    across = box is not None and crs.is_geographic and (box[0] < -180 or box[2] > 180)
    return None if across else box


def _projected(geometries: NDArray[Any], crs: pyproj.CRS, grid: Grid, follow: bool) -> NDArray[Any]:
    """Transforms geometries to the raster's CRS, and makes polygons valid, without lines and points."""
    geometries = np.where(_finite(geometries), geometries, shapely.Polygon())
    if not _same(crs, grid.crs):
        geometries = _near(_mended(geometries), crs, grid) if follow else geometries
        geometries = _moved(geometries, crs, grid, follow)
        geometries = np.where(_finite(geometries), geometries, shapely.Polygon())
    return _mended(geometries)


def _mended(geometries: NDArray[Any]) -> NDArray[Any]:
    """Makes geometries valid; of invalid polygons only areas remain, so a ring of a single point vanishes."""
    broken = ~shapely.is_valid(geometries)
    if broken.any():
        geometries = geometries.copy()
        geometries[broken] = [_areas_of(shapely.make_valid(shape)) for shape in geometries[broken]]
    return geometries


def _moved(geometries: NDArray[Any], crs: pyproj.CRS, grid: Grid, follow: bool) -> NDArray[Any]:
    """Transforms geometries to the raster's CRS; coordinates are infinite where the transformation fails."""
    if follow and len(geometries):
        bounds = shapely.bounds(geometries)
        sides = np.maximum(bounds[:, 2] - bounds[:, 0], bounds[:, 3] - bounds[:, 1])
        steps = np.where(sides > 0, sides / _POINTS_A_SIDE, 1.0)
        geometries = shapely.segmentize(geometries, steps)
    transformer = pyproj.Transformer.from_crs(crs, grid.crs.to_wkt(), always_xy=True)
    moved = shapely.transform(
        geometries, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1]))
    )
    jumps = grid.crs.is_geographic and not crs.is_geographic
    return _across_the_date_line(moved, grid) if jumps else np.asarray(moved)


def _across_the_date_line(geometries: NDArray[Any], grid: Grid) -> NDArray[Any]:
    """Mends geometries in degrees that jump from 180 to -180, by shifting one part to the raster's side."""
    across = np.subtract(*shapely.bounds(geometries).T[[2, 0]]) > 180
    turn = 360 if grid.bounds.left + grid.bounds.right > 0 else -360
    geometries[across] = shapely.transform(
        geometries[across], lambda xy: xy + (xy * turn < 0) * (turn, 0)
    )
    return geometries


def _near(geometries: NDArray[Any], crs: pyproj.CRS, grid: Grid) -> NDArray[Any]:
    """Clips polygons that reach far from the raster to its ground, as transformations fail or err far from it."""
    ground = grid.ground(CRS.from_wkt(crs.to_wkt()))
    if ground is None:
        return geometries
    left, bottom, right, top = ground
    reach = _FAR * max(right - left, top - bottom)
    low, high = np.split(shapely.bounds(geometries), 2, axis=1)
    far = (low < (left - reach, bottom - reach)) | (high > (right + reach, top + reach))
    far = far.any(axis=1) & (shapely.get_dimensions(geometries) == 2)
    turns = (-360, 0, 360) if crs.is_geographic else (0,)
    frame = shapely.union_all(
        [shapely.box(left + turn, bottom, right + turn, top) for turn in turns]
    )
    near = shapely.intersection(shapely.make_valid(geometries[far]), frame)
    geometries[far] = [_areas_of(shape) for shape in near]
    return geometries


def _ground(grid: Grid) -> Any:
    """The raster's footprint; for a rotated raster, smaller than its bounding box."""
    return shapely.Polygon(grid.corners(grid.window))


def _finite(geometries: NDArray[Any]) -> NDArray[np.bool_]:
    """Which geometries have finite coordinates [n]; empty ones do not."""
    return np.asarray(np.isfinite(shapely.bounds(geometries)).all(axis=-1))


def _areas_of(shape: Any) -> Any:
    """Union of the polygons among the parts of a shape that was made valid."""
    parts = shapely.get_parts(shape)
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])


def _same(crs: pyproj.CRS, other: CRS) -> bool:
    return bool(crs.equals(pyproj.CRS(other.to_wkt()).to_2d(), ignore_axis_order=True))


def _named(crs: pyproj.CRS) -> str:
    authority = crs.to_authority()
    return ":".join(authority) if authority else crs.name


def _wanted(kinds: tuple[int, ...]) -> str:
    names = [name for name, one in (("polygons", POLYGONS), ("points", POINTS)) if one[0] in kinds]
    return " or ".join(names)


def _told(bounds: Any) -> str:
    if bounds is None:
        return "unknown"
    return "({})".format(", ".join(f"{value:.6g}" for value in bounds))
