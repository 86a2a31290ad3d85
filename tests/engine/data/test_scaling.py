"""How values of made rasters become reflectance."""

import numpy as np
import pytest

from tests.engine.data.rasters import RAW, ramp, read_all, write


@pytest.mark.parametrize(
    ("values", "profile", "told"),
    [
        (ramp(dtype="int16"), {}, "int16 values / 10000"),
        (ramp(dtype="float32"), {}, "float32 values / 10000"),
        ((ramp() / 10_000).astype("float32"), {}, "float32 values used as reflectance"),
        ((ramp() / 10_000).astype("float64"), {}, "float64 values used as reflectance"),
        (
            ramp(),
            {"scales": [1e-4] * 9, "offsets": [0.0] * 9},
            "uint16 with the scale 0.0001 and offset 0 of the file, which gives reflectance",
        ),
        (
            ramp() + 1000,
            {"scales": [1e-4] * 9, "offsets": [-0.1] * 9},
            "uint16 with the scale 0.0001 and offset -0.1 of the file, which gives reflectance",
        ),
        (
            ramp() + 1000,
            {"scales": [1.0] * 9, "offsets": [-1000.0] * 9},
            "uint16 with the scale 1 and offset -1000 of the file, / 10000",
        ),
    ],
)
def test_every_way_to_write_reflectance(tmp_path, values, profile, told):
    image, _, source = read_all(write(tmp_path / "a.tif", values, **profile))
    np.testing.assert_allclose(image, ramp() / 10_000, rtol=1e-4)
    assert source.scaling.text == told
    assert source.warnings == ()


@pytest.mark.parametrize(
    "profile",
    [{"scales": [0.0] * 9}, {"scales": [1e-4] * 8 + [np.nan]}, {"offsets": [np.nan] * 9}],
)
def test_scales_that_cannot_be_are_told_and_ignored(tmp_path, profile):
    image, _, source = read_all(write(tmp_path / "a.tif", ramp(), **profile))
    np.testing.assert_allclose(image, ramp() / 10_000, rtol=1e-6)
    assert source.scaling.text == "uint16 values / 10000"
    assert "a scale is 0" in source.warnings[0]


@pytest.mark.parametrize(
    ("values", "profile", "told"),
    [
        (ramp() * 30, {}, "reach a reflectance of 5."),  # stretched to 16 bits
        (ramp(), {"scales": [1e-4] * 9, "offsets": [-1000.0] * 9}, "reach a reflectance of -1e+03"),
        (ramp(), {"scales": [-1e-4] * 9}, "reach a reflectance of -0.1"),
    ],
)
def test_values_that_are_no_reflectance_are_told(tmp_path, values, profile, told):
    *_, source = read_all(write(tmp_path / "a.tif", values, **profile))
    warning = source.warnings[-1]
    assert told in warning and "about 0 to 1 is expected" in warning


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_nodata_that_the_file_does_not_declare_is_told(tmp_path, dtype):
    values = ramp(dtype=dtype)
    values[:, :3] = -9999
    *_, source = read_all(write(tmp_path / "a.tif", values))
    assert "an impossible reflectance of -1 (-9999 in the file)" in source.warnings[-1]
    *_, source = read_all(write(tmp_path / "b.tif", values), nodata=(-9999,))
    assert source.warnings == ()


def test_eight_bits_are_taken_with_a_warning(tmp_path):
    values = np.full((9, 20, 30), 51, "uint8")
    image, _, source = read_all(write(tmp_path / "a.tif", values))
    assert image == pytest.approx(np.full((9, 20, 30), 0.2), abs=1e-6)
    assert "results may be poor" in source.warnings[0]


def test_offset_named_by_the_product_is_removed(tmp_path):
    name = "S2A_MSIL2A_20220706T085611_N0400_R007_T33NZA_20220706T153419.tif"
    image, _, source = read_all(write(tmp_path / name, ramp() + 1000))
    np.testing.assert_allclose(image, ramp() / 10_000, atol=2e-6)
    assert "after removing the offset of 1000 (processing baseline 04.00)" in source.scaling.text
    assert source.warnings == ()


def test_offset_named_by_the_metadata_is_removed(tmp_path):
    path = write(tmp_path / "a.tif", ramp() + 1000, tags={"BOA_ADD_OFFSET": "-1000"})
    image, _, source = read_all(path)
    np.testing.assert_allclose(image, ramp() / 10_000, atol=2e-6)
    assert "from the metadata" in source.scaling.text


def test_offset_already_removed_is_not_removed_again(tmp_path):
    name = "S2A_MSIL2A_20220706T085611_N0400_R007_T33NZA_20220706T153419.tif"
    image, _, source = read_all(write(tmp_path / name, ramp(start=20)))
    np.testing.assert_allclose(image, ramp(start=20) / 10_000, rtol=1e-5)
    assert "has already been removed" in source.scaling.text


def test_offset_seen_in_dark_pixels_is_removed_with_a_warning(tmp_path):
    """Darkest values from 1020 to 1180: water."""
    image, _, source = read_all(write(tmp_path / "a.tif", ramp(start=1020, step=20)))
    np.testing.assert_allclose(image, ramp(start=20, step=20) / 10_000, atol=2e-6)
    assert "offset of 1000" in source.warnings[0]


def test_offset_kept_in_float_reflectance(tmp_path):
    values = (ramp(start=1020, step=20) / 10_000).astype("float32")
    image, _, source = read_all(write(tmp_path / "a.tif", values))
    np.testing.assert_allclose(image, ramp(start=20, step=20) / 10_000, atol=2e-6)
    assert source.warnings


def test_bright_ground_without_dark_pixels_keeps_its_values_and_is_told(tmp_path):
    image, _, source = read_all(write(tmp_path / "a.tif", ramp(start=3000)))
    np.testing.assert_allclose(image, ramp(start=3000) / 10_000, rtol=1e-5)
    assert "has no dark pixels" in source.warnings[0]


def test_landsat_collection_2_scale(tmp_path):
    names = [f"SR_B{n}" for n in range(1, 8)]
    values = ramp(7, start=8000)
    image, _, source = read_all(write(tmp_path / "a.tif", values, names=names))
    np.testing.assert_allclose(image[0], values[1] * 2.75e-5 - 0.2, atol=1e-6)
    assert source.match.sensor == "Landsat 8-9"
    assert "Collection 2" in source.warnings[0]
    path = write(tmp_path / "b.tif", values, names=names, scales=[0.0] * 7)
    *_, source = read_all(path)
    assert "a scale is 0" in source.warnings[0] and "Collection 2" in source.warnings[1]


def test_raw_unit_leaves_values_alone(tmp_path):
    path = write(tmp_path / "a.tif", ramp(start=1020), scales=[0.5] * 9)
    image, _, source = read_all(path, RAW)
    np.testing.assert_array_equal(image, ramp(start=1020))
    assert source.scaling.text == "values unchanged"


def test_what_may_be_radiance_is_told(tmp_path):
    radiance = (ramp() / ramp().max() * 600).astype("float32")  # W / (m2 sr um)
    image, _, source = read_all(write(tmp_path / "a.tif", radiance))
    np.testing.assert_allclose(image, radiance / 10_000, rtol=1e-5)
    assert "They were treated as reflectance" in source.warnings[0]
