"""Reading the contract's input: exchange logs and account tables in Parquet, JSON Lines and CSV."""

from iolaus.ingest.rejects import Reject, Rejects
from iolaus.ingest.stream import ExchangeStream, read_accounts, read_exchanges

__all__ = ["ExchangeStream", "Reject", "Rejects", "read_accounts", "read_exchanges"]
