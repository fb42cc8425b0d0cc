"""Regions: from a vector file, as a grid or hexagons, or as the blocks between roads."""
