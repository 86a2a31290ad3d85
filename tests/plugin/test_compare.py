"""The swipe over the map: what is visible on both sides of the line, and that it does not disturb other map tools."""

from __future__ import annotations

import gc
import time

import numpy as np
import pytest
from osgeo import gdal, osr
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.gui import QgsMapCanvas, QgsMapTool, QgsMapToolPan
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QColor, QMouseEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QToolButton

from spectralgpt_qgis.gui.compare import Compare, compare_action

WIDTH, HEIGHT = 400, 200
RED, BLUE, GREEN, BARE = "#ff0000", "#0000ff", "#00ff00", "#ffffff"


def wait(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        QgsApplication.processEvents()
        time.sleep(0.005)
    assert condition(), f"did not happen within {seconds} s"


def write_raster(path, columns):
    """Writes a raster of 40 x 20 units with three bands; `columns` are the colours of its columns."""
    raster = gdal.GetDriverByName("GTiff").Create(str(path), len(columns), 20, 3)
    raster.SetGeoTransform((0, 40 / len(columns), 0, 20, 0, -1))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    raster.SetProjection(reference.ExportToWkt())
    colours = [QColor(name).getRgb()[:3] for name in columns]
    for band in range(3):
        line = np.array([colour[band] for colour in colours], np.uint8)
        raster.GetRasterBand(band + 1).WriteArray(np.tile(line, (20, 1)))
    return str(path)


@pytest.fixture
def below(tmp_path):
    """A layer with 30 units of red on the left, and 10 units of green on the right."""
    layer = QgsRasterLayer(write_raster(tmp_path / "below.tif", [RED] * 30 + [GREEN] * 10), "image")
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def top(tmp_path):
    """A blue layer."""
    layer = QgsRasterLayer(write_raster(tmp_path / "top.tif", [BLUE] * 40), "class map")
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def canvas(below, top):
    """A map with the blue layer above the other one; a unit is 10 pixels."""
    made = QgsMapCanvas()
    made.setFrameStyle(0)
    made.enableAntiAliasing(False)
    made.setCanvasColor(QColor(BARE))
    made.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:32631"))
    made.setLayers([top, below])
    made.resize(WIDTH, HEIGHT)
    made.show()
    made.setExtent(QgsRectangle(0, 0, 40, 20))
    draw(made)
    yield made
    if not sip.isdeleted(made):
        made.stopRendering()
        made.deleteLater()
        QgsApplication.processEvents()


@pytest.fixture
def compare(canvas):
    made = Compare(canvas)
    yield made
    made.stop()


def draw(canvas):
    canvas.refresh()
    canvas.waitWhileRendering()
    wait(lambda: not canvas.isDrawing())


def settled(compare, canvas):
    """Whether both images have been rendered."""
    draw(canvas)
    wait(lambda: compare._renderer is None or not compare._renderer.busy)
    QgsApplication.processEvents()


def bare_map_of(canvas, without):
    """The map that must be visible on the right, rendered at once."""
    settings = QgsMapSettings(canvas.mapSettings())
    settings.setLayers([layer for layer in settings.layers() if layer not in without])
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def drag(widget, to):
    """Moves the mouse with the left button down, which QTest cannot."""
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(to),
        QPointF(widget.mapToGlobal(to)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QgsApplication.sendEvent(widget, event)


def colour(canvas, x, y=30):
    return canvas.grab().toImage().pixelColor(x, y).name()


def test_the_layer_is_left_of_the_line_and_the_rest_of_the_map_right(compare, canvas, top):
    assert [colour(canvas, x) for x in (20, 380)] == [BLUE, BLUE]
    compare.start(top)
    settled(compare, canvas)
    assert compare.active
    assert compare.layer is top
    # The line is in the middle, at 200. The layer below is red up to 300, then green.
    seen = [colour(canvas, x) for x in (20, 180, 220, 290, 310, 380)]
    assert seen == [BLUE, BLUE, RED, RED, GREEN, GREEN]
    compare.stop()
    assert not compare.active
    assert compare.layer is None
    assert [colour(canvas, x) for x in (20, 380)] == [BLUE, BLUE]


def test_the_mouse_drags_the_line(compare, canvas, top):
    compare.start(top)
    settled(compare, canvas)
    line = compare._line
    # The handle is 27 pixels wide, with the line in its centre.
    QTest.mousePress(line, Qt.MouseButton.LeftButton, pos=QPoint(13, 100))
    drag(line, QPoint(13 + 100, 100))
    QTest.mouseRelease(line, Qt.MouseButton.LeftButton, pos=QPoint(13, 100))
    QgsApplication.processEvents()
    assert abs(line.x_in_view - 300) <= 1
    assert [colour(canvas, x) for x in (220, 280, 320)] == [BLUE, BLUE, GREEN]
    QTest.mousePress(line, Qt.MouseButton.LeftButton, pos=QPoint(13, 100))
    drag(line, QPoint(13 - 900, 100))
    assert line.x_in_view == 0, "it never leaves the map"


def test_the_keyboard_moves_the_line(compare, canvas, top):
    """A step is 2 % of 399 pixels, 8; with Shift it is one pixel."""
    compare.start(top)
    line = compare._line
    assert line.x_in_view == 200
    QTest.keyClick(line, Qt.Key.Key_Right)
    assert line.x_in_view == 207
    QTest.keyClick(line, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert line.x_in_view == 208
    QTest.keyClick(line, Qt.Key.Key_Left)
    assert line.x_in_view == 200
    QTest.keyClick(line, Qt.Key.Key_End)
    assert line.x_in_view == WIDTH - 1
    QTest.keyClick(line, Qt.Key.Key_Home)
    assert line.x_in_view == 0
    settled(compare, canvas)
    assert colour(canvas, 40) == RED


def test_the_line_is_seen_and_has_a_cursor(compare, canvas, top):
    compare.start(top)
    settled(compare, canvas)
    assert colour(canvas, 200, 5) == "#ffffff"
    assert colour(canvas, 202, 5) == "#282828"
    assert compare._line.cursor().shape() == Qt.CursorShape.SplitHCursor
    assert "class map" in compare._line.toolTip()


@pytest.mark.parametrize("where", ["line", "map"])
def test_escape_ends(compare, canvas, top, where):
    compare.start(top)
    QTest.keyClick(compare._line if where == "line" else canvas, Qt.Key.Key_Escape)
    assert not compare.active


def test_escape_while_a_shape_is_drawn_is_the_map_tools(compare, canvas, top):
    class Drawing(QgsMapTool):
        pressed = ()

        def flags(self):
            return QgsMapTool.Flag.EditTool

        def keyPressEvent(self, event):
            self.pressed = (*self.pressed, event.key())

    tool = Drawing(canvas)
    canvas.setMapTool(tool)
    compare.start(top)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert compare.active
    assert tool.pressed == (Qt.Key.Key_Escape,)
    canvas.unsetMapTool(tool)


def test_map_tools_work_on_both_sides_of_the_line(compare, canvas, top):
    class Clicks(QgsMapTool):
        at = ()

        def canvasReleaseEvent(self, event):
            point = event.mapPoint()
            self.at = (*self.at, (round(point.x()), round(point.y())))

    tool = Clicks(canvas)
    canvas.setMapTool(tool)
    compare.start(top)
    for x in (100, 300):
        QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 50))
    assert tool.at == ((10, 15), (30, 15))
    assert canvas.childAt(100, 50) is canvas.viewport()
    assert canvas.childAt(200, 20) is compare._line
    assert canvas.childAt(210, 20) is canvas.viewport(), "beside the line, above the handle"
    canvas.unsetMapTool(tool)


def test_zooming_and_panning_keep_both_maps_in_place(compare, canvas, top):
    """Zoomed to units 20 to 40 in 400 pixels, green begins at 200; panned by 2.5 units, it begins at 250."""
    compare.start(top)
    canvas.setExtent(QgsRectangle(20, 0, 40, 10))
    settled(compare, canvas)
    assert [colour(canvas, x) for x in (100, 220, 390)] == [BLUE, GREEN, GREEN]
    canvas.setExtent(QgsRectangle(17.5, 0, 37.5, 10))
    settled(compare, canvas)
    assert [colour(canvas, x) for x in (100, 220, 240, 270)] == [BLUE, RED, RED, GREEN]


def test_until_the_new_picture_is_there_the_old_one_is_shown_at_its_place(compare, canvas, top):
    """Zoomed to 20 units, but not rendered yet: green, which began at 300, now begins at 200."""
    compare.start(top)
    settled(compare, canvas)
    renderer = compare._renderer
    canvas.renderStarting.disconnect(renderer._timer.start)
    canvas.setExtent(QgsRectangle(20, 0, 40, 10))
    draw(canvas)
    assert [colour(canvas, x) for x in (220, 390)] == [GREEN, GREEN]
    canvas.setExtent(QgsRectangle(-40, 0, 40, 40))
    draw(canvas)
    # 5 pixels per unit: red from 200, green from 350; there is no map above row 100.
    assert [colour(canvas, x, 150) for x in (220, 340, 360)] == [RED, RED, GREEN]
    canvas.renderStarting.connect(renderer._timer.start)


def test_a_turned_map(compare, canvas, top):
    """Rotated by 90 degrees, the raster of 40 x 20 units is 20 units wide, from 100 to 300. Its centre is red."""
    compare.start(top)
    canvas.setRotation(90)
    settled(compare, canvas)
    assert [colour(canvas, x, 100) for x in (50, 150, 250, 350)] == [BARE, BLUE, RED, BARE]
    canvas.setExtent(QgsRectangle(0, 0, 40, 20).buffered(20))
    settled(compare, canvas)
    expected = bare_map_of(canvas, [top])
    seen = canvas.grab().toImage()
    for x in range(220, 400, 30):
        for y in range(10, 200, 30):
            assert seen.pixelColor(x, y).name() == expected.pixelColor(x, y).name(), (x, y)


def test_while_the_map_is_dragged_the_line_stays(compare, canvas, top):
    """The pan tool moves the image by 50 pixels to the right: green begins at 350, and the line stays at 200."""
    tool = QgsMapToolPan(canvas)
    canvas.setMapTool(tool)
    compare.start(top)
    settled(compare, canvas)
    view = canvas.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(100, 50))
    for x in (110, 130, 150):
        drag(view, QPoint(x, 50))
        QgsApplication.processEvents()
    moved = canvas.sceneRect().left() != 0
    seen = [colour(canvas, x) for x in (180, 220, 340, 360)]
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(150, 50))
    if moved:
        assert seen == [BLUE, RED, RED, GREEN]
    settled(compare, canvas)
    assert [colour(canvas, x) for x in (180, 220, 340, 360)] == [BLUE, RED, RED, GREEN]
    canvas.unsetMapTool(tool)


