import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from iolaus.simulate import simulate

SHARED = Path(__file__).parents[2].parent / "shared" / "data"


class Range:
    """A written range, read back."""

    def __init__(self, folder):
        self.folder = folder
        self.exchanges = pq.read_table(folder / "exchanges.parquet")
        self.accounts = pq.read_table(folder / "accounts.parquet")
        self.truth_exchanges = pq.read_table(folder / "truth_exchanges.parquet")
        self.truth_accounts = pq.read_table(folder / "truth_accounts.parquet")
        self.scenario = json.loads((folder / "scenario.json").read_text())

    @property
    def operator_of(self):
        truth = self.truth_accounts
        return dict(zip(truth["account_id"].to_pylist(), truth["operator_id"].to_pylist(), strict=True))

    def rows(self, *columns):
        """Tuples of exchange columns, then operator and harvested."""
        truth = self.truth_exchanges
        assert truth["exchange_id"].equals(self.exchanges["exchange_id"])
        parts = [self.exchanges[c].to_pylist() for c in columns]
        return list(zip(*parts, truth["operator_id"].to_pylist(), truth["harvested"].to_pylist(), strict=True))


@pytest.fixture(scope="session")
def ladder(tmp_path_factory):
    """A small ladder from the project's own grammars."""
    folder = tmp_path_factory.mktemp("ladder")
    simulate("ladder", folder, seed=11, exchanges=20_000)
    return Range(folder)


@pytest.fixture(scope="session")
def real_text():
    """The files of real text, where the workplace has them."""
    text, organic = SHARED / "campaign_text.parquet", SHARED / "organic_text.parquet"
    if not (text.exists() and organic.exists()):
        pytest.skip("real text (../shared/data) is not here")
    return {"text": text, "organic": organic}


@pytest.fixture(scope="session")
def read_range():
    return Range
