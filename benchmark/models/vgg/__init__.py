"""VGG-16: what it costs, and how it is built."""
