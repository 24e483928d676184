"""The plan of a distillation: what is distilled into what, on which texts, how, and how long.

Every key is also a flag of ``iolaus distill``: ``--objective.temperature 2``. The JSON Schema is published as
``iolaus/schemas/distill-plan.schema.json``.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from iolaus.distill.surrogates.queries import QUERIES

__all__ = [
    "Budget",
    "CacheChoice",
    "CausalStudent",
    "CausalTeacher",
    "Corpus",
    "EncoderTeacher",
    "EndpointTeacher",
    "EstimatorTeacher",
    "ExchangesTeacher",
    "LayersStudent",
    "Lora",
    "Objective",
    "Plan",
    "ReportChoice",
    "Safeguards",
    "StaticStudent",
    "Student",
    "SurrogateStudent",
    "Teacher",
]

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CausalTeacher(_Part):
    """A transformers causal language model whose weights are here."""

    kind: Literal["causal"] = "causal"
    path: str = Field(description="Folder, or an id in the local hub cache.")
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="Type of the weights in memory."
    )


class EndpointTeacher(_Part):
    """A model behind an OpenAI-compatible endpoint: text, and the likeliest tokens where it tells them."""

    kind: Literal["endpoint"] = "endpoint"
    base_url: str = Field(description="Such as http://127.0.0.1:8000/v1.")
    served_name: str = Field(description="The model's name there.")
    style: Literal["chat", "completions"] = Field(default="chat", description="Which of the two interfaces.")
    system: str | None = Field(default=None, description="System message, for chat.")
    max_tokens: Count = Field(default=256, description="Most tokens of an answer.")
    temperature: Annotated[float, Field(ge=0)] = Field(default=0.0, description="How answers are drawn.")
    top_logprobs: Annotated[int, Field(ge=0, le=20)] = Field(
        default=0, description="Likeliest tokens to ask for at each step."
    )
    weights: str | None = Field(
        default=None, description="Folder of the same weights; a few served log-probabilities are compared with them."
    )
    queries: Count | None = Field(default=None, description="Most queries in all.")
    attempts: Count = Field(default=6, description="How often a request is tried.")
    timeout: Positive = Field(default=60.0, description="Seconds that one attempt may take.")
    first_wait: Positive = Field(default=1.0, description="Seconds before the second attempt; doubled each time.")
    concurrency: Count = Field(default=4, description="Most requests at once.")


class ExchangesTeacher(_Part):
    """Answers that a teacher has already given, in our own contract; the corpus is this log."""

    kind: Literal["exchanges"] = "exchanges"
    path: str = Field(description="Exchange log: a file, folder or glob.")
    request_model: str | None = Field(default=None, description="Only exchanges with this model.")


class EncoderTeacher(_Part):
    """A sentence encoder."""

    kind: Literal["encoder"] = "encoder"
    path: str | None = Field(default=None, description="Folder; without it, the packaged all-MiniLM-L6-v2.")


class EstimatorTeacher(_Part):
    """A fitted scikit-learn classifier or regressor in a joblib file; in Python, pass the model itself."""

    kind: Literal["estimator"] = "estimator"
    path: str = Field(description="File that joblib wrote.")
    trusted: bool = Field(default=False, description="Reading such a file runs what is in it; say that it is yours.")


Teacher = Annotated[
    CausalTeacher | EndpointTeacher | ExchangesTeacher | EncoderTeacher | EstimatorTeacher, Field(discriminator="kind")
]


class Lora(_Part):
    """Train low-rank additions instead of all weights (Hu et al., arXiv 2106.09685); merged at the end."""

    rank: Count = Field(default=8, description="Rank of the additions.")
    alpha: Positive = Field(default=16.0, description="Scale of the additions.")
    dropout: Share = Field(default=0.0, description="Dropout before the additions.")
    targets: str | tuple[str, ...] = Field(default="all-linear", description="Names of the layers that get them.")


class CausalStudent(_Part):
    """A causal language model: given by a folder, or made fresh from a config in a folder or from sizes."""

    kind: Literal["causal"] = "causal"
    path: str | None = Field(
        default=None, description="Folder, or an id in the local hub cache, of weights to start from."
    )
    config: str | None = Field(
        default=None, description="Folder with a config.json and a tokenizer for a fresh student."
    )
    tokenizer: str | None = Field(
        default=None, description="Folder of the tokenizer; the teacher's or the student's otherwise."
    )
    hidden: Count = Field(default=128, description="Width of a fresh student made from sizes (Llama's architecture).")
    layers: Count = Field(default=4, description="Its layers.")
    heads: Count = Field(default=4, description="Its attention heads.")
    inner: Count = Field(default=344, description="Width of its feed-forward layers.")
    lora: Lora | None = Field(default=None, description="Train low-rank additions only.")


class StaticStudent(_Part):
    """A static student of a sentence encoder: one vector a word piece."""

    kind: Literal["static"] = "static"
    width: Count = Field(default=256, description="Length of its vectors.")
    batch: Count = Field(default=512, description="Texts in a batch.")
    cells: Count = Field(default=16, description="Cells of like sentences that a batch is drawn from.")
    pull: Annotated[float, Field(ge=0)] = Field(default=1.0, description="Weight of the teacher's own directions.")


class LayersStudent(_Part):
    """A sentence encoder with some of the teacher's layers."""

    kind: Literal["layers"] = "layers"
    kept: tuple[Annotated[int, Field(ge=0)], ...] = Field(description="Numbers of the layers that are kept, from 0.")
    batch: Count = Field(default=64, description="Texts in a batch.")
    cells: Count = Field(default=8, description="Cells of like sentences that a batch is drawn from.")
    pull: Annotated[float, Field(ge=0)] = Field(default=2.0, description="Weight of the teacher's own directions.")


