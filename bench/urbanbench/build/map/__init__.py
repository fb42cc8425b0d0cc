"""What every kind of map is turned into, and what becomes of that: layers of a city. Knows no file format."""
