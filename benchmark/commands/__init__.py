"""What the commands share, and those that stand apart. Loads nothing heavy."""
