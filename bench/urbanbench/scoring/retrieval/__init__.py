"""Scoring of retrieval: questions with their truth, candidate sets, ranks and what is counted of them."""
