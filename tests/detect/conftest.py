import pytest
from detect_ranges import Range

from iolaus.simulate import simulate


def written(tmp_path_factory, scenario, seed, exchanges, **fields):
    folder = tmp_path_factory.mktemp(scenario)
    simulate(scenario, folder, seed=seed, exchanges=exchanges, **fields)
    return Range(folder)


@pytest.fixture(scope="session")
def l0(tmp_path_factory):
    """Naive operators: a shared payment and one template each."""
    return written(tmp_path_factory, "l0", 5, 4_000, operators_per_level=2)


@pytest.fixture(scope="session")
def l2(tmp_path_factory):
    """Operators without shared infrastructure, with rotation, jitter and load balancing."""
    return written(tmp_path_factory, "l2", 6, 3_000, operators_per_level=2)


@pytest.fixture(scope="session")
def benign(tmp_path_factory):
    """A population with every hard negative and no operator."""
    return written(tmp_path_factory, "benign", 7, 6_000)


@pytest.fixture(scope="session", params=["l0", "l2"])
def attacked(request):
    return request.getfixturevalue(request.param)
