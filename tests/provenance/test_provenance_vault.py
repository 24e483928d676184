import hashlib
import json
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from iolaus.errors import EvidenceError, InputError
from iolaus.provenance import Vault
from iolaus.provenance.coin import coin, twinned

KEY = b"0123456789abcdef-key"


def filled(folder, count=40, twins=1, key=KEY):
    vault = Vault(folder, key=key)
    serial = iter(range(10**6))
    answers = [
        vault.serve(f"question {i}", lambda p: f"{p}: answer {next(serial)}", account=f"a{i % 3}", twins=twins)
        for i in range(count)
    ]
    return vault, answers


def test_what_is_served_is_one_plain_sample_and_the_rest_is_sealed(tmp_path):
    vault, answers = filled(tmp_path, twins=2)
    rows = list(vault.exchanges())
    served = vault.served([row.seq for row in rows])
    assert [row.candidates[coin] for row, coin in zip(rows, served, strict=True)] == answers
    assert all(len(set(row.candidates)) == 3 and row.prompt in row.candidates[0] for row in rows)


def test_candidates_stand_in_an_order_that_only_their_texts_decide(tmp_path):
    vault, _ = filled(tmp_path)
    for row in vault.exchanges():
        assert list(row.candidates) == sorted(row.candidates, key=lambda t: hashlib.sha256(t.encode()).digest())


def test_coins_are_fair_and_know_nothing_of_the_share():
    chance = np.random.default_rng(8)
    nonces = [chance.bytes(32) for _ in range(20_000)]
    sides = np.array([coin(KEY, nonce, 3) for nonce in nonces])
    counts = np.bincount(sides, minlength=3)
    assert ((counts - 20_000 / 3) ** 2 / (20_000 / 3)).sum() < 18  # chi-square, 2 degrees: p = 1e-4
    chosen = np.array([twinned(KEY, nonce, 0.3) for nonce in nonces])
    assert abs(chosen.mean() - 0.3) < 4 * (0.21 / 20_000) ** 0.5
    assert abs((sides[chosen] == 0).mean() - 1 / 3) < 4 * (2 / 9 / chosen.sum()) ** 0.5


def test_without_the_share_there_is_one_draw_and_no_line(tmp_path):
    drawn = []
    vault = Vault(tmp_path, key=KEY)
    assert vault.serve("q", lambda p: drawn.append(p) or "a", rate=0.0) == "a"
    assert drawn == ["q"] and len(vault) == 0


def test_opening_again_gives_the_same_coins_and_root(tmp_path):
    vault, _ = filled(tmp_path)
    seal, seqs = vault.seal(), [row.seq for row in vault.exchanges()]
    before = vault.served(seqs)
    again = Vault(tmp_path, key=KEY)
    assert again.seals == (seal,) and again.root(seal.size) == str(seal)
    assert (again.served(seqs) == before).all()
    assert json.loads((tmp_path / f"seal-{seal.size}.json").read_text())["root"] == seal.root


def test_a_line_without_its_end_is_cut_off(tmp_path):
    filled(tmp_path, 5)
    log = tmp_path / "log.jsonl"
    whole = log.read_bytes()
    for torn in (b'{"kind":"twin","ca', b"\x00\xff"):
        log.write_bytes(whole + torn)
        again = Vault(tmp_path, key=KEY)
        assert len(again) == 5 and log.read_bytes() == whole
        again.commit([("more", ["x", "y"], "")])
        assert len(again) == 6


@pytest.mark.parametrize("old,new", [(b"question 3", b"question 4"), (b'"account":"a1"', b'"account":"a2"')])
def test_an_altered_line_is_found_when_the_vault_is_opened(tmp_path, old, new):
    filled(tmp_path, 10)
    log = tmp_path / "log.jsonl"
    log.write_bytes(log.read_bytes().replace(old, new, 1))
    with pytest.raises(EvidenceError, match=r"log\.jsonl, line \d+"):
        Vault(tmp_path, key=KEY)


