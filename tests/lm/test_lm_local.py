import numpy as np
import pytest
import torch
from lm_doubles import byte_tokenizer, piece_tokenizer, tiny_network

from iolaus.errors import AnswerError, ModelError
from iolaus.lm import Access, LanguageModel, LocalModel, Sampling, check_repeatability, walk_answer
from iolaus.lm.encode import encode_pair


@pytest.fixture(scope="module")
def local():
    return LocalModel(tiny_network(), byte_tokenizer(), name="tiny")


def plain_logprobs(local, prompt_ids, answer_ids):
    ids = torch.tensor([[*prompt_ids, *answer_ids]])
    with torch.no_grad():
        table = local.network(input_ids=ids).logits[0].double().log_softmax(-1)
    return np.array([float(table[len(prompt_ids) - 1 + i, token]) for i, token in enumerate(answer_ids)])


def test_it_is_a_language_model_with_every_access(local):
    assert isinstance(local, LanguageModel)
    assert Access.WEIGHTS in local.access and Access.ECHO in local.access


def test_batched_scores_equal_one_pass_each(local):
    pairs = [("the cat", " sat on the mat"), ("a dog", " ran"), ("hello world, hello", " é!"), ("the", "")]
    small = LocalModel(local.network, local.tokenizer, batch_tokens=20)
    for model in (local, small):
        for (prompt, answer), scored in zip(pairs, model.score(pairs), strict=True):
            one = model.encode(prompt, answer)
            np.testing.assert_allclose(scored.logprobs, plain_logprobs(model, one.prompt, one.answer), atol=1e-5)
            assert "�" in "".join(scored.tokens) or "".join(scored.tokens) == answer


def test_probabilities_of_all_next_tokens_sum_to_one(local):
    told = local.next_token("the cat", " sat", 10**6)
    assert sum(np.exp(value) for _, value in told) == pytest.approx(1.0, abs=1e-5)
    assert [value for _, value in told] == sorted((value for _, value in told), reverse=True)
    assert len(local.score([("the", " cat sat")], top=3)[0].top[0]) == 3


@pytest.mark.parametrize("tokenizer", [byte_tokenizer(), piece_tokenizer()])
@pytest.mark.parametrize(
    ("prompt", "answer"),
    [("the cat", " sat on"), ("the c", "at sat"), ("the cat ", "sat"), ("", "the cat"), ("the\n", "cat")],
)
def test_the_answers_tokens_spell_the_answer(tokenizer, prompt, answer):
    one = encode_pair(tokenizer, prompt, answer)
    local = LocalModel(tiny_network(), tokenizer)
    spelled = "".join(local._spell(token) for token in one.answer)
    assert spelled == answer if prompt else spelled.strip() == answer
    assert one.prompt


def test_a_window_cuts_the_answer_and_says_so():
    local = LocalModel(tiny_network(window=12), byte_tokenizer())
    scored = local.score([("the cat", " sat on the mat and the dog sat on the cat")])[0]
    assert scored.truncated and scored.logprobs.size == 12 - len(local.encode("the cat", "").prompt)
    with pytest.raises(AnswerError, match="leaves no room"):
        local.score([("the cat sat on the mat and the dog sat on the cat, hello world", " yes")])
    with pytest.raises(AnswerError, match="leaves no room"):
        local.generate(["the cat sat on the mat and the dog sat on the cat, hello world"], Sampling())


def test_the_wrong_tokenizer():
    with pytest.raises(ModelError, match="do not belong together"):
        LocalModel(tiny_network(rows=50), byte_tokenizer(), name="tiny")
    with pytest.raises(AnswerError, match="does not know"):
        LocalModel(tiny_network(), piece_tokenizer()).logprobs("the cat", " 猫は座る")


def test_weights_that_are_no_numbers():
    network = tiny_network()
    with torch.no_grad():
        network.model.norm.weight.fill_(float("nan"))
    with pytest.raises(AnswerError, match="no numbers"):
        LocalModel(network, byte_tokenizer()).logprobs("the cat", " sat")


def test_a_prompt_that_ends_in_marks_and_one_without_any():
    tokenizer = byte_tokenizer()
    tokenizer.bos_token = tokenizer.eos_token = None
    with pytest.raises(ModelError, match="empty prompt"):
        encode_pair(tokenizer, "", "the cat")


