"""Figures 6 and 7 as the paper draws them."""

import pandas as pd
import pytest

from benchmark.report.figures.figure6 import draw_figure6
from benchmark.report.figures.figure7 import draw_figure7
from benchmark.report.figures.lines import key_of
from benchmark.report.figures.nets import nets_of


def of_nets(*kinds):
    """Runs of (shortcut, depth), a variant each, as the frame of runs has them."""
    return pd.DataFrame(
        [
            {"variant": f"{shortcut}{depth}", "model.shortcut": shortcut, "model.depth": depth}
            for shortcut, depth in kinds
        ]
    )


NETS = nets_of(of_nets(("A", 56), ("A", 20), ("none", 56), ("none", 20)))


END = 64_000


def curves(variant, seeds, end=END, error=10.0):
    """Of runs that fall by 30 points to ``error``, 0.1 more a seed; trained 5 points lower."""
    rows = []
    for seed in range(seeds):
        for epoch, (iteration, above) in enumerate([(end // 2, 30.0), (end, 0.0)], start=1):
            test = error + above + 0.1 * seed
            rows.append(
                {
                    **{"variant": variant, "run_id": f"{variant}{seed}", "epoch": epoch},
                    **{"iteration": iteration, "test_error_percent": test},
                    "train_error_percent": test - 5,
                }
            )
    return pd.DataFrame(rows)


def lines(panel, *, bold):
    return {
        str(line.get_label()): line
        for line in panel.lines
        if (line.get_linewidth() > 2) == bold and line.get_linewidth() > 0.8
    }


def test_nets_of_several_depths_are_told_apart_plain_ones_first():
    assert [net.name for net in NETS.values()] == ["plain-20", "plain-56", "ResNet-20", "ResNet-56"]
    assert NETS["A20"].color == NETS["none20"].color != NETS["A56"].color


@pytest.mark.parametrize(
    "kinds",
    [
        [("A", 20), ("B", 20), ("A", 56)],  # Two kinds of one net.
        [("none", 20), ("A", 20)],  # One depth.
        [("A", float("nan")), ("A", 20), ("A", 56)],  # One that has no depth.
        [],
    ],
)
def test_other_variants_are_not_drawn_as_in_the_paper(kinds):
    assert nets_of(of_nets(*kinds) if kinds else of_nets(("A", 20)).iloc[:0]) == {}


def test_depths_that_the_paper_has_not_have_colours_of_their_own():
    found = nets_of(of_nets(*(("A", depth) for depth in (8, 14, 20, 26))))
    assert len({net.color for net in found.values()}) == 4


def test_plain_nets_are_left_and_residual_ones_right_on_the_papers_axes():
    frame = pd.concat([curves(variant, 1) for variant in NETS])
    left, right = draw_figure6(frame, NETS, {"A20": 8.75}, END).axes
    assert set(lines(left, bold=True)) == {"plain-20", "plain-56"}
    assert set(lines(right, bold=True)) == {"ResNet-20 (paper: 8.75)", "ResNet-56"}
    for panel in (left, right):
        assert (panel.get_xlim(), panel.get_ylim()) == ((0, 6.4), (0, 20))
        assert panel.get_xlabel() == "iter. (1e4)"
    assert [line.get_ydata()[0] for line in right.lines if line.get_linewidth() < 0.8] == [8.75]


def test_training_error_is_thin_and_dashed_test_error_bold():
    (panel,) = draw_figure6(curves("A20", 1), NETS, {}, END).axes
    ((_, test),) = lines(panel, bold=True).items()
    ((_, train),) = lines(panel, bold=False).items()
    assert test.get_ydata().tolist() == [40.0, 10.0] and test.get_linestyle() == "-"
    assert train.get_ydata().tolist() == [35.0, 5.0] and train.get_linestyle() == "--"
    assert test.get_color() == train.get_color() == NETS["A20"].color


@pytest.mark.parametrize(("seeds", "drawn", "bands"), [(1, 1, 0), (2, 2, 0), (3, 1, 1), (5, 1, 1)])
def test_from_three_seeds_on_they_are_a_band_and_their_median(seeds, drawn, bands):
    frame = curves("A20", seeds)
    (panel,) = draw_figure6(frame, NETS, {}, END).axes
    bold = [line for line in panel.lines if line.get_linewidth() > 2]
    assert len(bold) == drawn
    assert len(panel.collections) == 2 * bands  # Of training and test errors.
    assert ("bands" in key_of(frame)) == bool(bands)
    if bands:
        assert bold[0].get_ydata()[-1] == pytest.approx(10 + 0.1 * (seeds - 1) / 2)
        reached = panel.collections[1].get_paths()[0].vertices[:, 1]
        assert (min(reached), max(reached)) == (10.0, pytest.approx(40 + 0.1 * (seeds - 1)))


def test_a_shortened_schedule_has_axes_of_its_own():
    frame = pd.concat([curves("A20", 1, 3906, 16.0), curves("none20", 1, 3906, 40.0)])
    for panel in draw_figure6(frame, NETS, {}, 3906).axes:
        assert panel.get_xlim() == (0, 3.906) and panel.get_xlabel() == "iter. (1e3)"
        assert panel.get_ylim()[1] > 70


def test_runs_under_way_have_the_axes_of_their_end_and_one_epoch_is_a_dot():
    frame = curves("A20", 1, 8000).iloc[:1]
    (panel,) = draw_figure6(frame, NETS, {}, END).axes
    assert panel.get_xlim() == (0, 6.4)
    assert [line.get_marker() for line in panel.lines] == [".", "."]


def test_a_net_that_lies_above_the_papers_axis_is_told():
    frame = pd.concat([curves("none20", 1), curves("none56", 1, error=66.0)])
    (panel,) = draw_figure6(frame, NETS, {}, END).axes
    assert set(lines(panel, bold=True)) == {"plain-20", "plain-56 (over 20 %)"}


def layers(variant, seeds, stds):
    return pd.DataFrame(
        [
            {
                **{"variant": variant, "run_id": f"{variant}{seed}", "iteration": 64_000},
                **{"number": number, "response_std": std},
            }
            for seed in range(seeds)
            for number, std in enumerate(stds, start=1)
        ]
    )


def test_responses_are_by_place_above_and_by_size_below():
    frame = pd.concat([layers("A20", 1, [0.5, 0.9, 0.7]), layers("none20", 3, [1.0, 2.0])])
    earlier = layers("A20", 1, [9.0, 9.0, 9.0]).assign(iteration=10)
    above, below = draw_figure7(pd.concat([earlier, frame]), NETS).axes
    by_place, by_size = (
        {str(line.get_label()): line for line in panel.lines} for panel in (above, below)
    )
    assert by_place["ResNet-20"].get_ydata().tolist() == [0.5, 0.9, 0.7]
    assert by_size["ResNet-20"].get_ydata().tolist() == [0.9, 0.7, 0.5]
    assert by_size["ResNet-20"].get_xdata().tolist() == [1, 2, 3]
    styles = {name: line.get_linestyle() for name, line in by_place.items()}
    assert styles == {"plain-20": "--", "ResNet-20": "-"}
    assert len(above.collections) == 1  # The band of the three seeds.
    assert above.get_ylim() == below.get_ylim() and above.get_ylim()[0] == 0
