import numpy as np
import pytest
import rasterio

from engine.bands import match_bands
from engine.cards import Band
from engine.data.describe import describe
from engine.data.opening import files_of
from engine.describing import describe_raster
from engine.errors import InvalidParameter, ProductUnreadable, RasterUnreadable
from engine.jobs import DescribeJob
from engine.progress import Progress
from tests.engine.product import products

WANTED = (
    Band("B02", "blue", 0.49, 0.065),
    Band("B04", "red", 0.665, 0.03),
    Band("B11", "swir16", 1.61, 0.09),
)


def reflectance(dataset):
    scales, offsets = np.array(dataset.scales), np.array(dataset.offsets)
    return dataset.read() * scales[:, None, None] + offsets[:, None, None]


def seen(path):
    """The raster as the models see it."""
    return describe_raster(DescribeJob(input=str(path)), Progress())["raster"]


def test_level_2a_becomes_reflectance_on_the_finest_grid(opened, level_2a):
    """B05 is 2400 everywhere: (2400 - 1000) / 10000 = 0.14."""
    result = opened(level_2a)
    with rasterio.open(result["outputs"]["output"]) as dataset:
        assert dataset.shape == (72, 72)
        assert dataset.transform.to_gdal() == (products.LEFT, 10, 0, products.TOP, 0, -10)
        assert dataset.crs.to_epsg() == 32634
        assert list(dataset.descriptions) == [b for b in products.BANDS if b != "B10"]
        assert set(dataset.nodatavals) == {0}
        values = reflectance(dataset)
        assert values[4, 30, 30] == pytest.approx(0.14)
        assert values[11, 30, 30] == pytest.approx((3200 - 1000) / 10000)
    assert result["natural"] == [4, 3, 2]


def test_the_engine_sees_bands_and_values_without_a_guess(opened, level_2a, level_1c, landsat, hls):
    for folder, last in (
        (level_2a, "swir2"),
        (level_1c, "swir2"),
        (landsat, "swir2"),
        (hls, "swir2"),
    ):
        raster = seen(opened(folder)["outputs"]["output"])
        assert raster["warnings"] == [], folder
        assert "remov" not in raster["values"], folder  # no offset besides the declared one
        assert raster["bands"][-1]["common_name"] == last
        assert raster["bands"][3]["common_name"] == "red"


def test_products_before_baseline_4_have_no_offset_and_none_is_guessed(opened, tmp_path):
    safe = products.level_2a(tmp_path / "old", baseline="02.14", offset=0)
    path = opened(safe)["outputs"]["output"]
    with rasterio.open(path) as dataset:
        assert reflectance(dataset)[4, 30, 30] == pytest.approx(0.24)
    assert "remov" not in seen(path)["values"] and seen(path)["warnings"] == []


def test_bands_are_matched_by_name(opened, level_2a, landsat):
    for folder, numbers in ((level_2a, (2, 4, 11)), (landsat, (2, 4, 6))):
        path = opened(folder)["outputs"]["output"]
        with rasterio.open(path) as dataset:
            description = describe(dataset, path)
        match = match_bands(description.descriptors, WANTED, 1, sensor=description.sensor)
        assert match.indexes == numbers


def test_coarser_pixels_are_repeated_as_in_the_training_data(opened, tmp_path):
    """Band B05 of 20 m counts its pixels; each is 2 x 2 pixels of 10 m."""
    safe = products.level_2a(tmp_path)
    (file,) = safe.rglob("*B05_20m.jp2")
    counts = np.arange(1, 36 * 36 + 1, dtype=np.uint16).reshape(36, 36)
    products.write(file, counts, 20)
    with rasterio.open(opened(safe)["outputs"]["output"]) as dataset:
        assert (dataset.read(5) == counts.repeat(2, 0).repeat(2, 1)).all()


def test_a_coarser_grid_takes_coarser_files_and_averages_finer_ones(opened, level_2a):
    path = opened(level_2a, resolution=20)["outputs"]["output"]
    with rasterio.open(path) as dataset:
        assert dataset.shape == (36, 36)
        files = " ".join(files_of(dataset))
        assert dataset.read(8)[20, 20] == 2700  # B08 has no file of 20 m
    assert "B04_20m" in files and "B04_10m" not in files and "B08_10m" in files


def test_a_finer_grid_than_the_product_s(opened, landsat):
    path = opened(landsat, resolution=10)["outputs"]["output"]
    with rasterio.open(path) as dataset:
        assert dataset.shape == (60, 60)
        assert dataset.bounds == rasterio.open(landsat / f"{products.LANDSAT}_SR_B1.TIF").bounds
        assert set(np.unique(dataset.read(1))) == {0, 10000}


