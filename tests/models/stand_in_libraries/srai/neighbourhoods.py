"""A stand-in for srai.neighbourhoods: the same names and signatures, nothing to install."""


class AdjacencyNeighbourhood:
    def __init__(self, regions_gdf):
        self.regions_gdf = regions_gdf

    def get_neighbours(self, index):
        shapes = self.regions_gdf.geometry
        return set(shapes.index[shapes.touches(shapes.loc[index])])
