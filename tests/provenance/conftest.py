import random

import pytest


@pytest.fixture(autouse=True)
def same_coins(monkeypatch):
    """The same nonces, hence the same coins, in every run: a test of a test must not fail by chance."""
    monkeypatch.setattr("iolaus.provenance.vault.secrets.token_bytes", random.Random(0).randbytes)
