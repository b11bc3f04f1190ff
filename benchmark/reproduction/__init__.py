"""Reproduction: train recorded runs again, and compare them bit for bit."""
