"""``resnet-bench prove audit``: check the sizes of the paper's nets."""

from typing import Annotated

import typer

from benchmark.commands.terminal import RUNS_FAILED, say
from benchmark.counts import counted


def audit(
    build: Annotated[
        bool, typer.Option(help="Also build each net in Keras (about a minute) and count.")
    ] = True,
) -> None:
    """Compare the parameters and multiply-adds of the paper's nets with its Tables 1 and 6."""
    from benchmark.proof.audit import audit_rows

    header = ("net", "parameters", "counted", "Table 6", "", "GMACs", "counted", "Table 1", "")
    line = "{:28}{:>12}{:>12}{:>9} {:8}{:>8}{:>9}{:>9} {:8}"
    say(line.format(*header).rstrip())
    wrong = 0
    for row in audit_rows():
        expected, built = row.arithmetic, row.counted() if build else None
        wrong += built is not None and built != expected
        millions, billions = row.published_parameters, row.published_multiply_adds
        texts = (
            f"{expected.parameters:,}",
            f"{built.parameters:,}" if built else "–",
            f"{millions.text}M" if millions else "–",
            f"{millions.difference:+.3f}{'' if millions.agrees else '*'}" if millions else "",
            f"{expected.multiply_adds / 1e9:.3f}",
            f"{built.multiply_adds / 1e9:.3f}" if built else "–",
            billions.text if billions else "–",
            f"{billions.difference:+.3f}{'' if billions.agrees else '*'}" if billions else "",
        )
        say(line.format(row.net, *texts).rstrip())
    say("Differences are ours minus the paper's; * marks those that rounding does not explain.")
    if wrong:
        say(f"{counted(wrong, 'net differs', 'nets differ')} between arithmetic and counting")
        raise typer.Exit(RUNS_FAILED)
