"""VGG-16: its cost and construction."""
