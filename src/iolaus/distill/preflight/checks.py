"""Checks before training: each silent failure known from other tools is one sentence here."""

from collections.abc import Mapping

import numpy as np
import torch

from iolaus.distill.plan import Plan
from iolaus.distill.report import Finding
from iolaus.distill.texts import Rows
from iolaus.distill.train.networks import plain_head
from iolaus.distill.untyped import Network, Tokenizer

__all__ = [
    "check_before_training",
    "check_chat_template",
    "check_labels",
    "check_loss_scale",
    "check_padded_vocabulary",
    "check_tokenizers",
]


def check_before_training(
    plan: Plan,
    student: Network,
    tokenizer: Tokenizer,
    rows: Rows,
    wide: int,
    teacher: Network = None,
    teacher_tokenizer: Tokenizer = None,
) -> list[Finding]:
    """All checks that make sense for the plan."""
    crossing = plan.objective.name in ("uld", "byte_aligned")
    found = [check_labels(student, rows), check_loss_scale(student, rows, wide)]
    found.append(check_padded_vocabulary("student", student, tokenizer, rows))
    found.append(check_chat_template(plan, tokenizer))
    if teacher is not None and teacher_tokenizer is not None:
        if not crossing and plan.objective.name != "sequence":
            found.append(check_tokenizers(tokenizer.get_vocab(), teacher_tokenizer.get_vocab(), rows))
            found.append(check_padded_vocabulary("teacher", teacher, teacher_tokenizer, rows))
            found.append(check_teacher_fit(teacher, rows))
    head = plain_head(student)
    found.append(
        Finding(
            "chunked objective",
            "fine",
            "the student's logits are its hidden states times one matrix, so they come in chunks.",
        )
        if head is not None
        else Finding(
            "chunked objective",
            "warning",
            "the student's head is not one plain matrix, so whole logits are kept in memory.",
        )
    )
    return found


def check_tokenizers(ours: Mapping[str, int], theirs: Mapping[str, int], rows: Rows | None = None) -> Finding:
    """Every token that the student uses has the same id for the teacher; equal width proves nothing."""
    name = "tokenizer ids"
    if ours == theirs:
        return Finding(name, "fine", f"student and teacher give all {len(ours):,} tokens the same ids.")
    by_id = {index: token for token, index in theirs.items()}
    used = None if rows is None else set(np.unique(rows.ids).tolist())
    different = [
        (index, token, by_id.get(index))
        for token, index in sorted(ours.items(), key=lambda pair: pair[1])
        if by_id.get(index) != token and (used is None or index in used)
    ]
    if not different:
        return Finding(
            name, "warning", "the vocabularies differ, but not in a token of the corpus; the shared ids are used."
        )
    index, token, other = different[0]
    width = "of equal width " if len(ours) == len(theirs) else ""
    return Finding(
        name,
        "failed",
        f"the tokenizers {width}give {len(different):,} tokens different ids: {index} is {token!r} for the student and "
        f"{other!r} for the teacher; use the teacher's tokenizer, or objective.name uld or byte_aligned",
    )


def check_padded_vocabulary(whose: str, network: Network, tokenizer: Tokenizer, rows: Rows) -> Finding:
    """Rows of the head beyond the tokenizer are padding and are left out of every sum; fewer rows cannot work."""
    name = f"{whose}'s vocabulary"
    table = network.get_input_embeddings().weight.shape[0]
    head = network.get_output_embeddings().weight.shape[0]
    highest = max(tokenizer.get_vocab().values())
    used = int(rows.ids.max()) if whose == "student" else min(int(rows.ids.max()), highest)
    if used >= min(table, head):
        return Finding(
            name,
            "failed",
            f"the corpus holds token id {used}, and the {whose} has {min(table, head):,} rows; "
            "they do not belong together",
        )
    if head > highest + 1:
        padded = head - highest - 1
        return Finding(name, "fine", f"{padded:,} rows beyond the tokenizer's {highest + 1:,} are padding, left out.")
    return Finding(name, "fine", f"the {whose}'s {head:,} rows are the tokenizer's.")


