"""The table of accuracy figures by class."""

from spectralgpt_qgis.gui.training.class_accuracy import ClassAccuracy

SPACE = "\N{NO-BREAK SPACE}"
CLASSES = [{"title": "Water", "color": "#2266cc"}, {"title": "Land", "color": "#7a9a3a"}]


def test_every_figure_of_every_class(qgis_app):
    table = ClassAccuracy()
    water = {"precision": 0.75, "recall": 0.5, "f1": 0.6, "iou": 0.4286}
    table.show_classes(CLASSES, {"Water": water, "Land": {"precision": None, "iou": 0.0}})
    rows = [
        [table.item(row, column).text().replace(SPACE, " ") for column in range(5)]
        for row in range(2)
    ]
    assert rows == [
        ["Water", "75 %", "50 %", "60 %", "43 %"],
        ["Land", "–", "–", "–", "0 %"],
    ]
    titles = [table.horizontalHeaderItem(column).toolTip() for column in range(5)]
    assert "user's accuracy" in titles[1] and "producer's accuracy" in titles[2]
    height = table.height()
    table.show_classes(CLASSES[:1], {})
    assert table.rowCount() == 1 and table.height() < height
