"""``resnet-bench prove``: put this project itself to the test."""

import typer

from benchmark.commands.prove.audit import audit
from benchmark.commands.prove.crosscheck import crosscheck
from benchmark.commands.prove.power import power
from benchmark.commands.prove.scaling import scaling
from benchmark.commands.prove.speed import speed
from benchmark.commands.prove.storm import storm

prove_app = typer.Typer(
    no_args_is_help=True,
    help="Put this project itself to the test: its nets, its tests' power, its speed, its engine.",
)
for proof in (audit, crosscheck, power, speed, scaling, storm):
    prove_app.command()(proof)
