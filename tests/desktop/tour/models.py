"""The window that shows which models fit a layer."""

from __future__ import annotations

from .layers import show_only
from .menus import choose, open_layer_menu, window_titled
from .screen import picture, place, wait


def describe():
    show_only("Boadella 2020-06-21")
    choose(open_layer_menu("Boadella 2020-06-21"), "Describe")
    wait(lambda: window_titled("Describe Layer for Models"), "the window about the layer")
    window = window_titled("Describe Layer for Models")
    place(window, 860, 640)
    bands, models = window.bands, window.models
    wait(models.topLevelItemCount, "the list of models")
    picture("describe")
    found = [cells(models, row) for row in range(models.topLevelItemCount())]
    window.close()
    return {"bands": bands.topLevelItemCount(), "models": found}


def cells(table, row):
    """The texts of one row."""
    item = table.topLevelItem(row)
    return [item.text(column) for column in range(table.columnCount())]
