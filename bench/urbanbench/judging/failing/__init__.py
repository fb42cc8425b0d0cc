"""Where and on whom predictions fail, from predictions alone."""
