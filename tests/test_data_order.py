import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data.order import batches, epoch_crops, epoch_ends, epoch_order

SEEDS = st.integers(0, 2**32)
EPOCHS = st.integers(0, 10_000)


def test_the_random_numbers_are_the_same_everywhere():
    # Philox's raw output is fixed by NumPy's policy, so these hold on every machine and version.
    assert epoch_order(0, 0, 10).tolist() == [0, 2, 9, 1, 8, 5, 4, 3, 6, 7]
    assert epoch_crops(0, 0, 3).tolist() == [[5, 0, 0], [1, 8, 1], [4, 4, 1]]


@given(SEEDS, EPOCHS, st.integers(1, 500))
def test_an_epoch_is_a_permutation(seed, epoch, count):
    assert sorted(epoch_order(seed, epoch, count)) == list(range(count))


def test_seeds_and_epochs_have_orders_of_their_own():
    orders = {epoch_order(seed, epoch, 100).tobytes() for seed in range(5) for epoch in range(5)}
    assert len(orders) == 25


def test_order_and_augmentation_are_independent_of_each_other():
    order, crops = epoch_order(3, 7, 50_000), epoch_crops(3, 7, 50_000)
    for column in crops.T:
        assert abs(np.corrcoef(order, column)[0, 1]) < 0.02


@pytest.mark.parametrize("column, values", [(0, 9), (1, 9), (2, 2)])
def test_crops_and_flips_are_uniform(column, values):
    drawn = np.concatenate([epoch_crops(seed, 0, 50_000) for seed in range(2)])[:, column]
    observed = np.bincount(drawn, minlength=values)
    expected = len(drawn) / values
    chi_square = ((observed - expected) ** 2 / expected).sum()
    assert len(observed) == values
    assert chi_square < 26.1, "beyond the 99.9 % quantile of chi-square with 8 degrees of freedom"


def test_all_combinations_of_crop_and_flip_occur():
    drawn = epoch_crops(0, 0, 50_000)
    assert len({tuple(row) for row in drawn.tolist()}) == 9 * 9 * 2


@given(SEEDS, st.integers(1, 40), st.integers(1, 60), st.integers(1, 6))
def test_each_epoch_shows_each_image_once(seed, batch_size, count, epochs):
    steps = -(-epochs * count // batch_size)
    indices, _ = batches(seed, 0, steps, batch_size, count)
    assert indices.shape == (steps, batch_size)
    for epoch, shown in enumerate(indices.ravel()[: epochs * count].reshape(epochs, count)):
        assert shown.tolist() == epoch_order(seed, epoch, count).tolist()


@given(SEEDS, st.integers(1, 40), st.integers(1, 60), st.lists(st.integers(1, 9), max_size=8))
def test_batches_do_not_depend_on_how_the_iterations_are_cut(seed, batch_size, count, cuts):
    whole = batches(seed, 0, sum(cuts), batch_size, count)
    first, parts = 0, []
    for cut in cuts:
        parts.append(batches(seed, first, cut, batch_size, count))
        first += cut
    for kind, array in enumerate(whole):
        joined = [part[kind] for part in parts] or [array]
        assert np.array_equal(np.concatenate(joined), array)


@given(SEEDS, st.integers(0, 30), st.integers(1, 40), st.integers(1, 60))
def test_an_image_has_one_crop_an_epoch(seed, first, batch_size, count):
    indices, crops = batches(seed, first, 3, batch_size, count)
    positions = np.arange(first * batch_size, (first + 3) * batch_size)
    for position, index, crop in zip(positions, indices.ravel(), crops.reshape(-1, 3), strict=True):
        assert crop.tolist() == epoch_crops(seed, position // count, count)[index].tolist()


@settings(max_examples=300)
@given(st.integers(1, 2000), st.integers(1, 300), st.integers(1, 3000))
def test_epochs_end_at_the_first_iteration_that_completes_them(iterations, batch_size, count):
    ends = epoch_ends(iterations, batch_size, count)
    assert ends[-1] == iterations
    assert ends == sorted(set(ends))
    for end in ends[:-1]:
        epoch = end * batch_size // count
        assert (end - 1) * batch_size < epoch * count <= end * batch_size
    if batch_size < count / 2:
        assert len(ends) == max(1, round(iterations * batch_size / count))


def test_the_papers_64k_iterations_are_182_epochs_of_45000():
    # 64,000 iterations of 128 images: 163.84 epochs of 50,000 and 182.04 of 45,000.
    assert len(epoch_ends(64_000, 128, 50_000)) == 164
    assert len(epoch_ends(64_000, 128, 45_000)) == 182
    assert epoch_ends(391, 128, 50_000) == [391]
