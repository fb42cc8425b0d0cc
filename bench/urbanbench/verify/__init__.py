"""Whether results hold: read again, judged by versions and data, and on a sample computed again."""
