"""What lies where: places, neighbours, roads."""
