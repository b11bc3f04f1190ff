"""Figures as in the paper, and further ones that its readers ask for."""
