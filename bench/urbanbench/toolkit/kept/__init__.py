"""What is kept between runs and by which version: features, weights, packages."""
