"""The figures of a card as HTML: all of them, in tables where possible."""

from spectralgpt_qgis.gui.models import figures
from spectralgpt_qgis.gui.models.figures import figures_html, label, number, overlap_note


def test_words_and_numbers():
    assert label("overall_accuracy") == "Overall accuracy"
    assert label("roc_auc_cva") == "ROC AUC CVA"
    assert label("miou_mean") == "mIoU mean"
    assert number(0.83714) == "0.837"
    assert number(10) == "10"
    assert number(None) == "–"
    assert number([1, 0.5]) == "1, 0.500"


def test_nothing_is_left_out():
    html = figures_html(
        {
            "measure": "five <folds>",
            "overall_accuracy": 0.5,
            "recall": {"Forest": 1.0, "River": 0.25},
        }
    )
    assert "<p>five &lt;folds&gt;</p>" in html
    assert '<td>Overall accuracy</td><td align="right">0.500</td>' in html
    assert "<b>Recall</b>" in html
    assert '<td>River</td><td align="right">0.250</td>' in html


def test_rows_of_the_same_figures_are_a_table():
    html = figures_html({"cities": {"paris": {"f1": 0.1, "roc_auc": 0.9}, "pisa": {"f1": 0.2}}})
    assert '<th align="right">F1</th><th align="right">ROC AUC</th>' in html
    assert '<td>Pisa</td><td align="right">0.200</td><td align="right"></td>' in html
    assert html.count("<table") == 1


def test_a_grid_of_many_columns_is_cut_evenly():
    names = ("auc", "f1", "precision", "recall", "iou", "changed")
    five, six = ({city: dict.fromkeys(names[:count], 0.5) for city in "ab"} for count in (5, 6))
    assert figures_html({"cities": five}).count("<table") == 1
    html = figures_html({"cities": six})
    first, second = html.split("<br>")
    for part in (first, second):
        assert part.count("<table") == 1
        assert part.count(">0.500<") == 2 * 3
        assert part.count("<td>A</td>") == 1


def test_keys_that_are_known_have_names_in_the_users_language(monkeypatch):
    known = {"Overall accuracy": "Gesamtgenauigkeit", "Seed": "Startwert"}
    monkeypatch.setattr(figures, "tr", lambda text: known.get(text, text))
    assert label("overall_accuracy") == "Gesamtgenauigkeit"
    assert label("seed") == "Startwert"
    assert label("roc_auc_cva") == "ROC AUC CVA"


def test_overlap_is_explained_where_it_is_a_figure():
    assert "overlap of map and reference" in overlap_note(figures_html({"iou_water": 0.9}))
    assert "Mean overlap (IoU)" in figures_html({"miou": 0.4})
    assert overlap_note(figures_html({"f1": 0.9})) == ""
