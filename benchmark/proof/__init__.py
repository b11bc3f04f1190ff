"""Proof of this project itself: its nets, its speed, and its engine under failures."""
