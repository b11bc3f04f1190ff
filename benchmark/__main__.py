"""Entry point of ``python -m benchmark``, which is the command ``resnet-bench``."""

from benchmark.cli import app

app(prog_name="resnet-bench")
