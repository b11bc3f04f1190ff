"""Settings that change the bits of a result but are not part of the method."""

from typing import Literal

from pydantic import Field, model_validator

from benchmark.spec.base import Spec, refuse


class NumericsSpec(Spec):
    """Precision and execution; each field changes the last bits, so each is in a run's id."""

    precision: Literal["float32", "tensorfloat32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """``tensorfloat32``: float32 with the inputs of products rounded to 10 bits on NVIDIA GPUs from
    Ampere on; ``float32`` never does this. ``mixed_bfloat16``: float32 variables, bfloat16
    arithmetic. ``mixed_float16``: float16 arithmetic with dynamic loss scaling, for GPUs without
    bfloat16."""

    loss_scale: float | None = Field(default=None, ge=1, le=2**40)
    """Only for ``mixed_float16``: the initial loss scale; 32768 if left out."""

    threads: int = Field(default=1, ge=1, le=1024)
    """TensorFlow's intra-op threads for training on a CPU. On a GPU they do not change the bits,
    and as many as the host has are used."""

    deterministic: bool = True
    """Raise an error for operations that have no deterministic implementation."""

    xla: bool = False
    """Compile the training step with XLA."""

    replicas: int = Field(default=1, ge=1, le=64)
    """Devices of one host that share each batch; each normalises its own part. The paper uses two
    for CIFAR-10 (64 images per GPU, section 4.2), eight for ImageNet (32)."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: object) -> object:
        if not isinstance(data, dict) or data.get("precision") != "mixed_float16":
            return data
        return data if data.get("loss_scale") is not None else {**data, "loss_scale": 32768.0}

    @model_validator(mode="after")
    def _fields_fit(self) -> "NumericsSpec":
        if self.loss_scale is not None and self.precision != "mixed_float16":
            raise refuse("loss_scale", "applies only to mixed_float16", self.loss_scale)
        if self.xla and self.replicas > 1:
            raise refuse("xla", "must be false with more than one replica", self.xla)
        return self