@torch.no_grad()
def check_labels(network: Network, rows: Rows) -> Finding:
    """Labels are shifted once: the loss computed here is the one that the network itself computes from its labels."""
    name = "shifted labels"
    ids = torch.from_numpy(rows.ids[:2].astype("int64")).to(next(network.parameters()).device)
    training = network.training
    network.eval()
    output = network(input_ids=ids, labels=ids, use_cache=False)
    network.train(training)
    logits = output.logits.float()
    ours = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
    if torch.isclose(ours, output.loss.float(), rtol=1e-3, atol=1e-3):
        return Finding(name, "fine", "labels are shifted once, as the network itself shifts them.")
    return Finding(
        name,
        "failed",
        f"predicting the next token costs {float(ours):.4f} nats here and {float(output.loss):.4f} by the network's "
        "own loss; one of them shifts labels twice or not at all",
    )


@torch.no_grad()
def check_loss_scale(network: Network, rows: Rows, wide: int) -> Finding:
    """The loss is a mean over tokens in nats: an untrained network's cross-entropy lies near log V."""
    import math

    from iolaus.distill.plan import Objective
    from iolaus.distill.train.sources import Batch, HardLabels
    from iolaus.distill.train.step import StudentStep

    name = "loss scale"
    device = next(network.parameters()).device
    batch = Batch(
        torch.from_numpy(rows.ids[:4].astype("int64")).to(device),
        torch.from_numpy(rows.learned[:4, 1:]).to(device),
        None,
    )
    training = network.training
    network.eval()
    ours = float(StudentStep(network, Objective(name="sequence"), wide)(batch, HardLabels().judge(batch)))
    logits = network(input_ids=batch.ids, use_cache=False).logits[:, :-1][batch.counts][:, :wide].float()
    plain = float(torch.nn.functional.cross_entropy(logits, batch.labels))
    network.train(training)
    if abs(ours - plain) > 1e-2 * max(1.0, plain) or not math.isfinite(ours):
        return Finding(
            name, "failed", f"the objective's cross-entropy is {ours:.4f} nats a token and PyTorch's {plain:.4f}"
        )
    worst = math.log(wide)
    state = "warning" if ours > 2 * worst else "fine"
    said = f"cross-entropy before training is {ours:.2f} nats a token (a uniform guess costs {worst:.2f})"
    return Finding(name, state, f"{said}; the student's weights may be damaged." if state == "warning" else f"{said}.")


@torch.no_grad()
def check_teacher_fit(teacher: Network, rows: Rows) -> Finding:
    """The teacher knows this kind of text: otherwise its tokenizer, template or weights are not what they seem."""
    name = "teacher on the corpus"
    ids = torch.from_numpy(rows.ids[:4].astype("int64")).to(next(teacher.parameters()).device)
    counts = torch.from_numpy(rows.learned[:4, 1:]).to(ids.device)
    logits = teacher(input_ids=ids, use_cache=False).logits[:, :-1][counts].float()
    if not torch.isfinite(logits).all():
        return Finding(name, "failed", "the teacher's logits are not finite; try teacher.dtype float32")
    cost = float(torch.nn.functional.cross_entropy(logits, ids[:, 1:][counts]))
    uniform = float(torch.tensor(float(logits.shape[-1])).log())
    if cost > uniform:
        return Finding(
            name,
            "warning",
            f"the teacher's cross-entropy is {cost:.2f} nats a token, worse than a uniform guess "
            f"({uniform:.2f}): it was trained on other text, another template or another tokenizer.",
        )
    return Finding(name, "fine", f"the teacher's cross-entropy on the first rows is {cost:.2f} nats a token.")


def check_chat_template(plan: Plan, tokenizer: Tokenizer) -> Finding:
    """A chat model is given its template, and the template ends where the answer begins."""
    name = "chat template"
    has = bool(getattr(tokenizer, "chat_template", None))
    if plan.corpus.template == "plain":
        if has:
            return Finding(
                name, "warning", "the tokenizer has a chat template that the plan does not use (corpus.template)."
            )
        return Finding(name, "fine", "none, and none is asked for.")
    if not has:
        return Finding(name, "failed", "corpus.template is chat and the tokenizer has no template")
    ask = [{"role": "user", "content": "a"}]
    closed = tokenizer.apply_chat_template([*ask, {"role": "assistant", "content": "b"}], tokenize=False)
    opened = tokenizer.apply_chat_template(ask, tokenize=False, add_generation_prompt=True)
    if not closed.startswith(opened):
        return Finding(
            name,
            "failed",
            "a whole conversation does not begin with the template's opening, so prompts in training and "
            "in use would differ",
        )
    return Finding(name, "fine", "prompts are put into the template, up to where the answer begins.")
