import json
import math
import time

import numpy as np
import pytest
from lm_doubles import completion, cost, refuse, slow
from starlette.responses import JSONResponse, Response, StreamingResponse

from iolaus.errors import AccessError, AnswerError, BudgetSpent, ModelError
from iolaus.lm import (
    Access,
    AnswerCache,
    Budget,
    Endpoint,
    LanguageModel,
    Patience,
    Sampling,
    check_repeatability,
    walk_answer,
)

QUICK = Patience(attempts=3, first_wait=0.01, longest_wait=2.0, timeout=5.0)
ALL = Access.TEXT | Access.TOP_K | Access.PREFILL
GREEDY = Sampling(temperature=0.0)


def raw(server, **options):
    options = {"patience": QUICK, "access": ALL | Access.ECHO} | options
    return Endpoint(server.url, "double", style="completions", **options)


def chat(server, **options):
    return Endpoint(server.url, "double", **({"patience": QUICK, "access": ALL} | options))


def test_it_is_a_language_model(server):
    assert isinstance(raw(server), LanguageModel)


def test_text_of_both_styles(server):
    assert raw(server).sample("Is it?") == " yes it is"
    assert chat(server, system="Be brief.").sample("Is it?") == " yes it is"
    assert server.seen[0]["prompt"] == "Is it?"
    assert [message["role"] for message in server.seen[1]["messages"]] == ["system", "user"]


def test_echo_scores_the_answer_alone(server):
    scored = raw(server).score([("Is it?", " yes it is"), ("Why?", " so")])
    assert scored[0].tokens == (" yes", " it", " is")
    np.testing.assert_allclose(scored[0].logprobs, [cost(" yes"), cost(" it"), cost(" is")])
    assert scored[1].total == cost(" so")
    assert not scored[0].straddles and not scored[0].truncated


def test_echo_of_a_server_that_insists_on_writing(server):
    server.tail_needed = True
    endpoint = raw(server, budget=Budget(2))
    assert endpoint.score([("Is it?", " yes")])[0].tokens == (" yes",)
    assert endpoint.logprobs("Is it?", " yes").shape == (1,)
    assert endpoint.budget.spent == 2


def test_a_token_over_the_boundary_is_marked(server):
    scored = raw(server).score([("Is it tru", "e yes")])[0]
    assert scored.straddles and scored.tokens == (" true", " yes")


def test_an_answer_cut_by_the_window_is_marked(server):
    server.script = [lambda _: JSONResponse(completion("", ["Is", " it?", " yes"], [None, -1.0, -1.0]))]
    assert raw(server).score([("Is it?", " yes it is")])[0].truncated


@pytest.mark.parametrize(
    ("tokens", "numbers", "words"),
    [
        (["Is", " it?", " yes"], [None, -1.0], "3 tokens and 2"),
        (["Is", " it?", " yes"], [None, -1.0, math.nan], "impossible"),
        (["Is", " it?", " yes"], [None, -1.0, 3.0], "impossible"),
        (["Is", " it?", " yes"], [None, -1.0, -9999.0], "impossible"),
        (["Is", " it?", " yes"], [None, -1.0, None], "no number"),
        (["Is", " it?", " yes"], [None, -1.0, "low"], "no number"),
        (["Is", " it?", " no"], [None, -1.0, -1.0], "do not spell"),
        ([" it?", " yes"], [-1.0, -1.0], "cut off the beginning"),
        (["Is", " it?"], [None, -1.0], "cut the answer off"),
        ([], [], "lack tokens"),
    ],
)
def test_wrong_echoes_are_refused(server, tokens, numbers, words):
    body = completion("", tokens, numbers)
    # JSON has no NaN, but servers write it, and Python reads it.
    server.script = [lambda _: Response(json.dumps(body), media_type="application/json")]
    with pytest.raises(AnswerError, match=words):
        raw(server).score([("Is it?", " yes")])


@pytest.mark.parametrize("body", [[], {"choices": []}, {"choices": [{}]}, {"error": "overloaded"}, {"choices": None}])
def test_garbage_is_refused(server, body):
    server.script = [lambda _: JSONResponse(body)]
    with pytest.raises(AnswerError):
        chat(server).sample("Is it?")


