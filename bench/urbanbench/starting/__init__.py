"""Where a plugin of one's own begins: a file that works as it is written, and its test."""
