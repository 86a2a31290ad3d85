"""Maps judged by a stratified sample: areas and figures weigh by the strata."""

import numpy as np
import pytest

from engine.errors import (
    InvalidParameter,
)
from tests.engine.assess.judging import TITLES, VALUES, judge, points, square
from tests.engine.assess.maps import CLASSES, read_vector, write_map, write_vector


def test_our_sample_gives_area_adjusted_figures(map_path, sampled):
    labelled, fields, wrong = sampled
    result = judge(map_path, labelled)  # the field `reference` is found
    assert result["design"] == "stratified"
    adjusted = result["figures"]["area_adjusted"]
    land = fields["stratum"] == 2
    share_wrong, share_land = wrong[land].mean(), (VALUES == 2).mean()
    assert adjusted["overall_accuracy"] == pytest.approx(1 - share_wrong * share_land, abs=1e-3)
    assert adjusted["classes"][1]["user_accuracy"] == pytest.approx(1 - share_wrong, abs=1e-6)
    total = sum(item["mapped_area_m2"] for item in adjusted["classes"])
    assert total == pytest.approx(VALUES.size * 100, rel=2e-3)
    expected = total * ((VALUES == 1).mean() + share_wrong * share_land)
    assert adjusted["classes"][0]["area_m2"] == pytest.approx(expected, rel=1e-3)
    low, high = adjusted["classes"][0]["area_interval_m2"]
    assert low < expected < high


def test_a_sample_of_another_map_counts_by_its_weights(tmp_path, map_path, sampled):
    """A map that says land everywhere is as accurate as there is land, by the sample's estimate."""
    labelled, fields, _ = sampled
    other = write_map(tmp_path / "other.tif", np.full_like(VALUES, 2), classes=CLASSES)
    result = judge(other, labelled)
    is_land = fields["reference"] == TITLES[2]
    expected = fields["weight"][is_land].sum() / fields["weight"].sum()
    assert result["figures"]["area_adjusted"]["overall_accuracy"] == pytest.approx(
        expected, abs=1e-6
    )
    assert any("points lie on a different" in text for text in result["warnings"])


def test_a_design_can_be_asked_for(tmp_path, map_path, sampled):
    labelled, *_ = sampled
    assert judge(map_path, labelled, design="simple")["figures"]["area_adjusted"] is None
    rows, columns = np.divmod(np.arange(0, 2000, 20), 50)
    reference = points(tmp_path, [TITLES[v] for v in VALUES[rows, columns]], rows, columns)
    asked = judge(map_path, reference, field="kind", design="stratified")
    assert asked["figures"]["area_adjusted"]["overall_accuracy"] == 1


def test_half_labelled_samples_are_weighted_all_the_same(tmp_path, map_path, sampled):
    """Labels for the first half only: the strata's sizes do not shrink with them."""
    labelled, fields, _ = sampled
    geometries, _ = read_vector(labelled)
    fields["reference"][100:] = None
    half = write_vector(tmp_path / "half.gpkg", geometries, **fields)
    result = judge(map_path, half)
    assert result["figures"]["samples"] == 100
    areas = [item["mapped_area_m2"] for item in result["figures"]["area_adjusted"]["classes"]]
    assert areas[0] / sum(areas) == pytest.approx((VALUES == 1).mean(), abs=1e-4)
    assert any("100 of 200 features" in text for text in result["warnings"])


def test_points_that_were_not_drawn_are_told_of(tmp_path, map_path, sampled):
    """One without a weight, as a user adds it: the sample is judged as a simple one, and not in silence."""
    labelled, fields, _ = sampled
    geometries, _ = read_vector(labelled)
    fields["weight"][3] = np.nan
    result = judge(map_path, write_vector(tmp_path / "more.gpkg", geometries, **fields))
    assert result["design"] == "simple"
    assert any("The strata cannot be used" in text for text in result["warnings"])
    assert not any(
        "The strata cannot be used" in text for text in judge(map_path, labelled)["warnings"]
    )


def test_a_stratum_without_a_label_is_told(tmp_path, map_path, sampled):
    labelled, fields, _ = sampled
    geometries, _ = read_vector(labelled)
    keep = fields["stratum"] == 2
    part = write_vector(
        tmp_path / "part.gpkg", geometries[keep], **{k: v[keep] for k, v in fields.items()}
    )
    result = judge(map_path, part)
    assert any("No points were labelled in" in text for text in result["warnings"])


def test_a_stratified_design_needs_points(tmp_path, map_path):
    reference = write_vector(
        tmp_path / "areas.gpkg", [square(2, 2, 4)], kind=np.array(["water"], object)
    )
    with pytest.raises(InvalidParameter, match="are polygons, but the design"):
        judge(map_path, reference, field="kind", design="stratified")
