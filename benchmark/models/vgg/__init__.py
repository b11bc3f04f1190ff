"""VGG-16: its cost and its construction."""