def test_generation_is_a_plain_sample(local):
    """Frequencies of the first token follow the model's own distribution, whatever the folder's settings say."""
    local = LocalModel(tiny_network(), local.tokenizer)
    local.network.generation_config.update(temperature=0.1, top_k=1, repetition_penalty=2.0)
    drawn = local.generate(["the cat"] * 4000, Sampling(max_tokens=1, seed=5, top=1))
    told = dict(local.next_token("the cat", "", 400))
    likeliest = max(told, key=told.get)
    share = np.mean([one.tokens[:1] == (likeliest,) for one in drawn])
    p = np.exp(told[likeliest])
    assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / 4000)
    assert all(one.truncated for one in drawn if one.tokens)


def test_generated_logprobs_are_the_scored_ones(local):
    found = local.generate(["the cat", "a dog ran"], Sampling(max_tokens=6, seed=3, top=2))
    for prompt, one in zip(["the cat", "a dog ran"], found, strict=True):
        ids = local.tokenizer.encode(prompt)
        written = [local.tokenizer.convert_tokens_to_ids(t) for t in local.tokenizer.convert_ids_to_tokens(ids)]
        assert written == ids and one.logprobs.shape == (len(one.tokens),)
        first = dict(local.next_token(prompt, "", 400))
        if one.tokens and "�" not in one.tokens[0]:
            assert one.logprobs[0] == pytest.approx(first[one.tokens[0]], abs=1e-4)


def test_seeds_fix_answers_and_leave_the_callers_generator_alone(local):
    seeded = Sampling(max_tokens=8, seed=7)
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = local.generate(["the cat", "a dog"], seeded)
    assert first == local.generate(["the cat", "a dog"], seeded)
    assert torch.equal(before, torch.random.get_rng_state())
    assert len({local.sample("the cat") for _ in range(4)}) > 1
    greedy = Sampling(max_tokens=8, temperature=0.0)
    assert local.generate(["the cat"], greedy) == local.generate(["the cat"], greedy)


@pytest.mark.parametrize("tokenizer", [byte_tokenizer(), piece_tokenizer()])
def test_going_on_from_a_beginning(tokenizer):
    local = LocalModel(tiny_network(), tokenizer)
    greedy = Sampling(max_tokens=6, temperature=0.0, top=1)
    whole = local.generate(["the cat"], greedy)[0]
    assert whole.text == "".join(whole.tokens)
    again = local.resume([("the cat", "")], greedy)[0]
    assert again.text == whole.text
    with pytest.raises(AnswerError, match=r"does not fit|leaves no room"):
        local.resume([("the cat", " sat on the mat" * 400)], greedy)


def test_it_repeats_itself(local):
    found = check_repeatability(local, [("the cat", " sat"), ("a dog", " ran over the hill")])
    assert found.differing == 0 and found.largest < 1e-3


def test_a_walk_over_all_tokens_is_the_score(local):
    scored = local.score([("the cat", " sat on the mat")])[0]
    walked = walk_answer(local, "the cat", " sat on the mat", steps=50, top=400)
    # The walk may find a likelier spelling, never a less likely one at its first step.
    assert walked.unseen == 0 and walked.covered == len(" sat on the mat")
    assert np.isfinite(walked.logprob) and np.isfinite(scored.total)


def test_chat_templates():
    tokenizer = byte_tokenizer()
    with pytest.raises(ModelError, match="chat template"):
        LocalModel(tiny_network(), tokenizer, chat=True).logprobs("hello", " world")
    tokenizer.chat_template = "{% for m in messages %}<s>{{ m['content'] }}{% endfor %}</s>"
    local = LocalModel(tiny_network(), tokenizer, chat=True)
    one = local.encode("hello", " world")
    assert one.prompt[0] == tokenizer.bos_token_id and one.prompt[-1] == tokenizer.eos_token_id
    assert local.logprobs("hello", " world").size == len(one.answer)


def test_loading_a_folder(tmp_path, local):
    local.network.save_pretrained(tmp_path)
    local.tokenizer.save_pretrained(tmp_path)
    again = LocalModel.load(tmp_path, device="cpu")
    np.testing.assert_allclose(again.logprobs("the cat", " sat"), local.logprobs("the cat", " sat"), atol=1e-5)
    half = LocalModel.load(tmp_path, device="cpu", dtype="bfloat16")
    np.testing.assert_allclose(half.logprobs("the cat", " sat"), local.logprobs("the cat", " sat"), atol=0.2)


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_folders_that_hold_no_model(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ModelError, match=r"cannot be loaded|holds no tokenizer"):
        LocalModel.load(tmp_path / ("" if content else "nowhere"))
