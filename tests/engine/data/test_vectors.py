"""Polygons of vector files in a raster's CRS."""

import json
import sqlite3
from contextlib import closing

import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from engine.data.grid import Grid
from engine.data.vectors import POINTS, POLYGONS, read_features, read_polygons, split_source
from engine.errors import EmptyArea, VectorUnreadable

GRID = Grid(CRS.from_epsg(32631), Affine(10, 0, 500_000, 0, -10, 4_700_000), 100, 80)
INSIDE = shapely.box(500_100, 4_699_500, 500_300, 4_699_700)
OUTSIDE = shapely.box(600_000, 4_699_500, 600_300, 4_699_700)


def write(path, shapes, crs="EPSG:32631", kind="Polygon", **fields):
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(shapes)),
        [np.array(values) for values in fields.values()],
        list(fields),
        geometry_type=kind,
        crs=crs,
    )
    return str(path)


def test_polygons_and_their_attributes(tmp_path):
    path = write(tmp_path / "a.gpkg", [OUTSIDE, INSIDE], name=["far", "near"])
    found = read_polygons(path, GRID)
    assert len(found) == 1
    assert found.geometries[0].equals(INSIDE)
    assert list(found.fields["name"]) == ["near"]
    assert list(found.fids) == [2]


def test_another_crs(tmp_path):
    """The zone's middle meridian, 3 degrees east, is its 500 km line."""
    path = tmp_path / "a.geojson"
    ring = [[3.0, 42.44], [3.004, 42.44], [3.004, 42.45], [3.0, 42.45], [3.0, 42.44]]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    shape = read_polygons(str(path), GRID).geometries[0]
    assert shape.bounds[0] == pytest.approx(500_000, abs=0.01)
    assert shape.bounds[2] - shape.bounds[0] == pytest.approx(329, abs=1)
    plain = read_polygons(str(path), GRID, follow=False).geometries[0]
    assert shapely.get_num_coordinates(plain) == 5 < shapely.get_num_coordinates(shape)


def test_areas_of_collections_count(tmp_path):
    """Intersections leave lines beside the areas."""
    mixed = shapely.GeometryCollection([shapely.LineString([(0, 0), (1, 1)]), INSIDE])
    bare = shapely.GeometryCollection([shapely.Point(0, 0)])
    features = read_features(
        write(tmp_path / "a.gpkg", [mixed, bare, INSIDE], kind="Unknown"), "zones"
    )
    assert features.fids.tolist() == [1, 3] and features.left_out == 1
    assert all(shape.equals(INSIDE) for shape in features.geometries)


@pytest.mark.parametrize("number", [-1, 0])
def test_a_geopackage_without_a_crs_lies_in_the_rasters(tmp_path, number):
    """It cannot have none: its layers then have one of two that are called undefined."""
    path = write(tmp_path / "a.gpkg", [INSIDE])
    with closing(sqlite3.connect(path)) as file, file:
        for table in ("gpkg_contents", "gpkg_geometry_columns"):
            file.execute(f"UPDATE {table} SET srs_id = {number}")
    assert read_polygons(path, GRID).geometries[0].equals(INSIDE)


def write_layers(path, *layers):
    """A GeoPackage of layers, each (name, shape, CRS); one without a shape is a table."""
    for name, shape, crs in layers:
        pyogrio.raw.write(
            path,
            None if shape is None else shapely.to_wkb(np.array([shape])),
            [np.array(["a"])],
            ["text"],
            geometry_type=shape and "Polygon",
            crs=crs,
            layer=name,
            append=name != layers[0][0],
        )
    return str(path)


def test_of_several_layers_one_must_be_named(tmp_path):
    layers = [("first", OUTSIDE, "EPSG:32631"), ("second", INSIDE, "EPSG:32631")]
    path = write_layers(tmp_path / "a.gpkg", *layers)
    with pytest.raises(VectorUnreadable, match=r"several layers: first, second.*\|layername=first"):
        read_polygons(path, GRID)


def test_a_table_is_no_layer_to_choose_from(tmp_path):
    """As of styles, which QGIS keeps in the file."""
    layers = [("layer_styles", None, None), ("zones", INSIDE, "EPSG:32631")]
    assert len(read_polygons(write_layers(tmp_path / "a.gpkg", *layers), GRID)) == 1


