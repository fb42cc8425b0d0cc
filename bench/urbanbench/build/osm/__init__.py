"""An OpenStreetMap extract as a stream: points, buildings, roads and land use, all tags kept, in bounded memory."""