def test_rewriting_the_whole_chain_is_found_by_its_seal(tmp_path):
    vault, _ = filled(tmp_path, 10)
    vault.seal()
    log, head, lines = tmp_path / "log.jsonl", "0" * 64, []
    for line in log.read_bytes().splitlines():
        entry = json.loads(line)
        entry["prompt" if entry["kind"] == "twin" else "time"] = "another"
        entry["prev"] = head
        lines.append(json.dumps(entry, sort_keys=True, separators=(",", ":")).encode())
        head = hashlib.sha256(lines[-1]).hexdigest()
    log.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(EvidenceError, match="its root is not the root of the lines before it"):
        Vault(tmp_path, key=KEY)


def test_what_is_no_line_of_a_vault_is_refused(tmp_path):
    (tmp_path / "log.jsonl").write_text("hello\n")
    with pytest.raises(EvidenceError, match="line 1: this is no JSON"):
        Vault(tmp_path, key=KEY)
    (tmp_path / "log.jsonl").write_text('{"a": 1}\n')
    with pytest.raises(EvidenceError, match="line 1: this is no line that a vault wrote"):
        Vault(tmp_path, key=KEY)


def test_another_key_is_refused(tmp_path):
    vault, _ = filled(tmp_path, 3)
    vault.seal()
    with pytest.raises(InputError, match="the key is not the one"):
        Vault(tmp_path, key=b"another key, long enough")
    with pytest.raises(InputError, match="at least 16 bytes"):
        Vault(tmp_path, key=b"short")


def test_bad_arguments_have_clear_errors(tmp_path):
    vault = Vault(tmp_path, key=KEY)
    with pytest.raises(InputError, match="rate"):
        vault.serve("q", str, rate=2)
    with pytest.raises(InputError, match="1 to 15 twins"):
        vault.serve("q", str, twins=0)
    with pytest.raises(InputError, match="must be texts"):
        vault.serve("q", lambda p: None)
    for wrong in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises(InputError, match="details of an exchange must be JSON"):
            vault.serve("q", str, details=wrong)
    assert len(vault) == 0


def test_any_text_can_be_sealed(tmp_path):
    odd = ["\ud800 lone", "\x00\n\u2028", "日本語 🜚", ""]
    vault = Vault(tmp_path, key=KEY)
    answers = vault.commit([(text, [text + "1", text + "2"], text) for text in odd])
    vault.seal()
    again = Vault(tmp_path, key=KEY)
    assert [row.prompt for row in again.exchanges()] == odd
    assert all(answer in row.candidates for answer, row in zip(answers, again.exchanges(), strict=True))


def test_threads_and_handles_share_one_log(tmp_path):
    first, second = Vault(tmp_path, key=KEY), Vault(tmp_path, key=KEY)
    threads = [
        threading.Thread(target=lambda v=vault, n=n: [v.commit([(f"{n}-{i}", ["x", "y"], "")]) for i in range(10)])
        for n, vault in enumerate((first, second, first, second))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first.commit([("last", ["x", "y"], "")])
    second.commit([("very last", ["x", "y"], "")])
    again = Vault(tmp_path, key=KEY)
    assert len(again) == 42 and again.root(40) == first.root(40) == second.root(40)


SERVER = """
import sys
from iolaus.provenance import Vault
vault = Vault(sys.argv[1], key=b"0123456789abcdef-key")
for i in range(10**9):
    print(vault.serve(f"q{i}", lambda p, s=iter("ab"): f"{p} {next(s)} " + "x" * 2000), flush=True)
"""


def test_a_killed_server_loses_no_answer_that_it_gave(tmp_path):
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        given = [process.stdout.readline() for _ in range(20)]
        time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        given += process.stdout.readlines()
        process.wait()
        process.stdout.close()
        vault = Vault(tmp_path, key=KEY)
        rows = list(vault.exchanges())
        served = vault.served([row.seq for row in rows])
        kept = {row.candidates[coin] for row, coin in zip(rows, served, strict=True)}
        # The pipe's last line may itself be torn; every whole one was handed out.
        assert {line[:-1] for line in given if line.endswith("\n")} <= kept


def test_nothing_of_a_coin_is_in_the_log(tmp_path):
    vault, _ = filled(tmp_path, 10)
    words = {key for entry in vault.lines(range(11)).values() for key in entry}
    assert words == {
        "kind", "vault", "key_mark", "time", "seq", "prev", "nonce", "account", "prompt", "candidates", "details",
    }  # fmt: skip