def test_layer_as_qgis_writes_it(tmp_path):
    layers = [("first", OUTSIDE, "EPSG:32631"), ("second", INSIDE, "EPSG:32631")]
    path = write_layers(tmp_path / "a.gpkg", *layers)
    assert len(read_polygons(path + "|layername=second", GRID)) == 1
    with pytest.raises(EmptyArea):
        read_polygons(path + "|layername=first", GRID)
    assert split_source("a b.gpkg|layername=x|subset=y > 1") == ("a b.gpkg", "x")
    assert split_source("a.shp") == ("a.shp", None)


def test_the_filter_of_a_layer_as_qgis_writes_it(tmp_path):
    path = write(tmp_path / "a.gpkg", [INSIDE, INSIDE], name=["far", "a|b"])
    source = f"{path}|layername=a|subset=\"name\" = 'a|b'"
    assert split_source(source) == (path, "a")
    assert list(read_polygons(source, GRID).fields["name"]) == ["a|b"]
    with pytest.raises(VectorUnreadable, match="cannot be read"):
        read_polygons(f"{path}|subset=no such field", GRID)


@pytest.mark.parametrize("follow", [True, False])
def test_a_polygon_that_lies_nowhere_is_left_out(tmp_path, follow):
    endless = shapely.Polygon([(500_100, 4_699_500), (np.inf, 4_699_700), (500_300, 4_699_500)])
    path = write(tmp_path / "a.gpkg", [endless, INSIDE])
    assert list(read_polygons(path, GRID, follow=follow).fids) == [2]


@pytest.mark.parametrize(
    "shape",
    [
        shapely.box(-180, -90, 180, 90),
        shapely.MultiPolygon([shapely.box(-20, 30, 40, 60), shapely.box(170, -50, 180, -30)]),
    ],
)
def test_a_polygon_around_half_the_globe_holds_the_raster(tmp_path, shape):
    """Half around the globe a zone of UTM has no answer."""
    path = write(tmp_path / "a.gpkg", [shape], "EPSG:4326", "Unknown")
    assert read_polygons(path, GRID).geometries[0].contains(shapely.box(*GRID.bounds))


@pytest.mark.parametrize("grid", [None, GRID])
def test_a_local_system_of_a_site_is_told(tmp_path, grid):
    """PROJ knows no way from it to any other; that was "an unexpected error"."""
    site = 'LOCAL_CS["site grid",UNIT["metre",1]]'
    path = write(tmp_path / "site.gpkg", [shapely.box(0, 0, 50, 50)], crs=site)
    with pytest.raises(
        VectorUnreadable, match="has the CRS 'site grid' and the raster 'EPSG:32631'"
    ):
        read_features(path, "labels", POLYGONS, grid).on(GRID)


def test_a_polygon_across_the_date_line(tmp_path):
    """In metres of UTM's zone 1; the raster's degrees go on beyond 180."""
    grid = Grid(CRS.from_epsg(4326), Affine(0.001, 0, 179.95, 0, -0.001, -17), 100, 80)
    corners = pyproj.Transformer.from_crs(4326, 32701, always_xy=True).transform(
        [179.97, -179.98], [-17.05, -17.02]
    )
    (left, right), (bottom, top) = corners
    path = write(tmp_path / "a.gpkg", [shapely.box(left, bottom, right, top)], "EPSG:32701")
    found = read_polygons(path, grid).geometries[0].bounds
    np.testing.assert_allclose(found, (179.97, -17.05, 180.02, -17.02), atol=0.002)


def test_bow_tie_is_mended(tmp_path):
    """Two triangles that meet in a point, each 100 x 200 / 2 = 10 000 m2."""
    tie = shapely.Polygon(
        [(500_100, 4_699_500), (500_300, 4_699_700), (500_300, 4_699_500), (500_100, 4_699_700)]
    )
    shape = read_polygons(write(tmp_path / "a.gpkg", [tie]), GRID).geometries[0]
    assert shape.is_valid and shape.area == pytest.approx(20_000)


def test_mask_beside_the_raster_is_told_with_both_bounds(tmp_path):
    with pytest.raises(EmptyArea) as caught:
        read_polygons(write(tmp_path / "a.gpkg", [OUTSIDE]), GRID)
    assert "do not overlap" in caught.value.message
    assert "(600000, 4.6995e+06" in caught.value.message
    assert "EPSG:32631" in caught.value.message


