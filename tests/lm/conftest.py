import pytest
from lm_doubles import serving


@pytest.fixture
def server():
    with serving() as running:
        yield running
