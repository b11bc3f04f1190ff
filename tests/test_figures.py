import warnings

import pandas as pd
import pytest

from benchmark.diagnostics import GRADIENTS
from benchmark.report.figures.costs import draw_costs
from benchmark.report.figures.curves import draw_curves
from benchmark.report.figures.drawn import draw_figures
from benchmark.report.figures.layers import draw_by_layer, draw_responses
from benchmark.report.figures.lines import MIN_OF_A_BAND, key_of
from benchmark.report.figures.power import draw_power
from benchmark.report.figures.seeds import draw_seeds
from benchmark.report.figures.style import A_PANEL, MAX_VARIANTS, keep, looks, panels


def curve(variant, errors):
    """Two epochs of a run, with the columns of what it was scored on."""
    rows = {"variant": variant, "run_id": variant, "epoch": [1, 2], "iteration": [10, 20]}
    return pd.DataFrame({**rows, "train_error_percent": [80.0, 70.0], **errors})


def test_each_run_is_drawn_by_the_split_it_was_scored_on():
    curves = [
        curve("tested", {"test_error_percent": [None, 60.0]}),
        curve("validated", {"validation_error_percent": [55.0, 50.0]}),
        curve("not scored yet", {}),
    ]
    frame = pd.concat(curves, ignore_index=True)
    axes = draw_curves(frame, looks(frame["variant"]), {"tested": 6.61}).axes[0]
    bold = {line.get_label(): line for line in axes.lines if line.get_linewidth() > 2}
    assert bold["tested (paper: 6.61)"].get_xydata().tolist() == [[20, 60]]
    assert bold["validated"].get_xydata().tolist() == [[10, 55], [20, 50]]
    assert len(bold["not scored yet"].get_xydata()) == 0
    assert "test or validation" in axes.get_legend().get_title().get_text()
    assert [line.get_ydata()[0] for line in axes.lines if line.get_linewidth() < 1] == [6.61]


def test_a_run_scored_on_both_is_drawn_by_its_test_errors_alone():
    both = {"test_error_percent": [None, 60.0], "validation_error_percent": [55.0, 50.0]}
    frame = curve("both", both)
    axes = draw_curves(frame, looks(frame["variant"]), {}).axes[0]
    (bold,) = [line for line in axes.lines if line.get_linewidth() > 2]
    assert bold.get_xydata().tolist() == [[20, 60]]
    key = axes.get_legend().get_title().get_text()
    assert "test" in key and "validation" not in key


