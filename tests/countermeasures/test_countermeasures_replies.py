import copy

import pytest

from iolaus.errors import InputError
from iolaus.provenance.countermeasures import (
    Restriction,
    restrict_logprobs,
    restrict_request,
    summarise_reasoning,
    withhold_reasoning,
)

CHAT = {
    "id": "1",
    "choices": [
        {
            "message": {"role": "assistant", "content": "four", "reasoning_content": "Two. And two.\nSo four."},
            "logprobs": {
                "content": [
                    {
                        "token": "four",
                        "logprob": -0.37,
                        "top_logprobs": [
                            {"token": "five", "logprob": -2.2},
                            {"token": "four", "logprob": -0.37},
                            {"token": "six", "logprob": -3.0},
                        ],
                    }
                ]
            },
        }
    ],
}
RAW = {
    "choices": [
        {
            "text": "four",
            "logprobs": {
                "tokens": ["a", "four"],
                "token_logprobs": [None, -0.37],
                "top_logprobs": [None, {"five": -2.2, "four": -0.37}],
            },
        }
    ]
}


def test_logprobs_are_fewer_and_rounder():
    before = copy.deepcopy(CHAT)
    step = restrict_logprobs(CHAT, 2, 0.5)["choices"][0]["logprobs"]["content"][0]
    assert step["logprob"] == -0.5
    assert [(one["token"], one["logprob"]) for one in step["top_logprobs"]] == [("four", -0.5), ("five", -2.5)]
    told = restrict_logprobs(RAW, 1, 0.5)["choices"][0]["logprobs"]
    assert told["token_logprobs"] == [None, -0.5] and told["top_logprobs"] == [None, {"four": -0.5}]
    assert restrict_logprobs(CHAT, 0, 0.0)["choices"][0]["logprobs"] is None
    assert restrict_logprobs(CHAT, 9, 0.0)["choices"][0]["logprobs"]["content"][0]["logprob"] == -0.37
    assert before == CHAT
    for top, step_size in ((-1, 0.0), (1, -0.5)):
        with pytest.raises(ValueError):
            restrict_logprobs(CHAT, top, step_size)


@pytest.mark.parametrize(
    ("payload", "top", "left"),
    [
        ({"logprobs": True, "top_logprobs": 20, "logit_bias": {"5": 9}}, 5, {"logprobs": True, "top_logprobs": 5}),
        ({"logprobs": True, "top_logprobs": 20}, 0, {}),
        ({"logprobs": 20, "echo": True}, 5, {"logprobs": 5}),
        ({"logprobs": 20, "echo": True}, 0, {"echo": True}),
        ({"logit_bias": {"5": 9}}, 5, {"logit_bias": {"5": 9}}),
        ({"logprobs": "many"}, 5, {"logprobs": 0}),
    ],
)
def test_requests_ask_for_no_more_than_is_given(payload, top, left):
    assert restrict_request(payload, top) == left


def test_reasoning_is_withheld_or_shortened():
    before = copy.deepcopy(CHAT)
    assert withhold_reasoning(CHAT)["choices"][0]["message"] == {
        "role": "assistant",
        "content": "four",
        "reasoning_content": None,
    }
    assert summarise_reasoning(CHAT)["choices"][0]["message"]["reasoning_content"] == "And two.\nSo four."
    assert summarise_reasoning(CHAT, 1)["choices"][0]["message"]["reasoning_content"] == "Two.\nAnd two.\nSo four."
    assert before == CHAT
    with pytest.raises(ValueError):
        summarise_reasoning(CHAT, 0)


def test_reasoning_between_marks():
    def answered(text):
        return {"choices": [{"message": {"content": text}}]}

    marked = answered("<think>One.\nTwo.\nThree.</think>\nThree.")
    assert withhold_reasoning(marked)["choices"][0]["message"]["content"] == "Three."
    assert summarise_reasoning(marked)["choices"][0]["message"]["content"] == "<think>Two.\nThree.</think>Three."
    assert withhold_reasoning(answered("<think>never ends"))["choices"][0]["message"]["content"] == ""
    assert withhold_reasoning({"choices": [{}]})["choices"] == [{"message": {}}]


def test_a_gateways_order_is_carried_out_on_request_and_response():
    order = Restriction.parse("reasoning=withhold; top_logprobs=1")
    assert order == Restriction("withhold", 1)
    assert order.request({"logprobs": True, "top_logprobs": 20, "logit_bias": {"1": 5}}) == {
        "logprobs": True, "top_logprobs": 1,
    }  # fmt: skip
    told = order.response(CHAT)
    assert told == restrict_logprobs(withhold_reasoning(CHAT), 1, 0.0)
    assert Restriction.parse("reasoning=summarise").response(CHAT) == summarise_reasoning(CHAT)
    assert Restriction.parse("") == Restriction() and Restriction().response(CHAT) == CHAT
    assert Restriction().request({"top_logprobs": 20, "logprobs": True})["top_logprobs"] == 20


@pytest.mark.parametrize("header", ["reasoning=hide", "top_logprobs=-1", "top_logprobs=many", "echo=0", "withhold"])
def test_an_order_that_is_none_is_refused(header):
    with pytest.raises(InputError, match="no order of a gateway"):
        Restriction.parse(header)
