"""The law of the statistic over keys: variance, bound and p-values under the null."""

import numpy as np
import pytest
from radioactivity_cases import MARKS, rekeyed, some_windows
from scipy import stats as sps

from iolaus.errors import InputError
from iolaus.provenance.radioactivity import GreenList, Gumbel, SynthId, Trial, Windows, judge
from iolaus.provenance.radioactivity.windows import excess, merged

KEYS = 500


@pytest.fixture(scope="module", params=list(MARKS))
def drawn(request):
    """A mark, merged windows, and the statistic under many random keys."""
    mark = MARKS[request.param]
    windows = merged(mark, some_windows(mark))
    centre = mark.mean * windows.weights.sum()
    found = np.array([windows.weights @ rekeyed(mark, seed).values(windows) - centre for seed in range(KEYS)])
    return mark, windows, found


def test_mean_and_variance_are_exact(drawn):
    mark, windows, found = drawn
    deviation = mark.law(windows).deviation
    assert abs(found.mean()) < 4 * deviation / np.sqrt(KEYS)
    # Four standard errors of a sample variance, with the sample's own kurtosis.
    spread = np.sqrt((sps.kurtosis(found) + 2) / KEYS)
    assert found.var() / deviation**2 == pytest.approx(1.0, abs=4 * spread)


def test_p_values_are_uniform_or_above_under_the_null(drawn):
    mark, windows, found = drawn
    deviation = mark.law(windows).deviation
    law = mark.law(windows)
    bounds = np.array([law.tail(t) for t in found[:300]])
    normal = sps.norm.sf(found / deviation)
    for level in (0.3, 0.1, 0.03):
        assert (bounds <= level).mean() <= level + 3 * np.sqrt(level / 300)
        share = (normal <= level).mean()
        assert abs(share - level) < 4 * np.sqrt(level / KEYS) + 0.2 * level
    assert sps.kstest(normal, "uniform").pvalue > 1e-3


def test_the_bound_is_near_that_of_a_normal_law(drawn):
    """At five deviations, with at most the twofold variance that the bound for lists of a half costs."""
    mark, windows, _ = drawn
    if getattr(mark, "table_size", 2**16) < 2**16:
        pytest.skip("256 shifts at depth 3 reach no five deviations")
    law = mark.law(windows)
    exponent = -np.log(law.tail(5 * law.deviation))
    assert 12.5 / 2.6 < exponent < 12.5 * 1.6


def test_merging_keeps_the_statistic_under_every_key(drawn):
    mark, windows, _ = drawn
    loose = some_windows(mark)
    for seed in range(20):
        key = rekeyed(mark, seed)
        assert windows.weights @ key.values(windows) == pytest.approx(loose.weights @ key.values(loose))
    assert len(np.unique(mark.cells(windows))) == len(windows) < len(loose)


def test_the_synthid_law_is_that_of_all_shifts():
    mark = SynthId(keys=(5,), ngram=3, table_size=64)
    windows = merged(mark, some_windows(mark))
    centre = mark.mean * windows.weights.sum()
    every = [windows.weights @ SynthId((key,), 3, 64).values(windows) - centre for key in range(64)]
    assert np.mean(every) == pytest.approx(0.0, abs=1e-9)
    assert mark.law(windows).variance == pytest.approx(np.mean(np.square(every)))
    for at in (0.3, 2.0):
        assert mark.law(windows).log_moment(at) == pytest.approx(np.log(np.mean(np.exp(at * np.array(every)))))
    np.testing.assert_allclose(np.sort(mark._shifted(windows)), np.sort(every), atol=1e-9)


def test_the_green_bound_covers_the_exact_law_of_a_small_list():
    """All lists of 2 of 5 tokens, by hand."""
    from itertools import combinations

    mark = GreenList(key=3, vocabulary=5, ratio=0.4)
    weights = np.array([0.7, -0.2, -0.5, 0.3, 0.1])
    windows = Windows(np.full((5, 1), 4), np.arange(5), weights)
    every = np.array([weights[list(pair)].sum() for pair in combinations(range(5), 2)])
    every = every - 0.4 * weights.sum()
    assert mark.law(windows).variance == pytest.approx(every.var())
    for at in (0.5, 2.0, 8.0):
        assert mark.law(windows).log_moment(at) >= np.log(np.exp(at * every).mean()) - 1e-12


def test_token_zero_tells_nothing_about_a_green_list():
    mark = MARKS["green"]
    windows = Windows(np.array([[0], [3]]), np.array([5, 5]), np.ones(2))
    assert mark.usable(windows.contexts).tolist() == [False, True]
    assert len({rekeyed(mark, seed).values(windows)[0] for seed in range(30)}) == 1
    assert len({rekeyed(mark, seed).values(windows)[1] for seed in range(30)}) == 2
    with pytest.raises(InputError, match="no window"):
        judge(mark, windows.take(np.array([0])), form="text", positions=1)


def test_a_verdict_counts_ties_against_the_key_and_carries_its_rank():
    mark = MARKS["green"]
    flat = Windows(np.full((3, 1), 4), np.arange(3), np.zeros(3))
    found = judge(mark, flat, form="text", positions=3, trial=Trial(decoys=50))
    assert (found.rank, found.p_value, found.p_normal) == (51, 1.0, 1.0)
    assert not found.radioactive and "does not show" in found.sentence
    assert found.to_json()["z"] == 0.0
    assert judge(GreenList(15485863, 60), flat, form="text", positions=3, trial=Trial(decoys=5)).caveats


@pytest.mark.parametrize("name", list(MARKS))
def test_a_student_of_the_key_is_found_and_its_rank_is_first(name):
    """Weights that lean a little towards G itself."""
    mark = MARKS[name]
    windows = some_windows(mark, count=3000)
    lean = 0.3 * (mark.values(windows) - mark.mean)
    found = judge(
        mark,
        Windows(windows.contexts, windows.tokens, windows.weights + lean),
        form="text",
        positions=3000,
        trial=Trial(alpha=1e-5, decoys=200),
    )
    assert found.radioactive and found.rank == 1 and found.p_value <= 1e-5
    assert f"{found.p_value:.2g}" in found.sentence


@pytest.mark.parametrize(
    "make",
    [
        lambda: GreenList(1, 10, 0.01),
        lambda: SynthId((), 5),
        lambda: SynthId((1,), 1),
        lambda: SynthId((1,), 5, table_size=1000),
        lambda: Gumbel(1, 10, 0),
    ],
)
def test_marks_that_cannot_be(make):
    with pytest.raises(InputError):
        make()


def test_windows_on_one_place_of_the_table_count_as_often_as_they_stand():
    """More windows than the table has places, and still the exact law."""
    mark = SynthId((9, 31), ngram=3, table_size=64)
    windows = some_windows(mark, count=2000)
    windows = merged(mark, Windows(windows.contexts, windows.tokens, np.ones(2000)))
    assert len(windows) == 64 and windows.weights.sum() == 2000
    found = np.array([excess(rekeyed(mark, seed), windows) for seed in range(400)])
    assert found.var() / mark.law(windows).variance == pytest.approx(1.0, abs=0.3)
