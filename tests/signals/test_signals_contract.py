"""What holds for every signal, whatever it measures."""

import dataclasses
import re
from functools import cache

import numpy as np
import pytest
from signals_logs import cluster_of, full_log, make_log

from iolaus.schema import ACCOUNTS, EXCHANGES
from iolaus.signals import SIGNALS, UNKNOWN_TIME
from iolaus.text import recurring_shingles

every_signal = pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
# Order among exchanges of one instant is the exchange ids', and only dealing in turn looks at it.
READS_ORDER = {"queue"}


@cache
def one_log():
    return full_log()


def clusters(log):
    """Clusters of the first eight accounts: one formed by the words they share, one of all that they sent."""
    shared = recurring_shingles(log.shingles, log.account, np.arange(log.exchanges), log.accounts).name
    text = cluster_of(log, range(8), families=[0], phrases=shared, formed_by="families", cohesion=0.8)
    return {"of text": text, "whole accounts": cluster_of(log, range(8))}


def without(log, *columns):
    """The log as if these columns had never been there."""
    unknown = np.full(log.accounts, UNKNOWN_TIME)
    return dataclasses.replace(
        log,
        **{
            kind: {name: values for name, values in getattr(log, kind).items() if name not in columns}
            for kind in ("codes", "numbers", "account_codes")
        },
        created=unknown if "created_at" in columns else log.created,
        closed=unknown if "closed_at" in columns else log.closed,
    )


def assert_sound(signal, log, cluster, finding):
    """A finding that can be told: a p-value, one sentence with counts, and examples that belong to the cluster."""
    assert finding.signal == signal.name
    assert isinstance(finding.p_value, float) and 0.0 < finding.p_value <= 1.0
    words = finding.statement
    assert words[0].isupper() or words[0].isdigit()
    assert words.endswith(".") and "\n" not in words and words.isprintable() and len(words) < 400
    assert np.issubdtype(finding.exchanges.dtype, np.integer) and finding.exchanges.size <= 8
    assert np.issubdtype(finding.accounts.dtype, np.integer) and finding.accounts.size <= 8
    assert ((finding.exchanges >= 0) & (finding.exchanges < log.exchanges)).all()
    assert np.isin(log.account[finding.exchanges], cluster.accounts).all()
    assert np.isin(finding.accounts, cluster.accounts).all()
    assert not any(np.isnan(value) for value in finding.values.values())


def assert_sound_links(log, links):
    assert links.account.shape == links.node.shape == links.weight.shape
    assert ((links.account >= 0) & (links.account < log.accounts)).all() and (links.node >= 0).all()
    assert np.isfinite(links.weight).all() and (links.weight > 0).all()


def everything(signal, log):
    """All that a signal says of a log, with what is arrays made comparable."""
    links = signal.links(log)
    found = {}
    for name, cluster in clusters(log).items():
        finding = signal.judge(log, cluster)
        found[name] = finding and (
            finding.p_value,
            finding.statement,
            finding.exchanges.tolist(),
            finding.accounts.tolist(),
            dict(finding.values),
        )
    return links.account.tolist(), links.node.tolist(), links.weight.tolist(), found


def test_names_are_unique_and_columns_are_the_contracts():
    assert len({signal.name for signal in SIGNALS}) == len(SIGNALS)
    known = {*EXCHANGES.names, *ACCOUNTS.names, "settings"}
    for signal in SIGNALS:
        assert set(signal.columns) <= known


def assert_sound_everywhere(signal, log):
    assert_sound_links(log, signal.links(log))
    for cluster in clusters(log).values():
        finding = signal.judge(log, cluster)
        if finding is not None:
            assert_sound(signal, log, cluster, finding)


@every_signal
def test_sentences_hold_no_number_that_is_none(signal):
    log, _ = one_log()
    for cluster in clusters(log).values():
        finding = signal.judge(log, cluster)
        if finding is not None:
            assert not re.search(r"\b(inf|nan)\b", finding.statement), finding.statement


def test_metadata_is_what_clients_write():
    assert [signal.name for signal in SIGNALS if signal.metadata] == ["infrastructure"]


@every_signal
def test_findings_and_links_of_a_full_log_are_sound(signal):
    log, _ = one_log()
    assert_sound_everywhere(signal, log)


def test_every_signal_but_two_speaks_of_a_full_log():
    # Profile only finds, and in this log no wordings stand in for each other.
    log, _ = one_log()
    silent = {s.name for s in SIGNALS if all(s.judge(log, cluster) is None for cluster in clusters(log).values())}
    assert silent == {"paraphrase", "profile"}


