"""Few questions to the server of a raster, and still all that the files beside it declare."""

from contextlib import contextmanager

import numpy as np
import pytest
import rasterio
from affine import Affine

from engine.cards import Band, Card
from engine.data.opening import open_raster
from engine.data.source import RasterSource
from engine.errors import RasterUnreadable
from tests.engine.data.range_server import serving

PLACE = {"crs": "EPSG:32631", "transform": Affine(10, 0, 500_000, 0, -10, 4_600_000)}
CARD = Card("any", "segmentation", (Band("B02"), Band("B03")))


def write(path, count=2, side=64, **profile):
    profile = {**PLACE, "dtype": "uint16", **profile}
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=count, **profile
    ) as dataset:
        pixels = np.random.default_rng(1).integers(1, 9000, (count, side, side))
        dataset.write(pixels.astype(profile["dtype"]))
        dataset.descriptions = ("B02", "B03") if count == 2 else (path.stem,)
    return path


@contextmanager
def asked(path, **manners):
    """Serves the folder of a file; gives its address, and a function that takes what was asked since."""
    log = path.parent / "requests"
    log.write_text("")

    def requests():
        lines = log.read_text().splitlines()
        log.write_text("")
        return lines

    with serving(path, beside=True, log=str(log), **manners) as address:
        yield address, requests


def separate(path, sources, size):
    """A virtual raster as gdalbuildvrt -separate writes it."""
    bands = "".join(
        f'<VRTRasterBand dataType="UInt16" band="{number}"><SimpleSource><SourceFilename relativeToVRT="0">{name}'
        f'</SourceFilename><SourceBand>1</SourceBand><SourceProperties RasterXSize="{size}" RasterYSize="{size}" '
        f'DataType="UInt16" BlockXSize="{size}" BlockYSize="8"/></SimpleSource></VRTRasterBand>'
        for number, name in enumerate(sources, 1)
    )
    path.write_text(
        f'<VRTDataset rasterXSize="{size}" rasterYSize="{size}"><SRS>EPSG:32631</SRS>'
        f"<GeoTransform>500000,10,0,4600000,0,-10</GeoTransform>{bands}</VRTDataset>"
    )
    return str(path)


def test_only_what_matters_is_asked_for(tmp_path):
    with asked(write(tmp_path / "scene.tif")) as (address, requests):
        with RasterSource.open(address, CARD) as source:
            assert source.files == (address,)
        found = requests()
    names = {line.split()[1] for line in found}
    assert {name.lower() for name in names} == {
        "/scene.tif", "/scene.tif.aux.xml", "/scene.tif.msk", "/scene.tif.ovr",
    }  # fmt: skip
    assert len(found) <= 9


def test_a_signed_address_has_nothing_beside_it(tmp_path):
    with asked(write(tmp_path / "scene.tif")) as (address, requests):
        with RasterSource.open(f"/vsicurl/{address}?sig=abc", CARD):
            pass
        assert {line.split()[1] for line in requests()} == {"/scene.tif"}


def test_sources_of_a_virtual_raster(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    names = ("B02", "B03")
    for name in names:
        write(folder / f"{name}.tif", count=1)
    with asked(folder / "B02.tif") as (address, requests):
        base = address.rpartition("/")[0]
        sources = [f"/vsicurl/{base}/{name}.tif" for name in names]
        with RasterSource.open(separate(tmp_path / "bands.vrt", sources, 64), CARD) as source:
            assert source.match.indexes == (1, 2)
            assert not source.overviews
        found = requests()
        signed = [f"{name}?sig=a/b" for name in sources]
        with RasterSource.open(separate(tmp_path / "signed.vrt", signed, 64), CARD):
            pass
        assert {line.split()[1] for line in requests()} == {"/B02.tif", "/B03.tif"}
    beside = {line.split()[1].lower().partition(".tif")[2] for line in found}
    assert beside == {"", ".aux.xml", ".ovr"}


def test_no_data_and_names_beside_a_far_raster(tmp_path):
    path = write(tmp_path / "scene.tif")
    (tmp_path / "scene.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><NoDataValue>7</NoDataValue><Description>B03</Description>"
        "</PAMRasterBand></PAMDataset>"
    )
    with asked(path) as (address, _), open_raster(address) as dataset:
        assert dataset.nodatavals[0] == 7
        with open_raster(str(path)) as near:
            assert near.descriptions == dataset.descriptions
            assert near.nodatavals == dataset.nodatavals


def test_mask_beside_a_far_raster(tmp_path):
    path = write(tmp_path / "scene.tif")
    mask = np.full((64, 64), 255, np.uint8)
    mask[:32] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    assert (tmp_path / "scene.tif.msk").exists()
    with asked(path) as (address, _), open_raster(address) as dataset:
        np.testing.assert_array_equal(dataset.read_masks(1), mask)


def test_overviews_beside_a_far_raster(tmp_path):
    path = write(tmp_path / "scene.tif", side=512)
    with rasterio.Env(TIFF_USE_OVR=True), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4])
    assert (tmp_path / "scene.tif.ovr").exists()
    with asked(path) as (address, _):
        with open_raster(address) as dataset:
            assert dataset.overviews(1) == [2, 4]
        band = separate(tmp_path / "band.vrt", [f"/vsicurl/{address}"] * 2, 512)
        with RasterSource.open(band, CARD, bands=(1, 2)) as source:
            assert source.overviews


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_world_file_beside_a_far_raster(tmp_path):
    path = write(tmp_path / "scene.tif", transform=None)
    (tmp_path / "scene.tfw").write_text("10\n0\n0\n-10\n500005\n4599995\n")
    with asked(path) as (address, _), open_raster(address) as dataset:
        assert dataset.transform == PLACE["transform"]


def test_what_the_user_set_decides_what_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("GDAL_DISABLE_READDIR_ON_OPEN", "EMPTY_DIR")
    with asked(write(tmp_path / "scene.tif")) as (address, requests):
        with RasterSource.open(address, CARD):
            pass
        assert {line.split()[1] for line in requests()} == {"/scene.tif"}


def test_other_rasters_open_beside_a_far_one(tmp_path):
    """The endings that one raster is limited to must not stop a virtual raster from opening its sources later."""
    folder = tmp_path / "served"
    folder.mkdir()
    path = write(folder / "scene.tif")
    (folder / "other.img").write_bytes(path.read_bytes())
    with asked(path) as (address, _):
        other = f"/vsicurl/{address.replace('scene.tif', 'other.img')}"
        band = separate(tmp_path / "band.vrt", [other], 64)
        with open_raster(band) as lazy, open_raster(address):
            assert lazy.read(1).any()


@pytest.mark.parametrize(
    "name",
    [
        "{}/arcgis/rest/services/S2/ImageServer?f=json",
        "/vsicurl/{}/ImageServer",
        "WCS:{}/maps?coverage=S2",
        "{}/maps?SERVICE=WCS&REQUEST=GetCapabilities",
    ],
)
def test_the_address_of_a_service_is_no_raster(tmp_path, name):
    with asked(write(tmp_path / "scene.tif")) as (address, _):
        base = address.rpartition("/")[0]
        service, missing = name.format(base), f"{base}/wcs/other.tif"
        with (
            pytest.raises(RasterUnreadable, match=r"address of a service.*GeoTIFF"),
            open_raster(service),
        ):
            pass
        with pytest.raises(RasterUnreadable, match="check the address"), open_raster(missing):
            pass
