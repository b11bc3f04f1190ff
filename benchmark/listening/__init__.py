"""Listeners to the training of runs: a terminal, a tracking server."""