def test_what_is_no_json_is_asked_again(server):
    server.script = [refuse(200, text="<html>"), refuse(502)]
    assert chat(server).sample("Is it?") == " yes it is"
    server.script = [refuse(200, text="<html>")] * 3
    with pytest.raises(ModelError, match="in 3 attempts: the answer is no JSON"):
        chat(server).sample("Is it?")


def test_retry_after_is_honoured(server):
    server.script = [refuse(429, {"retry-after": "0.4"})]
    started = time.monotonic()
    endpoint = chat(server, budget=Budget(1))
    assert endpoint.sample("Is it?") == " yes it is"
    assert time.monotonic() - started >= 0.4
    assert endpoint.budget.spent == 1


def test_too_long_a_wait_is_given_up(server):
    server.script = [refuse(429, {"retry-after": "3600"})]
    with pytest.raises(ModelError, match="asks to wait 3600 s"):
        chat(server).sample("Is it?")


def test_a_late_answer_is_asked_again_and_counted(server):
    endpoint = chat(server, patience=Patience(5, 0.01, 1.0, 0.6), budget=Budget(9))
    server.script = [slow(1.5)]
    assert endpoint.sample("Is it?") == " yes it is"
    assert endpoint.budget.spent >= 2


def test_nobody_there():
    endpoint = Endpoint("http://127.0.0.1:9", "double", patience=Patience(2, 0.01, 0.1, 1.0), budget=Budget(1))
    with pytest.raises(ModelError, match="in 2 attempts: cannot connect"):
        endpoint.sample("Is it?")
    assert endpoint.budget.spent == 0


def test_redirects_are_not_followed(server):
    server.script = [refuse(307, {"location": "http://127.0.0.1:9/elsewhere"})]
    with pytest.raises(ModelError, match="status 307"):
        chat(server).sample("Is it?")
    assert len(server.seen) == 1


def test_the_key_is_sent_and_never_shown(server, monkeypatch):
    monkeypatch.setenv("IOLAUS_API_KEY", "s3cret-key")
    server.script = [refuse(401, text="bad key s3cret-key")]
    endpoint = chat(server)
    with pytest.raises(ModelError) as caught:
        endpoint.sample("Is it?")
    assert server.keys == ["Bearer s3cret-key"]
    assert "s3cret" not in str(caught.value) and "[key]" in str(caught.value)
    assert "s3cret" not in repr(endpoint) + endpoint.name


def test_a_batch_beyond_the_budget_sends_nothing(server):
    endpoint = chat(server, budget=Budget(2))
    with pytest.raises(BudgetSpent, match="3 queries are needed and 2"):
        endpoint.generate(["a", "b", "c"], GREEDY)
    assert server.seen == []
    endpoint.generate(["a", "b"], GREEDY)
    with pytest.raises(BudgetSpent):
        endpoint.sample("c")
    assert len(server.seen) == 2


def test_the_cache_saves_queries_and_not_independence(server, tmp_path):
    endpoint = raw(server, cache=AnswerCache(tmp_path / "answers.sqlite"), budget=Budget(5))
    for _ in range(2):
        endpoint.generate(["a", "b"], GREEDY)
        endpoint.score([("a", " b")])
    assert endpoint.budget.spent == 3
    endpoint.sample("a")
    endpoint.sample("a")
    assert endpoint.budget.spent == 5
    assert endpoint.generate(["a"], GREEDY)[0].text == " yes it is"


def test_numbered_draws_are_kept_apart(server, tmp_path):
    endpoint = raw(server, cache=AnswerCache(tmp_path / "answers.sqlite"))
    server.script = [
        lambda _: JSONResponse(completion("one", [], [])),
        lambda _: JSONResponse(completion("two", [], [])),
    ]
    warm = Sampling()
    texts = [endpoint.generate(["a"], warm, draw=draw)[0].text for draw in (0, 1, 0, 1)]
    assert texts == ["one", "two", "one", "two"]


def test_garbage_is_not_kept(server, tmp_path):
    endpoint = raw(server, cache=AnswerCache(tmp_path / "answers.sqlite"))
    server.script = [lambda _: JSONResponse({"choices": []})]
    with pytest.raises(AnswerError):
        endpoint.generate(["a"], GREEDY)
    assert endpoint.generate(["a"], GREEDY)[0].text == " yes it is"


