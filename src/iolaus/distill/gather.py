"""From a plan to the texts: documents, the teacher's answers to them, and training rows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from iolaus.distill.plan import CausalTeacher, EndpointTeacher, ExchangesTeacher, Plan
from iolaus.distill.safeguards.mixing import mix_safeguards, read_safeguards
from iolaus.distill.texts import (
    Answer,
    Document,
    Rows,
    encode_document,
    harvest,
    make_rows,
    read_documents,
    read_exchange_documents,
    split_documents,
)
from iolaus.distill.untyped import Tokenizer
from iolaus.errors import PlanError
from iolaus.lm import LanguageModel, Sampling

__all__ = ["Gathered", "gather_texts", "rows_of"]


@dataclass(slots=True)
class Gathered:
    """The texts of a plan.

    Args:
        learned: documents that the distilled student is trained on.
        plain: documents that the hard-label student is trained on; None where there is nothing but what the distilled
            student sees as text already.
        held_out: documents that nobody is trained on.
        answers: the teacher's answers behind ``learned``, one each, where it was asked.
        bare: ``learned`` before safeguards were mixed in; None where none were.
        notes: sentences for the report.
    """

    learned: list[Document]
    plain: list[Document] | None
    held_out: list[Document]
    answers: list[Answer] = field(default_factory=list)
    bare: list[Document] | None = None
    notes: list[str] = field(default_factory=list)


def gather_texts(plan: Plan, language_model: LanguageModel | None, listen: Callable[[str], None]) -> Gathered:
    """Read the documents, split them by prompt, ask the teacher where the objective needs its text, mix in safeguards.

    Raises:
        InputError: the texts cannot be used.
        PlanError: held-out prompts are also in the corpus, or the teacher is to answer documents without prompts.
    """
    found = _gather(plan, language_model, listen)
    if plan.safeguards is None:
        return found
    wanted = read_safeguards(Path(plan.safeguards.path))
    known = {one.prompt for one in found.held_out}
    if any(one.prompt in known for one in wanted):
        raise PlanError("safeguards.path: a prompt of it is also held out; what is measured must be new")
    found.bare = found.learned
    found.learned = mix_safeguards(found.bare, wanted, plan.safeguards.share, plan.seed)
    # The hard-label student gets the same safeguards, so that the two differ in their targets alone.
    if found.plain is found.bare:
        found.plain = found.learned
    elif found.plain is not None:
        found.plain = mix_safeguards(found.plain, wanted, plan.safeguards.share, plan.seed)
    if found.answers:
        told = {(one.prompt, one.response): one for one in found.answers}
        found.answers = [
            told.get((one.prompt, one.response), Answer(one.prompt, one.response)) for one in found.learned
        ]
    return found


def _gather(plan: Plan, language_model: LanguageModel | None, listen: Callable[[str], None]) -> Gathered:
    own, held_out = _documents(plan)
    sequence = plan.objective.name == "sequence"
    if isinstance(plan.teacher, ExchangesTeacher):
        return Gathered(own, None, held_out)
    if isinstance(plan.teacher, CausalTeacher) and not sequence:
        return Gathered(own, own, held_out)
    if language_model is None or any(not one.prompt for one in own):
        raise PlanError("corpus: the teacher is asked for answers, and some documents have no prompt")
    answers, notes = _ask(plan, language_model, own, listen)
    if any(not one.response for one in held_out):
        asked, _ = _ask(plan, language_model, held_out, listen)
        held_out = [Document(one.prompt, one.response) for one in asked]
        notes.append("Held-out likelihood is that of the teacher's own answers, for the texts hold no others.")
    learned = [Document(one.prompt, one.response) for one in answers]
    answered = [one for one in own if one.response]
    # Beside soft targets the fair rival is the same text with hard labels; beside the teacher's text, other text.
    plain = learned if not sequence else answered or None
    return Gathered(learned, plain, held_out, answers, notes=notes)


def rows_of(plan: Plan, tokenizer: Tokenizer, documents: list[Document]) -> Rows:
    """Training rows of documents."""
    encoded = [encode_document(tokenizer, one, plan.corpus) for one in documents]
    return make_rows(encoded, plan.corpus, tokenizer.eos_token_id)


def _documents(plan: Plan) -> tuple[list[Document], list[Document]]:
    corpus = plan.corpus
    if isinstance(plan.teacher, ExchangesTeacher):
        aside = plan.out / "rejects.jsonl"
        found = read_exchange_documents(plan.teacher.path, plan.teacher.request_model, corpus.limit, aside)
    else:
        found = read_documents(Path(str(corpus.path)), corpus)
    if corpus.valid_path is None:
        return split_documents(found, corpus.valid_share)
    held_out = read_documents(Path(corpus.valid_path), corpus)
    known = {one.prompt or one.response for one in found}
    twice = sum((one.prompt or one.response) in known for one in held_out)
    if twice:
        raise PlanError(
            f"corpus.valid_path: {twice} held-out prompts are also in corpus.path; what is measured must be new"
        )
    return found, held_out


def _ask(
    plan: Plan, language_model: LanguageModel, documents: list[Document], listen: Callable[[str], None]
) -> tuple[list[Answer], list[str]]:
    """The teacher's answers that hold something, kept in ``answers.jsonl``."""
    teacher = plan.teacher
    if isinstance(teacher, EndpointTeacher):
        sampling = Sampling(max_tokens=teacher.max_tokens, temperature=teacher.temperature, top=teacher.top_logprobs)
    else:
        sampling = Sampling(max_tokens=plan.corpus.block, temperature=1.0, seed=plan.seed)
    prompts = [one.prompt for one in documents]
    path = plan.out / "answers.jsonl"
    answers = harvest(
        language_model, prompts, sampling, path, lambda done, of: listen(f"asking the teacher: {done} of {of}")
    )
    empty = sum(not answer.response for answer in answers)
    if empty == len(answers):
        raise PlanError(f"teacher: {language_model.name} answered nothing to all of {len(answers)} prompts")
    notes = [f"The teacher gave no text to {empty} of {len(answers)} prompts."] if empty else []
    return [answer for answer in answers if answer.response], notes
