import copy
import json
import re
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from provenance_models import BigramModel

from iolaus.errors import OutputError
from iolaus.provenance import LateTwins, Suspect, Vault, prove, verify

KEY, TEACHER = b"0123456789abcdef-key", BigramModel("teacher", 1)


@pytest.fixture(scope="module", params=["p_value", "e_value"])
def written(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("case")
    vault = Vault(folder / "evidence", key=KEY)
    answers = [vault.serve(f"secret question {i}", TEACHER.sample, account=f"a{i % 2}") for i in range(150)]
    root = str(vault.seal())
    student = Suspect(BigramModel("<b>student</b>", 2, answers, nats=0.8))
    verdict = prove(vault, student, references=[TEACHER], decide=request.param, batch=60, campaigns={"a1": "C001"})
    signer = Ed25519PrivateKey.generate()
    path = verdict.write(folder / "case.json", signer=signer)
    hidden = verdict.write(folder / "hidden" / "case.json", signer=signer, redact=True)
    return verdict, path, hidden, root, signer


def run(path, *options):
    # -I: no user site, no PYTHONPATH; the program beside the case needs nothing but Python.
    command = [sys.executable, "-I", "-S", str(path.with_name("verify.py")), str(path), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_beside_the_case_confirms_it_without_us(written):
    verdict, path, _, root, signer = written
    key = signer.public_key().public_bytes_raw().hex()
    done = run(path, "--root", root, "--key", key)
    assert done.returncode == 0 and done.stdout.startswith("HOLDS.") and done.stderr == ""
    assert "learnt from served answers" in done.stdout and verdict.accused
    for wrong in (("--root", "00" * 32), ("--key", "11" * 32)):
        assert run(path, *wrong).returncode == 1


def test_a_redacted_case_shows_no_text_and_still_holds(written):
    _, path, hidden, root, _ = written
    assert run(hidden, "--root", root).returncode == 0
    for file in (hidden, hidden.with_suffix(".html")):
        text = file.read_text()
        assert not re.search(r"secret question|amber|\ba0\b", text)
    assert "secret question" in path.read_text() and "secret question" in path.with_suffix(".html").read_text()


def resigned(case):
    signer = Ed25519PrivateKey.generate()
    content = {key: value for key, value in case.items() if key != "signature"}
    key = signer.public_key().public_bytes_raw().hex()
    return content | {"signature": {"public_key": key, "value": signer.sign(verify.canonical(content)).hex()}}


def put(case, value, *path):
    for step in path[:-1]:
        case = case[step]
    case[path[-1]] = value


def flip(finding):
    finding["learnt_from"] = not finding["learnt_from"]


ALTERED = {
    "coin": lambda c: put(c, 1 - c["exchanges"][3]["coin"], "exchanges", 3, "coin"),
    "candidate": lambda c: put(c, "another answer", "exchanges", 3, "entry", "candidates", 0),
    "prompt": lambda c: put(c, "another question", "exchanges", 3, "entry", "prompt"),
    "account": lambda c: put(c, "a7", "exchanges", 3, "entry", "account"),
    "account's label": lambda c: put(c, "a7", "exchanges", 3, "groups", "account"),
    "nonce": lambda c: put(c, "00" * 32, "exchanges", 3, "entry", "nonce"),
    "log line": lambda c: put(c, "00" * 32, "exchanges", 3, "entry", "prev"),
    "root": lambda c: put(c, "00" * 32, "vault", "seal", "root"),
    "later root": lambda c: put(c, "00" * 32, "vault", "final", "root"),
    "proof": lambda c: put(c, c["exchanges"][3]["proof"][::-1], "exchanges", 3, "proof"),
    "level": lambda c: put(c, 0.5, "plan", "entry", "plan", "alpha"),
    "points": lambda c: put(c, [10, -10], "exchanges", 3, "points"),
    "score": lambda c: put(c, [0.0, -99.0], "exchanges", 3, "scores", "suspect"),
    "p-value": lambda c: put(c, 1e-30, "result", "p_value"),
    "e-value": lambda c: put(c, 500.0, "result", "log_e_value"),
    "verdict": lambda c: put(c, not c["result"]["accused"], "result", "accused"),
    "account's verdict": lambda c: flip(c["groups"]["account"]["a0"]),
    "account's level": lambda c: put(c, 0.5, "groups", "account", "a0", "level"),
    "an account left out": lambda c: c["groups"]["account"].pop("a0"),
    "campaigns": lambda c: put(c, {"a0": "C001"}, "campaigns", "of"),
    "campaign's label": lambda c: put(c, "C002", "exchanges", 3, "groups", "campaign"),
    "an exchange dropped": lambda c: c["exchanges"].pop(2),
    "exchanges swapped": lambda c: c["exchanges"].insert(0, c["exchanges"].pop(5)),
    "another schema": lambda c: put(c, "iolaus.case/9", "schema"),
}  # fmt: skip


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_altered_is_found_with_and_without_a_new_signature(written, what):
    case = json.loads(written[1].read_text())
    forged = copy.deepcopy(case)
    ALTERED[what](forged)
    with pytest.raises(verify.Refuted):
        verify.check_case(forged)
    with pytest.raises(verify.Refuted):
        verify.check_case(resigned(forged))
    verify.check_case(resigned(case))


def test_what_is_no_case_is_refused_in_one_line(tmp_path, written):
    for content in ("", "[]", "{}", '{"schema": "iolaus.case/2"}', '{"schema": "iolaus.case/2", "signature": 3}'):
        (tmp_path / "x.json").write_text(content)
        (tmp_path / "verify.py").write_text(written[1].with_name("verify.py").read_text())
        done = run(tmp_path / "x.json")
        assert done.returncode == 1 and done.stdout.count("\n") == 1 and done.stderr == ""
    assert run(tmp_path / "absent.json").returncode == 1


def test_the_page_is_plain_self_contained_and_safe(written):
    text = written[1].with_suffix(".html").read_text()
    assert not re.search(r"<script|https?://|<link|<img", text)
    assert "&lt;b&gt;student&lt;/b&gt;" in text and "<b>student" not in text
    for words in (
        "Who trained the suspect",
        "Intent",
        "second-hand",
        "fair toss",
        "1 in 1,000,000",
        "python verify.py",
    ):
        assert words in text


def test_signatures_are_those_of_the_library(written):
    signer = Ed25519PrivateKey.generate()
    key = signer.public_key().public_bytes_raw()
    for message in (b"", b"x" * 1000):
        signature = signer.sign(message)
        assert verify.signature_holds(key, message, signature)
        assert not verify.signature_holds(key, message + b"!", signature)
        flipped = bytes([signature[0] ^ 1]) + signature[1:]
        try:
            assert not verify.signature_holds(key, message, flipped)
        except verify.Refuted:
            pass
    # RFC 8032, section 7.1, test 1.
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    value = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b"
    )
    assert verify.signature_holds(bytes.fromhex(public), b"", bytes.fromhex(value))


def test_a_folder_that_cannot_be_written_is_named(written, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        written[0].write(tmp_path / "file" / "case.json")


def late_world(folder, old, count=300):
    vault = Vault(folder, key=KEY)
    served = [TEACHER.sample("") for _ in range(count)]
    rows = [LateTwins(f"q{i}", text, (TEACHER.sample(""),)) for i, text in enumerate(served)]
    rows += [LateTwins(f"n{i}", old.sample(""), (TEACHER.sample(""),), never_served=True) for i in range(count)]
    vault.commit_late(rows)
    vault.seal()
    return vault, served


def test_twins_drawn_later_convict_only_after_their_self_test(tmp_path):
    vault, served = late_world(tmp_path / "good", TEACHER)
    student = Suspect(BigramModel("student", 2, served, nats=0.6))
    verdict = prove(vault, student, references=[TEACHER], grade="B")
    assert verdict.accused and verdict.tried.never_served["exchanges"] == pytest.approx(300, abs=5)
    path = verdict.write(tmp_path / "case.json")
    assert run(path).returncode == 0 and "grade B" in path.with_suffix(".html").read_text()
    few, served = late_world(tmp_path / "few", TEACHER, 60)
    verdict = prove(few, Suspect(BigramModel("student", 2, served, nats=0.9)), references=[TEACHER], grade="B")
    assert not verdict.accused and "need a self-test on at least 100" in verdict.cannot_conclude[0]


def test_twins_of_changed_weights_are_refused(tmp_path):
    vault, served = late_world(tmp_path, BigramModel("the teacher as it was", 77))
    student = Suspect(BigramModel("student", 77, served, nats=0.8))
    verdict = prove(vault, student, references=[TEACHER], grade="B")
    assert not verdict.accused
    assert any("differ from those drawn later" in reason for reason in verdict.refused)
