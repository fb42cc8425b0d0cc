"""Verdicts: numbers in, statements out; results and tables are read, never models or cities."""
