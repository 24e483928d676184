"""Each silent failure of other tools is a check with a sentence."""

import numpy as np
import pytest
import torch
from distill_models import small_llama

from iolaus.distill import carry_out
from iolaus.distill.plan import Corpus, Plan
from iolaus.distill.preflight import (
    check_chat_template,
    check_labels,
    check_loss_scale,
    check_padded_vocabulary,
    check_served,
    check_tokenizers,
)
from iolaus.distill.reading import check_plan
from iolaus.distill.texts import Document, Rows, encode_document
from iolaus.distill.train import load_network, load_tokenizer, plain_head
from iolaus.errors import PlanError
from iolaus.lm import Access, Generation, LocalModel


def rows_of(ids):
    ids = np.asarray(ids, dtype=np.int32)
    learned = np.ones(ids.shape, dtype=bool)
    learned[:, 0] = False
    return Rows(ids, learned, np.arange(ids.size).reshape(ids.shape))


def test_equal_width_proves_nothing():
    ours = {"a": 0, "b": 1, "c": 2}
    assert check_tokenizers(ours, dict(ours)).state == "fine"
    swapped = check_tokenizers(ours, {"a": 0, "c": 1, "b": 2}, rows_of([[0, 1]]))
    assert swapped.state == "failed"
    assert "of equal width give 1 tokens different ids: 1 is 'b' for the student and 'c'" in swapped.sentence
    unused = check_tokenizers(ours, {"a": 0, "b": 1, "x": 2}, rows_of([[0, 1]]))
    assert unused.state == "warning" and "not in a token of the corpus" in unused.sentence


def test_padded_vocabulary_is_left_out(small_plan, tokenizer_folder, tmp_path, teacher_folder):
    tokenizer = load_tokenizer(str(tokenizer_folder))
    padded = small_llama(tokenizer, 48, 2, wide=320)
    found = check_padded_vocabulary("teacher", padded, tokenizer, rows_of([[1, 2]]))
    assert found.state == "fine" and "20 rows beyond" in found.sentence
    short = check_padded_vocabulary("student", small_llama(tokenizer, wide=200), tokenizer, rows_of([[1, 250]]))
    assert short.state == "failed" and "token id 250" in short.sentence
    padded.save_pretrained(tmp_path / "padded")
    tokenizer.save_pretrained(tmp_path / "padded")
    small_plan["teacher"]["path"] = str(tmp_path / "padded")
    result = carry_out(check_plan(small_plan, "test"))
    assert result.student.get_output_embeddings().weight.shape[0] == 300


def test_labels_shifted_twice_are_seen(tokenizer_folder):
    network = small_llama(load_tokenizer(str(tokenizer_folder)))
    rows = rows_of(np.random.default_rng(0).integers(0, 300, (2, 12)))
    assert check_labels(network, rows).state == "fine"
    real = network.forward

    def shifted(input_ids, labels=None, **more):
        return real(input_ids=input_ids, labels=None if labels is None else labels.roll(-1, 1), **more)

    network.forward = shifted
    with torch.no_grad():
        network.get_input_embeddings().weight.mul_(30)
    found = check_labels(network, rows)
    assert found.state == "failed" and "twice or not at all" in found.sentence


def test_loss_scale(tokenizer_folder):
    network = small_llama(load_tokenizer(str(tokenizer_folder)))
    rows = rows_of(np.random.default_rng(0).integers(0, 300, (4, 12)))
    found = check_loss_scale(network, rows, 300)
    assert found.state == "fine" and "a uniform guess costs 5.70" in found.sentence
    with torch.no_grad():
        network.get_input_embeddings().weight.mul_(300)
    assert check_loss_scale(network, rows, 300).state == "warning"


TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def plan_with(template):
    return Plan(teacher={"kind": "causal", "path": "x"}, corpus=Corpus(path="x", template=template))


def test_chat_template(tokenizer_folder):
    tokenizer = load_tokenizer(str(tokenizer_folder))
    assert check_chat_template(plan_with("plain"), tokenizer).state == "fine"
    assert check_chat_template(plan_with("chat"), tokenizer).state == "failed"
    tokenizer.chat_template = TEMPLATE
    assert check_chat_template(plan_with("plain"), tokenizer).state == "warning"
    assert check_chat_template(plan_with("chat"), tokenizer).state == "fine"
    encoded = encode_document(tokenizer, Document("red", "blue"), plan_with("chat").corpus)
    assert tokenizer.decode(encoded.ids[: encoded.head]) == "<user>red\n<assistant>"
    assert encoded.learned_from == encoded.head
    tokenizer.chat_template = TEMPLATE.replace("<assistant>", "<<assistant>>")
    assert check_chat_template(plan_with("chat"), tokenizer).state == "failed"


class Served:
    """A served model that says the local model's log-probabilities, off by some nats."""

    def __init__(self, local, off):
        self.local, self.off, self.access, self.name = local, off, Access.TEXT | Access.TOP_K, "served"

    def generate(self, prompts, sampling):
        return [
            Generation(one.text, one.truncated, one.tokens, one.logprobs - self.off, one.top)
            for one in self.local.generate(prompts, sampling)
        ]


@pytest.mark.parametrize(("off", "state"), [(0.0, "fine"), (0.2, "warning"), (2.0, "failed")])
def test_served_against_local(teacher_folder, off, state):
    local = LocalModel.load(teacher_folder)
    found = check_served(Served(local, off), local, ["red blue nine 3\n\n", "cloud river seven 9\n\n"])
    assert found.state == state, found.sentence
    assert "nats a token" in found.sentence


def test_heads_that_are_not_plain_go_the_long_way(tokenizer_folder, small_plan, tmp_path):
    """A capped head (Gemma 2) is seen by its logits, and trained with whole logits to the same end."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    tokenizer = load_tokenizer(str(tokenizer_folder))
    config = Gemma2Config(
        vocab_size=300, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2, head_dim=8,
        intermediate_size=32, final_logit_softcapping=0.5, pad_token_id=0, eos_token_id=0, bos_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    network = Gemma2ForCausalLM(config)
    assert plain_head(network) is None
    assert plain_head(small_llama(tokenizer)) is not None
    network.save_pretrained(tmp_path / "gemma")
    tokenizer.save_pretrained(tmp_path / "gemma")
    small_plan["student"] = {"path": str(tmp_path / "gemma")}
    report = carry_out(check_plan(small_plan, "test")).report
    assert report.training["distilled"]["logits_chunked"] is False
    assert report.judged[0].over_undistilled.value > 0
    assert any("whole logits" in found.sentence for found in report.preflight)


def test_teacher_that_does_not_know_the_text(small_plan, tmp_path, teacher_folder):
    network = load_network(str(teacher_folder))
    with torch.no_grad():
        network.get_input_embeddings().weight.normal_(0, 3)
    network.save_pretrained(tmp_path / "odd")
    load_tokenizer(str(teacher_folder)).save_pretrained(tmp_path / "odd")
    small_plan["teacher"]["path"] = str(tmp_path / "odd")
    small_plan["budget"]["steps"] = 1
    found = next(f for f in carry_out(check_plan(small_plan, "test")).report.preflight if "corpus" in f.name)
    assert found.state == "warning" and "worse than a uniform guess" in found.sentence
    with torch.no_grad():
        network.model.norm.weight[0] = float("inf")
    network.save_pretrained(tmp_path / "odd")
    with pytest.raises(PlanError, match="not finite"):
        carry_out(check_plan(small_plan | {"out": str(tmp_path / "other")}, "test"))