def test_the_line_keeps_its_share_of_a_canvas_of_another_size(compare, canvas, top):
    compare.start(top)
    canvas.resize(800, 300)
    QgsApplication.processEvents()
    assert compare._line.x_in_view == 400
    assert compare._line.height() == canvas.viewport().height()


def test_another_layer_takes_the_first_ones_place(compare, canvas, top, below):
    compare.start(top)
    compare._line.move_to(0.25)
    compare.start(below)
    settled(compare, canvas)
    assert compare.layer is below
    assert abs(compare._line.x_in_view - 100) <= 1
    assert colour(canvas, 300) == BLUE, "the blue layer is part of the rest"


def test_the_only_layer_against_nothing(compare, canvas, below):
    canvas.setLayers([below])
    compare.start(below)
    settled(compare, canvas)
    assert [colour(canvas, x) for x in (100, 300)] == [RED, BARE]


def test_a_layer_that_changes_its_look_is_shown_anew(compare, canvas, top, below):
    compare.start(top)
    settled(compare, canvas)
    below.setOpacity(0.0)
    below.triggerRepaint()
    wait(lambda: colour(canvas, 300) == BARE)


def test_deleting_the_layer_ends_it(compare, canvas, top):
    told = []
    compare.changed.connect(told.append)
    compare.start(top)
    QgsProject.instance().removeMapLayer(top.id())
    assert not compare.active
    assert told == [True, False]
    draw(canvas)