def test_touching_box_is_not_touching_polygon(tmp_path):
    """An L around the raster's lower left corner: its bounding box covers the corner."""
    ell = shapely.box(499_000, 4_698_000, 500_500, 4_699_500).difference(
        shapely.box(499_900, 4_699_100, 600_000, 4_800_000)
    )
    with pytest.raises(EmptyArea):
        read_polygons(write(tmp_path / "a.gpkg", [ell]), GRID)


def test_lines_are_refused(tmp_path):
    line = shapely.LineString([(500_100, 4_699_500), (500_300, 4_699_700)])
    path = write(tmp_path / "a.gpkg", [line], kind="LineString")
    with pytest.raises(VectorUnreadable, match="1 features of type LineString"):
        read_polygons(path, GRID)


def test_empty_layer_is_refused(tmp_path):
    path = tmp_path / "a.geojson"
    path.write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(VectorUnreadable, match="no polygons"):
        read_polygons(str(path), GRID, "zones")


def test_an_empty_flatgeobuf_is_refused(tmp_path):
    """It does not know that it has no features."""
    path = tmp_path / "a.fgb"
    options = {"driver": "FlatGeobuf", "layer_options": {"SPATIAL_INDEX": "NO"}}
    pyogrio.raw.write(
        path, np.array([], object), [], [], geometry_type="Polygon", crs="EPSG:32631", **options
    )
    with pytest.raises(VectorUnreadable, match=r"no polygons \(it has 0 features"):
        read_polygons(str(path), GRID, "zones")


@pytest.mark.parametrize(("name", "told"), [("none.gpkg", "does not exist"), ("", "no path")])
def test_missing_file(name, told):
    with pytest.raises(VectorUnreadable, match=told):
        read_polygons(name, GRID)


def test_damaged_file(tmp_path):
    path = tmp_path / "a.gpkg"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 100)
    with pytest.raises(VectorUnreadable, match=r"a\.gpkg cannot be read"):
        read_polygons(str(path), GRID)


def test_points_and_multipoints_are_read_without_a_raster(tmp_path):
    """Lines between them are left out; the file's own CRS is kept."""
    shapes = [
        shapely.Point(3, 42),
        shapely.LineString([(3, 42), (4, 43)]),
        shapely.MultiPoint([(3.001, 42.45), (3.002, 42.45)]),
    ]
    path = write(tmp_path / "a.gpkg", shapes, "EPSG:4326", "Unknown", name=["a", "b", "c"])
    found = read_features(path, "labels", POINTS + POLYGONS)
    assert list(found.fields["name"]) == ["a", "c"] and found.fids.tolist() == [1, 3]
    assert found.left_out == 1 and found.crs.to_epsg() == 4326
    shapes, places = found.on(GRID)
    assert places.tolist() == [1] and shapes[0].geom_type == "MultiPoint"
    assert shapes[0].bounds[0] == pytest.approx(500_082, abs=1)


def test_points_beside_the_raster_are_told_as_points(tmp_path):
    path = write(tmp_path / "a.gpkg", [shapely.Point(0, 0)], kind="Point")
    with pytest.raises(EmptyArea, match="Choose points within the raster"):
        read_features(path, "labels", POINTS).on(GRID)


def test_only_polygons_where_points_are_wanted(tmp_path):
    path = write(tmp_path / "a.gpkg", [INSIDE])
    with pytest.raises(VectorUnreadable, match=r"has no points .* Choose a layer of points\."):
        read_features(path, "labels", POINTS)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_ring_that_is_but_one_point_stops_nothing(tmp_path, kept):
    """As of a double click, or of a hole that was simplified away."""
    whole = shapely.box(3.001, 42.448, 3.004, 42.451)
    point = [(3.002, 42.449)] * 4
    broken = [shapely.Polygon(point), shapely.Polygon(whole.exterior, [point])][kept]
    found = read_polygons(write(tmp_path / "a.gpkg", [broken, whole], crs="EPSG:4326"), GRID)
    assert list(found.fids) == [1, 2][1 - kept :]
    assert shapely.is_valid(found.geometries).all()


@pytest.mark.parametrize("purpose", ["mask", "zones"])
def test_what_lies_elsewhere_is_told_by_what_it_is(tmp_path, purpose):
    path = write(tmp_path / "a.gpkg", [OUTSIDE])
    with pytest.raises(EmptyArea, match="Choose polygons within the raster"):
        read_polygons(path, GRID, purpose)
