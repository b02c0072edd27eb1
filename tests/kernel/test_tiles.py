"""Trees cut into tiles, and subtrees, held against the plainest way to compute them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavilion.kernel import tiles
from pavilion.kernel.tlog import (
    EMPTY_ROOT,
    ENTRIES,
    CompactTree,
    Tree,
    decode_bundle,
    encode_bundle,
    leaf_hash,
    parse_tile_path,
    prove_consistency,
    prove_inclusion,
    tile_path,
    tile_width,
    tree_root,
    verify_consistency,
    verify_inclusion,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)
from tests.kernel.plain import plain_root

LEAVES = [leaf_hash(str(k).encode()) for k in range(600)]
SIZES = st.integers(1, len(LEAVES))


def plain_subtree_proof(start, end, leaves, known=True):
    """The proof of draft-ietf-plants-merkle-tree-certs, word for word: of D[start:end] within all of D."""
    if (start, end) == (0, len(leaves)):
        return [] if known else [plain_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if end <= k:
        return [*plain_subtree_proof(start, end, leaves[:k], known), plain_root(leaves[k:])]
    if start >= k:
        return [*plain_subtree_proof(start - k, end - k, leaves[k:], known), plain_root(leaves[:k])]
    return [*plain_subtree_proof(0, end - k, leaves[k:], False), plain_root(leaves[:k])]


def reader_of(size):
    """Tiles as the format defines them: each hash the root of a whole tile below."""

    def read(level, number):
        span = 256**level
        firsts = range(number * 256 * span, min((number + 1) * 256 * span, size - span + 1), span)
        return [plain_root(LEAVES[first : first + span]) for first in firsts]

    return read


@given(st.data())
def test_every_subtree_of_every_tree_proves_its_part_and_nothing_else(data):
    size = data.draw(st.integers(1, 90))
    width = data.draw(st.integers(1, size))
    step = 1 << (width - 1).bit_length()
    start = step * data.draw(st.integers(0, (size - width) // step))
    end, leaves = start + width, LEAVES[:size]
    subroot, root = plain_root(leaves[start:end]), plain_root(leaves)
    proof = plain_subtree_proof(start, end, leaves)
    assert verify_subtree_consistency(start, end, size, subroot, root, proof)
    assert not verify_subtree_consistency(start, end, size, EMPTY_ROOT, root, proof)
    assert not verify_subtree_consistency(start, end, size, subroot, EMPTY_ROOT, proof)
    assert not verify_subtree_consistency(start, end, size, subroot, root, [*proof, root])
    for k in range(len(proof)):
        assert not verify_subtree_consistency(start, end, size, subroot, root, proof[:k] + proof[k + 1 :])
        assert not verify_subtree_consistency(start, end, size, subroot, root, [*proof[:k], root, *proof[k + 1 :]])


def test_plain_consistency_is_the_subtree_that_begins_at_the_first_leaf():
    tree = Tree(LEAVES[:70])
    for size in range(1, 71):
        for end in range(1, size + 1):
            assert plain_subtree_proof(0, end, LEAVES[:size]) == tree.consistency_proof(end, size)


@given(st.data())
def test_a_leaf_stands_in_its_subtree(data):
    width, step = data.draw(st.sampled_from([(1, 1), (3, 4), (8, 8), (13, 16)]))
    start = step * data.draw(st.integers(0, 20))
    tree = Tree(LEAVES[start : start + width])
    for index in range(width):
        proof = tree.inclusion_proof(index)
        args = LEAVES[start + index], start + index, start, start + width
        assert verify_subtree_inclusion(*args, proof, tree.root())
        assert not verify_subtree_inclusion(LEAVES[start + index], index - 1, start, start + width, proof, tree.root())


@pytest.mark.parametrize(
    ("start", "end", "size"),
    [
        (1, 3, 8),
        (2, 5, 8),
        (4, 9, 8),
        (-1, 1, 3),
        (3, 2, 8),
        (0, 2**70, 2**71),
        ("0", 1, 2),
        (0, True, 3),
        (0, 1, None),
    ],
)
def test_a_span_that_is_no_subtree_is_false_and_never_an_accident(start, end, size):
    assert not verify_subtree_consistency(start, end, size, LEAVES[0], LEAVES[1], [])
    assert not verify_subtree_inclusion(LEAVES[0], 0, start, end, [LEAVES[1]], LEAVES[2])


def test_an_empty_subtree_is_the_empty_hash_and_needs_no_proof():
    assert verify_subtree_consistency(3, 3, 8, EMPTY_ROOT, LEAVES[0], [])
    assert not verify_subtree_consistency(3, 3, 8, LEAVES[0], LEAVES[0], [])
    assert not verify_subtree_consistency(3, 3, 8, EMPTY_ROOT, LEAVES[0], [LEAVES[0]])
    assert not verify_subtree_inclusion(LEAVES[0], 3, 3, 3, [], LEAVES[0])


@given(SIZES, st.data())
def test_proofs_made_from_tiles_are_those_of_the_whole_tree(size, data):
    index, small = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    tree, read = Tree(LEAVES[:size]), reader_of(size)
    assert tree_root(read, size) == tree.root()
    assert prove_inclusion(read, index, size) == tree.inclusion_proof(index)
    assert verify_inclusion(LEAVES[index], index, size, prove_inclusion(read, index, size), tree.root())
    proof = prove_consistency(read, small, size)
    assert proof == tree.consistency_proof(small)
    assert verify_consistency(small, size, tree.root(small), tree.root(), proof)


@given(SIZES, st.data())
def test_only_the_tiles_that_are_named_are_read(size, data):
    index, small = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    for spans, prove in (
        (tiles.inclusion_spans(index, size), lambda read: prove_inclusion(read, index, size)),
        (tiles.consistency_spans(small, size), lambda read: prove_consistency(read, small, size)),
    ):
        asked = set()

        def read(level, number, asked=asked):
            asked.add((level, number))
            return reader_of(size)(level, number)

        prove(read)
        assert asked == tiles.tiles_of(spans)


@given(st.lists(st.integers(0, 300), max_size=6))
def test_a_tree_grown_in_batches_is_the_same_and_names_each_full_tile_once(batches):
    grown, single, nodes, place = CompactTree(), CompactTree(), [], 0
    for count in batches:
        leaves = (LEAVES * 4)[place : place + count]
        nodes += tiles.grow(grown, leaves)
        for leaf in leaves:
            single.append(leaf)
        place += count
        assert (grown.size, grown.frontier) == (single.size, single.frontier)
    every = (LEAVES * 4)[:place]
    assert nodes == [(1, k, plain_root(every[k * 256 : (k + 1) * 256])) for k in range(place // 256)]


def test_the_second_level_is_made_of_full_tiles_only():
    tree, leaves = CompactTree(), [leaf_hash(bytes([k % 251])) for k in range(65_536)]
    assert not any(node.level == 2 for node in tiles.grow(tree, leaves[:-1]))
    last = tiles.grow(tree, leaves[-1:])
    assert [(node.level, node.number) for node in last] == [(1, 255), (2, 0)]
    assert last[1].hash == tree.root()


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [(0, 0, 256, "tile/0/000"), (2, 1_234_067, 256, "tile/2/x001/x234/067"), (0, 273, 112, "tile/0/273.p/112"),
     (ENTRIES, 999, 1, "tile/entries/999.p/1"), (63, 1000, 255, "tile/63/x001/000.p/255")],
)  # fmt: skip
def test_the_path_of_a_tile_is_that_of_the_format(level, number, width, path):
    assert tile_path(level, number, width) == path
    assert parse_tile_path(path) == (level, number, width)


@pytest.mark.parametrize(
    "path",
    ["", "tile/0/0", "tile/00/000", "tile/64/000", "tile/-1/000", "tile/0/x000/000", "tile/0/001/000", "tile/0/000.p/0",
     "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000/", "/tile/0/000", "tile/0/../000", "tile/0/٠٠٠", "tile/0/000\n",
     "tile/entries/x00/000", "tile/0/" + "x001/" * 9 + "000"],
)  # fmt: skip
def test_any_other_path_names_no_tile(path):
    with pytest.raises(ValueError, match="path"):
        parse_tile_path(path)


def test_a_tree_of_seventy_thousand_has_the_tiles_of_the_example():
    size = 70_000
    assert [tile_width(0, n, size) for n in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [tile_width(1, n, size) for n in (0, 1, 2)] == [256, 17, 0]
    assert [tile_width(2, n, size) for n in (0, 1)] == [1, 0]
    assert (tile_width(0, 0, 256), tile_width(0, 1, 256), tile_width(1, 0, 256)) == (256, 0, 1)


@given(st.lists(st.binary(max_size=300), max_size=256))
def test_a_bundle_is_read_back(entries):
    assert decode_bundle(encode_bundle(entries)) == entries


@pytest.mark.parametrize("data", [b"\x00", b"\x00\x02a", b"\x00\x01ab", b"\x00\x00" * 257])
def test_what_is_cut_short_or_too_many_is_no_bundle(data):
    with pytest.raises(ValueError, match="bundle"):
        decode_bundle(data)


def test_an_entry_longer_than_its_length_can_say_is_refused():
    assert len(encode_bundle([bytes(65_535)])) == 65_537
    with pytest.raises(ValueError, match="too long"):
        encode_bundle([bytes(65_536)])


def test_a_tile_too_short_for_its_tree_makes_no_proof():
    with pytest.raises(ValueError, match="too short"):
        prove_inclusion(reader_of(300), 2, 600)
    for asked in (lambda: prove_inclusion(reader_of(3), 3, 3), lambda: prove_consistency(reader_of(3), 0, 3)):
        with pytest.raises(ValueError, match="outside"):
            asked()
    with pytest.raises(ValueError, match="no such tile"):
        tile_path(0, -1)
