"""A stand-in for srai.loaders.osm_way_loader.constants: the same names and signatures, nothing to install."""

OSM_WAY_TAGS = {
    "oneway": ["False", "True"],
    "highway": ["residential", "primary", "footway"],
    "bridge": ["yes"],
}
OSM_IMPLICIT_MAXSPEEDS = {"SG:urban": "50"}
