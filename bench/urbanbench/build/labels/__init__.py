"""Labels: numbers or classes of regions and buildings, from tables, polygons, rasters, points or tags."""
