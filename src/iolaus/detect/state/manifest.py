"""The manifest: which segments belong together, and from which bytes of which files they were made."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from iolaus.ingest.chunk import Mark

__all__ = ["Entry", "Manifest", "Part", "Stored", "from_document", "to_document"]

_PLAIN: Final = ("format", "compression", "size", "changed", "ends", "prefix", "whole")


@dataclass(frozen=True, slots=True)
class Stored:
    """One file of the state.

    Attributes:
        name: its name below the folder of segments.
        size: bytes.
        sum: CRC-32 of its bytes.
    """

    name: str
    size: int
    sum: int


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a file's rows.

    Attributes:
        kept: the usable rows.
        aside: those set aside, None where there are none.
        read: how many rows were read, those set aside included.
        first: the earliest time that any of them has, usable or not, in microseconds; None where none has one.
        last: the latest.
        notes: what was mended or left out, by sentence.
        since: where its reading began, None for the top.
        next: where reading may go on; None where the part reaches to the end of its file.
    """

    kept: Stored
    aside: Stored | None
    read: int
    first: int | None
    last: int | None
    notes: dict[str, int]
    since: Mark | None
    next: Mark | None

    @property
    def stored(self) -> tuple[Stored, ...]:
        """Its files."""
        return (self.kept,) if self.aside is None else (self.kept, self.aside)


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the log as it was when it was read.

    Attributes:
        format: how its rows are written.
        compression: how its bytes are packed.
        size: bytes.
        changed: when it was last changed, nanoseconds.
        ends: digest of its head and its tail.
        prefix: digest of what comes before the last part's ``next``, None where there is no such place.
        lacking: required columns that it seems not to have.
        whole: it has been read to its end.
        parts: its rows, in order.
    """

    format: str
    compression: str | None
    size: int
    changed: int
    ends: str
    prefix: str | None = None
    lacking: tuple[str, ...] = ()
    whole: bool = False
    parts: tuple[Part, ...] = ()

    @property
    def next(self) -> Mark | None:
        """Where reading may go on."""
        return self.parts[-1].next if self.parts else None


@dataclass(slots=True)
class Manifest:
    """The whole state.

    Attributes:
        reading: version of what reads and sketches.
        number: the next segment's.
        files: the log's files by name.
    """

    reading: str
    number: int = 1
    files: dict[str, Entry] = field(default_factory=dict)

    def stored(self) -> Iterator[Stored]:
        """Every file of the state."""
        for entry in self.files.values():
            for part in entry.parts:
                yield from part.stored


def to_document(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON can hold it."""
    return asdict(manifest)


def from_document(document: dict[str, Any]) -> Manifest:
    """The manifest again.

    Raises:
        KeyError, TypeError, ValueError: it is damaged.
    """
    files = {str(name): _entry(item) for name, item in document["files"].items()}
    return Manifest(str(document["reading"]), int(document["number"]), files)


def _entry(item: dict[str, Any]) -> Entry:
    plain = {name: item[name] for name in _PLAIN}
    return Entry(**plain, lacking=tuple(item["lacking"]), parts=tuple(map(_part, item["parts"])))


def _part(item: dict[str, Any]) -> Part:
    aside = None if item["aside"] is None else Stored(**item["aside"])
    marks = {name: _mark(item[name]) for name in ("since", "next")}
    return Part(**{**item, "kept": Stored(**item["kept"]), "aside": aside, **marks})


def _mark(item: dict[str, Any] | None) -> Mark | None:
    if item is None:
        return None
    types = item["types"]
    return Mark(**{**item, "types": None if types is None else tuple((name, kind) for name, kind in types)})
