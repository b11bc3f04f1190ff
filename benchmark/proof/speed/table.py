"""The table of a speed benchmark: ratios within each round, their median and spread."""

import statistics
from collections.abc import Iterable
from typing import Any

import pandas as pd

from benchmark.models.families import cost
from benchmark.proof.speed.case import NETS
from benchmark.proof.speed.contender import CONTENDERS, FLOOR, OURS, PACKED, WHOLE_RUN, XLA
from benchmark.proof.speed.measure import Measured
from benchmark.scheduling.rates import TRAINING


def summary(measured: Iterable[Measured]) -> pd.DataFrame:
    """Return one row per case and contender.

    ``images_per_s`` and its minimum and maximum over the rounds; ``ratio``, the median over the
    rounds of our training step's rate divided by the contender's in the same round, and its minimum
    and maximum (for our whole run, and for one run per core, their rate divided by the step's);
    ``share_of_peak``, the median share of the rate of multiply-adds that the matrix product reached
    in the same round, where a training step counts as three forward passes.
    """
    return pd.DataFrame([row for case in measured for row in _rows(case)])


def _rows(measured: Measured) -> Iterable[dict[str, Any]]:
    turns = pd.DataFrame([vars(turn) for turn in measured.turns])
    rates = (turns["amount"] / turns["seconds"]).groupby([turns["contender"], turns["round"]])
    by_round = rates.first().unstack("round")
    net = NETS[measured.case.net]
    forward = cost(net.spec, (net.size, net.size, 3), net.classes).multiply_adds
    peaks = turns.groupby("contender")["peak_memory_mib"].max()
    others = turns.groupby("contender")["others_percent"].max()
    for name in [n for n in CONTENDERS if n in measured.parameters and n != FLOOR]:
        rate = by_round.loc[name]
        ratio = rate / by_round.loc[OURS]
        ratio = ratio if name in (WHOLE_RUN, PACKED, XLA) else 1 / ratio
        share = TRAINING * forward * rate / by_round.loc[FLOOR]
        losses = measured.losses.get(name)
        yield {
            "net": measured.case.net,
            "precision": measured.case.precision,
            "threads": measured.case.threads,
            "device": measured.case.device,
            "contender": name,
            "images_per_s": rate.median(),
            "images_per_s_min": rate.min(),
            "images_per_s_max": rate.max(),
            "ratio": ratio.median(),
            "ratio_min": ratio.min(),
            "ratio_max": ratio.max(),
            "share_of_peak": share.median(),
            "peak_multiply_adds_per_s": by_round.loc[FLOOR].median(),
            "multiply_adds": forward,
            "peak_memory_mib": peaks[name],
            "parameters": measured.parameters[name],
            "first_loss": losses[0] if losses else None,
            "mean_of_last_10_losses": statistics.mean(losses[-10:]) if losses else None,
            "others_percent": others[name],
            "rounds": len(rate.dropna()),
        }


def markdown(table: pd.DataFrame) -> str:
    """Return the table as Markdown."""
    header = ["net", "precision", "threads", "contender", "images/s", "ours is", "of peak"]
    header += ["peak (GMAC/s)", "memory (MiB)", "parameters", "loss 1", "losses 41–50", "others"]
    lines = ["| " + " | ".join(header) + " |", "|---|---|---:|---|" + "---:|" * 9]
    for record in table.to_dict("records"):
        row = {str(name): value for name, value in record.items()}
        cells = [
            row["net"],
            row["precision"].removeprefix("mixed_"),
            row["threads"] if row["device"] == "cpu" else f"{row['threads']} ({row['device']})",
            row["contender"],
            "{images_per_s:.4g} ({images_per_s_min:.4g}–{images_per_s_max:.4g})".format(**row),
            _ratio(row),
            f"{row['share_of_peak']:.0%}",
            f"{row['peak_multiply_adds_per_s'] / 1e9:.0f}",
            f"{row['peak_memory_mib']:,.0f}",
            f"{row['parameters']:,}",
            _number(row["first_loss"]),
            _number(row["mean_of_last_10_losses"]),
            f"{row['others_percent']:.0f} %",
        ]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n"


def _ratio(row: dict[str, Any]) -> str:
    if row["contender"] == OURS:
        return "–"
    spread = f"({row['ratio_min']:.2f}–{row['ratio_max']:.2f})"
    if row["contender"] in (WHOLE_RUN, PACKED, XLA):
        return f"this is {row['ratio']:.2f}× {spread}"
    return f"{row['ratio']:.2f}× {spread}"


def _number(value: float | None) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.3f}"
