"""Documents to distil on: read from files or from an exchange log, split by prompt."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from iolaus.distill.plan import Corpus
from iolaus.errors import InputError
from iolaus.ingest import Rejects, read_exchanges

__all__ = ["Document", "read_documents", "read_exchange_documents", "split_documents"]


@dataclass(frozen=True, slots=True)
class Document:
    """A prompt with its response; a text without a prompt has an empty one."""

    prompt: str
    response: str


def read_documents(path: Path, corpus: Corpus) -> list[Document]:
    """Documents of a JSON Lines, Parquet or text file (there, blank lines part documents).

    Raises:
        InputError: names file, row and column of what cannot be used.
    """
    if not path.is_file():
        raise InputError(f"corpus {path} is no file")
    if path.suffix == ".parquet":
        rows = _parquet(path, corpus)
    elif path.suffix in (".jsonl", ".ndjson"):
        rows = _jsonl(path)
    else:
        texts = path.read_text(encoding="utf-8", errors="replace").split("\n\n")
        return [Document("", text.strip()) for text in texts if text.strip()][: corpus.limit]
    documents: list[Document] = []
    for number, row in enumerate(rows):
        document = _document(row, corpus, f"{path}, row {number + 1}")
        if document is not None:
            documents.append(document)
        if corpus.limit is not None and len(documents) == corpus.limit:
            break
    if not documents:
        raise InputError(f"corpus {path} holds no text")
    return documents


def read_exchange_documents(path: str, request_model: str | None, limit: int | None, rejects: Path) -> list[Document]:
    """Answered exchanges of a log in the contract's form; rows that cannot be used are listed in ``rejects``.

    Raises:
        InputError: the log cannot be read, or holds no answered exchange.
    """
    documents: list[Document] = []
    with Rejects(rejects) as aside:
        for batch in read_exchanges(path, aside):
            for row in batch.select(["prompt", "response", "request_model"]).to_pylist():
                if row["response"] and (request_model is None or row["request_model"] == request_model):
                    documents.append(Document(row["prompt"], row["response"]))
                if limit is not None and len(documents) == limit:
                    return documents
    if not documents:
        of = f" with request_model {request_model!r}" if request_model else ""
        raise InputError(f"{path} holds no exchange{of} with a response")
    return documents


def split_documents(documents: list[Document], share: float) -> tuple[list[Document], list[Document]]:
    """Train and held-out documents, by a hash of the prompt (of the text where there is none).

    The same prompt is never in both, and a document stays on its side when others come or go.
    """
    train: list[Document] = []
    held_out: list[Document] = []
    for document in documents:
        digest = hashlib.sha256((document.prompt or document.response).encode("utf-8", "surrogatepass")).digest()
        (held_out if int.from_bytes(digest[:8]) / 2**64 < share else train).append(document)
    if not train or not held_out:
        raise InputError(
            f"{len(documents)} documents are too few to hold out a share of {share}; give corpus.valid_path"
        )
    return train, held_out


def _document(row: object, corpus: Corpus, where: str) -> Document | None:
    if not isinstance(row, dict):
        raise InputError(f"{where}: is no object")
    if corpus.prompt in row and corpus.response in row:
        prompt, response = row[corpus.prompt], row[corpus.response]
    elif corpus.text in row:
        prompt, response = "", row[corpus.text]
    elif corpus.prompt in row:
        prompt, response = row[corpus.prompt], ""
    else:
        raise InputError(
            f"{where}: has neither the column {corpus.text!r} nor {corpus.prompt!r}; set corpus.text or corpus.prompt"
        )
    if not isinstance(prompt or "", str) or not isinstance(response or "", str):
        raise InputError(f"{where}: a text is no string")
    return Document(prompt or "", response or "") if prompt or response else None


def _jsonl(path: Path) -> list[object]:
    rows: list[object] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file):
            if line.strip():
                try:
                    rows.append(json.loads(line))
                except ValueError as error:
                    raise InputError(f"{path}, row {number + 1}: is no JSON") from error
    return rows


def _parquet(path: Path, corpus: Corpus) -> list[object]:
    try:
        names = pq.read_schema(path).names
        wanted = [name for name in (corpus.text, corpus.prompt, corpus.response) if name in names]
        rows: list[object] = pq.read_table(path, columns=wanted).to_pylist()
    except Exception as error:  # pyarrow raises many kinds for a damaged file
        raise InputError(f"corpus {path} cannot be read as Parquet: {error}") from error
    return rows
