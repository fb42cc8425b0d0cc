"""Texts of places, their counts, and text encoders."""
