"""A faulty city folder, written anew with what can be mended without a guess."""
