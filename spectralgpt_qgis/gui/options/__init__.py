"""The widget for the engine and the settings, shown in QGIS's options and in a window of its own."""
