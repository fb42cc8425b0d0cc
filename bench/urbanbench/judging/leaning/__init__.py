"""What a score leaned on, from scores alone."""
