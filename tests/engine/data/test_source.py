"""Windows of made rasters: values, validity, units, refusals."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.windows import Window

from engine.cards import Band, Card
from engine.data.grid import Grid
from engine.data.source import RasterSource
from engine.errors import BandMismatch, EmptyArea, RasterUnreadable
from tests.engine.data.rasters import CARD, NAMES, TRANSFORM, ramp, read_all, write


def test_values_are_reflectance_in_the_models_order(tmp_path):
    """Band k, row r, column c holds 300 + 100 k + 30 r + c; the file has the bands backwards."""
    values = ramp()
    path = write(tmp_path / "a.tif", values[::-1], names=NAMES[::-1])
    with RasterSource.open(path, CARD) as source:
        assert source.match.indexes == (9, 8, 7, 6, 5, 4, 3, 2, 1)
        assert source.groups == (0, 1, 2)
        assert source.grid.shape == (20, 30) and source.grid.transform == TRANSFORM
        image, valid = source.read(Window(5, 2, 4, 3))
    assert image.dtype == np.float32 and image.shape == (9, 3, 4)
    assert valid.dtype == bool and valid.all()
    np.testing.assert_allclose(image, values[:, 2:5, 5:9] / 10_000, rtol=1e-6)
    assert source.scaling.text == "uint16 values / 10000"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-40, 40), st.integers(-40, 40), st.integers(1, 60), st.integers(1, 60))
def test_overhang_is_invalid_and_the_rest_is_in_place(tmp_path, left, top, width, height):
    path = tmp_path / "a.tif"
    values = ramp()
    if not path.exists():
        write(path, values)
    with RasterSource.open(str(path), CARD) as source:
        image, valid = source.read(Window(left, top, width, height))
    padded = np.zeros((9, 200, 200))
    inside = np.zeros((200, 200), bool)
    padded[:, 80:100, 80:110], inside[80:100, 80:110] = values / 10_000, True
    rows, columns = slice(80 + top, 80 + top + height), slice(80 + left, 80 + left + width)
    np.testing.assert_array_equal(valid, inside[rows, columns])
    np.testing.assert_allclose(image, padded[:, rows, columns], rtol=1e-6)


def test_all_bands_come_in_one_read(tmp_path, monkeypatch):
    path = write(tmp_path / "a.tif", ramp())
    with RasterSource.open(path, CARD) as source:
        calls = []

        class Spy:
            def __init__(self, dataset):
                self.dataset = dataset

            def __getattr__(self, name):
                if name == "read":
                    calls.append(name)
                return getattr(self.dataset, name)

        monkeypatch.setattr(source, "_dataset", Spy(source._dataset))
        source.read(Window(0, 0, 8, 8))
    assert calls == ["read"]


def test_optional_group_is_zero_and_told(tmp_path):
    names = [name for name in NAMES if name not in ("B05", "B06", "B07")]
    image, valid, source = read_all(write(tmp_path / "a.tif", ramp(6), names=names))
    assert source.groups == (0, 2) and valid.all()
    assert (image[3:6] == 0).all() and (image[[0, 1, 2, 6, 7, 8]] > 0).all()


def test_names_of_files_inside_a_vrt(tmp_path):
    """Per-band files stacked as QGIS does it: names are in the files' names alone."""
    import xml.etree.ElementTree as ET

    values = ramp()
    root = ET.Element("VRTDataset", rasterXSize="30", rasterYSize="20")
    with rasterio.open(
        write(tmp_path / "T31TCJ_20200101T105331_B02_10m.tif", values[:1], names=())
    ) as d:
        ET.SubElement(root, "SRS").text = d.crs.to_wkt()
        ET.SubElement(root, "GeoTransform").text = ",".join(map(str, d.transform.to_gdal()))
    for k in reversed(range(9)):
        file = f"T31TCJ_20200101T105331_{NAMES[k]}_10m.tif"
        write(tmp_path / file, values[k : k + 1], names=())
        band = ET.SubElement(root, "VRTRasterBand", dataType="UInt16", band=str(9 - k))
        simple = ET.SubElement(band, "SimpleSource")
        ET.SubElement(simple, "SourceFilename", relativeToVRT="1").text = file
        ET.SubElement(simple, "SourceBand").text = "1"
    ET.ElementTree(root).write(tmp_path / "stack.vrt")
    image, _valid, source = read_all(str(tmp_path / "stack.vrt"))
    assert source.match.indexes == (9, 8, 7, 6, 5, 4, 3, 2, 1)
    assert source.match.sensor == "Sentinel-2"
    np.testing.assert_allclose(image, values / 10_000, rtol=1e-6)
    (tmp_path / "T31TCJ_20200101T105331_B04_10m.tif").unlink()
    with pytest.raises(RasterUnreadable, match=r"stack\.vrt"):
        read_all(str(tmp_path / "stack.vrt"))


