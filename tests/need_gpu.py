"""Ends with an error, and says so, where there is no GPU to test."""

import sys

from benchmark.records.gpus import visible_gpus

if not visible_gpus():
    sys.exit("tox -e gpu needs an NVIDIA GPU and its driver (nvidia-smi); here is none")
