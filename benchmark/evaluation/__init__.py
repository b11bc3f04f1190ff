"""Scores of a trained net; each example is scored exactly once."""
