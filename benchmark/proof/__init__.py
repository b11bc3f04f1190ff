"""Checks of this project itself: its nets, its speed, its behaviour under failures."""
