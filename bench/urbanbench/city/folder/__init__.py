"""City folders as files: the format, and how its tables are read."""
