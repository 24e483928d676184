"""Following JSON Lines files: a file or a folder of them, rotated, cut short or half written as they may be.

A file is known by its device, its inode and its first bytes, so that one that is renamed is read on where it was, and
one that took its place, or was emptied and filled anew, is read from its beginning.
"""

import os
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO, Final

from iolaus.errors import InputError

__all__ = ["FollowedFiles"]

_BLOCK: Final = 4 << 20
_LONGEST: Final = 64 << 20
_HEAD: Final = 512
_ENDINGS: Final = (".jsonl", ".ndjson", ".json", ".log")


@dataclass(slots=True)
class _Followed:
    """One file: who it is, and up to where it has been read."""

    device: int
    inode: int
    offset: int = 0
    head: str = ""
    head_size: int = 0


class FollowedFiles:
    """A file, or all JSON Lines files of a folder, read as they grow.

    Files of a folder are read in the order of their names, each up to its end, and again whenever they have grown.
    Names that begin with a dot or an underscore are left out, and packed files too: those are copies of what was read.

    Args:
        path: the file or folder; it may come later.

    Attributes:
        restarted: how often a file was read from its beginning again because it had been cut short or replaced.
        skipped: lines left out because they were longer than 64 MiB.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, _Followed] = {}
        self.restarted = self.skipped = 0

    @property
    def position(self) -> object:
        """How far each file has been read."""
        return {name: asdict(one) for name, one in self._known.items()}

    def seek(self, position: object) -> None:
        """Go on from a position that ``position`` gave.

        Raises:
            InputError: it is no such position.
        """
        try:
            self._known = {str(name): _Followed(**one) for name, one in dict(position).items()}  # type: ignore[call-overload]
        except (TypeError, ValueError) as error:
            raise InputError(f"{self._path}: the checkpoint does not say how far files were read") from error

    def read(self, last: bool = False) -> bytes | None:
        """The next whole lines; see ``iolaus.stream.source.Source``."""
        for path in self._files():
            lines = self._lines_of(path, last)
            if lines:
                return lines
        return None

    def close(self) -> None:
        """Nothing is held open between reads."""

    def _files(self) -> list[Path]:
        try:
            if not self._path.is_dir():
                beside = [p for p in self._path.parent.glob(f"{self._path.name}.*") if self._is_known(p)]
                return [*sorted(beside, reverse=True), self._path]
            found = [p for p in self._path.rglob("*") if p.suffix in _ENDINGS or self._is_known(p)]
            return sorted(p for p in found if not any(part[0] in "._" for part in p.relative_to(self._path).parts))
        except OSError as error:
            raise InputError(f"{self._path} cannot be read: {error.strerror}") from error

    def _is_known(self, path: Path) -> bool:
        """Whether it is a file that was followed under another name before it was rotated away."""
        try:
            status = path.stat()
        except OSError:
            return False
        return any((one.device, one.inode) == (status.st_dev, status.st_ino) for one in self._known.values())

    def _lines_of(self, path: Path, last: bool) -> bytes:
        try:
            with path.open("rb") as file:
                one = self._identified(file)
                size = os.fstat(file.fileno()).st_size
                if size <= one.offset:
                    return b""
                file.seek(one.offset)
                lines, taken = self._whole_lines(file, last)
                one.offset += taken
                self._remember_head(file, one)
                return lines
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error

    def _whole_lines(self, file: BinaryIO, last: bool) -> tuple[bytes, int]:
        """Whole lines from where the file stands, and how many of its bytes that took."""
        block = file.read(_BLOCK)
        while b"\n" not in block:
            more = file.read(_BLOCK)
            if not more:
                return (block + b"\n", len(block)) if last and block.strip() else (b"", 0)
            block += more
            if len(block) > _LONGEST:
                self.skipped += 1
                return b"", len(block)
        whole = block.rfind(b"\n") + 1
        return block[:whole], whole

    def _identified(self, file: BinaryIO) -> _Followed:
        """What is known of an open file; a file that is no longer itself begins anew."""
        status = os.fstat(file.fileno())
        name = f"{status.st_dev}:{status.st_ino}"
        one = self._known.get(name)
        if one is None:
            one = self._known[name] = _Followed(status.st_dev, status.st_ino)
        elif status.st_size < one.offset or _digest(file.read(one.head_size)) != one.head:
            self.restarted += 1
            one.offset, one.head, one.head_size = 0, "", 0
        return one

    def _remember_head(self, file: BinaryIO, one: _Followed) -> None:
        if one.head_size < _HEAD:
            file.seek(0)
            head = file.read(min(_HEAD, one.offset))
            one.head, one.head_size = _digest(head), len(head)


def _digest(head: bytes) -> str:
    return blake2b(head, digest_size=16).hexdigest() if head else ""
