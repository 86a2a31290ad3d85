import math

import pytest

from engine.errors import ProductUnreadable
from engine.product.finding import find_product
from engine.product.metadata import parse_xml
from tests.engine.product import products


def band(product, name):
    return next(band for band in product.bands if band.name == name)


def test_offsets_and_scale_of_each_band_come_from_the_metadata(tmp_path):
    """The metadata number B8A as 8 and B09 as 9."""
    safe = products.level_2a(tmp_path)
    metadata = safe / "MTD_MSIL2A.xml"
    text = metadata.read_text()
    text = text.replace('band_id="8">-1000', 'band_id="8">-800').replace(">10000<", ">5000<")
    metadata.write_text(text)
    product = find_product(str(safe))
    assert band(product, "B8A").offset == pytest.approx(-800 / 5000)
    assert band(product, "B09").offset == pytest.approx(-1000 / 5000)
    assert band(product, "B09").scale == pytest.approx(1 / 5000)


def test_the_spellings_of_early_level_2a(tmp_path):
    """Sen2Cor 2.4 wrote other names for the same elements, and another beginning of file names."""
    safe = products.level_2a(tmp_path, baseline="02.05", offset=0)
    metadata = safe / "MTD_MSIL2A.xml"
    text = metadata.read_text().replace("IMAGE_FILE>", "IMAGE_FILE_2A>")
    metadata.write_text(text.replace("BOA_QUANTIFICATION_VALUE", "L2A_BOA_QUANTIFICATION_VALUE"))
    assert band(find_product(str(safe)), "B04").scale == pytest.approx(1e-4)


@pytest.mark.parametrize("resolution, metres", [(0, 10), (10, 10), (20, 20), (30, 20), (60, 60)])
def test_the_file_of_a_band_suits_the_resolution(level_2a, resolution, metres):
    product = find_product(str(level_2a), resolution)
    assert band(product, "B04").file.endswith(f"_B04_{metres}m.jp2")
    assert band(product, "B08").file.endswith("_B08_10m.jp2")
    assert band(product, "B09").file.endswith("_B09_60m.jp2")


def test_a_missing_file_is_named(tmp_path):
    safe = products.level_2a(tmp_path)
    next(safe.rglob("*B03_10m.jp2")).unlink()
    with pytest.raises(ProductUnreadable, match=r"lacks 1 of its files, such as '.*B03_10m.jp2'"):
        find_product(str(safe))
    assert find_product(str(safe), 20).bands  # as the message says


def test_several_tiles_are_refused(tmp_path):
    safe = products.level_1c(tmp_path)
    metadata = safe / "MTD_MSIL1C.xml"
    extra = "<IMAGE_FILE>GRANULE/L1C_T34UCG/IMG_DATA/T34UCG_B01</IMAGE_FILE></Granule>"
    metadata.write_text(metadata.read_text().replace("</Granule>", extra))
    with pytest.raises(ProductUnreadable, match="lists 2 tiles"):
        find_product(str(safe))


@pytest.mark.parametrize("content", ["<a><b></a>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', ""])
def test_damaged_or_dangerous_metadata_are_refused(tmp_path, content):
    safe = products.level_1c(tmp_path)
    (safe / "MTD_MSIL1C.xml").write_text(content)
    with pytest.raises(ProductUnreadable, match=r"MTD_MSIL1C.xml' of the product cannot be read"):
        find_product(str(safe))


def test_numbers_that_are_none_are_refused(tmp_path):
    safe = products.level_1c(tmp_path / "a")
    for metadata, number in (
        (safe / "MTD_MSIL1C.xml", ">-1000<"),
        (products.landsat(tmp_path / "b"), "2.75e-05"),
    ):
        metadata.write_text(metadata.read_text().replace(number, number[0] + "?" + number[-1]))
        with pytest.raises(ProductUnreadable, match=f"{metadata.name}' of the product cannot be"):
            find_product(str(metadata))


def test_xml_in_other_encodings_and_with_comments():
    text = '<?xml version="1.0" encoding="UTF-16"?><a><!-- c --><b><![CDATA[d]]></b></a>'
    assert parse_xml(text.replace("UTF-16", "ISO-8859-1").encode(), "x").findtext("b") == "d"


@pytest.mark.parametrize("form", ["txt", "json", "xml"])
def test_landsat_s_metadata_in_every_form(tmp_path, form):
    product = find_product(str(products.landsat(tmp_path, form=form)))
    assert [band.name for band in product.bands] == [f"B{n}" for n in range(1, 8)]
    assert band(product, "B5").scale == 2.75e-5 and band(product, "B5").offset == -0.2
    assert product.quality.name == "QA_PIXEL"


def test_level_1_of_landsat_is_corrected_for_the_sun(tmp_path):
    """sin(30 degrees) is a half: (2e-5 * Q - 0.1) * 2."""
    title = "LC08_L1TP_193028_20220822_20220823_02_T1"
    product = find_product(str(products.landsat(tmp_path, title, level="L1TP")))
    names = [band.name for band in product.bands]
    assert names == ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B9"]  # no panchromatic band
    assert math.isclose(band(product, "B5").scale, 4e-5)
    assert math.isclose(band(product, "B5").offset, -0.2)


def test_thematic_mapper_has_other_numbers(tmp_path):
    title = "LT05_L2SP_193028_20100822_20220823_02_T1"
    facts = {"sensor": "TM", "satellite": "LANDSAT_5"}
    product = find_product(str(products.landsat(tmp_path, title, **facts)))
    assert [band.name for band in product.bands] == ["B1", "B2", "B3", "B4", "B5", "B7"]
    assert [product.bands[place].name for place in product.natural] == ["B3", "B2", "B1"]


def test_other_landsat_products_are_refused(tmp_path):
    metadata = products.landsat(
        tmp_path / "a", "LM05_L1TP_193028_20100822_20220823_02_T1", sensor="MSS"
    )
    with pytest.raises(ProductUnreadable, match="sensor MSS"):
        find_product(str(metadata))
    metadata = products.landsat(tmp_path / "b")
    metadata.write_text(metadata.read_text().replace("NUMBER = 02", "NUMBER = 01"))
    with pytest.raises(ProductUnreadable, match="collection 01"):
        find_product(str(metadata))


def test_an_incomplete_landsat_product_is_refused(tmp_path):
    metadata = products.landsat(tmp_path)
    (tmp_path / f"{products.LANDSAT}_SR_B6.TIF").unlink()
    with pytest.raises(ProductUnreadable, match=r"lacks 1 of its files, such as '.*_SR_B6.TIF'"):
        find_product(str(metadata))


def test_landsat_in_hls_has_landsat_s_bands(tmp_path):
    product = find_product(str(products.hls(tmp_path, "HLS.L30.T17SLU.2020209T155956.v2.0")))
    wavelengths = {band.name: band.wavelength for band in product.bands}
    assert list(wavelengths) == ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B09"]
    assert wavelengths["B05"] == 0.865 and product.nodata == -9999


def test_an_incomplete_hls_product_is_refused(tmp_path):
    file = products.hls(tmp_path)
    next(tmp_path.glob("*B8A.tif")).unlink()
    with pytest.raises(ProductUnreadable, match="lacks 1 of its bands: B8A"):
        find_product(str(file))
