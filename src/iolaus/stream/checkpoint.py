"""Checkpoints: the whole state of a stream on disk, written beside and taken up by one rename.

A slice of time has a file of its own that is written again only when the slice has changed; what is small is written
whole each time. ``checkpoint.json`` names the files that belong together, with their sizes; it is renamed into place
last, and files that it does not name are then removed. A kill at any moment leaves the checkpoint before or the one
after.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from iolaus.campaign import Axis, Campaign, Detection, Evidence
from iolaus.errors import InputError, OutputError
from iolaus.stream.known import Joined, Known
from iolaus.stream.necks import Neck
from iolaus.stream.people import People
from iolaus.stream.settings import StreamSettings
from iolaus.stream.slices import Slice
from iolaus.stream.stream import Findings, Stream
from iolaus.stream.window import Counts

__all__ = ["Checkpoints"]

_SCHEMA: Final = "iolaus.stream/1"
_MANIFEST: Final = "checkpoint.json"
# Another value of these would make another stream of the same rows.
_FIXED: Final = ("width", "cap")
_PLAIN: Final = ("mark", "ahead", "next", "judged", "judged_rows", "named")


@dataclass(slots=True)
class Checkpoints:
    """Writes and reads the checkpoints of one stream.

    Args:
        folder: where they lie.
    """

    folder: Path
    _generation: int = 0
    _slices: dict[int, str] = field(default_factory=dict)

    def save(self, stream: Stream, position: object) -> None:
        """Write a checkpoint.

        Args:
            stream: its state.
            position: how far its source has been read, as JSON can hold it.

        Raises:
            OutputError: it cannot be written; the one before stays.
        """
        self._generation += 1
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            slices = {}
            for number, one in sorted(stream.window.slices.items()):
                one.pack()
                name = self._slices.get(number)
                if one.changed or name is None:
                    name = self._write_table(f"slice{number}", one.table())
                slices[number] = name
            document = _document(stream) | {"schema": _SCHEMA, "position": position}
            document["slices"] = {str(number): name for number, name in slices.items()}
            document["arrays"] = self._write_arrays(_arrays(stream))
            if stream.findings is not None:
                document["accounts"] = self._write_table("accounts", stream.findings.accounts)
                document["exchanges"] = self._write_table("exchanges", stream.findings.exchanges)
            self._commit(document)
        except OSError as error:
            raise OutputError(f"{self.folder}: no checkpoint can be written: {error.strerror or error}") from error
        self._slices = slices
        for one in stream.window.slices.values():
            one.changed = False

    def load(self, settings: StreamSettings) -> tuple[Stream, object] | None:
        """Read the checkpoint; None where there is none yet.

        Raises:
            InputError: it is damaged, of another version, or was made with other settings.
        """
        path = self.folder / _MANIFEST
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read: {error}") from error
        if not isinstance(document, dict) or document.get("schema") != _SCHEMA:
            raise InputError(f"{path} is no checkpoint of this version; begin with an empty folder")
        for name in _FIXED:
            if document["settings"][name] != getattr(settings, name):
                raise InputError(f"{path} was made with another {name} of slices; begin with an empty folder")
        try:
            stream = self._restored(document, settings)
        except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
            raise InputError(f"{path}: the checkpoint is damaged: {error}") from error
        return stream, document["position"]

    def _restored(self, document: dict[str, Any], settings: StreamSettings) -> Stream:
        self._generation = document["generation"]
        self._slices = {int(number): name for number, name in document["slices"].items()}
        with np.load(self.folder / document["arrays"]) as file:
            arrays = {name: file[name] for name in file.files}
        stream = Stream(settings)
        for name in _PLAIN:
            setattr(stream, name, document[name])
        stream.people = People.restored(document["people"], arrays["first"], arrays["last"], arrays["count"])
        stream.home = arrays["home"]
        stream.window.cap, stream.window.floor = document["cap"], document["floor"]
        stream.window.counts = Counts(**document["counts"])
        for number, name in self._slices.items():
            capped, limit = (arrays[f"{part}/{number}"] for part in ("capped", "limit"))
            stream.window.slices[number] = Slice.restored(_read_table(self.folder / name), capped, limit)
        stream.known = {item["record"]["campaign_id"]: _known(item, arrays) for item in document["known"]}
        look = stream.lookout
        look.fortunes, look.numbers, look.prompts, look.keys = (
            arrays[f"bets/{part}"] for part in ("fortunes", "numbers", "prompts", "keys")
        )
        look.used, look.started = look.numbers.shape[0], document["started"]
        look.necks = necks = {name: n for name in document["necks"] if (n := stream.known[name].neck) is not None}
        look.arm(necks, prune=False)
        if document["detection"] is not None:
            tables = [_read_table(self.folder / document[name]) for name in ("accounts", "exchanges")]
            stream.findings = Findings(_detection(document["detection"]), *tables)
        return stream

    def _write_table(self, name: str, table: pa.Table) -> str:
        path = self.folder / f"{name}-{self._generation}.arrow"
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        with path.open("wb") as file, pa.ipc.new_file(file, table.schema, options=options) as writer:
            writer.write_table(table)
            writer.close()
            _sync(file)
        return path.name

    def _write_arrays(self, arrays: dict[str, np.ndarray]) -> str:
        path = self.folder / f"arrays-{self._generation}.npz"
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            _sync(file)
        return path.name

    def _commit(self, document: dict[str, Any]) -> None:
        document["generation"] = self._generation
        beside = self.folder / f".{_MANIFEST}.tmp"
        with beside.open("w", encoding="utf-8") as file:
            json.dump(document, file)
            _sync(file)
        beside.replace(self.folder / _MANIFEST)
        handle = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        named = {_MANIFEST, document["arrays"], document.get("accounts"), document.get("exchanges")}
        named |= set(document["slices"].values())
        for path in self.folder.iterdir():
            if path.name not in named:
                with suppress(OSError):
                    path.unlink()


def _sync(file: Any) -> None:  # noqa: ANN401 (any open file)
    file.flush()
    os.fsync(file.fileno())


def _read_table(path: Path) -> pa.Table:
    with path.open("rb") as file:
        return pa.ipc.open_file(file).read_all()


def _document(stream: Stream) -> dict[str, Any]:
    """What is small, as JSON."""
    found = stream.findings
    known = []
    for one in stream.known.values():
        neck = one.neck
        known.append(
            {
                "record": asdict(one.record),
                "accounts": sorted(one.accounts),
                "joined": {account: asdict(joined) for account, joined in one.joined.items()},
                "current": one.current,
                "neck": None
                if neck is None
                else {f.name: getattr(neck, f.name) for f in fields(Neck) if f.name not in _HASHES},
            }
        )
    return {
        "settings": asdict(stream.settings),
        **{name: getattr(stream, name) for name in _PLAIN},
        "people": stream.people.ids,
        "cap": stream.window.cap,
        "floor": stream.window.floor,
        "counts": asdict(stream.window.counts),
        "known": known,
        "necks": list(stream.lookout.necks),
        "started": stream.lookout.started,
        "detection": None if found is None else asdict(found.detection),
    }


_HASHES: Final = ("phrases", "items", "histories", "takers")


def _arrays(stream: Stream) -> dict[str, np.ndarray]:
    """What is numbers."""
    people, look, n = stream.people, stream.lookout, len(stream.people.ids)
    missing = n - stream.home.size
    arrays = {
        "first": people.first[:n],
        "last": people.last[:n],
        "count": people.count[:n],
        "home": np.r_[stream.home, np.full(missing, -1, np.int32)],
        **{f"bets/{part}": getattr(look, part)[: look.used] for part in ("fortunes", "numbers", "prompts", "keys")},
    }
    for number, one in stream.window.slices.items():
        arrays |= {f"capped/{number}": one.capped, f"limit/{number}": one.limit}
    for name, known in stream.known.items():
        arrays[f"{name}/own"] = known.phrases
        if known.neck is not None:
            arrays |= {f"{name}/{part}": getattr(known.neck, part) for part in _HASHES}
    return arrays


def _known(item: dict[str, Any], arrays: dict[str, np.ndarray]) -> Known:
    record = _campaign(item["record"])
    name = record.campaign_id
    neck = None
    if item["neck"] is not None:
        hashes: dict[str, Any] = {part: arrays[f"{name}/{part}"] for part in _HASHES}
        neck = Neck(**item["neck"], **hashes)
    joined = {
        account: Joined(**{**one, "exchange_ids": tuple(one["exchange_ids"])})
        for account, one in item["joined"].items()
    }
    return Known(record, set(item["accounts"]), arrays[f"{name}/own"], joined, neck, item["current"])


def _campaign(item: dict[str, Any]) -> Campaign:
    evidence = tuple(
        Evidence(**{**e, "exchange_ids": tuple(e["exchange_ids"]), "account_ids": tuple(e["account_ids"])})
        for e in item["evidence"]
    )
    axes = {name: Axis(**axis) for name, axis in item["axes"].items()}
    return Campaign(**{**item, "accounts": tuple(item["accounts"]), "axes": axes, "evidence": evidence})


def _detection(item: dict[str, Any]) -> Detection:
    missing, campaigns = tuple(item["signals_missing"]), tuple(map(_campaign, item["campaigns"]))
    return Detection(**{**item, "signals_missing": missing, "campaigns": campaigns})
