"""Pictures of boxes: what is drawn, and where."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from benchmark.report.figures.detections import Gallery, Picture, draw_detections
from benchmark.report.figures.style import keep

CLASSES = ["cat", "dog"]


def picture(height=40, width=60, title=""):
    return Picture(
        np.full((height, width, 3), 90, np.uint8),
        np.array([[5, 6, 25, 36]], np.float32),
        np.array([0]),
        np.array([[4, 7, 24, 30], [30, 0, 50, 20], [0, 0, 9, 9]], np.float32),
        np.array([0.912, 0.55, 0.2], np.float32),
        np.array([0, 1, 1]),
        title,
    )


def rectangles(panel):
    return [
        (each.get_x(), each.get_y(), each.get_width(), each.get_height(), each.get_linestyle())
        for each in panel.patches
        if isinstance(each, Rectangle)
    ]


def test_true_boxes_and_the_detections_above_a_score():
    figure = draw_detections(Gallery([picture(title="image 7")], 1, CLASSES))
    (panel,) = figure.axes
    assert panel.get_title() == "image 7"
    assert rectangles(panel) == [
        (5, 6, 20, 30, "--"),
        (30, 0, 20, 20, "-"),
        (4, 7, 20, 23, "-"),
    ]
    assert [text.get_text() for text in panel.texts] == ["cat", "dog 0.55", "cat 0.91"]
    assert panel.get_xlim() == (0, 60) and panel.get_ylim() == (40, 0)
    everything = draw_detections(Gallery([picture()], 1, CLASSES), min_score=0.0).axes[0]
    assert len(rectangles(everything)) == 4


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (4, 4), (6, 3)])
def test_a_panel_an_image(count, columns):
    figure = draw_detections(Gallery([picture()] * count, columns, CLASSES))
    assert [len(panel.images) for panel in figure.axes] == [1] * count


def test_text_stays_within_the_image():
    one = picture()
    boxes = np.array([[-5, -5, 70, 45]], np.float32)
    edge = Picture(one.pixels, boxes, np.array([0]), boxes, np.array([0.9]), np.array([1]))
    (panel,) = draw_detections(Gallery([edge], 1, CLASSES)).axes
    assert [text.get_position() for text in panel.texts] == [(60, 40), (0, 0)]
    assert [text.get_va() for text in panel.texts] == ["bottom", "top"]


def test_files_are_the_same_each_time(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        figure = draw_detections(Gallery([picture()] * 2, 2, CLASSES))
        svg, png = keep(figure, tmp_path / folder, "detections")
    assert svg.read_bytes() == (tmp_path / "one" / "detections.svg").read_bytes()
    assert png.read_bytes() == (tmp_path / "one" / "detections.png").read_bytes()
    assert min(Image.open(png).size) > 300
