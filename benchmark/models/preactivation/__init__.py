"""Nets of residual units in another order, or with another path beside the residual function: what
they cost, and how they are built (arXiv 1603.05027)."""
