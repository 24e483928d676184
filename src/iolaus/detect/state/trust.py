"""Whether a file of the log is still what was read: by its size, its time of change, and samples of its bytes."""

import hashlib
import os
from pathlib import Path
from typing import Final

__all__ = ["ends_of", "sampled"]

_END_BYTES: Final = 4 << 10
_SAMPLES: Final = 16
_SAMPLE_BYTES: Final = 64 << 10


def ends_of(path: Path, length: int) -> str:
    """Digest of the first and last 4 KiB of a file's first ``length`` bytes.

    Raises:
        OSError: it cannot be read.
    """
    return _digest(path, length, 2, _END_BYTES)


def sampled(path: Path, length: int) -> str:
    """Digest of 16 samples of 64 KiB, head and tail among them, spread over a file's first ``length`` bytes.

    Up to 1 MiB these are all of the bytes.

    Raises:
        OSError: it cannot be read.
    """
    return _digest(path, length, _SAMPLES, _SAMPLE_BYTES)


def _digest(path: Path, length: int, samples: int, size: int) -> str:
    digest = hashlib.sha256(str(length).encode())
    with path.open("rb", buffering=0) as file:
        descriptor = file.fileno()
        if length <= samples * size:
            digest.update(os.pread(descriptor, length, 0))
        else:
            for sample in range(samples):
                digest.update(os.pread(descriptor, size, (length - size) * sample // (samples - 1)))
    return digest.hexdigest()
