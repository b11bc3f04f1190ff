"""Of which photographs means and colours are taken."""

import numpy as np
import pytest
from photograph_files import make_tree, spec_of

from benchmark.data import cache
from benchmark.data.photographs import registry
from benchmark.data.photographs.decode import decoded_windows, header, request
from benchmark.data.photographs.geometry import center_view
from benchmark.data.photographs.held_out import fixed_order
from benchmark.data.photographs.measure import statistics


@pytest.fixture(scope="module")
def added(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield registry.add("two", make_tree(tmp_path_factory.mktemp("tree")))


def crop_of(added, spec, index):
    content = added.source.encoded("train", index)
    about = header(content)
    sizes = {"side": spec.test_shorter_side, "crop": spec.crop_size}
    views = center_view(about.height, about.width, **sizes)
    return np.asarray(decoded_windows(request(content, about, views))[0])


@pytest.mark.parametrize(
    ("images", "held_out", "count"), [(3, 0, 3), (None, 0, 12), (10_000, 0, 12), (10_000, 4, 8)]
)
def test_they_are_of_so_many_images_trained_on(added, images, held_out, count):
    """The first of the fixed order, whose last are held out."""
    spec = spec_of(added, statistics_images=images, held_out_images=held_out)
    crops = [crop_of(added, spec, index) for index in fixed_order(12)[:count].tolist()]
    found = statistics(added, spec)
    np.testing.assert_allclose(found.mean_image, np.mean(crops, 0, dtype=np.float64))
    np.testing.assert_allclose(found.channel_stds, np.std(crops, (0, 1, 2), dtype=np.float64))