@every_signal
def test_sentences_hold_nothing_of_the_prompts(signal):
    log, prompts = one_log()
    runs = {" ".join(p.split()[i : i + 3]) for p in prompts for i in range(len(p.split()) - 2)}
    for cluster in clusters(log).values():
        finding = signal.judge(log, cluster)
        words = finding.statement.split() if finding else []
        assert not runs & {" ".join(words[i : i + 3]) for i in range(len(words) - 2)}


@every_signal
def test_each_column_may_be_missing(signal):
    log = one_log()[0]
    names = [*log.codes, *log.numbers, *log.account_codes, "created_at", "closed_at"]
    for name in [*names, None]:
        left = without(log, *(names if name is None else [name]))
        assert_sound_links(left, signal.links(left))
        for cluster in clusters(left).values():
            finding = signal.judge(left, cluster)
            if finding is not None:
                assert_sound(signal, left, cluster, finding)


@pytest.mark.parametrize("signal", [s for s in SIGNALS if s.columns], ids=lambda signal: signal.name)
def test_without_any_of_its_columns_a_signal_says_nothing(signal):
    log = without(one_log()[0], *signal.columns)
    assert signal.links(log).account.size == 0
    assert all(signal.judge(log, cluster) is None for cluster in clusters(log).values())


@every_signal
def test_an_empty_log(signal):
    for accounts in (0, 5):
        log = make_log([], [], accounts=accounts)
        assert signal.links(log).account.size == 0
        finding = signal.judge(log, cluster_of(log, range(accounts)))
        assert finding is None or finding.p_value == 1.0


@every_signal
def test_one_account(signal):
    log = full_log(accounts=1, members=1)[0]
    assert_sound_links(log, signal.links(log))
    finding = signal.judge(log, cluster_of(log, [0]))
    if finding is not None:
        assert_sound(signal, log, cluster_of(log, [0]), finding)
        assert finding.p_value > 0.2, "one account does not act together with itself"


@every_signal
def test_one_exchange_each(signal):
    log = full_log(days=1)[0]
    assert_sound_everywhere(signal, log)


@every_signal
def test_everything_at_one_instant(signal):
    log = one_log()[0]
    log = dataclasses.replace(log, at=np.full(log.exchanges, log.at[0]), created=np.full(log.accounts, log.at[0]))
    assert_sound_everywhere(signal, log)


@every_signal
def test_accounts_without_an_exchange_in_the_cluster(signal):
    log = one_log()[0]
    more = log.accounts + 3
    log = dataclasses.replace(
        log,
        account_codes={name: np.r_[values, values[:3]] for name, values in log.account_codes.items()},
        created=np.r_[log.created, log.created[:3]],
        closed=np.r_[log.closed, log.closed[:3]],
    )
    assert log.accounts == more
    assert_sound_links(log, signal.links(log))
    cluster = cluster_of(log, [*range(8), more - 3, more - 2, more - 1])
    finding = signal.judge(log, cluster)
    if finding is not None:
        assert_sound(signal, log, cluster, finding)


@every_signal
def test_the_whole_log_as_one_cluster(signal):
    log = one_log()[0]
    cluster = cluster_of(log, range(log.accounts))
    finding = signal.judge(log, cluster)
    if finding is not None:
        assert_sound(signal, log, cluster, finding)


@every_signal
def test_the_same_log_gives_the_same_findings(signal):
    # A log of its own each time, so that nothing remembered stands in for a second computation.
    assert everything(signal, full_log()[0]) == everything(signal, full_log()[0])


@pytest.mark.parametrize("signal", [s for s in SIGNALS if s.name not in READS_ORDER], ids=lambda signal: signal.name)
def test_the_order_of_exchanges_of_one_instant_does_not_matter(signal):
    log = one_log()[0]
    log = dataclasses.replace(log, at=log.at // 600_000_000 * 600_000_000)
    order = np.lexsort((np.random.default_rng(1).random(log.exchanges), log.at))
    assert (order != np.arange(log.exchanges)).any() and (log.at[order] == log.at).all()
    mixed = dataclasses.replace(
        log,
        **{name: getattr(log, name)[order] for name in ("account", "item", "family", "tokens", "fresh", "flags")},
        shingles=log.shingles[order],
        vectors=log.vectors[order],
        codes={name: values[order] for name, values in log.codes.items()},
        numbers={name: values[order] for name, values in log.numbers.items()},
    )
    for name, cluster in clusters(log).items():
        first, second = signal.judge(log, cluster), signal.judge(mixed, clusters(mixed)[name])
        assert (first is None) == (second is None)
        if first is not None and second is not None:
            assert second.p_value == pytest.approx(first.p_value, rel=1e-6)
    first, second = signal.links(log), signal.links(mixed)
    ties = [sorted(zip(e.account.tolist(), e.node.tolist(), strict=True)) for e in (first, second)]
    assert ties[0] == ties[1]
    assert np.sort(second.weight) == pytest.approx(np.sort(first.weight), rel=1e-5)
