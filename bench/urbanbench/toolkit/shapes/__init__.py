"""Polygons as measures and as rasters."""
