"""Graphs around pictures: laid flat, put together in batches, and their nodes as vectors."""
