"""The issue's own lines, with a real transformers model of some thousand parameters."""

import pytest

from iolaus.lm import LocalModel, Sampling
from iolaus.provenance import Suspect, Vault, prove

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
tokenizers = pytest.importorskip("tokenizers")

WORDS = (" amber", " basin", " cedar", " delta", " ember", " fjord", " grove", " heath")


def tokenizer_of():
    known = {word: i for i, word in enumerate(["<end>", "?", *WORDS])}
    plain = tokenizers.Tokenizer(tokenizers.models.WordLevel(known, unk_token="?"))
    plain.pre_tokenizer = tokenizers.pre_tokenizers.Split(tokenizers.Regex(" [a-z]+"), "isolated")
    plain.decoder = tokenizers.decoders.Fuse()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=plain, eos_token="<end>", unk_token="?")


def network_of(seed):
    torch.manual_seed(seed)
    config = transformers.GPT2Config(
        vocab_size=10, n_positions=32, n_embd=32, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0,
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config)


def learn(network, tokenizer, texts, steps):
    ids = torch.tensor([tokenizer.encode(text) for text in texts])
    optimiser = torch.optim.Adam(network.parameters(), lr=5e-3)
    for step in range(steps):
        rows = ids[torch.arange(step * 32, step * 32 + 32) % len(ids)]
        optimiser.zero_grad()
        network(input_ids=rows, labels=rows).loss.backward()
        optimiser.step()
    return network


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_lines_of_the_issue(tmp_path):
    tokenizer = tokenizer_of()
    chance = torch.Generator().manual_seed(0)

    def told():
        start = int(torch.randint(8, (1,), generator=chance))
        steps = torch.randint(1, 4, (7,), generator=chance).cumsum(0)
        return "".join(WORDS[int(i) % 8] for i in [start, *(start + steps)])

    base = learn(network_of(1), tokenizer, [told() for _ in range(640)], 60)
    settings = Sampling(max_tokens=8)
    teacher = LocalModel(learn(network_of(2), tokenizer, [told() for _ in range(640)], 60), tokenizer, name="teacher",
                         sampling=settings)  # fmt: skip
    vault = Vault(tmp_path / "evidence", key=b"a key that is long enough")
    prompts = [told()[:6] for _ in range(160)]
    drawn = teacher.generate([p for p in prompts for _ in range(3)], settings)
    # The teacher may write the sign for unknown words, which is no text of the tokenizer's.
    fresh = iter(one for one in drawn if "?" not in one.text)
    answers = [
        vault.serve(prompt, sample=lambda _: next(fresh).text, account="a", rate=1.0, twins=1) for prompt in prompts
    ]
    root = vault.seal()
    full = [(p + a) for p, a in zip(prompts, answers, strict=True)]
    same = [text for text in full if len(tokenizer.encode(text)) == 9]
    base.save_pretrained(tmp_path / "base")
    learn(base, tokenizer, same, 160).save_pretrained(tmp_path / "suspect")
    for folder in ("base", "suspect"):
        tokenizer.save_pretrained(tmp_path / folder)
    suspect = Suspect.hf(tmp_path / "suspect", base=tmp_path / "base")
    verdict = prove(vault, suspect, references=[teacher], alpha=1e-3, budget=5000)
    assert verdict.accused and verdict.e_value > 100 and str(root) == verdict.plan.seal.root
    assert "open weights" in verdict.access and verdict.by_account["a"].learnt_from and verdict.cannot_conclude == ()
    innocent = prove(vault, Suspect.hf(tmp_path / "base"), references=[teacher], alpha=1e-3)
    assert not innocent.accused and innocent.cannot_conclude
