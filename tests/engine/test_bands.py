"""Every spelling that was met, and every one that must not be believed."""

import pytest

from engine.band_identity import BandDescriptor
from engine.band_names import read_name, sensor_of, wavelength_in
from engine.bands import match_bands
from engine.cards import Band
from engine.errors import BandMismatch

NINE = (
    Band("B02", "blue", 0.492, 0.066),
    Band("B03", "green", 0.560, 0.036),
    Band("B04", "red", 0.665, 0.031),
    Band("B05", "rededge071", 0.704, 0.015),
    Band("B06", "rededge075", 0.740, 0.015),
    Band("B07", "rededge078", 0.783, 0.020),
    Band("B08", "nir", 0.833, 0.106),
    Band("B11", "swir16", 1.612, 0.091),
    Band("B12", "swir22", 2.194, 0.175),
)
TWELVE = (
    Band("B01", "coastal", 0.443, 0.021),
    *NINE[:7],
    Band("B8A", "nir08", 0.865, 0.021),
    Band("B09", "nir09", 0.945, 0.020),
    *NINE[7:],
)
L2A = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12"]
L1C = ["B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12"]
EUROSAT = [
    "B01",
    "B02",
    "B03",
    "B04",
    "B05",
    "B06",
    "B07",
    "B08",
    "B09",
    "B10",
    "B11",
    "B12",
    "B8A",
]
TEN = ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"]
ALL = (2, 3, 4, 5, 6, 7, 8, 11, 12)


def matched(names, wanted=NINE, wavelengths=None, **options):
    wavelengths = wavelengths or [None] * len(names)
    descriptors = [
        BandDescriptor(k, name, wavelength)
        for k, (name, wavelength) in enumerate(zip(names, wavelengths), start=1)
    ]
    return match_bands(descriptors, wanted, 3, options.pop("optional", (1,)), **options)


@pytest.mark.parametrize(
    "spelling",
    [
        "B{0}",
        "b{0}",
        "Band {0}",
        "band_{0}",
        "S2_B{0}",
        "B{0} (surface reflectance)",
        "T31TCJ_20200101T105331_B{0}_10m.jp2",
        "S2A_OPER_MSI_L1C_TL_MTI__20160120T104345_A003020_T39QZG_B{0}.tif",
        "{0}",
    ],
)
@pytest.mark.parametrize("padded", [True, False])
def test_sentinel_2_names_in_every_spelling(spelling, padded):
    numbers = [name[1:] if padded or name == "B8A" else str(int(name[1:])) for name in L2A]
    if spelling in ("Band {0}", "band_{0}", "{0}") and not padded:
        numbers = [number for number in numbers if number != "1"]  # order other than counting
        expected = tuple(index - 1 for index in ALL)
    else:
        expected = ALL
    match = matched([spelling.format(number) for number in numbers])
    assert match.indexes == expected
    assert match.groups == (0, 1, 2)
    assert match.sensor == "Sentinel-2"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (L2A, ALL),
        (L1C, (2, 3, 4, 5, 6, 7, 8, 12, 13)),
        (EUROSAT, (2, 3, 4, 5, 6, 7, 8, 11, 12)),
        (TEN, (1, 2, 3, 4, 5, 6, 7, 9, 10)),
        (L2A[::-1], (11, 10, 9, 8, 7, 6, 5, 2, 1)),
    ],
)
def test_order_of_the_stack_does_not_matter(names, expected):
    assert matched(names).indexes == expected


def test_b08a_is_8a_and_official_order_is_served():
    names = [name.replace("B8A", "B08A") for name in L1C]
    match = matched(names, TWELVE, optional=())
    assert match.indexes == (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13)
    assert [entry.model for entry in match.entries] == [band.name for band in TWELVE]