def test_closing_the_project_ends_it(compare, canvas, top):
    compare.start(top)
    QgsProject.instance().clear()
    assert not compare.active


def test_the_canvas_may_go_first(canvas, top):
    compare = Compare(canvas)
    compare.start(top)
    canvas.stopRendering()
    sip.delete(canvas)
    assert not compare.active
    compare.stop()
    for _ in range(20):
        QgsApplication.processEvents()


def test_starting_and_stopping_in_the_middle_of_renderings_leaves_nothing(compare, canvas, top):
    items = len(canvas.scene().items())
    children = len(canvas.children())
    for _ in range(20):
        compare.start(top)
        canvas.refresh()
        QgsApplication.processEvents()
        compare.stop()
    QgsApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    assert len(canvas.children()) == children
    assert len(canvas.scene().items()) == items
    draw(canvas)
    assert colour(canvas, 380) == BLUE


def test_a_button_is_pressed_while_it_is_active(compare, canvas, top):
    chosen = [None]
    button = QToolButton()
    action = compare_action(compare, lambda: chosen[0], button)
    button.setDefaultAction(action)
    button.click()
    assert not action.isChecked(), "there is no layer"
    chosen[0] = top
    button.click()
    assert compare.active
    assert button.isChecked()
    QTest.keyClick(compare._line, Qt.Key.Key_Escape)
    assert not button.isChecked()
    assert not action.icon().isNull()
    button.deleteLater()
