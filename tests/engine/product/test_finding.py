import tarfile
import zipfile

import pytest

from engine.errors import ProductUnreadable
from engine.product.finding import find_product
from tests.engine.product import products

SECOND = "LC09_L2SP_193028_20220907_20220909_02_T1"


def test_any_file_of_a_sentinel_2_product_leads_to_it(level_2a):
    files = [path for path in level_2a.rglob("*") if path.is_file()]
    assert len(files) > 25
    for given in (level_2a, level_2a.parent, *files):
        assert find_product(str(given)).title == products.TITLE


def test_gdal_s_names_of_it_lead_to_it(level_2a, tmp_path):
    archive = products.zipped(level_2a, tmp_path / "scene.zip")
    inside = f"/vsizip/{archive}/{level_2a.name}/GRANULE/L2A_T34UCF_A033753_20230823T095553/IMG_DATA/R10m/x.jp2"
    for given in (f"SENTINEL2_L2A:{level_2a}/MTD_MSIL2A.xml:10m:EPSG_32634", inside, archive):
        assert find_product(str(given)).title == products.TITLE


def test_any_file_of_a_landsat_or_hls_product_leads_to_it(landsat, hls):
    for folder, title in ((landsat, products.LANDSAT), (hls, products.HLS)):
        for given in (folder, *folder.iterdir()):
            assert find_product(str(given)).title == title


def test_of_several_products_in_a_folder_the_file_s_own_is_taken(tmp_path):
    products.landsat(tmp_path)
    products.landsat(tmp_path, SECOND)
    assert find_product(str(tmp_path / f"{SECOND}_SR_B4.TIF")).title == SECOND
    with pytest.raises(
        ProductUnreadable, match=f"contains 2 products: .*{products.LANDSAT}.*{SECOND}"
    ):
        find_product(str(tmp_path))


def test_a_band_file_is_not_taken_for_its_neighbour_s(tmp_path):
    products.landsat(tmp_path)
    other = tmp_path / f"{SECOND}_SR_B4.TIF"
    other.write_bytes(b"")
    with pytest.raises(ProductUnreadable, match="no metadata file"):
        find_product(str(other))


def test_several_products_in_an_archive_are_refused(tmp_path):
    products.landsat(tmp_path / "a")
    products.landsat(tmp_path / "a", SECOND)
    with pytest.raises(ProductUnreadable, match="contains 2 products"):
        find_product(str(products.tarred(tmp_path / "a", tmp_path / "a.tar")))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("S2A_OPER_MTD_SAFL1C_PDMC_20150710T185049.xml", "format used before December 2016"),
        ("S2A_USER_MTD_SAFL2A_PDMC_20150710T185049.xml", "format used before December 2016"),
        ("T34UCF_20230823T095559_B02_10m.jp2", "MTD_MSIL2A.xml or MTD_MSIL1C.xml"),
        (f"{products.LANDSAT}_SR_B2.TIF", "Download the product bundle"),
        ("HLS.S30.T17SLU.2020117T160901.v1.5.hdf", "Download version 2"),
        ("manifest.safe", "another satellite or processing level"),
        ("orthophoto.tif", "does not belong to a satellite product"),
    ],
)
def test_what_is_no_product_is_refused_with_a_remedy(tmp_path, name, remedy):
    (tmp_path / name).write_bytes(b"x")
    for given in (tmp_path, tmp_path / name):
        with pytest.raises(ProductUnreadable, match=remedy) as caught:
            find_product(str(given))
        assert (
            str(given) in caught.value.message
            and "Choose a Sentinel-2 product" in caught.value.message
        )


def test_what_cannot_be_opened_is_refused(tmp_path):
    with pytest.raises(ProductUnreadable, match="There is no file or folder"):
        find_product(str(tmp_path / "nothing"))
    packed = tmp_path / "LC08.tar.gz"
    with tarfile.open(packed, "w:gz"):
        pass
    with pytest.raises(ProductUnreadable, match="Unpack it"):
        find_product(str(packed))
    for name in ("cut.zip", "cut.tar"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 cut")
        with pytest.raises(ProductUnreadable, match="Download it again"):
            find_product(str(tmp_path / name))
    with pytest.raises(ProductUnreadable, match="no archive on this computer"):
        find_product("/vsizip/elsewhere.zip/MTD_MSIL2A.xml")


def test_compressed_band_files_in_an_archive_are_told(level_2a, tmp_path, opened, recorder):
    stored = products.zipped(level_2a, tmp_path / "a.zip")
    packed = products.zipped(level_2a, tmp_path / "b.zip", zipfile.ZIP_DEFLATED)
    for archive, told in ((stored, False), (packed, True)):
        opened(archive)
        assert ("faster from the unpacked product" in " ".join(recorder.texts("log"))) == told


def test_a_damaged_file_in_an_archive_is_told(landsat, tmp_path):
    """The checksum of the metadata is wrong."""
    archive = products.zipped(landsat, tmp_path / "scene.zip")
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"LANDSAT_PRODUCT_ID =", b"LANDSAT_PRODUCT_IX =", 1))
    with pytest.raises(ProductUnreadable, match=r"_MTL\.txt' of the product cannot be read"):
        find_product(str(archive))
