"""New city folders and views made of others: merged, moved, seen from above."""
