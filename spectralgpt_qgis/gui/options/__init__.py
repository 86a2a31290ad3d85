"""The engine and the settings: one widget, shown in QGIS's options and in a window of its own."""
