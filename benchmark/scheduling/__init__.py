"""Scheduling: which runs are trained where, and how many at once, on this machine or by Ray."""
