"""The environment of a process that uses TensorFlow, so that a run is a function of its spec
whatever a user has set for other work. Loads nothing heavy: it comes before Keras."""

import json
import os
import shutil
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmark.data.cache_folder import cache_folder
from benchmark.records.files import write_json

_REMOVED = (
    "BLIS_",
    "DNNL_",
    "GOMP_",
    "GOTO_",
    "KERAS_",
    "KMP_",
    "MKL_",
    "NPY_",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "TF2_",
    "TF_",
    "XLA_PJRT_",
)
"""Variables, by how they begin, by which TensorFlow, NumPy and their libraries compute in another
way. What a run may choose of it is in its spec."""

_KEPT = ("TF_CPP_", "TF_CUDNN_", "TF_DUMP_", "TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_")
"""Of those: what is told of a run's work, and what a machine's GPUs may need. Those that can change
bits are told in the provenance, as ``XLA_FLAGS`` are, which also say where CUDA lies."""

_REMOVED_ALL_THE_SAME = ("TF_CUDNN_DETERMINISTIC", "TF_CUDNN_USE_AUTOTUNE")

_KERAS: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-07,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
}
"""Keras's own defaults, as its configuration file states them."""


def fix(variables: MutableMapping[str, str] = os.environ) -> None:
    """Make them ``of_worker``, in place."""
    fixed = of_worker(variables)
    for name in [name for name in variables if name not in fixed]:
        del variables[name]
    variables.update(fixed)


def start_lightly() -> None:
    """To be called before TensorFlow is loaded, by a process that neither draws nor fits anything:
    Keras loads Matplotlib and scikit-learn where they are installed, a third of its time to start,
    and does without where they are not."""
    for name in ("matplotlib", "sklearn"):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # As Python's manual has it.


def of_worker(surrounding: Mapping[str, str]) -> dict[str, str]:
    """``surrounding`` without what changes bits, and with Keras on TensorFlow as it is by itself.
    Raises OSError, which names the file, where a configuration of Keras is in the way and no other
    can be put in its place."""
    kept = {name: text for name, text in surrounding.items() if not _is_removed(name)}
    # On a machine without a GPU TensorFlow calls it an error that there is none.
    least = "2" if _has_gpu_driver() else "3"
    fixed = {"KERAS_BACKEND": "tensorflow"} | _keras_home(surrounding)
    return {"TF_CPP_MIN_LOG_LEVEL": least} | kept | fixed


def _is_removed(name: str) -> bool:
    return name in _REMOVED_ALL_THE_SAME or (
        name.startswith(_REMOVED) and not name.startswith(_KEPT)
    )


def _has_gpu_driver() -> bool:
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _keras_home(surrounding: Mapping[str, str]) -> dict[str, str]:
    """``KERAS_HOME``: the user's own, or the folder of a configuration that is as it should be."""
    stated = surrounding.get("KERAS_HOME")
    theirs = Path(stated).expanduser() if stated is not None else _default_home()
    file = theirs / "keras.json"
    if _is_as_meant(file):
        return {} if stated is None else {"KERAS_HOME": stated}
    own = cache_folder() / ".keras"
    if theirs.resolve() != own.resolve():
        try:
            _make_home(own, theirs)
        except OSError as error:
            rule = f"{file} must state Keras's defaults, {json.dumps(_KERAS)}"
            why = f"others, and {own} cannot be put in its place ({error.strerror})"
            raise OSError(f"{rule}. Received: {why}") from error
    return {"KERAS_HOME": str(own)}


def _default_home() -> Path:
    """As Keras has it."""
    home = Path("~").expanduser()
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"


def _is_as_meant(file: Path) -> bool:
    """Whether it leaves Keras as it is; without it Keras writes its defaults there."""
    try:
        stated = json.loads(file.read_bytes())
    except FileNotFoundError:
        return True
    except (OSError, ValueError, RecursionError):
        return False
    # By their text: to Keras 1 is no epsilon.
    return isinstance(stated, dict) and all(
        repr(value) == repr(_KERAS.get(name)) for name, value in stated.items()
    )


def _make_home(own: Path, theirs: Path) -> None:
    """Keras's folder with its defaults, and with the weights that are in the user's."""
    own.mkdir(parents=True, exist_ok=True)
    file, models = own / "keras.json", own / "models"
    if not (file.exists() and _is_as_meant(file)):
        write_json(file, _KERAS)
    wanted = (theirs / "models").absolute()
    if models.is_symlink() and models.readlink() == wanted:
        return
    if models.is_dir() and not models.is_symlink():
        return
    with suppress(OSError):  # Of a home that cannot be written to.
        wanted.mkdir(parents=True, exist_ok=True)
    link = own / f".models-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(wanted)
    link.replace(models)
