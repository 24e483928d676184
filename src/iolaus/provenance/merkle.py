"""A Merkle tree over the lines of a vault: one root to publish, short proofs for a court.

Hashes, roots and proofs are those of RFC 6962 (sections 2.1, 2.1.1 and 2.1.2): leaves and inner nodes carry different
prefixes, so that neither can stand for the other.
"""

import hashlib
from collections.abc import Sequence

from iolaus.provenance.verify import node_hash

__all__ = ["Tree"]


class Tree:
    """The trees over a list of leaf hashes and over its beginnings; the list may grow, but not change.

    Subtrees are kept once computed and are shared by all sizes, so that many roots and proofs cost little.

    Args:
        leaves: leaf hashes, in the order of the log.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self._leaves = leaves
        self._known: dict[tuple[int, int], bytes] = {}

    def root(self, size: int) -> bytes:
        """The root over the first ``size`` leaves; without any leaf it is the hash of nothing."""
        return self.range_root(0, self._within(size))

    def range_root(self, low: int, high: int) -> bytes:
        """The root over ``leaves[low:high]``."""
        if high - low == 0:
            return hashlib.sha256(b"").digest()
        if high - low == 1:
            return self._leaves[low]
        if (low, high) not in self._known:
            middle = low + _split(high - low)
            self._known[low, high] = node_hash(self.range_root(low, middle), self.range_root(middle, high))
        return self._known[low, high]

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof of a leaf in the tree over the first ``size``: the hashes beside its path, upwards."""
        low, high, proof = 0, self._within(size), list[bytes]()
        if not low <= index < high:
            raise IndexError(f"the tree has {high} leaves, not one with the number {index}")
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                proof.append(self.range_root(middle, high))
                high = middle
            else:
                proof.append(self.range_root(low, middle))
                low = middle
        return proof[::-1]

    def consistency(self, earlier: int, size: int) -> list[bytes]:
        """The hashes that show that the tree over ``earlier`` leaves is the beginning of that over ``size``."""
        low, high, whole, proof = 0, self._within(size), True, list[bytes]()
        if not 0 < earlier <= high:
            raise IndexError(f"the tree has {high} leaves and never had {earlier}")
        while earlier < high:
            middle = low + _split(high - low)
            if earlier <= middle:
                proof.append(self.range_root(middle, high))
                high = middle
            else:
                proof.append(self.range_root(low, middle))
                low, whole = middle, False
        return [*([] if whole else [self.range_root(low, high)]), *proof[::-1]]

    def _within(self, size: int) -> int:
        if not 0 <= size <= len(self._leaves):
            raise IndexError(f"there are {len(self._leaves)} leaves, not {size}")
        return size


def _split(size: int) -> int:
    """The largest power of two below a size."""
    return 1 << ((size - 1).bit_length() - 1)
