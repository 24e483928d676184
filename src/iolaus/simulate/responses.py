# ruff: noqa: E501 (sentences and word lists stay on one line)
"""Answers: sentences strung together to a drawn length, in the manner of the domain that was asked.

The same question with the same salt gives the same answer, as a model at temperature 0 does.
"""

from functools import cache
from typing import Final

from iolaus.simulate.grammar import Grammar
from iolaus.simulate.words import WORDS

__all__ = ["answer"]

_MASK: Final = 2**64 - 1

_SENTENCES: Final[dict[str, tuple[str, ...]]] = {
    "prose": (
        "A good place to begin is {subject}, since it touches everything else.",
        "In {city} this is usually handled by a {job}.",
        "That said, {science} makes the picture less simple.",
        "Many readers compare it with {history}, and the comparison holds in part.",
        "You could set aside {n} minutes for it and see how far you get.",
        "One caution: a {adj} {thing} will not help much here.",
        "If that does not work, ask {name} or another {job}.",
        "For {reader}, I would keep the tone {tone}.",
        "It costs about {nn} in most places, sometimes {pct} less.",
        "In short, {quality} matters more than speed.",
        "Some prefer {food}, but that is a matter of taste.",
        "Is {subject} worth the trouble?",
        "Who would have thought that of {city}!",
        "The second point is about {quality}, which people often forget.",
    ),
    "steps": (
        "First, note that {n} and {n} belong together.",
        "Step {n}: write the known quantity as {nn} and the unknown as x.",
        "Subtracting {n} from both sides leaves {nn}.",
        "Multiplying by {n} gives {nn}, so the earlier guess was too low.",
        "Now check the units: they agree, which supports the result.",
        "The remaining part is {pct} of the whole, or about {nn}.",
        "Therefore the answer cannot be below {n}.",
        "Because {science} limits the rate, the second case is ruled out.",
        "An alternative is to count backwards from {nn}; it leads to the same place.",
        "Let me verify with a small example, say {n}.",
        "The result is {nn}.",
    ),
    "code": (
        "```\ndef solve(items):\n    seen = {}\n    for i, item in enumerate(items[:{n}]):\n        seen[item] = i\n    return seen\n```",
        "The loop visits each entry of the {struct} once, so it runs in linear time.",
        "To {codewish}, keep a counter next to the {struct}.",
        "If you hit {error}, check the {tech} first.",
        "    total += value * {n}  # keep the running sum",
        "    if not items:\n        raise ValueError('no input')",
        "A test with {n} entries covers the edge case.",
        "In {prog} the idiom differs slightly, but the idea is the same.",
        "This version {codetask} and uses {nn} bytes at most.",
    ),
    "zh": (
        "首先，{zh_topic}是关键。",
        "第{n}步，把已知量记为{nn}。",
        "在{zh_city}，人们通常先从{zh_goal}开始。",
        "可以请{zh_name}帮忙核对一遍。",
        "因此结果大约是{nn}，误差不超过{pct}。",
        "对{zh_reader}来说，语气可以更{zh_tone}。",
        "另外，{zh_thing}并不是必需的。",
        "综上，先做容易的部分，再处理剩下的{n}项。",
        "需要注意的是，{zh_topic}会带来一些限制。",
    ),
}

_MANNER: Final = {
    "math": "steps",
    "logic": "steps",
    "grade": "steps",
    "tool": "steps",
    "code": "code",
    "zh_chat": "zh",
    "zh_reason": "zh",
    "zh_instruct": "zh",
    "zh_followup": "zh",
}


@cache
def _sentences(manner: str) -> Grammar:
    words = WORDS | {"}": ("}",)}
    return Grammar(_SENTENCES[manner], words)


@cache
def _pool(manner: str) -> tuple[str, ...]:
    """A few thousand sentences, written once: stringing them together is what each answer costs."""
    grammar = _sentences(manner)
    state, out = 0x9E3779B97F4A7C15, []
    for i in range(3072):
        state = (state * 6364136223846793005 + 1442695040888963407) & _MASK
        out.append(grammar.render((state >> 20) % (2**40) * len(_SENTENCES[manner]) + i % len(_SENTENCES[manner])))
    return tuple(out)


def answer(domain: str, salt: int, length: int) -> str:
    """An answer of about ``length`` characters; the same arguments give the same text."""
    manner = _MANNER.get(domain, "prose")
    pool = _pool(manner)
    state = (salt ^ 0x5DEECE66D) & _MASK
    out: list[str] = []
    size = 0
    while size < length:
        state = (state * 6364136223846793005 + 1442695040888963407) & _MASK
        sentence = pool[(state >> 33) % len(pool)]
        out.append(sentence)
        size += len(sentence) + 1
    return ("" if manner == "zh" else "\n" if manner == "code" else " ").join(out)
