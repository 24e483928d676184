"""The score on examples small enough to work out by hand."""

import io
import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from iolaus.errors import InputError
from iolaus.schema import ACCOUNTS_OUT, EXCHANGES_OUT, TIMESTAMP, TRUTH_ACCOUNTS, TRUTH_EXCHANGES
from iolaus.score import leaked_before_flag, runs_below, score
from iolaus.score.statistics import average_precision, b_cubed, roc_auc

# Operators P (a, b, c, d; L1) and Q (e, f; L3); benign g, h (developer) and i (course).
OPERATORS = {"a": "P", "b": "P", "c": "P", "d": "P", "e": "Q", "f": "Q", "g": None, "h": None, "i": None}
KINDS = {"g": "developer", "h": "developer", "i": "course"}
# Exchange: account, operator, harvested, day.
EXCHANGES = {
    "x1": ("P", True, 1), "x2": ("P", True, 2), "x3": ("P", False, 2), "x4": ("P", True, 3),
    "x5": ("Q", True, 1), "x6": ("Q", True, 4), "x7": (None, False, 1), "x8": (None, False, 2),
}  # fmt: skip
# Campaign 1 convicts a, b, c and the benign g; campaign 2 is another coordination of h and i.
CAMPAIGN_OF = {"a": "1", "b": "1", "c": "1", "g": "1", "h": "2", "i": "2"}
VERDICTS = {"1": "distillation_campaign", "2": "coordinated_other"}
SCORES = {"a": 0.9, "b": 0.8, "c": 0.8, "d": 0.3, "e": 0.2, "f": 0.1, "g": 0.7, "h": 0.4, "i": 0.0}


def day(n):
    return datetime(2026, 3, n, tzinfo=UTC)


def write_truth(folder, *, levels=True, instants=True):
    folder.mkdir(parents=True, exist_ok=True)
    accounts = [(a, o, "hydra" if o else KINDS[a]) for a, o in OPERATORS.items()]
    columns = dict(zip(TRUTH_ACCOUNTS.names, zip(*accounts, strict=True), strict=True))
    pq.write_table(pa.table(columns, schema=TRUTH_ACCOUNTS), folder / "truth_accounts.parquet")
    exchanges = [(e, o, h) for e, (o, h, _) in EXCHANGES.items()]
    columns = dict(zip(TRUTH_EXCHANGES.names, zip(*exchanges, strict=True), strict=True))
    pq.write_table(pa.table(columns, schema=TRUTH_EXCHANGES), folder / "truth_exchanges.parquet")
    if levels:
        (folder / "scenario.json").write_text(json.dumps({"levels": {"P": "L1", "Q": "L3"}}))
    if instants:
        stamps = pa.array([day(n) for _, _, n in EXCHANGES.values()], TIMESTAMP)
        table = pa.table({"exchange_id": list(EXCHANGES), "timestamp": stamps})
        pq.write_table(table, folder / "exchanges.parquet")
    return folder


def write_found(folder, *, campaign_of=CAMPAIGN_OF, seen=OPERATORS, attributed=("x1", "x2", "x3", "x7"), until=31):
    folder.mkdir(parents=True, exist_ok=True)
    campaigns = sorted(set(campaign_of.values()))
    document = {
        "schema": "iolaus.campaigns/1",
        "until": day(until).isoformat().replace("+00:00", "Z"),
        "campaigns": [
            {"campaign_id": c, "verdict": VERDICTS[c], "accounts": [a for a in campaign_of if campaign_of[a] == c]}
            for c in campaigns
        ],
    }
    (folder / "campaigns.json").write_text(json.dumps(document))
    columns = {
        "account_id": list(seen),
        "campaign_id": [campaign_of.get(a) for a in seen],
        "score": [SCORES[a] for a in seen],
        "verdict": [VERDICTS.get(campaign_of.get(a, "")) for a in seen],
    }
    pq.write_table(pa.table(columns, schema=ACCOUNTS_OUT), folder / "accounts.parquet")
    table = pa.table({"exchange_id": list(attributed), "campaign_id": ["1"] * len(attributed)}, schema=EXCHANGES_OUT)
    pq.write_table(table, folder / "exchanges.parquet")
    return folder