def test_many_runs_of_a_variant_are_a_median_and_their_range():
    count = MIN_OF_A_BAND
    runs = [
        curve("a", {"test_error_percent": [50.0 + n, 30.0 + n]}).assign(run_id=f"a{n}")
        for n in range(count)
    ]
    frame = pd.concat([*runs, curve("b", {"test_error_percent": [70.0, 60.0]})], ignore_index=True)
    axes = draw_curves(frame, looks(frame["variant"]), {}).axes[0]
    bold = {line.get_label(): line for line in axes.lines if line.get_linewidth() > 2}
    assert bold["a"].get_xydata().tolist() == [[10, 50 + count // 2], [20, 30 + count // 2]]
    corners = axes.collections[1].get_paths()[0].vertices.tolist()
    assert all(
        corner in corners for corner in ([10, 50], [10, 49 + count], [20, 30], [20, 29 + count])
    )
    assert "median" in key_of(frame) and "median" not in key_of(frame[frame["run_id"] != "a0"])


@pytest.mark.parametrize("count", [0, 1, 8, 9, 10, 24, 31, 1000])
def test_no_two_variants_of_a_panel_look_alike(count):
    names = [f"v{number}" for number in range(count)]
    look, found = looks(names), panels(names)
    assert [name for panel in found for name in panel] == names[:MAX_VARIANTS]
    for panel in found:
        assert len({look[name] for name in panel}) == len(panel) <= A_PANEL
    assert max(map(len, found), default=0) - min(map(len, found), default=0) <= len(found)


def test_a_figure_has_the_same_bytes_each_time(tmp_path):
    frame = curve("a", {"test_error_percent": [70.0, 60.0]})
    files = [keep(draw_curves(frame, looks(["a"]), {}), tmp_path / name, "curves") for name in "xy"]
    assert [file.name for file in files[0]] == ["curves.svg", "curves.png"]
    for one, other in zip(*files, strict=True):
        assert one.read_bytes() == other.read_bytes()


def made_up_layers(variant, seed, iteration, stds, norms):
    return [
        {
            "variant": variant,
            "run_id": f"{variant}{seed}",
            "iteration": iteration,
            "number": number,
            "layer": f"conv{number}",
            "response_std": std,
            "gradient_norm": norm,
        }
        for number, (std, norm) in enumerate(zip(stds, norms, strict=True), start=1)
    ]


@pytest.fixture
def layers():
    none = [None] * 3
    return pd.DataFrame(
        [
            *made_up_layers("a", 0, 0, [1.0, 1.0, 1.0], [1.0, 0.1, 0.01]),
            *made_up_layers("a", 0, 9, [3.0, 1.0, 2.0], none),
            *made_up_layers("a", 1, 0, [1.0, 1.0, 1.0], [3.0, 0.3, 0.03]),
            *made_up_layers("a", 1, 9, [5.0, 3.0, 4.0], none),
        ]
    )


def test_responses_are_those_of_the_end_by_place_and_by_size(layers):
    by_place, by_size = draw_responses(layers, looks(["a"])).axes
    assert [line.get_ydata().tolist() for line in by_place.lines] == [[3, 1, 2], [5, 3, 4]]
    assert [line.get_ydata().tolist() for line in by_size.lines] == [[3, 2, 1], [5, 4, 3]]
    another = made_up_layers("a", 2, 9, [12.0, 10.0, 11.0], [None] * 3)
    more = pd.concat([layers, pd.DataFrame(another)], ignore_index=True)
    by_place, by_size = draw_responses(more, looks(["a"])).axes
    assert [line.get_ydata().tolist() for line in by_place.lines] == [[5, 3, 4]]
    assert [line.get_ydata().tolist() for line in by_size.lines] == [[5, 4, 3]]


@pytest.mark.parametrize(("largest", "scale"), [(40.0, "linear"), (60.0, "log")])
def test_responses_of_one_variant_do_not_squeeze_those_of_another(layers, largest, scale):
    rows = made_up_layers("b", 0, 9, [2.0, 3.0, largest], [None] * 3)
    frame = pd.concat([layers, pd.DataFrame(rows)], ignore_index=True)
    panels = draw_responses(frame, looks(["a", "b"])).axes
    assert [panel.get_yscale() for panel in panels] == [scale] * 2


def test_gradients_have_a_panel_an_iteration(layers):
    projection = {**layers.iloc[0].to_dict(), "number": None, "gradient_norm": 99.0}
    frame = pd.concat([layers, pd.DataFrame([projection])], ignore_index=True)
    (panel,) = draw_by_layer(frame, looks(["a"]), GRADIENTS).axes
    assert panel.get_title() == "iteration 0"
    first, second = (line.get_ydata().tolist() for line in panel.lines)
    assert first == [1.0, 0.1, 0.01] and second == [3.0, 0.3, 0.03]


def test_a_gradient_that_vanished_is_told_and_moves_no_other(layers):
    rows = made_up_layers("b", 0, 0, [1.0] * 3, [0.0, 0.0, 0.5])
    rows += made_up_layers("c", 0, 0, [1.0] * 3, [0.0, 0.0, 0.0])
    frame = pd.concat([layers, pd.DataFrame(rows)], ignore_index=True)
    (panel,) = draw_by_layer(frame, looks(["a", "b", "c"]), GRADIENTS).axes
    *_, some, none = panel.lines
    assert some.get_label() == "b (0 in some)" and some.get_xydata().tolist() == [[3, 0.5]]
    assert none.get_label() == "c (0 in all)" and len(none.get_xydata()) == 0
    assert panel.get_ylim()[0] == pytest.approx(0.01 / 1.5)


def test_each_run_is_shown_at_its_own_last_diagnosis(layers):
    longer = made_up_layers("b", 0, 20, [7.0] * 3, [None] * 3)
    frame = pd.concat([layers, pd.DataFrame(longer)], ignore_index=True)
    by_place, _ = draw_responses(frame, looks(["a", "b"])).axes
    assert [line.get_ydata()[0] for line in by_place.lines] == [3.0, 5.0, 7.0]
    assert by_place.get_title() == "iteration 9 or 20"


def run_row(variant, error, status="finished", parameters=10):
    return {
        "variant": variant,
        "run_id": f"{variant}0",
        "status": status,
        "final_error_percent": error,
        "parameters": parameters,
        "train_time_s": 60.0,
    }


def test_every_seed_is_shown_and_what_diverged_is_counted():
    rows = [run_row("a", 6.0), run_row("a", 7.0), run_row("b", 8.0), run_row("b", None, "diverged")]
    (axes,) = draw_seeds(pd.DataFrame(rows), looks(["a", "b"]), {"a": 6.5}).axes
    assert [line.get_xdata().tolist() for line in axes.lines] == [[6.0, 7.0], [8.0]]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["a", "b (1 diverged)"]
    drawn_at = [line.get_segments()[0][0][0] for line in axes.collections]
    assert drawn_at == [6.5, 6.5]  # The mean, and the paper's; none for what diverged.


def test_figures_are_drawn_where_there_are_numbers(layers, tmp_path):
    runs = pd.DataFrame([run_row("a", 6.0), run_row("b", 8.0, parameters=20)])
    curves = curve("a", {"test_error_percent": [70.0, 60.0]})

    def names(*frames):
        drawn = draw_figures(*frames, {}, tmp_path, None, pytest.fail)
        assert all(figure.svg.exists() and figure.png.exists() for figure in drawn)
        return [figure.svg.stem for figure in drawn]

    assert names(runs, curves, layers) == ["curves", "responses", "gradients", "costs"]
    nothing = layers.iloc[:0]
    assert names(runs.head(1), curves.iloc[:0], nothing) == []
    assert names(runs.head(1), curves.head(1), nothing) == []
    assert names(pd.concat([runs, runs]), curves, nothing) == ["curves", "seeds", "costs"]
    diverged = runs.assign(status="diverged", final_error_percent=None)
    assert names(diverged, curves, layers) == ["curves", "gradients"]
    vanished = layers.assign(gradient_norm=0.0)
    assert names(runs, curves, vanished) == ["curves", "responses", "costs"]


def test_no_mean_cost_is_shown_of_those_that_were_left():
    rows = [run_row("a", 6.0), run_row("a", 8.0), run_row("b", 9.0), run_row("b", None, "diverged")]
    rows += [run_row("c", None, "diverged"), run_row("c", None, "failed")]
    rows += [run_row("d", None, "planned")]
    figure = draw_costs(pd.DataFrame(rows), looks(list("abcd")))
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels == ["a", "b (1 diverged)", "c (1 diverged, 1 failed)"]
    for panel in figure.axes:
        means = [line.get_ydata()[0] for line in panel.lines if line.get_markersize() == 9]
        assert means[0] == 7.0 and pd.isna(means[1]) and pd.isna(means[2])


def test_power_rises_with_seeds_and_ends_at_the_margin(monkeypatch):
    from benchmark.report.figures import power

    monkeypatch.setattr(power, "_SUITES", 200)
    mean, one, direction = draw_power().axes[:3]
    for panel, margin in ((mean, 0.5), (one, 1.0)):
        for line in panel.lines[:3]:
            shares = dict(line.get_xydata().round(3).tolist())
            assert shares[margin] <= 0.15 and shares[1.6] <= 0.05
    for panel, at in ((mean, 0), (one, 0), (direction, 4)):
        shares = [line.get_ydata()[at] for line in panel.lines[:3]]
        assert shares[0] < shares[2]


def kept_without_a_warning(figure, folder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return keep(figure(), folder, "figure")


@pytest.mark.parametrize("of_all", [True, False])
def test_layers_without_a_positive_number_draw_no_warning(tmp_path, layers, of_all):
    """Of a net whose gradients and responses vanish; in panels of its own where others' do not."""
    names = [f"v{number}" for number in range(A_PANEL + 1)]
    rows = [
        row
        for number, name in enumerate(names)
        for row in made_up_layers(name, 0, 0, [0.0] * 3, [0.0] * 3)
        if of_all or number >= A_PANEL // 2
    ]
    frame = pd.DataFrame(rows)
    if not of_all:
        others = [layers.assign(variant=name) for name in names[: A_PANEL // 2]]
        frame = pd.concat([*others, frame], ignore_index=True)
        assert len(panels(frame["variant"])) > 1
    look = looks(frame["variant"])
    kept_without_a_warning(lambda: draw_responses(frame, look), tmp_path)
    kept_without_a_warning(lambda: draw_by_layer(frame, look, GRADIENTS), tmp_path)


def test_nets_that_were_never_trained_draw_no_warning(tmp_path):
    rows = [run_row("a", 6.0) | {"train_time_s": 0.0}, run_row("b", 8.0, parameters=20)]
    for time_s in (0.0, None, 60.0):
        rows[1]["train_time_s"] = time_s
        frame = pd.DataFrame(rows)
        kept_without_a_warning(lambda runs=frame: draw_costs(runs, looks("ab")), tmp_path)


@pytest.mark.parametrize(
    ("errors", "levels"), [([60.0, 40.0], {}), ([60.0, 40.0], {"a": 38.0}), ([0.0, 0.0], {})]
)
def test_errors_are_drawn_from_where_they_are(tmp_path, errors, levels):
    frame = curve("a", {"test_error_percent": errors}).assign(train_error_percent=errors)
    kept_without_a_warning(lambda: draw_curves(frame, looks(["a"]), levels), tmp_path)
    (panel,) = draw_curves(frame, looks(["a"]), levels).axes
    low, high = panel.get_ylim()
    least = min(*errors, *levels.values())
    assert 0 <= low <= least <= max(errors) <= high and low < high
    assert least - low < 0.1 * (high - low)
