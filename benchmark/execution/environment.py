"""The environment of a run's process, so that a run is a function of its spec whatever a user has
set for other work."""

from collections.abc import Mapping

_FIXED = {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "2"}

_CHANGE_BITS = (
    "DNNL_DEFAULT_FPMATH_MODE",
    "DNNL_MAX_CPU_ISA",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "ONEDNN_DEFAULT_FPMATH_MODE",
    "ONEDNN_MAX_CPU_ISA",
    "TF_CUDNN_DETERMINISTIC",
    "TF_CUDNN_USE_AUTOTUNE",
    "TF_DETERMINISTIC_OPS",
    "TF_DISABLE_MKL",
    "TF_ENABLE_AUTO_MIXED_PRECISION",
    "TF_ENABLE_CUBLAS_TENSOR_OP_MATH_FP32",
    "TF_ENABLE_CUDNN_TENSOR_OP_MATH_FP32",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_SET_ONEDNN_FPMATH_MODE",
    "TF_XLA_FLAGS",
)
"""Variables by which TensorFlow and its libraries compute in another way. What a run may choose of
it is in its spec; ``XLA_FLAGS``, which also say where CUDA lies, are kept, and told in the
provenance."""


def of_worker(surrounding: Mapping[str, str]) -> dict[str, str]:
    """``surrounding`` without what changes bits, and with Keras on TensorFlow."""
    kept = {name: text for name, text in surrounding.items() if name not in _CHANGE_BITS}
    return kept | _FIXED