def test_wavelengths_of_an_envi_header(tmp_path):
    wavelengths = [0.492, 0.560, 0.665, 0.833, 1.612, 2.194]
    path = tmp_path / "scene.img"
    with rasterio.open(
        path,
        "w",
        driver="ENVI",
        count=6,
        height=20,
        width=30,
        dtype="int16",
        crs="EPSG:32631",
        transform=TRANSFORM,
    ) as dataset:
        dataset.write(ramp(6, dtype="int16"))
    header = tmp_path / "scene.hdr"
    text = "\n".join(
        line
        for line in header.read_text().splitlines()
        if not line.lower().startswith("band") or line.startswith("bands")
    ).split("Band 1")[0]
    nanometres = ", ".join(str(w * 1000) for w in wavelengths)
    header.write_text(text + f"\nwavelength units = Nanometers\nwavelength = {{{nanometres}}}\n")
    _image, _valid, source = read_all(str(path))
    assert source.match.indexes == (1, 2, 3, 4, 5, 6)
    assert source.match.entries[0].by == "wavelength 492 nm"


def test_wavelengths_of_the_imagery_domain(tmp_path):
    path = write(tmp_path / "a.tif", ramp(6), names=())
    with rasterio.open(path, "r+") as dataset:
        for index, value in enumerate((2.194, 1.612, 0.833, 0.665, 0.560, 0.492), start=1):
            dataset.update_tags(index, ns="IMAGERY", CENTRAL_WAVELENGTH_UM=str(value))
    assert read_all(path)[2].match.indexes == (6, 5, 4, 3, 2, 1)


def test_nameless_stack_is_refused_and_bands_serve_it(tmp_path):
    path = write(tmp_path / "a.tif", ramp(12), names=())
    with pytest.raises(BandMismatch, match="set BANDS to 2,3,4,5,6,7,8,11,12") as caught:
        read_all(path)
    assert caught.value.message.startswith(f"{path}: The raster has 12 bands with neither names")
    assert len(caught.value.missing) == 6
    image, _, _source = read_all(path, bands=(2, 3, 4, 5, 6, 7, 8, 11, 12))
    np.testing.assert_allclose(image[0], ramp(12)[1] / 10_000, rtol=1e-6)


# No-data


def test_nodata_value_in_one_used_band_makes_the_pixel_invalid(tmp_path):
    values = ramp()
    values[4, 3, 5] = 0
    image, valid, _ = read_all(write(tmp_path / "a.tif", values, nodata=0))
    assert not valid[3, 5] and valid.sum() == 599
    assert (image[:, 3, 5] == 0).all()


def test_nodata_in_an_unused_band_does_not_matter(tmp_path):
    values = ramp(10)
    values[9] = 0
    path = write(tmp_path / "a.tif", values, names=(*NAMES, "SCL"), nodata=0)
    assert read_all(path)[1].all()


@pytest.mark.parametrize(
    ("declared", "stored"),
    [
        (-9999.0, -9999.0),
        (float("nan"), np.nan),
        (None, np.nan),
        (None, np.inf),
        (-3.4028234663852886e38, -3.4028235e38),
        (0.1, np.float32(0.1)),
        (-9999.0, -3.4028235e38),
        (None, 9.96921e36),
        (None, 1e20),
    ],
)
def test_float_nodata(tmp_path, declared, stored):
    values = (ramp() / 10_000).astype("float32")
    values[2, 0, 1] = stored
    image, valid, _ = read_all(write(tmp_path / "a.tif", values, nodata=declared))
    assert not valid[0, 1] and valid.sum() >= 590
    assert np.isfinite(image).all() and (image[:, 0, 1] == 0).all()


def test_additional_nodata(tmp_path):
    values = ramp()
    values[0, 1, 1], values[5, 2, 2] = 7, 65_535
    path = write(tmp_path / "a.tif", values)
    _image, valid, source = read_all(path, nodata=(7, 65_535, -1, float("nan")))
    assert not valid[1, 1] and not valid[2, 2] and valid.sum() == 598
    assert "additional no-data" in source.nodata


