"""The texts that are distilled on: documents, and rows of token ids."""

from iolaus.distill.texts.documents import Document, read_documents, read_exchange_documents, split_documents
from iolaus.distill.texts.harvest import Answer, harvest
from iolaus.distill.texts.rows import Encoded, Rows, encode_document, make_rows
from iolaus.distill.texts.spelling import Spelling
from iolaus.distill.texts.told import Told, told_targets

__all__ = [
    "Answer",
    "Document",
    "Encoded",
    "Rows",
    "Spelling",
    "Told",
    "encode_document",
    "harvest",
    "make_rows",
    "read_documents",
    "read_exchange_documents",
    "split_documents",
    "told_targets",
]
