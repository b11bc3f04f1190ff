"""The first few scored images of a detector's run, kept so that a report can show its detections
without the data set."""

import io
import zipfile
from dataclasses import dataclass

import numpy as np

from benchmark.data.contents import of_unreadable
from benchmark.records.files import write_bytes
from benchmark.records.problems import RecordsError
from benchmark.records.store import RunFolder

_LISTS = ("images", "boxes", "labels", "crowds")
"""Fields with one array per image."""


@dataclass(frozen=True)
class Shown:
    """Images as stored, with their ground truth; all lists but ``classes`` are as long."""

    images: list[np.ndarray]
    """Each (height, width, 3) uint8."""
    ids: list[int]
    """The image ids used in the detections."""
    boxes: list[np.ndarray]
    """Each (n, 4) float32, (x1, y1, x2, y2) in the image's pixels."""
    labels: list[np.ndarray]
    """Each (n,) int32, from 0."""
    crowds: list[np.ndarray]
    """Each (n,) bool: regions where a detection counts neither as right nor as wrong."""
    classes: list[str]
    """Label -> name."""


def save_shown(folder: RunFolder, shown: Shown) -> None:
    """Save the images in the run's folder: the same bytes for the same images."""
    arrays = {
        f"{name}.{place}": array
        for name in _LISTS
        for place, array in enumerate(getattr(shown, name))
    }
    ids, classes = np.array(shown.ids, np.int64), np.array(shown.classes, np.str_)
    file = io.BytesIO()
    np.savez_compressed(file, ids=ids, classes=classes, **arrays)
    write_bytes(folder.shown, file.getvalue())


def load_shown(folder: RunFolder) -> Shown | None:
    """Load the saved images; None if there are none. Raises RecordsError for a corrupt file."""
    try:
        with np.load(folder.shown, allow_pickle=False) as kept:
            ids, classes = kept["ids"].tolist(), kept["classes"].tolist()
            lists = {
                name: [kept[f"{name}.{place}"] for place in range(len(ids))] for name in _LISTS
            }
            return Shown(ids=ids, classes=classes, **lists)
    except FileNotFoundError:
        return None
    except (KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        rule = f"{folder.shown} must be images with their truth"
        raise RecordsError(f"{rule}. Received: {of_unreadable(error, folder.shown)}") from error
