"""The command line. Each command loads heavy libraries only when needed, so that help is quick."""

import sys

import typer

from benchmark.commands.data import data_app
from benchmark.commands.evaluate import evaluate
from benchmark.commands.export import export
from benchmark.commands.init import init
from benchmark.commands.paper import paper
from benchmark.commands.prove import prove_app
from benchmark.commands.records import records_app
from benchmark.commands.replay import diff, replay
from benchmark.commands.reporting import report, sync
from benchmark.commands.run import run
from benchmark.commands.suites import list_suites, plan
from benchmark.commands.terminal import BAD_INPUT, Commands, of_all_commands
from benchmark.commands.ui import ui
from benchmark.commands.verify import verify
from benchmark.worker.environment import fix as fix_environment

try:
    fix_environment()  # Regardless of what the user has set for other work.
except OSError as error:
    print(error, file=sys.stderr)
    sys.exit(BAD_INPUT)

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reproduce the ResNet paper (He et al., 2015) in Keras: suites of runs, compared.",
)
app.callback()(of_all_commands)
app.command("list")(list_suites)
for command in (
    *(init, plan, run, report, paper, sync, ui),
    *(replay, diff, verify, evaluate, export),
):
    app.command()(command)
app.add_typer(data_app, name="data")
app.add_typer(records_app, name="records")
app.add_typer(prove_app, name="prove")

if __name__ == "__main__":
    app()
