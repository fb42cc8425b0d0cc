"""What can be wrong with a city folder, all of it told at once."""
