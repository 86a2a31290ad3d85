"""The table of accuracy figures by class."""

from qgis.PyQt.QtWidgets import QWidget

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


def test_no_figure_is_cut_off_with_large_letters_or_a_theme_that_pads_cells(qgis_app):
    """Themes and font sizes of QGIS come by style sheet, once the table is shown."""
    window = QWidget()
    table = ClassAccuracy(window)
    window.setStyleSheet("* { font-size: 30px; } QTableWidget::item { padding: 6px; }")
    figures = dict.fromkeys(("precision", "recall", "f1", "iou"), 1.0)
    table.show_classes(CLASSES, {"Water": figures})
    window.show()
    for column in range(1, 5):
        wanted = max(
            table.sizeHintForColumn(column), table.horizontalHeader().sectionSizeHint(column)
        )
        assert table.columnWidth(column) >= wanted > 60
    assert table.rowHeight(0) >= table.fontMetrics().height()
    window.deleteLater()
