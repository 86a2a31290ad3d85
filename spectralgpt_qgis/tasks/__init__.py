"""What runs beside QGIS's main thread without being a Processing algorithm: one QgsTask a file."""
