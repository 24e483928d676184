"""Simulated ranges, their truth, and what a run finds in them."""

import tempfile
from functools import cached_property
from pathlib import Path

import pyarrow.parquet as pq

from iolaus.campaign import Casebook
from iolaus.detect import Settings, detect


class Range:
    """A written range; the run over it as it stands is done once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "exchanges.parquet"
        self.people = folder / "accounts.parquet"

    @cached_property
    def operator_of(self) -> dict[str, str | None]:
        """Each account's operator, None for the independent ones."""
        truth = pq.read_table(self.folder / "truth_accounts.parquet")
        return dict(zip(truth["account_id"].to_pylist(), truth["operator_id"].to_pylist(), strict=True))

    @property
    def hydra(self) -> set[str]:
        return {account for account, operator in self.operator_of.items() if operator}

    @property
    def out(self) -> Path:
        """Folder of the findings of ``book``."""
        return self.folder / "found"

    @cached_property
    def book(self) -> Casebook:
        return detect(self.log, self.people, self.out)

    def run(self, log=None, people=None, **settings) -> Casebook:
        """Detect on a table in place of the range's own; ``people`` is the range's own unless it is False."""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            folder = Path(scratch)
            path, accounts = self.log, self.people
            if log is not None:
                path = folder / "log.parquet"
                pq.write_table(log, path)
            if people is False:
                accounts = None
            elif people is not None:
                accounts = folder / "people.parquet"
                pq.write_table(people, accounts)
            return detect(path, accounts, folder / "out", Settings(**settings))


def convicted(book: Casebook) -> list[set[str]]:
    """Accounts of each distillation campaign."""
    return [set(c.accounts) for c in book.detection.campaigns if c.verdict == "distillation_campaign"]
