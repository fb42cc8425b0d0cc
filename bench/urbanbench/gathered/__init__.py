"""Results of several folders made one, and a folder made one file."""
