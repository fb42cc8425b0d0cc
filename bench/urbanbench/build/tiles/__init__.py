"""Vector tiles as a map: Mapbox Vector Tiles of the OpenMapTiles or the Protomaps schema, put together where tile edges cut."""