class SurrogateStudent(_Part):
    """A student that people can read: a tree, a rule list or a linear form."""

    kind: Literal["tree", "rules", "linear"]
    leaves: Count = Field(default=128, description="Most leaves of a tree.")
    rules: Count = Field(default=12, description="Most rules of a list.")
    conditions: Count = Field(default=3, description="Most conditions of a rule.")
    queries: Annotated[int, Field(ge=0)] = Field(default=QUERIES, description="Points to ask the teacher about.")
    least: Count = Field(default=5, description="Fewest points in a leaf, or that a rule answers.")


def _student_kind(found: object) -> str:
    """A student without a kind is a causal language model."""
    kind = found.get("kind", "causal") if isinstance(found, dict) else getattr(found, "kind", "causal")
    return "surrogate" if kind in ("tree", "rules", "linear") else str(kind)


Student = Annotated[
    Annotated[CausalStudent, Tag("causal")]
    | Annotated[StaticStudent, Tag("static")]
    | Annotated[LayersStudent, Tag("layers")]
    | Annotated[SurrogateStudent, Tag("surrogate")],
    Discriminator(_student_kind),
]


class Corpus(_Part):
    """The texts: documents, or prompts with responses."""

    path: str | None = Field(
        default=None, description="JSON Lines, Parquet or plain text. None with a teacher of exchanges."
    )
    valid_path: str | None = Field(default=None, description="Held-out texts; else a share of the corpus, by prompt.")
    text: str = Field(default="text", description="Column of whole documents.")
    prompt: str = Field(default="prompt", description="Column of prompts.")
    response: str = Field(default="response", description="Column of responses.")
    template: Literal["plain", "chat"] = Field(
        default="plain", description="Prompt, blank line, response; or the chat template."
    )
    block: Count = Field(default=256, description="Tokens of a training row.")
    learn: Literal["all", "response"] = Field(
        default="response", description="Which tokens count where there are prompts."
    )
    pack: bool = Field(default=True, description="Fill rows with several documents; else one document a row.")
    valid_share: Share = Field(default=0.1, description="Share of the prompts that is held out.")
    limit: Count | None = Field(default=None, description="Most documents that are read.")
    columns: tuple[str, ...] = Field(default=(), description="Columns of a table of numbers; all of them by default.")


class Objective(_Part):
    """What the student is trained to match."""

    name: Literal[
        "forward_kl",
        "reverse_kl",
        "jensen_shannon",
        "skew_kl",
        "skew_reverse_kl",
        "total_variation",
        "sequence",
        "uld",
        "byte_aligned",
    ] = Field(default="forward_kl", description="Divergence; sequence is cross-entropy on the teacher's text.")
    temperature: Positive = Field(default=1.0, description="T; the loss is multiplied by T².")
    beta: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.5, description="β of jensen_shannon.")
    skew: Annotated[float, Field(gt=0, lt=1)] = Field(default=0.1, description="α of the skew divergences.")
    hard_weight: Share = Field(
        default=0.0, description="Share of the cross-entropy on the text; the rest is the divergence."
    )
    hidden_weight: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="Weight of matching the last hidden states."
    )
    relation_weight: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="Weight of matching their relations."
    )
    relation_heads: Count = Field(default=4, description="Relation heads.")
    on_policy: Share = Field(
        default=0.0, description="Share of the steps on text that the student itself writes (GKD)."
    )
    on_policy_tokens: Count = Field(default=64, description="Tokens that it writes in such a step.")
    on_policy_temperature: Positive = Field(default=1.0, description="How it draws them.")


