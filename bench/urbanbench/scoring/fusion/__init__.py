"""Fusion: whether vectors add anything to a floor, by heads of both that are stacked out of fold inside the training part."""
