"""Export of a trained net and its preprocessing to one file, for use without this package."""

from enum import StrEnum


class Format(StrEnum):
    """The file format of an exported net."""

    KERAS, SAFETENSORS, ONNX = "keras", "safetensors", "onnx"