class Budget(_Part):
    """How long and how fast."""

    steps: Count = Field(default=1000, description="Updates of the weights.")
    rows: Count = Field(default=16, description="Training rows an update.")
    accumulate: Count = Field(default=1, description="Passes that an update is split into; must divide the rows.")
    learning_rate: Positive = Field(default=1e-3, description="Highest learning rate.")
    warmup: Share = Field(
        default=0.05, description="Share of the steps in which it rises; after them it falls as a cosine."
    )
    final_rate: Share = Field(default=0.1, description="Share of it that is left at the end.")
    weight_decay: Annotated[float, Field(ge=0)] = Field(default=0.1, description="On matrices only.")
    clip: Positive = Field(default=1.0, description="Bound on the gradient's norm.")
    precision: Literal["no", "bf16"] = Field(default="no", description="bf16: mixed precision through accelerate.")
    checkpoint_every: Count = Field(default=200, description="Steps between checkpoints.")
    threads: Count | None = Field(default=None, description="CPU threads; torch's own choice otherwise.")
    device: Literal["auto", "cpu"] = Field(default="auto", description="auto: what accelerate finds.")


class CacheChoice(_Part):
    """Keep the teacher's targets on disk before training."""

    path: str = Field(description="Folder of the cache.")
    kind: Literal["hidden", "systematic", "sampled", "top_k"] = Field(
        default="systematic",
        description="Hidden states in few bits, for every objective; likely tokens and a draw of the rest; independent "
        "draws; top-k with a tail.",
    )
    tokens: Count = Field(default=12, description="Tokens a position (systematic), draws (sampled), or k (top_k).")
    power: Positive = Field(default=1.0, description="Draws come from p to this power, renormalised (sampled).")
    nats: Positive = Field(
        default=0.005, description="Mean divergence of what is read back from the teacher, in nats (hidden)."
    )
    shard_rows: Count = Field(default=256, description="Training rows a shard.")
    verify_rows: Annotated[int, Field(ge=0)] = Field(
        default=4, description="Rows compared with a live pass before training."
    )


class Safeguards(_Part):
    """Prompts with the answers that are wanted, strewn through the training texts, so that refusals survive."""

    path: str = Field(description="JSON Lines or Parquet with prompt and response.")
    share: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.05, description="Share of the training documents.")


class ReportChoice(_Part):
    """What is measured, and how much must be kept."""

    bar: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.95, description="Share of the teacher's score to be kept."
    )
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(default=0.95, description="Of the bootstrap intervals.")
    resamples: Annotated[int, Field(ge=200)] = Field(default=2000, description="Bootstrap resamples.")
    documents: Count = Field(default=200, description="Most held-out documents that are scored.")
    hard_label_student: bool = Field(
        default=True, description="Also train a student on hard labels with the same budget."
    )
    cost_repeats: Count = Field(default=5, description="How often latency and throughput are timed.")
    tasks: tuple[str, ...] = Field(default=(), description="Task files (JSON Lines).")
    pairs: tuple[str, ...] = Field(
        default=(), description="Sentence pairs that people scored: JSON Lines with first, second, score (encoders)."
    )
    harness: tuple[str, ...] = Field(default=(), description="Tasks of lm-evaluation-harness, when it is installed.")
    harmful: str | None = Field(default=None, description="Prompts that should be refused (with report.safe).")
    safe: str | None = Field(default=None, description="Prompts that should be answered (with report.harmful).")
    protected: str | None = Field(default=None, description="Documents whose text should not be learned by heart.")
    protected_words: Count = Field(default=30, description="Words of a protected document that models are given.")
    verbatim_words: Count = Field(default=50, description="Words of a shared run that count as verbatim.")
    answer_tokens: Count = Field(default=64, description="Most tokens of an answer to any of these.")
    redact: bool = Field(default=False, description="Show no text in the report.")


class Plan(_Part):
    """The whole plan."""

    teacher: Teacher
    student: Student = CausalStudent()
    corpus: Corpus = Corpus()
    objective: Objective = Objective()
    budget: Budget = Budget()
    cache: CacheChoice | None = Field(default=None, description="Keep the teacher's targets on disk.")
    safeguards: Safeguards | None = Field(default=None, description="Mixed into the training texts.")
    report: ReportChoice = ReportChoice()
    out: Path = Field(default=Path("distilled"), description="Folder of the student, its card and the report.")
    seed: int = Field(default=0, description="Of the student's first weights, the order of the rows and all draws.")
