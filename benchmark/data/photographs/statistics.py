"""The means, deviations and principal colours of photographs, from integer sums, so that they do
not depend on the order in which the pixels are added."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Statistics:
    """Statistics of pixels from 0 to 255; the principal components are of pixels from 0 to 1."""

    mean_image: np.ndarray
    """(crop, crop, 3)."""
    channel_means: np.ndarray
    """(3,)."""
    channel_stds: np.ndarray
    """(3,)."""
    eigenvalues: np.ndarray
    """(3,), descending: of the covariance of a pixel's red, green and blue."""
    eigenvectors: np.ndarray
    """(3, 3): one per column, of length 1; the largest component is positive."""


def measured(batches: Iterable[np.ndarray]) -> Statistics:
    """Measure crops (batch, crop, crop, 3) uint8; at least one."""
    count, products = 0, np.zeros((3, 3), np.int64)
    image: np.ndarray = np.zeros((), np.int64)
    for crops in batches:
        count += len(crops)
        image = image + crops.sum(0, dtype=np.int64)
        for crop in crops:
            pixels = crop.reshape(-1, 3).astype(np.float64)
            products += (pixels.T @ pixels).astype(np.int64)  # Exact, below 2**53.
    pixels_seen = count * image.shape[0] * image.shape[1]
    means = image.sum((0, 1)) / pixels_seen
    covariance = products / pixels_seen - np.outer(means, means)
    eigenvalues, eigenvectors = np.linalg.eigh(covariance / 255**2)
    largest = np.take_along_axis(eigenvectors, np.abs(eigenvectors).argmax(0)[None], 0)
    return Statistics(
        mean_image=image / count,
        channel_means=means,
        channel_stds=np.sqrt(np.diag(covariance)),
        eigenvalues=np.maximum(eigenvalues, 0)[::-1].copy(),
        eigenvectors=(eigenvectors * np.sign(largest))[:, ::-1].copy(),
    )
