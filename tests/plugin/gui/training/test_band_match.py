"""Descriptions of a match of bands."""

from __future__ import annotations

from spectralgpt_qgis.gui.training.band_match import shown_match

FOUND = {"model": "B02", "raster": 3, "by": "name 'blue <1>'"}
LEFT = {"model": "B01", "raster": None, "by": "left out: no B01"}


def model(**changes):
    return {
        "verdict": "fits",
        "match": [FOUND],
        "left_out": [],
        "reason": "",
        "scale": 1.0,
        "gsd": 10.0,
        "missing": [],
        **changes,
    }


def test_all_bands_are_named_and_where_they_were_found():
    match = shown_match("scene", model())
    assert match.fits
    assert match.text == "Bands found: B02."
    assert "B02: band 3" in match.tip
    assert "blue &lt;1&gt;" in match.tip


def test_what_is_left_out_is_said():
    match = shown_match("scene", model(match=[FOUND, LEFT], left_out=["B01"]))
    assert match.text == "Bands found: B02. Works without B01."


def test_pixels_of_another_size_are_said():
    match = shown_match("scene", model(verdict="doubtful", scale=3.0))
    assert match.fits
    assert match.text == "Bands found: B02. Pixels of 30 m; the model was trained on 10 m."


def test_a_refusal_is_that_of_the_engine():
    match = shown_match("scene", model(verdict="unfit", reason="B05 is missing.", match=[]))
    assert not match.fits
    assert match.text == "B05 is missing."


def test_a_layer_that_is_no_file_is_matched_later():
    assert "when training starts" in shown_match("scene", None).text
