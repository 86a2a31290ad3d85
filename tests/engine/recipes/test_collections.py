"""Readers on small files laid out like the collections, so that every trap shows."""

import json
import warnings

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin

from engine.errors import RasterUnreadable
from engine.recipes import collections


def number(band):
    """Every band's digital number tells which it is: 800 for B08, 850 for B8A."""
    return 850 if band == "B8A" else 100 * int(band[1:])


EXPECTED = np.array([number(band) for band in collections.BANDS]) / 1e4


def write(path, stack, dtype="uint16"):
    stack = np.asarray(stack)
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {
        "driver": "BMP" if path.suffix == ".bmp" else "ENVI" if not path.suffix else "GTiff",
        "count": stack.shape[0],
        "height": stack.shape[1],
        "width": stack.shape[2],
        "dtype": dtype,
    }
    if path.suffix == ".tif":
        profile.update(crs="EPSG:4326", transform=from_origin(1.0, 50.0, 1e-4, 1e-4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **profile) as file:
            file.write(stack.astype(dtype))


def flat(order, height, width, add=0):
    return np.stack([np.full((height, width), number(band) + add) for band in order])


def spectrum(image):
    return np.median(image.reshape(9, -1), axis=1)


def oscd_city(root, city, second=(12, 10), label=True):
    for folder, (height, width), add in (("imgs_1", (12, 10), 0), ("imgs_2", second, 7)):
        for band in collections.L1C_ORDER:
            coarse = 1 if band in ("B02", "B03", "B04", "B08") else 2
            size = (1, -(-height // coarse), -(-width // coarse))
            stack = np.full(size, number(band) + add)
            write(root / "oscd" / city / folder / f"T31_{city}_{band}.tif", stack)
    if label:
        change = np.ones((1, 12, 10))
        change[0, 3, 4] = 2
        write(root / "oscd" / city / "cm" / f"{city}-cm.tif", change, "uint8")


def test_oscd_puts_all_bands_and_both_dates_on_one_grid(tmp_path):
    oscd_city(tmp_path, "paris", second=(11, 9))
    before, after, label = collections.oscd_pair(tmp_path, "paris")
    assert before.image.shape == after.image.shape == (9, 12, 10)
    assert before.image.dtype == np.float32
    assert spectrum(before.image) == pytest.approx(EXPECTED)
    assert spectrum(after.image) == pytest.approx(EXPECTED + 7e-4)
    assert label.sum() == 1
    assert label[3, 4] == 1
    assert before.valid.all()
    assert before.level == "L1C"


def test_oscd_cities_with_and_without_change_map(tmp_path):
    oscd_city(tmp_path, "rio", label=False)
    oscd_city(tmp_path, "paris")
    assert collections.oscd_cities(tmp_path) == ("paris", "rio")
    assert collections.oscd_cities(tmp_path, labelled=True) == ("paris",)
    assert collections.oscd_cities(tmp_path, labelled=False) == ("rio",)
    assert collections.oscd_pair(tmp_path, "rio")[2] is None


def test_20_m_bands_are_interpolated_in_place(tmp_path):
    """A step of B11 in the middle of 20 m pixels stays in the middle at 10 m."""
    oscd_city(tmp_path, "rio", label=False)
    path = tmp_path / "oscd/rio/imgs_1/T31_rio_B11.tif"
    write(path, np.where(np.arange(6) < 3, 0, 1000)[None, :, None] * np.ones((1, 6, 5)))
    image = collections.oscd_pair(tmp_path, "rio")[0].image[7]
    assert image[:5].max() == 0
    assert image[7:].min() == pytest.approx(0.1)
    assert image[5].mean() + image[6].mean() == pytest.approx(0.1)


def test_eurosat_finds_its_bands_though_b8a_is_last(tmp_path):
    for name in ("River", "Forest"):
        write(
            tmp_path / "eurosat_ms" / name / f"{name}_1.tif",
            flat(collections.EUROSAT_ORDER, 64, 64),
        )
    chips, labels, names = collections.eurosat(tmp_path)
    assert chips.shape == (2, 9, 64, 64)
    assert spectrum(chips[0]) == pytest.approx(EXPECTED)
    assert labels.tolist() == [0, 1]
    assert names == ("Forest", "River")


def test_boadella_dates_order_and_masks(tmp_path):
    folder = tmp_path / "boadella"
    for date in ("2020-01-18", "2020-02-02"):
        write(folder / f"Boadella_{date}.tif", flat(collections.L2A_ORDER, 5, 6), "int16")
    write(folder / "labels/Boadella_2020-02-02_watermask.tif", np.eye(5, 6)[None], "uint8")
    assert collections.boadella_dates(tmp_path) == ("2020-02-02",)
    assert collections.boadella_dates(tmp_path, cloudy=True) == ("2020-01-18", "2020-02-02")
    scene, mask = collections.boadella(tmp_path, "2020-02-02")
    assert spectrum(scene.image) == pytest.approx(EXPECTED)
    assert scene.level == "L2A"
    assert mask.sum() == 5
    assert collections.boadella(tmp_path, "2020-01-18")[1] is None


@pytest.mark.parametrize(
    ("place", "level", "offset"),
    [
        ("282D_485L_3_3", "L1C", 1000),
        ("282D_485L_3_3", "L2A", 0),
        ("433D_629L_3_1", "L2A", 1000),
        ("38D_378R_2_3", "L1C", 0),
    ],
)
def test_terramesh_offsets_are_taken_off(tmp_path, place, level, offset):
    order = collections.L1C_ORDER if level == "L1C" else collections.L2A_ORDER
    write(tmp_path / f"terramesh/S2{level}/{place}.tif", flat(order, 8, 8, offset), "int16")
    write(tmp_path / f"terramesh/LULC/{place}.tif", np.full((1, 8, 8), 4), "uint8")
    scene, label = collections.terramesh(tmp_path, place, level)
    assert spectrum(scene.image) == pytest.approx(EXPECTED)
    assert np.unique(label) == [4]


def test_a_pixel_that_is_nought_in_every_band_is_invalid(tmp_path):
    stack = flat(collections.L2A_ORDER, 4, 4)
    stack[:, 1, 2] = 0
    stack[0, 3, 3] = 0
    write(tmp_path / "ships/ship_1.tif", stack, "int16")
    (scene,) = collections.ships(tmp_path)
    assert np.argwhere(~scene.valid).tolist() == [[1, 2]]
    assert (scene.image[:, 1, 2] == 0).all()


def test_taizhou_has_no_red_edge_and_sparse_labels(tmp_path):
    folder = tmp_path / "landsat_taizhou"
    for year in ("2000", "2003"):
        write(folder / f"{year}TM", np.full((6, 4, 4), 51), "uint8")
    for name, column in (("change", 0), ("unchanged", 3)):
        mask = np.zeros((1, 4, 4))
        mask[0, :, column] = 255
        write(folder / f"{name}.bmp", mask, "uint8")
    before, _, label = collections.taizhou(tmp_path)
    assert before.groups == (0, 2)
    assert spectrum(before.image) == pytest.approx([0.2] * 3 + [0] * 3 + [0.2] * 3)
    assert label[0].tolist() == [1, 255, 255, 0]


def test_bigearthnet_with_and_without_labels(tmp_path):
    for name, labels in (("A", ["Pastures"]), ("B", None)):
        folder = tmp_path / "bigearthnet" / name
        for band in collections.L2A_ORDER:
            side = 12 if band in ("B02", "B03", "B04", "B08") else 6
            write(folder / f"{name}_{band}.tif", np.full((1, side, side), number(band)))
        if labels:
            (folder / f"{name}_labels_metadata.json").write_text(json.dumps({"labels": labels}))
    (first, labels), (second, none) = collections.bigearthnet(tmp_path)
    assert spectrum(first.image) == pytest.approx(EXPECTED)
    assert second.image.shape == (9, 12, 12)
    assert (labels, none) == (("Pastures",), ())


def test_a_missing_band_is_named(tmp_path):
    oscd_city(tmp_path, "rio")
    (tmp_path / "oscd/rio/imgs_2/T31_rio_B11.tif").unlink()
    with pytest.raises(RasterUnreadable, match=r"0 files named \*_B11\.tif.*complete copy"):
        collections.oscd_pair(tmp_path, "rio")


def test_a_damaged_file_is_named(tmp_path):
    (tmp_path / "ships").mkdir()
    (tmp_path / "ships/ship_1.tif").write_bytes(b"II*\0nothing")
    with pytest.raises(RasterUnreadable, match=r"ship_1\.tif cannot be read"):
        collections.ships(tmp_path)
