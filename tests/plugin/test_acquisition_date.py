"""Acquisition dates from names, metadata and layer properties."""

from __future__ import annotations

import pytest
from osgeo import gdal
from qgis.core import QgsDateTimeRange, QgsLayerMetadata, QgsRasterLayer
from qgis.PyQt.QtCore import QDate, QDateTime, QTime

from spectralgpt_qgis.acquisition_date import (
    acquisition_date,
    date_in_metadata,
    date_in_text,
    date_in_texts,
    in_order,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Boadella 2020-02-02", (2020, 2, 2)),
        ("boadella_2020_02_02", (2020, 2, 2)),
        ("20200202", (2020, 2, 2)),
        ("scene20200202b", (2020, 2, 2)),
        ("2020:02:02 10:30:00", (2020, 2, 2)),
        ("2020/02/02", (2020, 2, 2)),
        ("2020-02-02T10:51:33Z", (2020, 2, 2)),
        ("Luftbild 02.03.2020", (2020, 3, 2)),
        # Sentinel-2: the sensing date is first, the processing date last; before 2017, the sensing date is after a V.
        (
            "S2A_MSIL1C_20200202T105241_N0208_R051_T31TDG_20210101T112049.SAFE",
            (2020, 2, 2),
        ),
        ("T31TCJ_20200101T105331_B02_10m.jp2", (2020, 1, 1)),
        (
            "S2A_OPER_PRD_MSIL1C_PDMC_20160101T000000_R051_V20150704T101337_20150704T101337",
            (2015, 7, 4),
        ),
        # Landsat: the acquisition date is before the processing date; day 033 is the 2nd of February.
        ("LC08_L2SP_198030_20200202_20200823_02_T1_SR_B4", (2020, 2, 2)),
        ("LC81980302020033LGN00", (2020, 2, 2)),
        ("MOD13Q1.A2020033.h18v04.061.2021300000000", (2020, 2, 2)),
        ("mosaic 2020-02", (2020, 2)),
        ("land cover 2019", (2019,)),
        # No dates:
        ("2020-13-01", (2020,)),
        ("20210230", ()),  # the calendar has no 30th of February
        ("LC81980302021366LGN00", ()),  # 2021 had 365 days
        ("EPSG 2099", ()),  # in the future
        ("120200202", ()),
        ("Boadella", ()),
        ("", ()),
    ],
)
def test_dates_in_names(text, expected):
    assert date_in_text(text) == expected


def test_the_most_precise_of_some_names_counts():
    assert date_in_texts(["after 2021", "boadella_2020-06-21.tif", "2019"]) == (2020, 6, 21)
    assert date_in_texts([]) == ()


@pytest.mark.parametrize(
    "key",
    ["ACQUISITION_DATE", "ACQUISITIONDATETIME", "acquisitionDate", "DATE_ACQUIRED", "SENSING_TIME"],
)
def test_keys_are_found_however_they_are_written(key):
    assert date_in_metadata({"AREA_OR_POINT": "Area", key: "2020-02-02 11:03:49"}) == (2020, 2, 2)
    assert date_in_metadata({"PROCESSING_DATE": "2020-02-02"}) == ()


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((2020, 2, 2), (2020, 6, 21), True),
        ((2020, 6, 21), (2020, 2, 2), False),
        ((2019,), (2020, 2, 2), True),
        ((2020,), (2020, 2, 2), None),  # may be any day of that year
        ((2020, 2, 2), (2020, 2, 2), None),
        ((), (2020, 2, 2), None),
    ],
)
def test_dates_are_put_in_order_when_they_tell(first, second, expected):
    assert in_order(first, second) is expected


def day(year, month, number):
    return QDateTime(QDate(year, month, number), QTime(0, 0))


@pytest.fixture
def copied(tmp_path):
    """A layer of a small raster with given tags and name."""

    def make(name="image.tif", folder="", **tags):
        place = tmp_path / folder
        place.mkdir(exist_ok=True)
        dataset = gdal.GetDriverByName("GTiff").Create(str(place / name), 2, 2)
        dataset.SetMetadata(tags)
        dataset = None
        return QgsRasterLayer(str(place / name), name.partition(".")[0])

    return make


def test_the_file_tells(scene, later_scene):
    assert acquisition_date(QgsRasterLayer(scene, "winter")) == (2020, 2, 2)
    assert acquisition_date(QgsRasterLayer(later_scene, "summer")) == (2020, 6, 21)


def test_the_day_it_was_taken_is_believed_before_names_and_these_before_the_time_of_writing(copied):
    taken = copied("b_2018-01-01.tif", ACQUISITION_DATE="2017-05-05")
    assert acquisition_date(taken) == (2017, 5, 5)
    written = copied("c_2018-01-01.tif", TIFFTAG_DATETIME="2022:02:02 10:00:00")
    assert acquisition_date(written) == (2018, 1, 1)
    only_written = copied("d.tif", TIFFTAG_DATETIME="2022:02:02 10:00:00")
    assert acquisition_date(only_written) == (2022, 2, 2)


def test_the_folder_tells_where_the_file_does_not(copied):
    assert acquisition_date(copied("stack.tif", folder="20200202")) == (2020, 2, 2)


def test_what_the_user_told_qgis_comes_first(copied):
    layer = copied("b_2018-01-01.tif", ACQUISITION_DATE="2017-05-05")
    extent = QgsLayerMetadata().extent()
    extent.setTemporalExtents([QgsDateTimeRange(day(2016, 4, 4), day(2016, 4, 5))])
    metadata = layer.metadata()
    metadata.setExtent(extent)
    layer.setMetadata(metadata)
    assert acquisition_date(layer) == (2016, 4, 4)
    layer.temporalProperties().setIsActive(True)
    layer.temporalProperties().setFixedTemporalRange(
        QgsDateTimeRange(day(2015, 3, 3), day(2015, 3, 4))
    )
    assert acquisition_date(layer) == (2015, 3, 3)
    layer.temporalProperties().setIsActive(False)
    assert acquisition_date(layer) == (2016, 4, 4)


def test_a_layer_that_tells_nothing_or_is_not_there(copied, tmp_path):
    assert acquisition_date(copied()) == ()
    assert acquisition_date(QgsRasterLayer(str(tmp_path / "none.tif"), "none")) == ()