@pytest.fixture
def result(tmp_path):
    return score(write_found(tmp_path / "found"), write_truth(tmp_path / "truth"))


def test_levels(result):
    levels = result.to_json()["levels"]
    assert levels["L1"]["account_recall"] == 0.75
    assert levels["L1"]["account_recall_any"] == 0.75
    assert levels["L1"]["operators_found"] == levels["L1"]["operators_convicted"] == 1
    # Harvested by P: x1, x2, x4; attributed of those: x1, x2.
    assert levels["L1"]["exchange_recall"] == pytest.approx(2 / 3)
    assert levels["L3"]["account_recall"] == 0 and levels["L3"]["campaign_recall"] == 0
    overall = result.to_json()["overall"]
    assert overall["account_recall"] == 0.5 and overall["campaign_recall"] == 0.5
    assert overall["exchange_recall"] == pytest.approx(2 / 5)


def test_false_discovery(result):
    false = result.to_json()["false_discovery"]
    assert false["account_proportion"] == 0.25
    assert (false["campaigns"], false["campaigns_false"]) == (1, 0)
    assert (false["campaigns_any_verdict"], false["campaigns_any_verdict_false"]) == (2, 1)


def test_benign_kinds(result):
    kinds = result.to_json()["benign_kinds"]
    assert kinds["developer"] == {
        "accounts": 2,
        "flagged": 2,
        "harmed": 1,
        "flagged_per_million": 1e6,
        "harmed_per_million": 5e5,
    }
    assert (kinds["course"]["flagged"], kinds["course"]["harmed"]) == (1, 0)


def test_exchanges(result):
    exchanges = result.to_json()["exchanges"]
    assert (exchanges["attributed"], exchanges["attributed_harvested"]) == (4, 2)
    assert exchanges["precision"] == 0.5


def test_b_cubed_by_hand(result):
    # Precision over a, b, c (3/4 each), g (1/4), h and i (1/2 each).
    # Recall over a, b, c (3/4 each), d (1/4), e and f (1/2 each).
    clusters = result.to_json()["b_cubed"]
    assert clusters["precision"] == pytest.approx((3 * 0.75 + 0.25 + 2 * 0.5) / 6)
    assert clusters["recall"] == pytest.approx((3 * 0.75 + 0.25 + 2 * 0.5) / 6)
    assert clusters["f1"] == pytest.approx(clusters["recall"])


def test_ranking_by_hand(result):
    # In order: a+ (b+ c+) g- h- d+ e+ f+ i-; 6 positives, 3 negatives.
    ranking = result.to_json()["account_score"]
    assert ranking["auc"] == pytest.approx((3 * 3 + 3 * 1) / 18)
    assert ranking["average_precision"] == pytest.approx((1 + 2 * 1 + 4 / 6 + 5 / 7 + 6 / 8) / 6)


def test_it_is_json_and_draws_a_table(result):
    assert json.loads(json.dumps(result.to_json()))["schema"] == "iolaus.score/1"
    text = drawn(result)
    for words in ("L1", "L3", "developer", "0.750", "500,000", "0.250 of 4 convicted accounts, 0 of 1 campaigns"):
        assert words in text, words
    assert "Leaked" not in text


def drawn(result):
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(result.table())
    text = console.export_text()
    assert "…" not in text
    return text


def test_without_a_scenario_there_is_one_level(tmp_path):
    truth = write_truth(tmp_path / "truth", levels=False)
    assert list(score(write_found(tmp_path / "found"), truth).levels) == ["all"]


def test_accounts_the_run_did_not_see_are_not_missed(tmp_path):
    seen = [a for a in OPERATORS if a not in "def"]
    found = write_found(tmp_path / "found", seen=seen)
    result = score(found, write_truth(tmp_path / "truth"))
    assert result.unseen_accounts == 3
    assert result.levels["L1"].accounts == 3 and result.levels["L1"].convicted_accounts == 3
    assert result.levels["L3"].operators == 0


