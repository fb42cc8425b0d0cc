"""Parts that several models share: texts, shapes, encoders, neighbours, losses and the training loop."""
