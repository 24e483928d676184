import pytest

from iolaus.simulate import simulate


@pytest.fixture(scope="session")
def naive(tmp_path_factory):
    """Naive operators, 3,000 exchanges over 10 days."""
    folder = tmp_path_factory.mktemp("naive")
    simulate("l0", folder, seed=5, exchanges=3_000, operators_per_level=2, days=10)
    return folder