def test_exchanges_after_until_are_left_out(tmp_path):
    truth = write_truth(tmp_path / "truth")
    early = score(write_found(tmp_path / "found", until=2), truth)
    assert (early.levels["L1"].harvested, early.levels["L3"].harvested) == (2, 1)
    late = score(write_found(tmp_path / "late"), write_truth(tmp_path / "plain", instants=False))
    assert late.levels["L1"].harvested == 3


def test_nothing_found_gives_no_shares_of_nothing(tmp_path):
    found = write_found(tmp_path / "found", campaign_of={}, attributed=())
    document = score(found, write_truth(tmp_path / "truth")).to_json()
    assert document["false_discovery"]["account_proportion"] is None
    assert document["exchanges"]["precision"] is None and document["exchanges"]["recall"] == 0
    assert document["b_cubed"]["precision"] is None and document["b_cubed"]["f1"] is None


def test_a_campaign_that_swallows_everyone_finds_no_operator(tmp_path):
    found = write_found(tmp_path / "found", campaign_of=dict.fromkeys(OPERATORS, "1"))
    document = score(found, write_truth(tmp_path / "truth")).to_json()
    # P has 4 of its 9 accounts, less than half.
    assert document["overall"]["operators_found"] == 0


def test_leaked_before_the_flag(tmp_path):
    truth = write_truth(tmp_path / "truth")
    series = [
        write_found(tmp_path / "runs" / "late", until=3),
        write_found(tmp_path / "runs" / "early", campaign_of={}, until=1),
        write_found(tmp_path / "runs" / "middle", campaign_of={"a": "1", "h": "2"}, until=2),
    ]
    report = leaked_before_flag(series, truth)
    # P is flagged at day 2, when x1 and x2 are gone; Q never is.
    assert report["operators"]["P"]["leaked"] == 2 and report["operators"]["P"]["harvested"] == 3
    assert report["operators"]["Q"]["leaked"] == 2 and report["operators"]["Q"]["flagged_at"] is None
    assert (report["leaked"], report["harvested"], report["share"]) == (4, 5, 0.8)
    assert report["levels"]["L1"] == {"harvested": 3, "leaked": 2, "share": pytest.approx(2 / 3)}
    assert report["levels"]["L3"]["share"] == 1.0
    scored = score(series[0], truth, runs_below(tmp_path / "runs"))
    assert scored.to_json()["leak"] == report
    assert "Leaked before the first flag (in 3 runs): 4 of 5 harvested exchanges" in drawn(scored)


def test_bad_folders_are_refused_in_one_sentence(tmp_path):
    truth, found = write_truth(tmp_path / "truth"), write_found(tmp_path / "found")
    with pytest.raises(InputError, match=r"campaigns\.json cannot be read"):
        score(tmp_path / "absent", truth)
    with pytest.raises(InputError, match=r"truth_accounts\.parquet is missing"):
        score(found, tmp_path / "absent")
    with pytest.raises(InputError, match=r"no exchanges\.parquet"):
        leaked_before_flag([found], write_truth(tmp_path / "bare", instants=False))
    with pytest.raises(InputError, match="at least one run"):
        leaked_before_flag([], truth)
    with pytest.raises(InputError, match="holds no folders with a"):
        runs_below(truth)
    (found / "accounts.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"accounts\.parquet cannot be read"):
        score(found, truth)
    write_found(found)
    pq.write_table(pa.table({"exchange_id": ["x1"]}), found / "exchanges.parquet")
    with pytest.raises(InputError, match="lacks the column 'campaign_id'"):
        score(found, truth)
    write_found(found)
    (found / "campaigns.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        score(found, truth)
    (found / "campaigns.json").write_text('{"campaigns": 3}')
    with pytest.raises(InputError, match="no list of campaigns"):
        score(found, truth)


def test_plain_statistics():
    assert roc_auc([0.1, 0.9], [False, True]) == 1.0
    assert roc_auc([0.5, 0.5], [False, True]) == 0.5
    assert roc_auc([0.5], [True]) is None
    assert average_precision([0.9, 0.1], [False, True]) == 0.5
    assert average_precision([0.9], [False]) is None
    assert b_cubed({"a": "P", "b": "P"}, {"a": "1", "b": "1"}) == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