def test_a_resolution_without_a_raster_is_refused(opened, landsat):
    with pytest.raises(InvalidParameter, match="Give a resolution near its own, 30 m"):
        opened(landsat, resolution=5000)
    with pytest.raises(InvalidParameter, match="Give a resolution near its own, 30 m"):
        opened(landsat, resolution=0.001)


def test_paths_are_relative_below_the_output_and_absolute_elsewhere(opened, level_2a, tmp_path):
    inside = products.landsat(tmp_path / "scene").parent
    text = (tmp_path / opened(inside)["outputs"]["output"]).read_text()
    assert f'relativeToVRT="1">scene/{products.LANDSAT}_SR_B1.TIF' in text
    (tmp_path / "moved").mkdir()
    moved = tmp_path / "moved"
    (tmp_path / "scene").rename(moved / "scene")
    for name in ("scene.vrt", "scene.mask.tif"):
        (tmp_path / name).rename(moved / name)
    with rasterio.open(moved / "scene.vrt") as dataset:
        assert dataset.read(1).max() == 10000
    text = (tmp_path / opened(level_2a)["outputs"]["output"]).read_text()
    assert f"{level_2a}/GRANULE" in text


def test_archives_are_read_without_unpacking(opened, level_2a, landsat, tmp_path):
    zipped = products.zipped(level_2a, tmp_path / "scene.zip")
    with rasterio.open(opened(zipped, "zip.vrt")["outputs"]["output"]) as dataset:
        assert dataset.read(5).max() == 2400
    tarred = products.tarred(landsat, tmp_path / "scene.tar")
    with rasterio.open(opened(tarred, "tar.vrt")["outputs"]["output"]) as dataset:
        assert dataset.read(5).max() == 10000


def test_the_date_and_the_product_are_kept(opened, level_2a, landsat, hls):
    for folder, date, key in (
        (level_2a, "2023-08-23T09:55:59.024Z", "PRODUCT_URI"),
        (landsat, "2022-08-22T10:04:22.1183580Z", "LANDSAT_PRODUCT_ID"),
        (hls, "2020-04-26T16:09:01Z", "PLATFORM"),
    ):
        result = opened(folder)
        with rasterio.open(result["outputs"]["output"]) as dataset:
            assert dataset.tags()["ACQUISITION_DATE"] == result["date"] == date
            assert dataset.tags()[key]


def test_the_stretch_spans_the_visible_bands(opened, level_2a):
    """B02 to B04 are 0.11, 0.12 and 0.13."""
    assert opened(level_2a)["stretch"] == [0.11, 0.13]


def test_clouds_do_not_darken_the_rest(opened, tmp_path):
    """The lowest 60 m of B04 are a bright cloud, which the mask hides."""
    safe = products.level_2a(tmp_path)
    (file,) = safe.rglob("*B04_10m.jp2")
    values = products.numbers("B04", 10)
    values[-6:] = 9000
    products.write(file, values, 10)
    assert opened(safe)["stretch"] == [0.11, 0.13]
    assert opened(safe, mask_clouds=False)["stretch"][1] > 0.5


def test_a_damaged_band_is_told_before_anything_is_written(opened, tmp_path):
    safe = products.level_2a(tmp_path / "broken")
    (band,) = safe.rglob("*B04_10m.jp2")
    band.write_bytes(band.read_bytes()[:50])
    with pytest.raises(RasterUnreadable, match=r"B04_10m.jp2"):
        opened(safe)
    assert not (tmp_path / "scene.vrt").exists()


def test_files_of_another_place_are_refused(opened, tmp_path):
    folder = products.landsat(tmp_path / "mixed").parent
    products.write(
        folder / f"{products.LANDSAT}_SR_B3.TIF", np.ones((20, 20), np.uint16), 30, "GTiff", left=0
    )
    with pytest.raises(ProductUnreadable, match=r"SR_B3.TIF' differs"):
        opened(folder)


def test_gdal_s_own_reader_agrees(opened, level_1c, tmp_path):
    """GDAL's driver reads the made-up product as a real one: the same place, the same numbers, no scales."""
    path = opened(level_1c)["outputs"]["output"]
    name = f"SENTINEL2_L1C:{level_1c}/MTD_MSIL1C.xml:10m:EPSG_32634"
    with rasterio.open(name) as theirs, rasterio.open(path) as ours:
        assert theirs.bounds == ours.bounds
        assert (theirs.read(1) == ours.read(4)).all()  # B04 comes first there
        assert (
            theirs.tags()["DATATAKE_1_DATATAKE_SENSING_START"]
            == ours.tags()["DATATAKE_1_DATATAKE_SENSING_START"]
        )
