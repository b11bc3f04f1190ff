"""``resnet-bench prove power``: show how likely claims are to be judged correctly."""

from pathlib import Path

from benchmark.commands.options import Results
from benchmark.commands.terminal import say


def power(results: Results = Path("results")) -> None:
    """Plot how likely claims are to be judged correctly, by number of seeds: simulated papers,
    judged by the report's own tests."""
    from benchmark.report.figures.power import draw_power
    from benchmark.report.figures.style import keep

    for file in keep(draw_power(), results / "power", "power"):
        say(f"figure:  {file}")