@pytest.mark.parametrize(
    "names",
    [
        ["blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "swir16", "swir22"],
        [
            "Blue",
            "Green",
            "Red",
            "Red Edge 1",
            "red edge 2",
            "Red-Edge 3",
            "NIR",
            "SWIR 1",
            "SWIR2",
        ],
        [
            "blue",
            "green",
            "red",
            "rededge071",
            "rededge075",
            "rededge078",
            "nir",
            "swir16",
            "swir22",
        ],
        [
            "Blue",
            "Green",
            "Red",
            "RedEdge1",
            "RedEdge2",
            "RedEdge3",
            "Near_Infrared",
            "SWIR_1",
            "SWIR_2",
        ],
    ],
)
def test_colour_words(names):
    assert matched(names).indexes == tuple(range(1, 10))


def test_numbers_with_colours_that_agree_are_believed_though_they_count():
    names = ["Band 1 - Coastal", "Band 2 - Blue", "Band 3 - Green", "Band 4 - Red"]
    names += [
        "Band 5",
        "Band 6",
        "Band 7",
        "Band 8 - NIR",
        "Band 9",
        "Band 10",
        "Band 11",
        "Band 12",
    ]
    assert matched(names).indexes == ALL


def test_colour_word_overrules_a_number_of_another_sensor():
    """Band 5 of OLI is near infrared; as Sentinel-2's B05 it would be red edge."""
    names = ["Band 2 (Blue)", "Band 3 (Green)", "Band 4 (Red)", "Band 5 (NIR)"]
    names += ["Band 6 (SWIR 1)", "Band 7 (SWIR 2)"]
    match = matched(names)
    assert match.indexes == (1, 2, 3, 4, 5, 6)
    assert match.groups == (0, 2)


@pytest.mark.parametrize(
    ("names", "sensor", "expected"),
    [
        ([f"SR_B{n}" for n in range(1, 8)], "", (2, 3, 4, 5, 6, 7)),
        ([f"SR_B{n}" for n in (1, 2, 3, 4, 5, 7)], "", (1, 2, 3, 4, 5, 6)),
        ([f"B{n}" for n in (2, 3, 4, 5, 6, 7)], "Landsat 8-9", (1, 2, 3, 4, 5, 6)),
        ([f"B{n}" for n in (1, 2, 3, 4, 5, 7)], "Landsat 4-7", (1, 2, 3, 4, 5, 6)),
        ([f"B{n}" for n in range(1, 12)], "Landsat 8-9", (2, 3, 4, 5, 6, 7)),
        ([f"LC08_L2SP_197030_SR_B{n}.TIF" for n in range(1, 8)], "", (2, 3, 4, 5, 6, 7)),
    ],
)
def test_landsat_numbers_by_sensor(names, sensor, expected):
    match = matched(names, sensor=sensor or sensor_of(names))
    assert match.indexes == expected
    assert match.groups == (0, 2)
    assert match.entries[3].raster is None and "B05" in match.entries[3].by


@pytest.mark.parametrize(
    "wavelengths",
    [
        (0.482, 0.561, 0.655, 0.865, 1.609, 2.201),  # OLI
        (0.4825, 0.565, 0.660, 0.825, 1.650, 2.220),  # ETM+
        (0.485, 0.560, 0.660, 0.830, 1.650, 2.215),  # TM
    ],
)
def test_landsat_wavelengths(wavelengths):
    match = matched([""] * 6, wavelengths=wavelengths)
    assert match.indexes == (1, 2, 3, 4, 5, 6)
    assert match.groups == (0, 2)
    assert match.entries[0].by.startswith("wavelength 48")


def test_hyperspectral_cube_takes_the_nearest_band():
    """Bands every 6 nm from 420 nm: 490 nm or 493 nm serve 492 nm, never more than 3 nm off."""
    wavelengths = [0.420 + 0.006 * k for k in range(340)]
    match = matched([""] * 340, wavelengths=wavelengths)
    for band, index in zip(NINE, match.indexes):
        assert abs(wavelengths[index - 1] - band.center_wavelength) <= 0.0031


def test_wavelength_out_of_tolerance_is_missing():
    """Red at 690 nm is 25 nm from 665: more than half of the band's 31 nm."""
    with pytest.raises(BandMismatch, match=r"not found: B04 \(red, 665 nm\)"):
        matched([""] * 6, wavelengths=(0.492, 0.560, 0.690, 0.833, 1.612, 2.194))


def test_8a_stands_in_for_08_and_says_so():
    match = matched([name for name in L2A if name != "B08"])
    entry = match.entries[6]
    assert (entry.raster, entry.model) == (8, "B08")
    assert "B8A" in entry.by and "used in place of B08" in entry.by


def test_optional_group_is_dropped_as_a_whole():
    match = matched([name for name in L2A if name != "B06"])
    assert match.groups == (0, 2)
    assert [entry.raster for entry in match.entries[3:6]] == [None] * 3
    assert match.entries[3].by == "left out: no B06"
    assert match.positions == (0, 1, 2, 6, 7, 8)
    assert match.to_list()[0] == {"model": "B02", "raster": 2, "by": 'name "B02"'}


def test_missing_required_band_is_named():
    with pytest.raises(BandMismatch) as caught:
        matched([name for name in L2A if name != "B11"])
    assert "not found: B11 (swir16, 1612 nm)" in caught.value.message
    assert '2 "B02"' in caught.value.message
    served = caught.value.details.split("; ")
    assert served[0] == 'B02: band 2, name "B02"'
    assert "B11: not found" in served


@pytest.mark.parametrize(("name", "shown"), [("B04", '"B04"'), ("", "(no name)")])
def test_a_file_of_one_band_is_told_to_be_stacked(name, shown):
    with pytest.raises(BandMismatch) as caught:
        matched([name])
    assert caught.value.message.startswith(
        f"The raster has only one band, {shown}. The model needs B02"
    )
    assert caught.value.message.endswith(
        "At least 6 bands are needed in one raster. If this is a file of a satellite product (Sentinel-2, "
        "Landsat, HLS), 'Open satellite product' makes one raster of all its bands. Otherwise stack band files with "
        "Raster > Miscellaneous > Build Virtual Raster, each file as a separate band."
    )


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([""] * 12, "set BANDS to 2,3,4,5,6,7,8,11,12"),
        ([""] * 13, "set BANDS to 2,3,4,5,6,7,8,12,13"),
        ([f"Band {k}" for k in range(1, 13)], "the names are only band"),
        ([f"B{k}" for k in range(1, 13)], "the names are only band"),
        ([f"B{k:02d}" for k in range(1, 13)], "the names are only band"),
        ([f"B{k}" for k in range(1, 8)], "the names are only band"),
        ([f"B{k}" for k in (2, 3, 4, 5, 6, 7)], "could be those of Sentinel-2 or Landsat"),
        (["a", "b"], "At least 6 bands are needed"),
    ],
)
def test_names_that_say_nothing_are_refused_with_what_to_type(names, told):
    with pytest.raises(BandMismatch) as caught:
        matched(names)
    assert told in caught.value.message


