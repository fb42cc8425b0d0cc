"""Pictures: decoding, pixels kept, image encoders, scenes."""
