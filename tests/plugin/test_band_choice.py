import pytest

from spectralgpt_qgis.algorithms.band_choice import band_list


@pytest.mark.parametrize(
    ("value", "bands"),
    [
        ("2, 3,4", [2, 3, 4]),
        ("2 3;4", [2, 3, 4]),
        ([2, "3"], [2, 3]),
        (8, [8]),
        ("", []),
        (None, []),
        ("B02", None),
        ([0, 1], None),
    ],
)
def test_band_numbers_are_read_from_what_a_user_or_a_script_gives(value, bands):
    assert band_list(value) == bands
