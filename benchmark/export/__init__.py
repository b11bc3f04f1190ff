"""A trained net with its preprocessing as one file, for those who do not have this package."""

from enum import StrEnum


class Format(StrEnum):
    """What a net is written as."""

    KERAS, SAFETENSORS, ONNX = "keras", "safetensors", "onnx"
