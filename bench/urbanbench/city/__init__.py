"""City folders: their format, reading, checking, and the views of them that models get."""
