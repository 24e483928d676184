import dataclasses
import io
import math
from itertools import pairwise

import pytest
from report_casebooks import calm, casebook, hostile
from rich.console import Console

from iolaus.campaign import Evidence
from iolaus.report import closing_table, waterfall
from iolaus.report.odds import METADATA_CAP, PRIOR, ledger
from iolaus.schema import VERDICTS
from iolaus.stats import log_odds_bound


def printed(renderable, width=160):
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=False).print(renderable)
    return out.getvalue()


def test_closing_table_ranks_campaigns():
    text = printed(closing_table(casebook().detection))
    assert text.index("c-5d1e90b2") < text.index("c-0a77e1f4")
    for words in (
        "2 campaigns in 1,204,118 exchanges",
        "◆ distillation",
        "1,000",
        "61.2M",
        "2.1 × 10⁻⁹",
    ):
        assert words in text


def test_closing_table_fits_80_columns():
    text = printed(closing_table(casebook().detection), width=80)
    for words in ("c-5d1e90b2", "exchanges", "128,178", "2.1 × 10⁻⁹"):
        assert words in text
    _, _, _, *rows = text.rstrip().splitlines()
    assert len(rows) == len(casebook().detection.campaigns), "one line a campaign"


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_large_campaign_of_any_verdict_takes_one_line_of_80(verdict):
    campaign = dataclasses.replace(
        casebook().dossiers[0].campaign,
        campaign_id="C001",
        verdict=verdict,
        accounts=tuple(f"a{i}" for i in range(24_000)),
        exchange_count=16_000_000,
        input_tokens=61_200_000_000,
        output_tokens=99_900_000_000,
    )
    text = printed(closing_table(dataclasses.replace(casebook().detection, campaigns=(campaign,))), width=80)
    assert [line for line in text.splitlines() if "C001" in line and "16,000,000" in line and "03-15" in line]
    assert len(text.rstrip().splitlines()) == 4


def test_no_campaign_is_one_plain_line():
    text = printed(closing_table(calm().detection))
    assert text.strip() == "No campaign found in 88,000 exchanges of 4,100 accounts up to 2026-03-16 00:00 UTC."


def test_hostile_ids_reach_no_terminal():
    text = printed(closing_table(hostile().detection), width=400)
    assert "\x1b" not in text and "\x00" not in text and "\u202e" not in text
    assert "[bold red]markup[/]" in text
    for campaign in hostile().detection.campaigns:
        assert "\x1b" not in printed(waterfall(campaign))


@pytest.mark.parametrize(("p", "bound"), [(1.0, 0.0), (0.5, 0.0), (math.exp(-1), 0.0), (0.05, 0.898), (0.01, 2.077)])
def test_bound_is_sellke_bayarri_berger(p, bound):
    # 1 / 0.407 and 1 / 0.125: table 1 of the paper.
    assert log_odds_bound(p) == pytest.approx(bound, abs=2e-3)


def test_bound_grows_as_p_falls_and_stays_finite():
    bounds = [log_odds_bound(10.0**-k) for k in range(0, 320)]
    assert bounds == sorted(bounds) and bounds[-1] == bounds[12] < 25
    assert log_odds_bound(0.0) == bounds[12]


def test_ledger_adds_up_and_caps_metadata():
    campaign = casebook().dossiers[0].campaign
    steps = ledger(campaign)
    assert steps[0].after == PRIOR
    assert all(a.after == b.before for a, b in pairwise(steps))
    metadata = next(s for s in steps if s.kind == "infrastructure")
    assert metadata.counted == pytest.approx(METADATA_CAP) and metadata.bound > 15
    twice = dataclasses.replace(campaign, evidence=(Evidence("infrastructure", "One.", 1e-9),) * 2)
    assert ledger(twice)[-1].after == pytest.approx(PRIOR + METADATA_CAP)


def test_waterfall_shows_what_the_cap_takes():
    text = printed(waterfall(casebook().dossiers[0].campaign))
    assert "░" in text and "+3.0 of" in text and "prior" in text and "sum" in text
    assert "Sellke, Bayarri and Berger 2001" in text


def test_waterfall_without_evidence_stays_at_the_prior():
    empty = dataclasses.replace(casebook().dossiers[0].campaign, evidence=())
    text = printed(waterfall(empty, prior=0.0))
    assert "+0.0" in text and "at most 0.5" in text
