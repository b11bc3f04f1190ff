"""Classifiers tested: one view of an image, or several."""
