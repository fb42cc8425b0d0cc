"""The format of city folders for machines: JSON Schema of its JSON files, and a description of its tables."""
