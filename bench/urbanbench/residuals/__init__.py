"""Residuals: where on the map a run is wrong, and on whom; in words, as a table and as a picture."""
