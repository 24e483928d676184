"""Other teachers and objectives, end to end on tiny models: endpoints, exchanges, other tokenizers, own answers."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from iolaus.distill import carry_out
from iolaus.distill.reading import check_plan
from iolaus.distill.texts import Answer, Encoded, Spelling, told_targets
from iolaus.distill.train import load_tokenizer
from iolaus.errors import IolausError, ModelError, PlanError, StaleCache


@pytest.fixture
def served(tokenizer_folder):
    """A loopback endpoint that answers with the rule of the corpus, token by token, with what trouble one likes."""
    tokenizer = load_tokenizer(str(tokenizer_folder))
    trouble, asked = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            prompt = body["messages"][-1]["content"]
            asked.append(prompt)
            if trouble:
                kind = trouble.pop(0)
                if kind == "garbage":
                    return self.reply(200, b"<html>not JSON")
                if kind == "drop":
                    self.close_connection = True
                    return self.connection.close()
                return self.reply(kind, b"{}")
            first, second, *_ = prompt.split()
            text = f"{second} then {first} then {second} then {first}."
            tokens = [tokenizer.decode([i]) for i in tokenizer(text)["input_ids"]]
            content = [
                {
                    "token": token,
                    "logprob": -0.1,
                    "bytes": list(token.encode()),
                    "top_logprobs": [{"token": token, "logprob": -0.1}, {"token": " then", "logprob": -3.0}],
                }
                for token in tokens
            ]
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            if body.get("logprobs"):
                choice["logprobs"] = {"content": content}
            return self.reply(200, json.dumps({"choices": [choice]}).encode())

        def reply(self, status, content):
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield {"url": f"http://127.0.0.1:{server.server_port}/v1", "trouble": trouble, "asked": asked}
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def endpoint_plan(small_plan, served, tokenizer_folder):
    small_plan["teacher"] = {
        "kind": "endpoint",
        "base_url": served["url"],
        "served_name": "m",
        "max_tokens": 40,
        "top_logprobs": 2,
        "first_wait": 0.01,
        "attempts": 4,
        "timeout": 5.0,
    }
    small_plan["student"]["tokenizer"] = str(tokenizer_folder)
    small_plan["corpus"]["limit"] = 60
    return small_plan


def test_endpoint_with_likeliest_tokens(endpoint_plan, served):
    served["trouble"] += [429, "garbage", 503, "drop"]
    result = carry_out(check_plan(endpoint_plan, "test"))
    assert set(result.report.judged[0].models) == {"undistilled", "hard_label", "distilled"}
    assert any("told targets for" in note for note in result.report.notes)
    share = int(next(n for n in result.report.notes if "told targets" in n).split("for ")[1].split("%")[0])
    assert share > 80
    before = len(served["asked"])
    carry_out(check_plan(endpoint_plan, "test"))
    assert len(served["asked"]) == before, "answers that are there are not asked for again"


def test_endpoint_text_only(endpoint_plan):
    endpoint_plan["objective"] = {"name": "sequence"}
    endpoint_plan["teacher"]["top_logprobs"] = 0
    result = carry_out(check_plan(endpoint_plan, "test"))
    assert "hard_label" in result.report.judged[0].models


def test_endpoint_that_stays_down_keeps_what_it_said(endpoint_plan, served, tmp_path):
    endpoint_plan["teacher"]["queries"] = 20
    with pytest.raises(IolausError, match="budget of 20"):
        carry_out(check_plan(endpoint_plan, "test"))
    kept = (tmp_path / "out" / "answers.jsonl").read_text().splitlines()
    assert len(kept) > 10
    with (tmp_path / "out" / "answers.jsonl").open("a") as file:
        file.write('{"prompt": "half a li')
    endpoint_plan["teacher"]["queries"] = 200
    served["asked"].clear()
    carry_out(check_plan(endpoint_plan, "test"))
    assert not {json.loads(line)["prompt"] for line in kept[1:]} & set(served["asked"])
    served["trouble"] += [503] * 500
    endpoint_plan["corpus"]["limit"] = 80
    with pytest.raises(ModelError, match="did not answer in 4 attempts"):
        carry_out(check_plan(endpoint_plan, "test"))
    endpoint_plan["teacher"]["served_name"] = "another"
    with pytest.raises(StaleCache, match="of another teacher"):
        carry_out(check_plan(endpoint_plan, "test"))


def test_exchanges(small_plan, corpus_file, tokenizer_folder, tmp_path):
    rows = [json.loads(line) for line in corpus_file.read_text().splitlines()]
    log = tmp_path / "log.jsonl"
    log.write_text(
        "".join(
            json.dumps({"exchange_id": str(i), "timestamp": "2026-01-01T00:00:00Z", "account_id": "a"} | row) + "\n"
            for i, row in enumerate(rows)
        )
    )
    small_plan |= {"teacher": {"kind": "exchanges", "path": str(log)}, "objective": {"name": "sequence"}}
    small_plan["corpus"] = {"block": 48}
    small_plan["student"]["tokenizer"] = str(tokenizer_folder)
    result = carry_out(check_plan(small_plan, "test"))
    assert set(result.report.judged[0].models) == {"undistilled", "distilled"}
    assert any("no hard-label student" in note for note in result.report.notes)


def test_own_answers_of_a_local_teacher(small_plan):
    small_plan["objective"] = {"name": "sequence"}
    small_plan["corpus"]["limit"] = 40
    result = carry_out(check_plan(small_plan, "test"))
    assert set(result.report.judged[0].models) == {"teacher", "undistilled", "hard_label", "distilled"}


@pytest.fixture
def other_tokenizer(tmp_path_factory):
    """A byte-level tokenizer that knows bytes and one pair."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"<stop>": 0} | {letter: index + 1 for index, letter in enumerate(alphabet)}
    vocabulary["th"] = len(vocabulary)
    raw = Tokenizer(models.BPE(vocabulary, [("t", "h")]))
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    folder = tmp_path_factory.mktemp("other")
    PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<stop>", pad_token="<stop>").save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", ["uld", "byte_aligned"])
