"""Probes: what vectors know beside the label, and how a score depends on labels and dimensions; each asked of frozen vectors."""
