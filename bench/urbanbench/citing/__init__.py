"""What is behind a table, as BibTeX: models, data sources, tools."""
