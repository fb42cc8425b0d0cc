"""Parity protocols: how papers score their own tables, as data, beside our default protocol and never mixed with it.

The package lies outside of `urbanbench.scoring` on purpose: the digest that tells when a default row is stale covers that folder, and
a paper's protocol has no say in it.
"""
