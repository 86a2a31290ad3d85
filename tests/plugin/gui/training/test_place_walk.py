"""The walk through ranked places."""

from __future__ import annotations

import pytest
from qgis.core import QgsFeature, QgsGeometry, QgsProject, QgsRectangle, QgsVectorLayer

from spectralgpt_qgis.gui.training.place_walk import TITLES, PlaceWalk


@pytest.fixture
def places(desk):
    """Three squares of 0.001 degrees, not sorted by rank."""
    layer = QgsVectorLayer(
        "Polygon?crs=EPSG:4326&field=rank:int&field=first_class:string&field=second_class:string",
        "places",
        "memory",
    )
    for rank, left in ((2, 2.81), (1, 2.80), (3, 2.82)):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(left, 42.3, left + 0.001, 42.301)))
        feature.setAttributes([rank, "water", f"other {rank}"])
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def walk(desk, places):
    made = PlaceWalk(desk.canvas)
    made.set_layer(places, {"water": "Open water"})
    yield made
    made.deleteLater()


def test_by_rank_there_and_back(walk, desk):
    seen = []
    walk.moved.connect(lambda feature: seen.append(feature["rank"]))
    assert "3" in walk.where.text() and not walk.previous_button.isEnabled()
    for _ in range(3):
        walk.next_button.click()
    assert seen == [1, 2, 3] and not walk.next_button.isEnabled()
    walk.previous_button.click()
    assert seen[-1] == 2
    assert walk.where.text() == "Place 2 of 3:\nOpen water or other 2?"
    view = desk.canvas.extent()
    assert view.contains(QgsRectangle(2.81, 42.3, 2.811, 42.301))
    assert view.width() < 0.02, "near enough to see it"


def test_a_layer_brings_the_titles_of_its_classes(desk, places):
    places.setCustomProperty(TITLES, '{"water": "Lake", "other 1": "Wood"}')
    walk = PlaceWalk(desk.canvas)
    walk.set_layer(places, {"water": "Something else"})
    walk.step(1)
    assert walk.where.text().endswith("Lake or Wood?")


def test_places_that_the_user_has_done_are_skipped(walk, places):
    second = next(feature.id() for feature in places.getFeatures() if feature["rank"] == 2)
    walk.step(1)
    places.dataProvider().deleteFeatures([second])
    walk.step(1)
    assert "Place 2 of 2" in walk.where.text() and "other 3" in walk.where.text()


def test_without_its_layer_it_stops(walk, places):
    walk.step(1)
    QgsProject.instance().removeMapLayer(places.id())
    walk.step(1)
    assert walk.layer() is None
    assert not walk.next_button.isEnabled() and not walk.previous_button.isEnabled()


def test_an_empty_layer(desk):
    layer = QgsVectorLayer("Polygon?crs=EPSG:4326&field=rank:int", "none", "memory")
    QgsProject.instance().addMapLayer(layer)
    walk = PlaceWalk(desk.canvas)
    walk.set_layer(layer)
    walk.step(1)
    assert not walk.next_button.isEnabled()


def test_what_the_user_drew_among_the_places_is_none_of_them(walk, places):
    drawn = QgsFeature(places.fields())
    drawn.setGeometry(QgsGeometry.fromRect(QgsRectangle(2.8, 42.3, 2.81, 42.31)))
    places.dataProvider().addFeature(drawn)
    walk.set_layer(places)
    assert walk.where.text() == "Places, least certain first: 3"


def test_a_layer_without_ranks_has_no_places(walk, places):
    places.dataProvider().deleteAttributes([0])
    places.updateFields()
    walk.set_layer(places)
    assert walk.where.text() == "Places, least certain first: 0"
