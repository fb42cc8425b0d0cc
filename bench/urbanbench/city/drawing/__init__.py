"""Pictures of a city: maps and contact sheets."""