def test_mask_band(tmp_path):
    mask = np.full((20, 30), 255, "uint8")
    mask[10:, :] = 0
    path = write(tmp_path / "a.tif", ramp(), mask=mask)
    with RasterSource.open(path, CARD) as source:
        _, valid = source.read(Window(3, 8, 5, 4))
        assert "mask band" in source.nodata
    np.testing.assert_array_equal(valid.sum(axis=1), [5, 5, 0, 0])


def test_alpha_band_masks_and_is_no_band(tmp_path):
    values = np.concatenate([ramp(), np.full((1, 20, 30), 65_535, "uint16")])
    values[9, :, :4] = 0
    path = write(tmp_path / "a.tif", values, names=(), alpha=True)
    _, valid, source = read_all(path, bands=tuple(range(1, 10)))
    assert not valid[:, :4].any() and valid[:, 4:].all()
    assert source.nodata == "alpha band"
    with pytest.raises(BandMismatch, match="alpha"):
        read_all(path, bands=(10, *range(2, 10)))


def test_undeclared_zeros_in_every_band_are_nodata_and_told(tmp_path):
    values = ramp()
    values[:, :5], values[6:, 10, 10] = 0, 0  # beyond the scene; dark water in three bands
    _, valid, source = read_all(write(tmp_path / "a.tif", values))
    assert not valid[:5].any() and valid[5:].all()
    assert "0 in all bands used" in source.nodata


# The whole scene


def test_statistics_of_valid_pixels(tmp_path):
    """Half the pixels 1000, half 3000: mean 0.2, standard deviation 0.1; no-data is left out."""
    values = np.full((9, 20, 30), 1000, "uint16")
    values[:, :, 1::2] = 3000
    values[:, :4] = 9
    with RasterSource.open(write(tmp_path / "a.tif", values, nodata=9), CARD) as source:
        factor, shift = source.scaling.factors[0], source.scaling.offsets[0]
        mean, std = source.statistics()
    assert mean == pytest.approx(np.full(9, 2000 * factor + shift))
    assert std == pytest.approx(np.full(9, 0.1))


def test_statistics_of_missing_bands_and_of_large_rasters(tmp_path):
    """A raster too large to read whole is looked at in a lattice of windows."""
    names = [name for name in NAMES if name not in ("B05", "B06", "B07")]
    values = np.full((6, 40, 4000), 500, "uint16")
    values[:, :, ::2] = 700
    with RasterSource.open(write(tmp_path / "a.tif", values, names=names), CARD) as source:
        mean, std = source.statistics()
    assert mean == pytest.approx([0.06, 0.06, 0.06, 0, 0, 0, 0.06, 0.06, 0.06])
    assert std == pytest.approx([0.01, 0.01, 0.01, 1, 1, 1, 0.01, 0.01, 0.01])


def test_statistics_of_nothing(tmp_path):
    path = write(tmp_path / "a.tif", np.zeros((9, 20, 30), "uint16"), nodata=0)
    with RasterSource.open(path, CARD) as source, pytest.raises(EmptyArea, match="no valid pixel"):
        source.statistics()


def test_rotated_rasters_are_read_as_they_lie(tmp_path):
    transform = Affine(8, 6, 500_000, 6, -8, 4_700_000)
    image, valid, source = read_all(write(tmp_path / "a.tif", ramp(), transform=transform))
    assert valid.all() and source.grid.resolution == (10, 10)
    np.testing.assert_allclose(image, ramp() / 10_000, rtol=1e-6)


def test_bands_of_several_types_are_read_as_the_widest(tmp_path):
    """As a virtual raster over band files has them: uint16 and float32."""
    values = ramp()
    bands = []
    for number, name in enumerate(NAMES, 1):
        kind = ("UInt16", "Float32")[number % 2]
        plane = values[[number - 1]].astype(kind.lower())
        write(tmp_path / f"{name}.tif", plane, names=(), nodata=number)
        bands.append(
            f'<VRTRasterBand dataType="{kind}" band="{number}"><Description>{name}</Description>'
            f"<NoDataValue>{number}</NoDataValue><SimpleSource>"
            f'<SourceFilename relativeToVRT="1">{name}.tif</SourceFilename>'
            "<SourceBand>1</SourceBand></SimpleSource></VRTRasterBand>"
        )
    place = ", ".join(map(str, TRANSFORM.to_gdal()))
    (tmp_path / "a.vrt").write_text(
        '<VRTDataset rasterXSize="30" rasterYSize="20"><SRS>EPSG:32631</SRS>'
        f"<GeoTransform>{place}</GeoTransform>{''.join(bands)}</VRTDataset>"
    )
    image, valid, _ = read_all(str(tmp_path / "a.vrt"))
    assert valid.all()
    np.testing.assert_allclose(image, values / 10_000, rtol=1e-6)


