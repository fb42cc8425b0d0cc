"""Finished vectors that anybody made: read from a file, told column by column, and matched with the units of a city."""
