# ruff: noqa: E501 (sentences and word lists stay on one line)
"""Wording around an item: elicitation templates of operators and researchers, scaffolds of products and courses.

The paraphrase grammars are shared by operators, benchmark runners and ordinary developers, because careful people ask
for reasoning too. A fixed template is one sentence of such a grammar; a paraphrased one draws anew for every request.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from iolaus.simulate.grammar import Grammar, Ints
from iolaus.simulate.words import WORDS

__all__ = ["ITEM", "STYLES", "Wrapping", "Wrappings", "phrasing", "systems"]

_WORDS: Final[dict[str, tuple[str, ...]]] = WORDS | {
    "item": ("\x00",),
    "polite": ("Please", "Kindly", "Now", "Carefully", "I would like you to", "Your task:", "For this one,", "Try to"),
    "think": (
        "reason through",
        "think about",
        "work through",
        "take apart",
        "analyse",
        "go over",
        "reflect on",
        "examine",
        "deliberate on",
        "solve",
    ),
    "it": ("the task below", "what follows", "this item", "the following question", "the problem given here", "this"),
    "steps": (
        "one step at a time",
        "in numbered steps",
        "from first principles",
        "laying out every intermediate result",
        "without skipping anything",
        "and keep your scratch work visible",
        "as you would on a whiteboard",
        "noting each assumption you make",
        "and double-check every line",
        "stating why each step holds",
    ),
    "finish": (
        "Finish with the final answer on its own line.",
        "Close with a one-line answer.",
        "End by restating the result.",
        "Put the conclusion last.",
        "At the end, say how sure you are.",
        "Only then give the answer.",
        "Mark the answer with the word RESULT.",
        "Conclude with a short check.",
        "What is the result?",
        "How sure are you?",
        "",
    ),
    "before": (
        "Before you answer,",
        "To begin,",
        "First of all,",
        "Prior to replying,",
        "As a start,",
        "Ahead of the answer,",
        "Initially,",
        "Step zero:",
    ),
    "trace": (
        "write out your full chain of thought",
        "show your inner reasoning",
        "spell out how you get there",
        "list the considerations you weigh",
        "describe the approach you choose and why",
        "record dead ends as well as progress",
        "expose the whole derivation",
        "explain your thinking at length",
    ),
    "judge": (
        "Act as a strict examiner",
        "You are grading a reply",
        "Assess the response as a reviewer would",
        "Take the part of an impartial marker",
        "Evaluate what is given",
        "Mark the work below",
        "Give a verdict on the reply",
    ),
    "scale": (
        "on a scale of 1 to 10",
        "from 0 to 5",
        "with a mark out of 100",
        "with a letter from A to E",
        "with a score between 1 and 7",
        "as poor, fair, good or excellent",
    ),
    "just": (
        "and justify each point you take off",
        "with a reason for every criterion",
        "then say what a perfect reply would add",
        "and quote the part that decided it",
        "listing strengths before weaknesses",
        "and explain your rubric first",
        "but what would change your mind? say so",
    ),
    "coder": (
        "You are a senior engineer.",
        "Write production-quality code.",
        "Act as a careful programmer.",
        "Treat this as a code exercise.",
        "Produce a complete program.",
        "Give working code.",
    ),
    "codehow": (
        "Explain the design, then show the code.",
        "Comment every block.",
        "Start from the edge cases.",
        "Include tests after the code.",
        "Discuss complexity at the end.",
        "Which inputs would break it?",
        "Show two versions and compare them.",
    ),
    "agent": (
        "You are an agent with tools.",
        "Behave as an assistant that can call functions.",
        "Simulate the tool calls.",
        "Plan, call and observe.",
        "Work as an automated helper.",
    ),
    "agenthow": (
        "Write each call as JSON and each result below it.",
        "Think before every call.",
        "After each observation say what changes.",
        "Never guess an argument.",
        "Stop when the task is done.",
        "Is a call needed at all? Decide first.",
    ),
    "safe": (
        "The reply must be fit for any platform.",
        "Stay within strict content rules.",
        "Keep to wording that no filter would stop.",
        "Nothing in the text may trip a moderation list.",
        "Write for a cautious publisher.",
        "Avoid any phrase a reviewer could strike.",
    ),
    "safehow": (
        "Give the thinking behind each substitution.",
        "Offer the safest version first.",
        "Explain which terms you replaced.",
        "Keep the facts but soften the edges.",
        "List the terms to avoid at the end.",
        "Would an editor pass it? Check.",
    ),
    "zh_polite": ("请", "麻烦你", "请你", "现在请", "作为专家，请", "认真地"),
    "zh_think": ("逐步推理", "一步一步地分析", "仔细思考", "写出完整的思考过程", "把每个中间结果都列出来", "从基本原理出发推导"),
    "zh_it": ("下面的问题", "以下题目", "这道题", "如下内容", "下列任务"),
    "zh_finish": ("最后单独给出答案。", "结尾写出结论。", "最后检查一遍。", "并说明把握有多大。", "答案放在最后一行。", ""),
    "zh_check": ("说明每一步的依据", "指出所用的假设", "不要跳步", "比较两种解法", "标出关键的转折", "写明曾经排除的思路"),
    "zh_for": ("讲给没学过的人听", "当作在黑板上讲题", "按考试要求作答", "像写教材一样", "力求严谨", "先讲思路再动笔"),
    "brand": ("Tallow", "Quickfern", "Inkwell", "Parcelo", "Nimbly", "Hearthdesk", "Lumenote", "Cartwise", "Studyowl",
              "Clausely", "Bakerio", "Tripsmith", "Formica", "Jotterly", "Mendwell", "Polyglade", "Rentable", "Vetline"),
    "duty": ("answers questions about orders", "polishes short texts", "turns notes into tasks", "explains homework",
             "drafts replies to reviews", "plans trips", "tags incoming mail", "summarises calls",
             "writes product copy", "checks contracts", "suggests recipes", "helps people practise languages"),
    "rule": ("Never promise a refund.", "Keep replies under 120 words.", "Use plain language.", "Reply in the user's language.",
             "Do not mention competitors.", "Ask one question at a time.", "Always end with a next step.",
             "Use British spelling.", "If unsure, say so.", "Return JSON only.", "Avoid exclamation marks.",
             "Be brief and kind.", "Does the reply help? If not, try again.", "Is it a complaint? Then apologise."),
    "label": ("Message", "Input", "Customer text", "User request", "Content", "Source", "Text", "Question"),
    "outro": ("Reply:", "Output:", "Answer in at most {n} lines.".replace("{n}", "six"), "Return the result only.", "", "Response:"),
}  # fmt: skip

STYLES: Final[dict[str, tuple[str, ...]]] = {
    "reasoning": (
        "{polite} {think} {it} {steps}. {finish} {item}",
        "{before} {trace}, {steps}. {finish}\n\n{item}",
        "{item}\n\n{before} {trace}. {polite} {think} {it} {steps}. {finish}",
        "{item} {polite} {think} {it} {steps}. {finish}",
        "{polite} {trace} while you {think} {it}: {item} {finish}",
        "{polite} {think} {it} {steps}: {item}",
        "{item} {before} {trace}. {finish}",
    ),
    "rubric": (
        "{judge} {scale}, {just}. {before} {trace}.\n\n{item}",
        "{item} {judge} {scale} {just}. {finish}",
        "{polite} {think} {it}. {judge} {scale}, {just}.\n\n{item}",
        "{judge} {scale}, {just}: {item}",
        "{item} {polite} {trace}. {judge} {scale}.",
    ),
    "code": (
        "{coder} {codehow} {polite} {think} {it} {steps}.\n\n{item}",
        "{item} {coder} {codehow} {finish}",
        "{coder} {before} {trace}. {codehow}\n\n{item}",
        "{coder} {item} {codehow}",
        "{item} {polite} {trace}. {codehow}",
    ),
    "tool": (
        "{agent} {agenthow} {before} {trace}.\n\n{item}",
        "{item} {agent} {agenthow} {polite} {think} {it} {steps}.",
        "{agent} {polite} {think} {it} {steps}. {agenthow}\n\n{item}",
        "{agent} {agenthow} {item}",
        "{item} {agent} {before} {trace}. {agenthow}",
    ),
    "rewrite": (
        "{safe} {safehow} {before} {trace}.\n\n{item}",
        "{item} {safe} {safehow} {finish}",
        "{safe} {polite} {think} {it} {steps}. {safehow}\n\n{item}",
        "{safe} {item} {safehow}",
        "{item} {polite} {trace}. {safe}",
    ),
    "chinese": (
        "{zh_polite}{zh_think}，{zh_check}，解答{zh_it}。{zh_finish}\n\n{item}",
        "{item}{zh_polite}{zh_think}，{zh_check}。{zh_finish}",
        "{zh_polite}对{zh_it}{zh_think}，{zh_check}。{zh_finish}\n{item}",
        "{item}{zh_polite}{zh_think}，{zh_check}，{zh_for}。{zh_finish}",
        "{zh_for}，{zh_polite}{zh_think}：{item}{zh_finish}",
    ),
    "product": (
        "You write for {brand}, which {duty}. {rule} {rule}\n{label}: {item}\n{outro}",
        "[{brand}] {rule} {label}: {item}",
        "{brand} {duty}. {rule} {label}: {item} {outro}",
        "{label} ({tone}): {item}\n{rule} {outro}",
    ),
    "course": (
        "Assignment {n}, part {n}. {item}\n{rule}",
        "Homework {n} for {name}'s class: {item} {rule}",
    ),
}

_SYSTEMS: Final = (
    "You are the assistant of {brand}, which {duty}. {rule} {rule} {rule}",
    "{brand} {duty}. Your tone is {tone}. {rule} {rule}",
    "You are a {tone} helper for a {job}. {rule} {rule}",
    "Act as a {tone} expert on {subject}. {rule}",
    "You are a helpful assistant.",
)

ITEM: Final = "\x00"


@cache
def phrasing(style: str) -> Grammar:
    """The paraphrase grammar of a style; its sentences hold one NUL where the item goes."""
    return Grammar(STYLES[style], _WORDS)


@cache
def systems() -> Grammar:
    """The grammar of system instructions."""
    return Grammar(_SYSTEMS, _WORDS)


@dataclass(frozen=True, slots=True)
class Wrapping:
    """A wording kept in the table: either one fixed text, or a style that is drawn anew for each request."""

    style: str
    text: str | None


class Wrappings:
    """Table of wrappings; number 0 stands for the bare item."""

    def __init__(self) -> None:
        """Start with the bare item."""
        self._table: list[Wrapping] = [Wrapping("", ITEM)]
        self._styles: dict[str, int] = {}

    def fixed(self, rng: np.random.Generator, style: str) -> int:
        """Add one fixed template of a style and return its number."""
        grammar = phrasing(style)
        text = grammar.render(int(grammar.draw(rng, 1)[0]))
        self._table.append(Wrapping(style, text))
        return len(self._table) - 1

    def paraphrased(self, style: str) -> int:
        """The number of a style whose wording changes with every request."""
        if style not in self._styles:
            self._table.append(Wrapping(style, None))
            self._styles[style] = len(self._table) - 1
        return self._styles[style]

    def codes(self, rng: np.random.Generator, style: str, n: int) -> Ints:
        """Wordings for ``n`` requests of a paraphrased style; shape (n,)."""
        return phrasing(style).draw(rng, n)

    def text(self, number: int) -> str | None:
        """The text of a fixed template (None where it is paraphrased); its item slot is a NUL."""
        return self._table[number].text

    def style(self, number: int) -> str:
        """The style that a template was made from."""
        return self._table[number].style

    def wrap(self, number: int, code: int, item: str) -> str:
        """The prompt: the item in its wording."""
        entry = self._table[number]
        text = entry.text if entry.text is not None else phrasing(entry.style).render(code)
        return text.replace(ITEM, item).strip()
