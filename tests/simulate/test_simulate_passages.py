"""What prompts paste: whose pieces they are, and how much strangers' pastes have in common."""

import re
from collections import defaultdict
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from iolaus.simulate import simulate
from iolaus.simulate.corpus import Corpus
from iolaus.simulate.grammars import DOMAINS
from iolaus.simulate.passages import Passages
from iolaus.simulate.subjects import SUBJECTS

WRITE, CHINESE = DOMAINS.index("write"), DOMAINS.index("zh_chat")


def sentences(name, n):
    return " ".join(f"The {name} has a sentence number {i}, which is about as long as this one." for i in range(n))


def shelf(stocked, **columns):
    n = len(columns["account"])
    usual = {"domain": np.full(n, WRITE), "code": np.arange(n), "salt": np.arange(n) + 100}
    rows = {name: np.asarray(values) for name, values in (usual | columns).items()}
    return stocked.shelve(rows).tolist()


def taken(passages, first, count):
    return passages.text("write", count, first, 0, 0).strip().split("\n")


@pytest.fixture(scope="module")
def stock():
    return Passages({"en": [sentences(f"text {i}", 9) for i in range(60)], "zh": ["这是一段可以粘贴的文字。" * 9]})


def test_every_piece_is_pasted_by_one_account(stock):
    rng = np.random.default_rng(1)
    account, count = rng.integers(0, 9, 40), rng.integers(0, 4, 40)
    firsts = shelf(stock, account=account, passages=count)
    owners = defaultdict(set)
    for who, n, first in zip(account.tolist(), count.tolist(), firsts, strict=True):
        assert (first >= 0) == (n > 0)
        for piece in taken(stock, first, n) if n else ():
            owners[re.match(r"The (text \d+)", piece).group(1)].add(who)
    assert len(owners) > 9 and all(len(who) == 1 for who in owners.values())


def test_a_repeated_request_pastes_the_same_and_so_does_everyone_with_the_item(stock):
    firsts = shelf(
        stock, account=[1, 2, 1, 3, 4], passages=[2, 2, 2, -3, -3], salt=[5, 6, 5, 7, 8], code=[1, 2, 1, 9, 9]
    )
    assert firsts[0] == firsts[2] and firsts[3] == firsts[4]
    assert len({firsts[0], firsts[1], firsts[3]}) == 3


def test_what_runs_out_is_written(stock):
    firsts = shelf(stock, account=np.arange(300), passages=np.full(300, 2))
    assert firsts.count(-1) > 100 and len({f for f in firsts if f >= 0}) == 300 - firsts.count(-1)
    assert shelf(stock, account=[1, 2], passages=[50, 1], domain=[CHINESE, CHINESE]) == [-1, -1]
    assert shelf(Passages({}), account=[1], passages=[2]) == [-1]


def test_written_passages_are_a_function_of_their_arguments():
    passages = Passages({})
    assert passages.text("write", 2, -1, 7, 11) == passages.text("chat", 2, -1, 7, 11)
    assert passages.text("write", 2, -1, 7, 11) != passages.text("write", 2, -1, 7, 12)
    assert passages.text("write", 3, -1, 7, 11).count("\n") == 4
    assert not re.search(r"[{}]|\s{2}", passages.text("write", 9, -1, 7, 11).replace("\n", ""))


@pytest.mark.parametrize("language", sorted(SUBJECTS))
def test_subjects_have_words_of_their_own(language):
    seen = defaultdict(int)
    for subject in SUBJECTS[language]:
        assert set(subject) == {"who", "did", "what", "how", "when"}
        for slot, text in subject.items():
            words = [" ".join(w.split()) for w in text.split("|")]
            assert len(set(words)) == len(words) >= (6 if slot == "when" else 8)
            for word in words:
                seen[slot, word] += 1
    assert sum(n > 1 for n in seen.values()) < 0.03 * len(seen)


def test_strangers_written_pastes_seldom_share_a_phrase():
    passages = Passages({})
    runs = []
    for account in range(40):
        words = re.findall(r"\w+", passages.text("write", 4, -1, account, 10_000 + 17 * account).lower())
        runs.append({tuple(words[i : i + 5]) for i in range(len(words) - 4)})
    shared = [len(a & b) / min(len(a), len(b)) for a, b in combinations(runs, 2)]
    assert np.mean(shared) < 0.01 and np.quantile(shared, 0.99) < 0.15


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    kinds = ["instruction"] * 40 + ["reasoning"] * 4
    harvest = {
        "prompt": [f"question {i}" for i in range(44)],
        "response": [sentences(f"answer {i}", 3) for i in range(44)],
    }
    pq.write_table(pa.table(harvest | {"kind": kinds}), folder / "text.parquet")
    chat = {
        "prompt": ["hello", "你好"],
        "response": [sentences("chat", 2), "今天的天气很好，我们一起去公园里走一走吧。"],
    }
    pq.write_table(pa.table(chat | {"kind": ["chat", "chat"]}), folder / "organic.parquet")
    return folder


def test_material_comes_from_unasked_answers_first_and_never_from_a_queue(files):
    corpus = Corpus(np.random.default_rng(1), files / "text.parquet", files / "organic.parquet")
    asked = -(np.array([0, 1, 2, 3]) + 1)
    material = corpus.material(asked, np.random.default_rng(2))
    assert material["zh"] == ["今天的天气很好，我们一起去公园里走一走吧。"]
    numbers = [int(m.group(1)) for t in material["en"] if (m := re.match(r"The answer (\d+)", t))]
    # Even rows of a file are for queues; 40 and up are formulas.
    assert set(numbers) == set(range(40)) - {0, 2} and set(numbers[-2:]) == {1, 3}


def test_prompts_paste_real_text_and_no_two_accounts_the_same(tmp_path, read_range, real_text):
    simulate("benign", tmp_path, seed=2, exchanges=4_000, **real_text)
    owners = defaultdict(set)
    for account, turn, prompt, _, _ in read_range(tmp_path).rows("account_id", "turn", "prompt"):
        _, pasted, last = prompt.rpartition("\n")
        if turn == 1 and pasted and len(last) > 120:
            owners[last].add(account)
    whole = "\n".join(a for a in pq.read_table(real_text["text"], columns=["response"])["response"].to_pylist() if a)
    some = sorted(owners)[:: len(owners) // 12]
    assert len(owners) > 200 and np.mean([line in whole for line in some]) > 0.5
    assert sum(len(accounts) > 1 for accounts in owners.values()) <= 0.05 * len(owners)
