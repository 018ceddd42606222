"""Trees and their proofs, against a naive tree written from RFC 9162 and against pymerkle."""

import hashlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency, verify_inclusion

from lib import merkle
from lib.merkle import BadProofError, GrowingTree

SIZES = st.integers(1, 700)


def entry(number):
    return f"entry {number}".encode()


LEAVES = [merkle.leaf_hash(entry(number)) for number in range(700)]


# --- RFC 9162, 2.1.1, 2.1.3.1 and 2.1.4.1, word for word ---
def largest_power_below(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves):
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m, leaves):
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m, leaves, whole):
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = largest_power_below(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def node(height, index):
    return merkle.perfect_root(LEAVES[index << height : (index + 1) << height])


def roots(ranges):
    return [merkle.root_of(part, node) for part in ranges]


@given(SIZES)
def test_the_root_is_that_of_the_naive_tree(size):
    grown = GrowingTree()
    for leaf in LEAVES[:size]:
        grown.add(leaf)
    assert merkle.root_of((0, size), node) == mth(LEAVES[:size]) == grown.root()
    assert grown.size == size


def test_the_empty_tree_has_the_hash_of_nothing():
    assert merkle.root_of((0, 0), node) == GrowingTree().root() == hashlib.sha256(b"").digest()


@given(SIZES, st.data())
def test_inclusion_proofs_are_those_of_the_naive_tree_and_lead_to_the_root(size, data):
    index = data.draw(st.integers(0, size - 1))
    proof = roots(merkle.inclusion_ranges(index, size))
    assert proof == path(index, LEAVES[:size])
    assert merkle.root_from_inclusion(index, size, LEAVES[index], proof) == mth(LEAVES[:size])


@given(SIZES, SIZES)
def test_consistency_proofs_are_those_of_the_naive_tree_and_hold(one, other):
    old, new = sorted((one, other))
    proof = roots(merkle.consistency_ranges(old, new))
    assert proof == subproof(old, LEAVES[:new], True)
    merkle.check_consistency(old, mth(LEAVES[:old]), new, mth(LEAVES[:new]), proof)


@given(SIZES, st.data())
def test_no_other_leaf_place_or_proof_leads_to_the_root(size, data):
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    assume(index != other)
    root, proof = mth(LEAVES[:size]), path(index, LEAVES[:size])
    for wrong in (
        (index, size, LEAVES[other], proof),
        (other, size, LEAVES[index], proof),
        (index, size, LEAVES[index], proof[:-1]),
        (index, size, LEAVES[index], [*proof, root]),
        (index, size, LEAVES[index], [bytes(32), *proof[1:]]),
        (size, size, LEAVES[index], proof),
    ):
        try:
            assert merkle.root_from_inclusion(*wrong) != root
        except BadProofError:
            continue


@given(SIZES, SIZES)
def test_a_tree_that_was_rewritten_is_not_consistent(one, other):
    old, new = sorted((one, other))
    assume(old < new)
    rewritten = [merkle.leaf_hash(b"another"), *LEAVES[1:new]]
    proof = subproof(old, rewritten, True)
    for old_root, new_root, claimed in (
        (mth(LEAVES[:old]), mth(rewritten), proof),
        (mth(LEAVES[:old]), mth(rewritten), subproof(old, LEAVES[:new], True)),
        (mth(LEAVES[:old]), mth(LEAVES[:new]), proof[:-1]),
        (mth(LEAVES[:old]), mth(LEAVES[:new]), [*subproof(old, LEAVES[:new], True), bytes(32)]),
    ):
        with pytest.raises(BadProofError):
            merkle.check_consistency(old, old_root, new, new_root, claimed)


@pytest.mark.parametrize("sizes", [(0, 3), (4, 3), (-1, 3)])
def test_what_cannot_be_proved_is_said(sizes):
    with pytest.raises(ValueError, match="continues none"):
        merkle.consistency_ranges(*sizes)
    with pytest.raises(BadProofError):
        merkle.check_consistency(sizes[0], LEAVES[0], sizes[1], LEAVES[1], [])


def test_two_trees_of_one_size_are_the_same_or_not_consistent():
    merkle.check_consistency(3, LEAVES[0], 3, LEAVES[0], [])
    with pytest.raises(BadProofError):
        merkle.check_consistency(3, LEAVES[0], 3, LEAVES[1], [])


def test_pymerkle_agrees_on_roots_and_accepts_our_proofs():
    theirs = InmemoryTree(algorithm="sha256")
    for number in range(300):
        theirs.append_entry(entry(number))
        assert theirs.get_root() == mth(LEAVES[: number + 1])
    for index, size in ((0, 1), (0, 300), (127, 128), (128, 129), (256, 300), (299, 300)):
        proof = theirs.prove_inclusion(index + 1, size)
        verify_inclusion(LEAVES[index], mth(LEAVES[:size]), proof)
        assert merkle.root_from_inclusion(index, size, LEAVES[index], _siblings(proof)) == mth(LEAVES[:size])
    for old, new in ((1, 300), (128, 300), (255, 256), (256, 257), (299, 300)):
        verify_consistency(mth(LEAVES[:old]), mth(LEAVES[:new]), theirs.prove_consistency(old, new))


def _siblings(proof):
    """A pymerkle proof begins with the leaf itself."""
    return [bytes.fromhex(one) for one in proof.serialize()["path"][1:]]


@pytest.mark.parametrize(
    ("number", "path"), [(0, "000"), (7, "007"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")]
)
def test_tiles_have_the_addresses_of_the_specification(number, path):
    assert merkle.tile_path(number) == path
