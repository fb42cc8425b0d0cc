"""Rasters of many bands: read by blocks, de-quantised, and summed up over polygons."""
