"""Training and test error as the paper draws them (figure 6)."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from benchmark.records.files import write_bytes

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
"""Okabe and Ito's colours, told apart by colour-blind readers."""

SPLITS = ("test", "validation")
"""What a run may be scored on; each run is scored on one of them."""

_MARKS = ("", "o", "s", "^", "D", "v", "P", "X")


def draw_curves(curves: pd.DataFrame, folder: Path, title: str) -> list[Path]:
    """Errors by iteration: thin dashed lines for training, bold ones for the scored split.

    Seeds of a variant share a colour. Writes ``curves.svg`` and ``curves.png``.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.rcParams["svg.hashsalt"] = "resnet-bench"
    figure, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    columns = {split: f"{split}_error_percent" for split in SPLITS}
    splits = [s for s, name in columns.items() if name in curves and curves[name].notna().any()]
    for number, (variant, group) in enumerate(curves.groupby("variant", sort=False)):
        style: dict[str, Any] = {"color": COLORS[number % len(COLORS)], "markersize": 4}
        for which, (_, run) in enumerate(group.groupby("run_id", sort=False)):
            axes.plot(run["iteration"], run["train_error_percent"], "--", linewidth=1, **style)
            scored = _scored(run)
            axes.plot(
                run.loc[scored.index, "iteration"],
                scored,
                linewidth=2.2,
                marker=_MARKS[number % len(_MARKS)],
                markevery=max(1, len(scored) // 10),
                label=variant if which == 0 else None,
                **style,
            )
    axes.set(xlabel="iteration", ylabel="error (%)", title=title)
    axes.grid(alpha=0.25)
    bold = f"bold: {' or '.join(splits)} error\n" if splits else ""
    lines = axes.legend(title=f"{bold}thin dashed: training error", fontsize=9)
    lines.get_title().set_fontsize(8)
    for spine in ("top", "right"):
        axes.spines[spine].set_visible(False)
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "curves.svg", folder / "curves.png"]
    write_bytes(files[0], _drawn(figure, format="svg", metadata={"Date": None}))
    write_bytes(files[1], _drawn(figure, format="png", dpi=150))
    plt.close(figure)
    return files


def _scored(run: pd.DataFrame) -> pd.Series:
    """The scored errors of one run, by row; empty where no epoch was scored yet."""
    columns = [run[f"{split}_error_percent"] for split in SPLITS if f"{split}_error_percent" in run]
    errors = [column.dropna() for column in columns]
    return next((column for column in errors if len(column)), pd.Series(dtype=float))


def _drawn(figure: Any, **how: Any) -> bytes:
    drawn = BytesIO()
    figure.savefig(drawn, **how)
    return drawn.getvalue()
