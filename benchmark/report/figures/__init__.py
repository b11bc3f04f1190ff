"""Figures like the paper's, and others that readers ask for."""

from benchmark.report.figures.drawn import Drawn, draw_figures

__all__ = ["Drawn", "draw_figures"]
