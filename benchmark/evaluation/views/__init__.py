"""Tests of classifiers on one or several views of each image."""
