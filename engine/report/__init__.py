"""Reports: one self-contained HTML file from sections of text, tables, charts and pictures."""
