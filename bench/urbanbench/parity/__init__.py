"""Parity protocols: how papers score their own tables, as data, beside our default protocol and never mixed with it.

The package lies outside of `urbanbench.scoring` on purpose: a paper's protocol has no say in how default rows are scored, and a version
of its own.
"""
