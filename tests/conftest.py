import pytest

from benchmark.data import cifar10


@pytest.fixture(scope="session")
def embedded():
    """The real images that the package ships, checked."""
    return cifar10.load("cifar10-subset")
