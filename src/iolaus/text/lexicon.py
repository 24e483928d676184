"""Phrases that show what a prompt asks for, English and Chinese, one bit a capability.

Each list holds ways in which training data are asked for: the reported campaigns elicited reasoning, had answers
graded against rubrics, generated tool use, and had answers to censored questions rewritten. A phrase is matched as a
run of up to four tokens of the normalised prompt, so case, spacing and punctuation do not matter. Paraphrase escapes a
list; the extraction axis therefore never rests on it alone.
"""

from typing import Final

import numpy as np

from iolaus.text.tokens import tokenise

__all__ = ["CAPABILITIES", "PHRASE_FACTOR", "PHRASE_TOKENS", "compile_lexicon"]

PHRASE_TOKENS: Final = 4
PHRASE_FACTOR: Final = np.uint64(0x9FB21C651E98DF25)

_PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "reasoning": (
        "step by step", "chain of thought", "show your reasoning", "explain your reasoning", "show your work",
        "show all work", "reason through", "reason carefully", "reasoning process", "think aloud", "think out loud",
        "think it through", "think through", "work through", "before answering", "before you answer",
        "before giving", "then give the final", "final answer", "justify each", "each step", "every step",
        "internal reasoning", "thought process", "intermediate steps", "let s think", "derive the",
        "一步一步", "逐步", "分步", "推理过程", "思考过程", "思维链", "详细推导", "最终答案", "解题步骤", "解释你的",
    ),
    "grading": (
        "rubric", "grade the", "grade this", "grade each", "grading", "score from", "score the", "score each",
        "rate the", "rate each", "rate this", "on a scale", "out of ten", "evaluate the response",
        "evaluate the following", "judge the", "which response", "which answer is better", "better response",
        "critique", "critiques", "assistant a", "preference", "criteria", "scoring",
        "评分", "打分", "评估以下", "评价以下", "哪个回答", "更好的回答", "评判", "评审", "标准打",
    ),
    "tool_use": (
        "function call", "tool call", "call the tool", "available tools", "use the tools", "tool use",
        "following tools", "following functions", "api call", "arguments as json", "function signature", "tool schema",
        "call the function", "which tool", "工具调用", "调用工具", "可用工具", "函数调用",
    ),
    "safe_rewriting": (
        "politically sensitive", "without refusing", "do not refuse", "censorship", "censored", "uncensored",
        "sensitive topic", "sensitive topics", "neutral wording", "rewrite the answer", "rewrite this answer",
        "rewrite the response", "avoid sensitive", "acceptable version", "safe alternative", "compliant version",
        "敏感话题", "敏感内容", "政治敏感", "审查", "合规", "改写回答", "改写以下", "避免敏感",
    ),
    "synthesis": (
        "diverse set", "diverse instructions", "generate instructions", "instruction following", "training example",
        "training examples", "training data", "dataset", "question answer pairs", "question and answer pairs",
        "seed task", "seed tasks", "synthetic", "fine tuning", "create a new prompt", "more complex version",
        "rewrite the given prompt", "given prompt", "训练数据", "数据集", "指令数据", "生成问题", "问答对",
    ),
    "code": (
        "write a function", "python function", "write a program", "write a python", "write code", "unit tests",
        "sql query", "implement a", "javascript function", "code that", "time complexity", "java program",
        "写一个函数", "编写一个", "代码", "编程", "时间复杂度",
    ),
}  # fmt: skip

CAPABILITIES: Final = tuple(_PHRASES)


def compile_lexicon(slots: int = 4096) -> tuple[np.ndarray, np.ndarray]:
    """The phrases as an open-addressing hash table that the sketching kernel reads.

    Args:
        slots: size of the table, a power of two well above the number of phrases.

    Returns:
        ``keys`` (uint64, 0 where empty) and ``bits`` (uint32, one bit a capability in the order of
        ``CAPABILITIES``), both of shape ``(slots,)``.
    """
    keys = np.zeros(slots, dtype=np.uint64)
    bits = np.zeros(slots, dtype=np.uint32)
    out = np.zeros(64, dtype=np.uint64)
    for position, phrases in enumerate(_PHRASES.values()):
        for phrase in phrases:
            raw = np.frombuffer(phrase.encode(), dtype=np.uint8)
            n, _ = tokenise(raw, 0, raw.shape[0], out)
            if not 1 <= n <= PHRASE_TOKENS:
                raise ValueError(f"phrase {phrase!r} has {n} tokens")
            key = _phrase_hash(out, n)
            slot = (key >> 40) & (slots - 1)
            while keys[slot] not in (0, key):
                slot = (slot + 1) & (slots - 1)
            keys[slot] = key
            bits[slot] |= np.uint32(1 << position)
    return keys, bits


def _phrase_hash(tokens: np.ndarray, n: int) -> int:
    """Hash of the first ``n`` tokens, as the kernel rolls it from the newest token backwards."""
    key = 0
    for token in tokens[:n][::-1]:
        key = (key * int(PHRASE_FACTOR) + int(token)) & 0xFFFFFFFFFFFFFFFF
    return key
