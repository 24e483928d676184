"""One detection, stage by stage: ``python -m benchmarks.scale.stages LOG ACCOUNTS OUT BYTES RESULT``.

It does what ``iolaus detect`` does, report included, in a process of its own, and asks the system for CPU, memory and
bytes as the run tells its stages. What follows the last row and precedes linking is called ordering: rows are put in
order, columns encoded and prompts put into families.
"""

import json
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from iolaus.detect import Settings, detect
from iolaus.report import write_html

__all__ = ["Meter", "Snapshot"]

_EVERY_S = 0.05
_PAGE = 4096


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a process had used by an instant: seconds of wall clock and CPU, bytes read and written."""

    wall_s: float
    cpu_s: float
    read: int
    written: int

    @classmethod
    def now(cls) -> "Snapshot":
        """Ask the system. Bytes are counted whether they came from the disk or from its cache."""
        lines = Path("/proc/self/io").read_text().splitlines()
        io = {name: int(value) for name, value in (line.split(": ") for line in lines)}
        return cls(time.monotonic(), time.process_time(), io["rchar"], io["wchar"])


@dataclass
class Meter:
    """Listens to a run: marks each stage's beginning, and the last row that was read."""

    marks: list[tuple[str, Snapshot]] = field(default_factory=lambda: [("starting", Snapshot.now())])
    memory: list[tuple[float, int]] = field(default_factory=list)
    rows: int = 0
    _last: Snapshot | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Meter":
        """Begin to sample memory."""
        self._watch = threading.Thread(target=self._sample, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the last stage."""
        self._over.set()
        self._watch.join()
        self.marks.append(("", Snapshot.now()))

    def listen(self, stage: str, rows: int) -> None:
        """As ``detect`` tells its listener."""
        now = Snapshot.now()
        if stage == "reading":
            self._last, self.rows = now, rows
        elif self._last is not None:
            self.marks.append(("ordering", self._last))
            self._last = None
        if stage != self.marks[-1][0]:
            self.marks.append((stage, now))

    def stages(self) -> dict[str, dict[str, Any]]:
        """What each stage took; a stage that is told twice is added up."""
        out: dict[str, dict[str, Any]] = {}
        for (stage, begin), (_, end) in zip(self.marks, self.marks[1:], strict=False):
            took = out.setdefault(
                stage, {"wall_s": 0.0, "cpu_s": 0.0, "read_mb": 0.0, "written_mb": 0.0, "peak_gib": 0.0}
            )
            took["wall_s"] = round(took["wall_s"] + end.wall_s - begin.wall_s, 3)
            took["cpu_s"] = round(took["cpu_s"] + end.cpu_s - begin.cpu_s, 3)
            took["read_mb"] = round(took["read_mb"] + (end.read - begin.read) / 1e6, 1)
            took["written_mb"] = round(took["written_mb"] + (end.written - begin.written) / 1e6, 1)
            held = [size for at, size in self.memory if begin.wall_s <= at <= end.wall_s]
            took["peak_gib"] = round(max([took["peak_gib"] * 2**30, *held]) / 2**30, 2)
        return out

    def _sample(self) -> None:
        while not self._over.wait(_EVERY_S):
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.memory.append((time.monotonic(), pages * _PAGE))


def main() -> None:
    """Detect once, and write down what each stage took."""
    log, accounts, out, memory, result = sys.argv[1:]
    with Meter() as meter:
        book = detect(
            Path(log),
            Path(accounts),
            Path(out),
            Settings(memory_bytes=int(memory)),
            meter.listen,
            lambda book: {"report.html": lambda path: write_html(book, path)},
        )
    found = {"rows": meter.rows, "campaigns": len(book.detection.campaigns), "stages": meter.stages()}
    Path(result).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
