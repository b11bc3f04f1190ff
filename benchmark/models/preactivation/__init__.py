"""Nets whose residual units have another order, or another shortcut: their cost and construction
(arXiv 1603.05027)."""
