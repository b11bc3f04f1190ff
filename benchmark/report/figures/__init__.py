"""Figures as the paper draws them, and those that its readers ask for."""

from benchmark.report.figures.drawn import Drawn, draw_figures

__all__ = ["Drawn", "draw_figures"]
