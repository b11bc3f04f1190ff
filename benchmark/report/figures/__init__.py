"""Figures as in the paper, and further ones that its readers ask for."""

from benchmark.report.figures.drawn import Drawn, draw_figures

__all__ = ["Drawn", "draw_figures"]
