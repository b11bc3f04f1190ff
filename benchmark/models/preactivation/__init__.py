"""Nets of residual units in another order, or with another shortcut: their cost and their
construction (arXiv 1603.05027)."""
