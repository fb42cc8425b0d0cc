"""City folders from other people's files: OpenStreetMap extracts, district files, tables, rasters and pictures."""
