import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iolaus.provenance import verify
from iolaus.provenance.merkle import Tree


def leaves_of(size):
    return [hashlib.sha256(b"\x00" + bytes([i])).digest() for i in range(size)]


def naive_root(leaves):
    """RFC 6962, section 2.1, word by word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


@given(st.integers(1, 70), st.data())
def test_every_proof_leads_to_the_root_and_no_other_leaf_does(size, data):
    leaves = leaves_of(80)
    tree, index = Tree(leaves), data.draw(st.integers(0, size - 1))
    root, proof = tree.root(size), [h.hex() for h in tree.inclusion(index, size)]
    assert root == naive_root(leaves[:size])
    assert verify.root_from_leaf(leaves[index], index, size, proof) == root
    assert verify.root_from_leaf(leaves[79], index, size, proof) != root
    for broken in (proof[:-1], [*proof, leaves[0].hex()]):
        if proof:
            with pytest.raises(verify.Refuted):
                verify.root_from_leaf(leaves[index], index, size, broken)


@given(st.integers(1, 70), st.data())
def test_consistency_ties_two_sizes_of_one_list_and_of_no_other(size, data):
    leaves = leaves_of(80)
    earlier = data.draw(st.integers(1, size))
    tree = Tree(leaves)
    proof = [h.hex() for h in tree.consistency(earlier, size)]
    old = naive_root(leaves[:earlier])
    assert verify.roots_from_consistency(earlier, size, old, proof) == (old, tree.root(size))
    forged = naive_root([leaves[79], *leaves[1:earlier]])
    if earlier < size:
        assert verify.roots_from_consistency(earlier, size, forged, proof) != (forged, tree.root(size))


def test_no_tree_is_larger_than_its_leaves():
    tree = Tree(leaves_of(3))
    for call in (lambda: tree.root(4), lambda: tree.inclusion(3, 3), lambda: tree.consistency(0, 3)):
        with pytest.raises(IndexError):
            call()
