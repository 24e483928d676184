"""Splink's record linkage on the account table: who is the same customer twice?

The Fellegi-Sunter model with term frequencies, its parameters by random sampling and expectation maximisation, as
Splink's documentation has it. Accounts are joined at falling thresholds on the match weight.
"""

import logging
from typing import Any, Final

import numpy as np
import pyarrow as pa
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from benchmarks.detection.answers import Group
from benchmarks.detection.linkage import components
from benchmarks.detection.wordings import account_numbers

__all__ = ["suspects"]

_BLOCKS: Final = ("payment_fingerprint", "signup_ip", "signup_network", "email_domain, country", "signup_day")
_COMPARED: Final = ("payment_fingerprint", "signup_ip", "email_domain", "country", "referrer", "plan", "signup_day")
_LEAST_WEIGHT: Final = -10.0
_SEED: Final = 3


def suspects(exchanges: pa.Table, accounts: pa.Table) -> list[Group]:
    """Components of account records that Splink holds to match, at falling thresholds on the match weight."""
    _, names = account_numbers(exchanges)
    place = {name: i for i, name in enumerate(names)}
    linker = _trained(_records(accounts, place))
    pairs = linker.inference.predict(threshold_match_weight=_LEAST_WEIGHT).as_record_list()
    left = np.array([place[p["unique_id_l"]] for p in pairs], np.int64)
    right = np.array([place[p["unique_id_r"]] for p in pairs], np.int64)
    return components(names, left, right, np.array([p["match_weight"] for p in pairs], np.float64))


def _records(accounts: pa.Table, place: dict[str, int]) -> pa.Table:
    rows = [r for r in accounts.to_pylist() if r["account_id"] in place]
    columns = ("payment_fingerprint", "signup_ip", "email_domain", "country", "referrer", "plan")
    held = {c: pa.array([r[c] for r in rows], pa.string()) for c in columns}
    networks = [r["signup_ip"] and ".".join(r["signup_ip"].split(".")[:3]) for r in rows]
    days = [r["created_at"] and r["created_at"].date().isoformat() for r in rows]
    return pa.table(
        {"unique_id": pa.array([r["account_id"] for r in rows])}
        | held
        | {"signup_network": pa.array(networks, pa.string()), "signup_day": pa.array(days, pa.string())}
    )


def _trained(records: pa.Table) -> "Linker":
    logging.getLogger("splink").setLevel(logging.ERROR)
    rules: list[Any] = [block_on(*rule.split(", ")) for rule in _BLOCKS]
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="unique_id",
        comparisons=[cl.ExactMatch(c).configure(term_frequency_adjustments=True) for c in _COMPARED],
        blocking_rules_to_generate_predictions=rules,
    )
    database = DuckDBAPI()
    linker = Linker(database.register(records), settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(rules[:2], recall=0.5)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=_SEED)
    for rule in (rules[0], rules[4]):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    return linker
