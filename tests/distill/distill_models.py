"""Sentences with a rule, and fresh tiny models."""

import random

import torch


def sentences(count, seed):
    """Prompts with a rule that a tiny model can learn."""
    draw = random.Random(seed)
    words = ["red", "blue", "green", "stone", "river", "cloud", "seven", "nine"]
    rows = []
    for _ in range(count):
        first, second, third = draw.choice(words), draw.choice(words), draw.choice(words)
        response = f"{second} then {first} then {second} then {first}."
        rows.append({"prompt": f"{first} {second} {third} {draw.randrange(100)}", "response": response})
    return rows


def small_llama(tokenizer, hidden=32, layers=2, seed=0, wide=None):
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=wide or len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config)
