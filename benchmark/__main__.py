"""``python -m benchmark`` is the command ``resnet-bench``."""

from benchmark.cli import app

app(prog_name="resnet-bench")
