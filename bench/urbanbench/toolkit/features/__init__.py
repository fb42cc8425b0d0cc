"""Features of frozen encoders: computed once, as tables of rows that models read or train along."""