def test_other_tokenizer(small_plan, other_tokenizer, name):
    small_plan["student"]["tokenizer"] = str(other_tokenizer)
    with pytest.raises(PlanError, match=r"tokenizer ids: .* different ids"):
        carry_out(check_plan(small_plan, "test"))
    small_plan["objective"] = {"name": name, "hard_weight": 0.5}
    with pytest.raises(PlanError, match=r"corpus\.pack"):
        carry_out(check_plan(small_plan, "test"))
    small_plan["corpus"] |= {"pack": False, "limit": 40}
    small_plan["report"]["hard_label_student"] = False
    result = carry_out(check_plan(small_plan, "test"))
    judged = result.report.judged[0]
    assert judged.name == "nll per byte"
    assert judged.models["distilled"].value < judged.models["undistilled"].value


def test_spelling_of_both_kinds(tokenizer_folder, other_tokenizer):
    for folder in (tokenizer_folder, other_tokenizer):
        tokenizer = load_tokenizer(str(folder))
        text = "then café 七 the 🙂"
        ids = tokenizer(text)["input_ids"]
        spelling = Spelling(tokenizer)
        assert spelling.spell(ids) == text.encode()
        assert spelling.ends(ids)[-1] == len(text.encode())
        assert all(spelling.spell([index]) == word for word, index in spelling.ids.items())


def test_told_targets_need_the_same_bytes(other_tokenizer):
    spelling = Spelling(load_tokenizer(str(other_tokenizer)))
    ids = spelling.ids
    body = [ids[b"th"], ids[b"e"], ids[b"n"], 0]
    answer = Answer("p", "then", ("th", "en"), ((("th", -0.2), ("zz", -1.0), ("x", -2.0)), (("en", -0.1),)))
    told = told_targets(spelling, [Encoded(body, 0, 0)], [answer])
    assert told.ids[0, :2].tolist() == [ids[b"th"], ids[b"x"]]
    np.testing.assert_allclose(told.log_p[0], [-0.2, -2.0, -np.inf], rtol=1e-6)
    for row in (1, 2, 3):
        assert told.ids[row, 0] == body[row] and told.log_p[row, 0] == 0
    broken = Answer("p", "then", ("th", "\ufffd"), answer.top)
    assert told_targets(spelling, [Encoded(body, 0, 0)], [broken]).share == 0


def test_crossing_teacher_matches_itself(teacher_folder, corpus_file):
    """A teacher compared with itself through bytes costs nothing where its own logits are judged."""
    from iolaus.distill.objectives.chunked import judged_loss
    from iolaus.distill.plan import Corpus, Objective
    from iolaus.distill.texts import encode_document, make_rows, read_documents
    from iolaus.distill.train import Batch, load_network
    from iolaus.distill.train.crossing import CrossingTeacher

    tokenizer, network = load_tokenizer(str(teacher_folder)), load_network(str(teacher_folder)).eval()
    corpus = Corpus(path=str(corpus_file), block=48, pack=False, learn="all", limit=3)
    encoded = [encode_document(tokenizer, one, corpus) for one in read_documents(corpus_file, corpus)]
    rows = make_rows(encoded, corpus, tokenizer.eos_token_id)
    ids = torch.from_numpy(rows.ids.astype(np.int64))
    batch = Batch(ids, torch.from_numpy(rows.learned[:, 1:]), np.arange(3))
    source = CrossingTeacher(network, tokenizer, tokenizer, Objective(name="uld"))
    with torch.no_grad():
        logits = network(ids).logits[:, :-1][batch.counts]
    places, _ = source._counterparts(batch)
    assert len(places) > 0.7 * len(logits)
    assert judged_loss(logits.requires_grad_(), source.judge(batch)).item() < 0.05
