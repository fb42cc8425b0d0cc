"""Cities as one file: packing a folder with its hashes, and unpacking archives that nobody vouches for."""
