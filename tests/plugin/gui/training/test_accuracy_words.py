"""Sentences about a model's accuracy."""

from spectralgpt_qgis.gui.training import accuracy_words


def headline(*given):
    """The sentence with plain spaces instead of the non-breaking ones before percent signs."""
    return accuracy_words.headline(*given).replace("\N{NO-BREAK SPACE}", " ")


def percent(share):
    return accuracy_words.percent(share).replace("\N{NO-BREAK SPACE}", " ")


def test_with_its_interval():
    text = headline({"overall_accuracy": 0.874, "interval_95": [0.71, 0.951], "places": 14}, False)
    assert text == (
        "87 % of the held-back labelled pixels were mapped correctly (95 % confidence interval: 71 % to 95 %, from 14 "
        "places)."
    )
    assert "scenes" in headline(
        {"overall_accuracy": 0.5, "interval_95": [0.25, 0.75], "places": 4}, True
    )


def test_what_cannot_be_said_is_not_said():
    assert "no confidence interval" in headline({"overall_accuracy": 0.9}, False)
    assert "is not known" in headline({"measure": "not judged"}, False)
    assert "is not known" in headline({}, True)


def test_several_labels_a_scene_have_no_share():
    assert "0.83" in headline({"map": {"a": 0.8312, "b": 0.7}}, True)
    assert "0.50" in headline({"map": 0.5}, True)


def test_nearly_all_is_not_all():
    """0.9973 is 99.7 %, and only 1.0 is 100 %."""
    assert [percent(share) for share in (1.0, 0.9973, 0.99999, 0.874, 0.004, 0.0002, 0.0, None)] == [
        "100 %", "99.7 %", "> 99.9 %", "87 %", "0.4 %", "< 0.1 %", "0 %", "–"
    ]  # fmt: skip
