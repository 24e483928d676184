"""The texts that are distilled on: documents, and rows of token ids."""

from iolaus.distill.texts.documents import Document, read_documents, read_exchange_documents, split_documents
from iolaus.distill.texts.rows import Encoded, Rows, encode_document, make_rows

__all__ = [
    "Document",
    "Encoded",
    "Rows",
    "encode_document",
    "make_rows",
    "read_documents",
    "read_exchange_documents",
    "split_documents",
]
