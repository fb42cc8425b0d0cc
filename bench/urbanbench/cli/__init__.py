"""The command line: words in, results on stdout, progress on stderr, an exit code."""
