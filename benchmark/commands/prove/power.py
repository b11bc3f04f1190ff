"""``resnet-bench prove power``: how likely claims are judged rightly."""

from pathlib import Path

from benchmark.commands.options import Results
from benchmark.commands.terminal import say


def power(results: Results = Path("results")) -> None:
    """Draw how likely claims are judged rightly, by the number of seeds: made-up papers, judged by
    the report's own tests."""
    from benchmark.report.figures.power import draw_power
    from benchmark.report.figures.style import keep

    for file in keep(draw_power(), results / "power", "power"):
        say(f"figure:  {file}")
