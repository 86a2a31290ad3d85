import numpy as np
import pytest
import rasterio

from engine.product.quality import cloud_flags, hls_bits, landsat_bits, scene_classes
from tests.engine.product import products


def mask_of(result):
    with rasterio.open(result["outputs"]["output"]) as dataset:
        return dataset.read_masks(1)


def test_scene_classes_that_are_masked():
    """0 no data, 1 saturated, 3 shadow, 8 to 10 clouds and cirrus; 2 dark, 4 to 7 ground, 11 snow are kept."""
    clouded, fill = scene_classes(np.arange(12, dtype=np.uint8)[None, None])
    assert np.flatnonzero(clouded).tolist() == [1, 3, 8, 9, 10]
    assert np.flatnonzero(fill).tolist() == [0]


def test_flags_of_level_1c_that_are_masked():
    """Opaque clouds and cirrus; snow is kept."""
    clouded, fill = cloud_flags(np.eye(3, dtype=np.uint8)[:, None])
    assert clouded.tolist() == [[True, True, False]] and not fill.any()


def test_bits_of_landsat_that_are_masked():
    bits = np.array([[[1 << n for n in range(8)] + [1 << 6 | 1 << 3]]], np.uint16)
    clouded, fill = landsat_bits(bits)
    assert np.flatnonzero(clouded).tolist() == [1, 2, 3, 4, 8]
    assert np.flatnonzero(fill).tolist() == [0]


def test_bits_of_hls_that_are_masked():
    clouded, fill = hls_bits(np.array([[[1 << n for n in range(8)] + [255]]], np.uint8))
    assert np.flatnonzero(clouded).tolist() == [1, 2, 3]
    assert np.flatnonzero(fill).tolist() == [8]


def test_the_mask_of_level_2a(opened, level_2a, recorder):
    """Cloud in the lowest 60 m and shadow in the rightmost: 12 + 11 of 143 squares of 60 m with data."""
    result = opened(level_2a)
    mask = mask_of(result)
    assert not mask[-6:].any() and not mask[:, -6:].any() and not mask[:6, :6].any()
    assert mask[6:-6, :-6].all() and mask[:6, 6:-6].all()
    assert result["masked"] == round(100 * 23 / 143, 1)
    assert f"{result['masked']:g} % of the scene is masked" in " ".join(recorder.texts("log"))
    with rasterio.open(result["outputs"]["mask"]) as file:
        assert file.shape == (36, 36) and file.dtypes == ("uint8",)
        assert set(np.unique(file.read(1))) == {0, 255}


def test_the_mask_of_level_1c(opened, level_1c):
    mask = mask_of(opened(level_1c))
    assert not mask[-6:].any() and not mask[:, -6:].any()
    assert mask[:-6, :-6].all()  # the snow too


def test_the_masks_of_landsat_and_hls(opened, landsat, hls):
    """One row of fill, then 4 + 3 + 2 pixels, and in Landsat's one of cirrus."""
    for folder, clouded in ((landsat, 10), (hls, 9)):
        result = opened(folder)
        assert (mask_of(result) == 0).sum() == 20 + clouded
        assert result["masked"] == round(100 * clouded / 380, 1)


def test_without_masking_there_is_no_mask_file(opened, level_2a, tmp_path):
    result = opened(level_2a, mask_clouds=False)
    assert result["masked"] is None and result["outputs"]["mask"] == ""
    assert [path.name for path in tmp_path.iterdir()] == ["scene.vrt"]


@pytest.mark.parametrize("kind", ["polygons", "missing"])
def test_a_product_without_a_readable_mask_is_opened_with_a_warning(
    opened, tmp_path, recorder, kind
):
    if kind == "polygons":
        safe = products.level_1c(tmp_path / "old", baseline="02.09", offset=0, mask=False)
    else:
        safe = products.landsat(tmp_path / "old").parent
        next(safe.glob("*QA_PIXEL*")).unlink()
    assert opened(safe)["masked"] is None
    (warning,) = recorder.texts("warning")
    assert "o clouds are masked" in warning
