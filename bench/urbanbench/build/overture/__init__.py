"""Overture's GeoParquet as a map: places, buildings, segments and land use."""
