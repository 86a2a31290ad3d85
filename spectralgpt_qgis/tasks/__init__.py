"""Background tasks other than Processing algorithms, one QgsTask per file."""
