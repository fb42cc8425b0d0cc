"""Submissions: results of somebody as one file, which is packed after every row was judged and opened without trust."""
