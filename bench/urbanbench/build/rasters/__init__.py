"""Embedding rasters of other people, cut to a city: GeoTIFFs, or arrays of numbers beside a GeoTIFF that says where they lie."""
