import numpy as np
import pyproj
import shapely

from engine.data.label_fingerprints import count_known, fingerprints, to_keep
from engine.data.vectors import POINTS, POLYGONS, Features


def features(geometries, crs="EPSG:32631"):
    n = len(geometries)
    return Features(
        np.array(geometries, object), {}, {}, np.arange(n), crs and pyproj.CRS.from_user_input(crs),
        None, 0, "labels.gpkg", "labels", (*POLYGONS, *POINTS),
    )  # fmt: skip


SQUARES = [shapely.box(500000 + 50 * k, 4600000, 500020 + 50 * k, 4600020) for k in range(20)]


def test_the_same_places_in_another_crs_have_the_same_fingerprints():
    there = pyproj.Transformer.from_crs("EPSG:32631", "EPSG:3857", always_xy=True)
    moved = list(shapely.transform(SQUARES, lambda at: np.column_stack(there.transform(*at.T))))
    assert fingerprints(features(moved, "EPSG:3857")) == fingerprints(features(SQUARES))


def test_each_place_has_one_of_its_own():
    assert len(set(fingerprints(features(SQUARES)))) == 20
    beside = [shapely.transform(square, lambda at: at + 3) for square in SQUARES]  # three metres
    assert not set(fingerprints(features(beside))) & set(fingerprints(features(SQUARES)))


def test_labels_without_a_crs_have_fingerprints_too():
    points = [shapely.Point(2.5, 3.5), shapely.Point(-0.000001, 0)]
    found = fingerprints(features(points, None))
    assert found[1] == fingerprints(features([shapely.Point(0, 0)], None))[0]
    assert found[0] != found[1]


def test_empty_geometries_have_none():
    assert len(fingerprints(features([shapely.Point(2, 3), shapely.Polygon(), SQUARES[0]]))) == 2
    assert fingerprints(features([])) == []


def test_known_labels_are_counted():
    found = fingerprints(features(SQUARES))
    assert count_known(found, to_keep(found[:5])) == (5, 20)
    assert count_known(found[5:], to_keep(found[:5])) == (0, 15)


def test_of_many_labels_a_sample_is_kept_and_only_labels_within_its_range_are_counted():
    found = fingerprints(features([shapely.Point(500000 + 10 * k, 4600000) for k in range(3000)]))
    kept = to_keep(found)
    assert len(kept) == 1000
    seen, compared = count_known(found, kept)
    assert seen == compared == 1000  # all that can be compared are known, though 2000 are not kept
    others = fingerprints(features([shapely.Point(500005 + 10 * k, 4600000) for k in range(3000)]))
    seen, compared = count_known(others, kept)
    assert seen == 0 and 800 < compared < 1200