def test_foreign_model_with_three_bands(tmp_path):
    card = Card(
        "rgb",
        "segmentation",
        (Band("red"), Band("green"), Band("blue")),
        unit="raw",
        spectral_patch=1,
    )
    values = ramp(3, dtype="uint8", start=1)
    image, _, _source = read_all(
        write(tmp_path / "a.tif", values, names=("B", "green", "Red")), card, bands=(3, 2, 1)
    )
    np.testing.assert_array_equal(image, values[::-1])


@pytest.fixture
def half_filled(tmp_path):
    """48 x 48 pixels in blocks of 16, of which the right column is left out of the file."""
    values = np.zeros((9, 48, 48), np.uint16)
    values[:, :, :32] = np.random.default_rng(0).integers(300, 4000, (9, 48, 32))
    blocks = {"tiled": True, "blockxsize": 16, "blockysize": 16, "sparse_ok": True}

    return write(tmp_path / "a.tif", values, nodata=0, **blocks)


def test_empty_blocks_are_known_without_reading(half_filled):
    lefts = np.array([0, 16, 17, 32])
    with RasterSource.open(half_filled, CARD) as source:
        assert source.held(np.zeros(4, int), lefts, 16).tolist() == [1, 1, 1, 0]


def test_on_another_grid_they_are_shifted_or_not_known(half_filled):
    """A grid that begins one block further right, and one of larger pixels."""
    shifted = Grid(rasterio.CRS.from_epsg(32631), TRANSFORM @ Affine.translation(16, 0), 48, 48)
    coarser = Grid(shifted.crs, TRANSFORM @ Affine.scale(1.5), 32, 32)
    lefts = np.array([-16, 0, 16, 32])
    with RasterSource.open(half_filled, CARD, grid=shifted) as source:
        assert source.held(np.zeros(4, int), lefts, 16).tolist() == [1, 1, 0, 0]
    with RasterSource.open(half_filled, CARD, grid=coarser) as source:
        assert source.held(np.zeros(4, int), lefts, 16).tolist() == [1, 1, 1, 1]


def test_the_same_raster_on_another_grid_needs_no_second_look(tmp_path, monkeypatch):
    """Pixels of twice the size: values rise evenly, so that each is the mean of its four."""
    values = ramp()
    with RasterSource.open(write(tmp_path / "a.tif", values), CARD) as source:
        statistics = source.statistics()
        coarse = Grid(source.grid.crs, TRANSFORM @ Affine.scale(2), 15, 10)
        monkeypatch.setattr(RasterSource, "_sample", pytest.fail)
        other = source.on_grid(coarse)
        image, valid = other.read(coarse.window)
        np.testing.assert_array_equal(other.statistics(), statistics)
        assert (other.scaling, source.grid.shape) == (source.scaling, (20, 30))
    assert valid.all()
    means = values.reshape(9, 10, 2, 15, 2).mean((2, 4)) / 10_000
    # At the border the kernel sees fewer pixels.
    np.testing.assert_allclose(image[:, 1:-1, 1:-1], means[:, 1:-1, 1:-1], rtol=1e-4)


def test_an_island_between_the_first_places_is_found(tmp_path):
    """Of 2400 px without overviews 5 x 5 places are looked at, then 8 x 8: the second row of those begins at 324."""
    values = np.zeros((9, 2400, 2400), np.uint16)
    values[:, 330:430, 330:430] = 3000
    path = write(tmp_path / "a.tif", values, nodata=0)
    with RasterSource.open(path, CARD) as source:
        assert source.scaling.text.startswith("uint16 values / 10000")
        image, valid = source.read(Window(330, 330, 2, 2))
    assert valid.all()
    np.testing.assert_allclose(image, 0.3, rtol=1e-6)
