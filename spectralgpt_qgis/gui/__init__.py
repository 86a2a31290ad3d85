"""Windows and widgets; nothing here is imported headless."""
