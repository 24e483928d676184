"""Whole runs on small simulated ranges, against their truth."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from detect_ranges import convicted

from iolaus.schema import TIMESTAMP

FALSE_CAMPAIGNS = (
    "in logs of some hundred accounts, a few strangers who share common wordings are taken in with an operator"
)
# Two thirds of the range's 14 days.
UNTIL = datetime(2026, 3, 11, tzinfo=UTC)


def operators_found(there, book, share=0.8):
    """For each operator, whether one campaign holds so large a share of its accounts."""
    campaigns = convicted(book)
    found = {}
    for operator in sorted({o for o in there.operator_of.values() if o}):
        own = {account for account, o in there.operator_of.items() if o == operator}
        found[operator] = any(len(own & campaign) >= share * len(own) for campaign in campaigns)
    return found


def test_each_operator_is_one_campaign(attacked):
    assert all(operators_found(attacked, attacked.book).values())


@pytest.mark.xfail(strict=False, reason=FALSE_CAMPAIGNS)
def test_no_benign_account_is_convicted(attacked):
    assert not set().union(*convicted(attacked.book)) - attacked.hydra


def test_a_range_without_operators_has_no_distillation_campaign(benign):
    assert convicted(benign.book) == []


def test_evidence_can_be_checked_and_holds_no_prompt_text(attacked):
    log = pq.read_table(attacked.log, columns=["exchange_id", "account_id", "prompt"])
    account_of = dict(zip(log["exchange_id"].to_pylist(), log["account_id"].to_pylist(), strict=True))
    said = set()
    for words in (prompt.split() for prompt in log["prompt"].to_pylist()):
        said |= {tuple(words[i : i + 4]) for i in range(len(words) - 3)}
    for campaign in attacked.book.detection.campaigns:
        assert campaign.evidence
        for evidence in campaign.evidence:
            assert 0.0 < evidence.p_value <= 1.0
            assert {account_of[e] for e in evidence.exchange_ids} <= set(campaign.accounts)
            assert set(evidence.account_ids) <= set(campaign.accounts)
            words = evidence.statement.split()
            assert not said & {tuple(words[i : i + 4]) for i in range(len(words) - 3)}


def test_accounts_are_in_one_campaign_and_exchanges_are_their_own(attacked):
    campaigns = attacked.book.detection.campaigns
    members = [account for campaign in campaigns for account in campaign.accounts]
    assert len(members) == len(set(members))
    assert all(0.0 <= c.q_value <= 0.05 and 0.0 <= c.score <= 1.0 for c in campaigns)
    log = pq.read_table(attacked.log, columns=["exchange_id", "account_id"])
    account_of = dict(zip(log["exchange_id"].to_pylist(), log["account_id"].to_pylist(), strict=True))
    own = {c.campaign_id: set(c.accounts) for c in campaigns}
    rows = pq.read_table(attacked.out / "exchanges.parquet").to_pylist()
    assert rows and all(account_of[row["exchange_id"]] in own[row["campaign_id"]] for row in rows)
    assert len({row["exchange_id"] for row in rows}) == len(rows)


def test_every_account_has_a_score_and_the_convicted_have_the_highest(attacked):
    table = pq.read_table(attacked.out / "accounts.parquet")
    score = dict(zip(table["account_id"].to_pylist(), table["score"].to_pylist(), strict=True))
    assert set(score) == set(attacked.operator_of)
    guilty = set().union(*convicted(attacked.book))
    assert min(score[a] for a in guilty) >= 0.75 > max(score[a] for a in score if a not in guilty)


def test_the_order_of_rows_and_accounts_changes_nothing(l2):
    rng = np.random.default_rng(1)
    log, people = pq.read_table(l2.log), pq.read_table(l2.people)
    book = l2.run(log.take(rng.permutation(log.num_rows)), people.take(rng.permutation(people.num_rows)))
    assert book.detection == l2.book.detection


def test_without_an_account_table_operators_are_still_found(l2):
    book = l2.run(people=False)
    assert all(operators_found(l2, book).values())
    missing = ", ".join(book.detection.signals_missing)
    assert "payment_fingerprint" in missing and "signup_ip" in missing


def test_without_addresses_and_clients_operators_are_still_found(l2):
    book = l2.run(pq.read_table(l2.log).drop_columns(["ip", "user_agent", "ja4"]), people=False)
    assert all(operators_found(l2, book).values())
    assert any(m.startswith("infrastructure (") and "ja4" in m and "ip" in m for m in book.detection.signals_missing)


def test_until_is_as_if_later_rows_did_not_exist(l2):
    log = pq.read_table(l2.log)
    earlier = log.filter(pc.less_equal(log["timestamp"], pa.scalar(UNTIL, TIMESTAMP)))
    assert 0.3 * log.num_rows < earlier.num_rows < 0.9 * log.num_rows
    book = l2.run(until=UNTIL)
    assert book.detection.exchanges == earlier.num_rows
    assert book.detection.until == "2026-03-11T00:00:00.000000Z"
    assert book.detection == l2.run(earlier, until=UNTIL).detection
    assert all(c.last_seen <= book.detection.until for c in book.detection.campaigns)


def test_only_the_required_columns(l2):
    table = pq.read_table(l2.log, columns=["exchange_id", "timestamp", "account_id", "prompt"])
    book = l2.run(table.slice(0, 1_500), people=False)
    assert {"handoff", "pivot", "infrastructure"} <= set(book.detection.signals_missing)
    assert all(len(c.accounts) >= 3 for c in book.detection.campaigns)


def test_one_account_and_no_account_at_all(l2):
    table = pq.read_table(l2.log)
    lone = table.filter(pc.equal(table["account_id"], table["account_id"][0]))
    for log in (lone, table.slice(0, 0)):
        detection = l2.run(log, people=False).detection
        assert (detection.campaigns, detection.exchanges) == ((), log.num_rows)
