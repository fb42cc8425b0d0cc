"""Scoring: targets, splits, heads and metrics; the science between vectors and numbers."""