def test_thirteen_nameless_bands_are_told_both_orders():
    with pytest.raises(BandMismatch) as caught:
        matched([""] * 13)
    assert "EuroSAT" in caught.value.message and "2,3,4,5,6,7,8,11,12" in caught.value.message


def test_two_bands_of_one_name_are_refused():
    with pytest.raises(BandMismatch, match=r"bands \(2, 14\) match the model's B02"):
        matched(L2A + L2A)


def test_explicit_bands():
    names = [""] * 12
    assert matched(names, explicit=ALL).indexes == ALL
    short = matched(names, explicit=(2, 3, 4, 8, 11, 12))
    assert short.groups == (0, 2)
    assert short.entries[6].raster == 8 and short.entries[6].by == "position 4 in BANDS"


@pytest.mark.parametrize(
    ("explicit", "told"),
    [
        ((1, 2, 3), "BANDS has 3 numbers, but the model needs 9"),
        ((2, 3, 4, 8, 11, 13), "contains band 13, but the raster's bands are 1 to 12"),
        ((0, 3, 4, 8, 11, 12), "contains band 0"),
        ((2, 2, 4, 8, 11, 12), "band 2 twice, for B02 and for B03"),
    ],
)
def test_wrong_explicit_bands_are_refused(explicit, told):
    with pytest.raises(BandMismatch) as caught:
        matched([""] * 12, explicit=explicit)
    assert told in caught.value.message


def test_wavelength_contradicts_a_name():
    """A band called B8 at 665 nm is red, whatever its name."""
    names = ["B2", "B3", "B8", "B12", "B11", "x"]
    match = matched(names, wavelengths=(0.492, 0.560, 0.665, 2.194, 1.612, 0.833))
    assert match.indexes == (1, 2, 3, 6, 5, 4)


@pytest.mark.parametrize(
    ("text", "micrometres"),
    [
        ("B02 (490 nm)", 0.490),
        ("Resize (ETM+ Meta (Band 1):L71119038) (0.482500 Micrometers)", 0.4825),
        ("433 - 453 nm", 0.443),
        ("B4, central wavelength 665 nm", 0.665),
        ("1.61 µm", 1.61),
        ("10 m", None),
        ("B02_10m", None),
    ],
)
def test_wavelength_in_a_text(text, micrometres):
    assert wavelength_in(text) == (None if micrometres is None else pytest.approx(micrometres))


@pytest.mark.parametrize(
    ("text", "common"),
    [
        ("infrared", ""),
        ("red edge", ""),
        ("nir08", "nir-narrow"),
        ("water vapour", "water-vapour"),
        ("Aerosol optical thickness", ""),
        ("VNIR", ""),
    ],
)
def test_colour_words_that_are_easily_misread(text, common):
    assert read_name(text).common == common


@pytest.mark.parametrize(
    ("text", "sensor"),
    [
        ("S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP", "Sentinel-2"),
        ("HLS.L30.T31TCJ.2020001T105331.v2.0.B05.tif", "Landsat 8-9"),
        ("HLS.S30.T31TCJ.2020001T105331.v2.0.B8A.tif", "Sentinel-2"),
        ("LE07_L1TP_119038_20030206.tif", "Landsat 4-7"),
        ("LANDSAT_9", "Landsat 8-9"),
        ("MOD09GA.sur_refl_b01", "MODIS"),
        ("bottom.tif", ""),
    ],
)
def test_sensor_by_name(text, sensor):
    assert sensor_of([text]) == sensor
