"""What experiments have in common: the contract, its kinds, and how their results are found and shown."""
