"""The commands, and the code that they share. Loads nothing heavy."""
