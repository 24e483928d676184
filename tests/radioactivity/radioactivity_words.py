"""Small word-level models whose text transformers itself marks."""

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    SynthIDTextWatermarkingConfig,
    WatermarkingConfig,
)

from iolaus.lm import LocalModel

WORDS = ["<s>", "a", *(f"w{number}" for number in range(2, 150))]
SETTINGS = {
    "green": WatermarkingConfig(bias=2.5, hashing_key=7919),
    "synthid": SynthIDTextWatermarkingConfig(ngram_len=4, keys=[13, 777, 4242, 90]),
}


def word_tokenizer():
    made = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="<s>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>")


def word_model(seed=0, name="suspect", window=128):
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=window,
        initializer_range=0.1,
        eos_token_id=None,
    )
    return LocalModel(LlamaForCausalLM(config), word_tokenizer(), name=name)


def marked_answers(local, settings, count=40, length=60):
    """What transformers itself writes with a watermark."""
    torch.manual_seed(3)
    begun = torch.randint(1, len(WORDS), (count, 6))
    out = local.network.generate(
        input_ids=begun,
        attention_mask=torch.ones_like(begun),
        watermarking_config=settings,
        do_sample=True,
        top_k=0,
        max_new_tokens=length,
        pad_token_id=0,
    )
    spell = local.tokenizer.batch_decode
    return list(zip(spell(begun), [" " + text for text in spell(out[:, 6:])], strict=True))
