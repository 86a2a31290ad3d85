"""Reports: self-contained HTML files with sections of text, tables, charts and pictures."""
