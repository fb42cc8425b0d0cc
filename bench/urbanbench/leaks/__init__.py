"""Leaks of a task in a city, looked for before anything runs: answers that a model can see, and test units that a split does not really hold out."""
