"""Windows and widgets; not imported when QGIS runs headless."""
