"""A reproducibility benchmark for the ResNet paper (He et al., 2015, arXiv 1512.03385)."""

__version__ = "0.1.0"
