"""Judging: what results and predictions allow to say. Numbers in, statements out; no model, task or city is touched here."""