def test_top_logprobs_and_prefill(server):
    for endpoint in (raw(server), chat(server)):
        assert endpoint.next_token("Is it?", " yes", 5)[0] == (" it", cost(" it"))
        found = endpoint.generate(["Is it?"], Sampling(top=3, max_tokens=2))[0]
        assert found.tokens == (" yes", " it") and len(found.top) == 2
    assert server.seen[-2]["continue_final_message"] is True
    assert all(name != " never" for name, _ in chat(server).next_token("Is it?", "", 5))


def test_going_on_from_a_beginning(server):
    for endpoint in (raw(server), chat(server)):
        texts = [one.text for one in endpoint.resume([("Is it?", " yes"), ("Is it?", " yes it")], Sampling())]
        assert texts == [" it is", " is"]
    with pytest.raises(AccessError, match="does not give prefill"):
        chat(server, access=Access.TEXT).resume([("a", "b")], Sampling())


def test_walking_an_answer(server):
    walked = walk_answer(chat(server), "Is it?", " yes it was", steps=10)
    assert (walked.steps, walked.unseen, walked.covered) == (3, 1, 11)
    assert walked.logprob == pytest.approx(cost(" yes") + cost(" it") - 6.0)


def test_what_is_not_given_is_refused(server):
    plain = chat(server, access=Access.TEXT)
    with pytest.raises(AccessError, match="does not give echo"):
        plain.logprobs("a", "b")
    with pytest.raises(AccessError, match="top-k"):
        plain.next_token("a", "", 5)
    with pytest.raises(AccessError, match="top-k"):
        plain.generate(["a"], Sampling(top=1))
    with pytest.raises(ModelError, match="chat endpoint does not echo"):
        chat(server, access=Access.ECHO)
    with pytest.raises(ModelError, match="begins with http"):
        Endpoint("localhost", "double")
    assert server.seen == []


def test_asked_logprobs_that_are_withheld(server):
    server.script = [lambda _: JSONResponse(completion("yes", [], []))]
    with pytest.raises(AnswerError, match="gave none"):
        raw(server).generate(["a"], Sampling(top=2))


def test_probing(server):
    assert raw(server, access=None).probe() == ALL | Access.ECHO
    assert chat(server, access=None).probe() == Access.TEXT | Access.TOP_K
    server.script = [lambda _: JSONResponse(completion("yes", [], []))] * 2 + [refuse(400, text="no echo")] * 2
    assert raw(server, access=None).probe() == Access.TEXT | Access.PREFILL


def test_an_endpoint_that_lies_about_determinism(server, tmp_path):
    pairs = [("Is it?", " yes"), ("Why?", " so")]
    endpoint = raw(server, cache=AnswerCache(tmp_path / "answers.sqlite"), concurrency=1)
    endpoint.score(pairs)
    assert check_repeatability(endpoint, pairs).differing == 0
    drift = completion("", ["Is", " it?", " yes"], [None, -1.0, -2.5])
    server.script = [lambda _: JSONResponse(drift)]
    found = check_repeatability(endpoint, pairs)
    assert (found.asked, found.differing) == (2, 1)
    assert found.largest == pytest.approx(0.5)
    with pytest.raises(AnswerError, match="1 of 2 questions differently"):
        found.require()
    texts = chat(server, access=Access.TEXT, concurrency=1)
    assert check_repeatability(texts, pairs).sentence.endswith("in the same way.")
    server.script = [lambda _: JSONResponse({"choices": [{"message": {"content": "no"}}]})]
    assert check_repeatability(texts, pairs).differing == 1


def test_an_answer_that_drips_is_not_waited_for(server):
    def drip(_):
        def pieces():
            for _ in range(30):
                time.sleep(0.05)
                yield b" "
            yield b'{"choices": [{"message": {"content": "too late"}}]}'

        return StreamingResponse(pieces())

    server.script = [drip]
    assert chat(server, patience=Patience(5, 0.01, 1.0, 0.6)).sample("Is it?") == " yes it is"
