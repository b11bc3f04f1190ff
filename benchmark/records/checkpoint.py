"""Checkpoints: folders that are either intact or refused.

``checkpoints/ITERATION-DIGEST/`` holds ``arrays.safetensors``, ``counters.json``, ``curves.json``
(the rows of all epochs so far) and ``manifest.json`` with the SHA-256 of all three; DIGEST is the
start of the manifest's own. A folder is written under a temporary name, flushed to disk and
renamed; the last two are kept.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.events import Event
from benchmark.records.files import flush_folder, write_through, writing

KEPT = 2
"""Number of newest checkpoints to keep."""

_ARRAYS, _COUNTERS, _CURVES = "arrays.safetensors", "counters.json", "curves.json"
_MANIFEST = "manifest.json"
_NAME = re.compile(r"\d{12}-[0-9a-f]{32}")


@dataclass(frozen=True)
class Checkpoint:
    """The contents of a checkpoint folder."""

    name: str
    counters: dict[str, Any]
    arrays: dict[str, np.ndarray]
    curves: list[Event]


class Checkpoints:
    """The checkpoints of one run."""

    def __init__(self, folder: Path):
        self.folder = folder

    def save(
        self,
        counters: dict[str, Any],
        arrays: dict[str, np.ndarray],
        curves: list[Event],
    ) -> str:
        """Save the state at ``counters["iteration"]`` and return the checkpoint's name.

        Raises DiskFullError, or another OSError, and leaves earlier checkpoints intact.
        """
        from safetensors.numpy import save as serialized

        files = {
            _ARRAYS: serialized({name: np.asarray(a, order="C") for name, a in arrays.items()}),
            _COUNTERS: json.dumps(counters).encode(),  # Layers keep their order.
            _CURVES: json.dumps(curves).encode(),
        }
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        files[_MANIFEST] = json.dumps(digests, sort_keys=True).encode()
        digest = hashlib.sha256(files[_MANIFEST]).hexdigest()[:32]
        target = self.folder / f"{counters['iteration']:012}-{digest}"
        if not target.exists():
            with writing(target):
                self._write(target, files)
        for old in self._names()[KEPT:]:
            shutil.rmtree(self.folder / old, ignore_errors=True)
        return target.name

    def newest(self, refused: Callable[[str], None]) -> Checkpoint | None:
        """Return the newest intact checkpoint; call ``refused`` with the reason for each newer."""
        for name in self._names():
            try:
                return self._read(name)
            except (OSError, ValueError) as error:
                refused(f"checkpoint {name} is not whole ({error})")
        return None

    def delete_newer(self, used: Checkpoint) -> None:
        """Delete refused checkpoints, so that they do not push out an intact one."""
        for name in self._names():
            if name > used.name:
                shutil.rmtree(self.folder / name, ignore_errors=True)

    def clear(self) -> None:
        """Delete all checkpoints: a run that has ended needs none."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _names(self) -> list[str]:
        """Return the checkpoints' names, newest first."""
        if not self.folder.is_dir():
            return []
        names = [path.name for path in self.folder.iterdir() if _NAME.fullmatch(path.name)]
        return sorted(names, reverse=True)

    def _write(self, target: Path, files: dict[str, bytes]) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True)
            flush_folder(self.folder.parent)
        for left in self.folder.glob(".aside-*"):  # From a killed process; only one writes here.
            shutil.rmtree(left, ignore_errors=True)
        aside = self.folder / f".aside-{target.name}"
        try:
            aside.mkdir()
            for name, data in files.items():
                write_through(aside / name, data)
            flush_folder(aside)
            aside.rename(target)
            flush_folder(self.folder)
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)
            raise

    def _read(self, name: str) -> Checkpoint:
        from safetensors import SafetensorError
        from safetensors.numpy import load as deserialized

        folder, (_, told) = self.folder / name, name.split("-")
        manifest = (folder / _MANIFEST).read_bytes()
        if hashlib.sha256(manifest).hexdigest()[:32] != told:
            raise ValueError(f"{_MANIFEST} does not match the digest in the folder's name")
        files = {}
        for file, digest in json.loads(manifest).items():
            files[file] = (folder / file).read_bytes()
            if hashlib.sha256(files[file]).hexdigest() != digest:
                raise ValueError(f"{file} does not match its digest")
        try:
            counters, curves = json.loads(files[_COUNTERS]), json.loads(files[_CURVES])
            return Checkpoint(name, counters, deserialized(files[_ARRAYS]), curves)
        except (KeyError, SafetensorError) as error:
            raise ValueError(str(error)) from error
