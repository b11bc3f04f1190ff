"""The environment of a process that uses TensorFlow. It makes a run a function of its spec,
whatever the user has set for other work. Importing this loads nothing heavy."""

import gc
import importlib
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
from benchmark.records.provenance import HUGE_PAGES

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
"""Prefixes of variables that change how TensorFlow, NumPy and their libraries compute. The choices
that a run may make are in its spec."""

_KEPT = ("TF_CPP_", "TF_CUDNN_", "TF_DUMP_", "TF_FORCE_GPU_ALLOW_GROWTH", "TF_GPU_")
"""Exceptions to these: variables for logging, and those that a machine's GPUs may need. Those that
can change bits are recorded in the provenance, like ``XLA_FLAGS``, which also locates CUDA."""

_REMOVED_ALL_THE_SAME = ("TF_CUDNN_DETERMINISTIC", "TF_CUDNN_USE_AUTOTUNE")

_KERAS: dict[str, Any] = {
    "floatx": "float32",
    "epsilon": 1e-07,
    "backend": "tensorflow",
    "image_data_format": "channels_last",
}
"""Keras's own defaults, as its configuration file states them."""


_OPTIONAL = ("matplotlib", "pandas", "scipy.sparse", "sklearn")
"""Libraries that TensorFlow and Keras load if they are there, for uses that a run has none of."""


def fix(variables: MutableMapping[str, str] = os.environ) -> None:
    """Change the variables to those of ``of_worker``, in place."""
    fixed = of_worker(variables)
    for name in [name for name in variables if name not in fixed]:
        del variables[name]
    variables.update(fixed)


def load_libraries() -> None:
    """Load TensorFlow and Keras in half the time: without the libraries that they load but work
    without, which can still be imported afterwards, and without the garbage collector, which then
    leaves what was loaded alone."""
    hidden = [name for name in _OPTIONAL if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # As in Python's manual.
    gc.disable()
    for name in ("tensorflow", "keras"):
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
    for name in hidden:
        del sys.modules[name]


def of_worker(surrounding: Mapping[str, str]) -> dict[str, str]:
    """Return ``surrounding`` without the variables that change bits, with Keras on TensorFlow with
    its defaults, and with huge pages unless tunables are stated. Raises OSError, which names the
    file, if a configuration of Keras differs and cannot be replaced."""
    kept = {name: text for name, text in surrounding.items() if not _is_removed(name)}
    # On a machine without a GPU, TensorFlow logs the lack of one as an error.
    least = "2" if _has_gpu_driver() else "3"
    fixed = {"KERAS_BACKEND": "tensorflow"} | _keras_home(surrounding)
    return {"TF_CPP_MIN_LOG_LEVEL": least} | HUGE_PAGES | kept | fixed


def _is_removed(name: str) -> bool:
    return name in _REMOVED_ALL_THE_SAME or (
        name.startswith(_REMOVED) and not name.startswith(_KEPT)
    )


def _has_gpu_driver() -> bool:
    return Path("/dev/nvidiactl").exists() or shutil.which("nvidia-smi") is not None


def _keras_home(surrounding: Mapping[str, str]) -> dict[str, str]:
    """Return ``KERAS_HOME``: the user's own, or a folder with the default configuration."""
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
            why = f"others, and {own} cannot replace it ({error.strerror})"
            raise OSError(f"{rule}. Received: {why}") from error
    return {"KERAS_HOME": str(own)}


def _default_home() -> Path:
    """Return the folder that Keras uses by default."""
    home = Path("~").expanduser()
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"


def _is_as_meant(file: Path) -> bool:
    """Return whether the file leaves Keras's defaults unchanged; if missing, Keras writes them."""
    try:
        stated = json.loads(file.read_bytes())
    except FileNotFoundError:
        return True
    except (OSError, ValueError, RecursionError):
        return False
    # Compared as text: Keras does not accept the integer 1 as epsilon.
    return isinstance(stated, dict) and all(
        repr(value) == repr(_KERAS.get(name)) for name, value in stated.items()
    )


def _make_home(own: Path, theirs: Path) -> None:
    """Make a Keras folder with its defaults and with the weights from the user's folder."""
    own.mkdir(parents=True, exist_ok=True)
    file, models = own / "keras.json", own / "models"
    if not (file.exists() and _is_as_meant(file)):
        write_json(file, _KERAS)
    wanted = (theirs / "models").absolute()
    if models.is_symlink() and models.readlink() == wanted:
        return
    if models.is_dir() and not models.is_symlink():
        return
    with suppress(OSError):  # If the home folder cannot be written to.
        wanted.mkdir(parents=True, exist_ok=True)
    link = own / f".models-{os.getpid()}"
    link.unlink(missing_ok=True)
    link.symlink_to(wanted)
    link.replace(models)
