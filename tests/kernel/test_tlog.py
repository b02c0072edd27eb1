import base64
import json
from pathlib import Path

import pytest

from pavilion.kernel.tlog import (
    EMPTY_ROOT,
    CompactTree,
    Tree,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.kernel.plain import plain_root

FOLDER = Path(__file__).parents[1] / "data/conformance/merkle/inclusion"
LEAVES = [leaf_hash(str(k).encode()) for k in range(40)]


@pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("*.json")), ids=lambda path: "-".join(path.relative_to(FOLDER).with_suffix("").parts)
)
def test_the_public_inclusion_proofs_are_judged_as_the_reference_does(path):
    case = json.loads(path.read_text("utf-8"))
    proof = [base64.b64decode(part) for part in case["proof"] or []]
    leaf, root = base64.b64decode(case["leafHash"] or ""), base64.b64decode(case["root"] or "")
    assert verify_inclusion(leaf, case["leafIdx"], case["treeSize"], proof, root) is not case["wantErr"]


def test_all_public_inclusion_proofs_are_here():
    assert len(list(FOLDER.rglob("*.json"))) == 98


def test_roots_of_every_size_are_those_of_the_definition():
    tree, compact = Tree(LEAVES), CompactTree()
    assert tree.root(0) == compact.root() == EMPTY_ROOT
    for size in range(1, len(LEAVES) + 1):
        compact.append(LEAVES[size - 1])
        assert tree.root(size) == compact.root() == plain_root(LEAVES[:size])
        assert CompactTree(compact.size, compact.frontier).root() == compact.root()


def test_every_leaf_proves_its_place_and_no_other():
    tree = Tree(LEAVES)
    for size in range(1, len(LEAVES) + 1):
        root = tree.root(size)
        for index in range(size):
            proof = tree.inclusion_proof(index, size)
            assert verify_inclusion(LEAVES[index], index, size, proof, root)
            assert not verify_inclusion(LEAVES[index], (index + 1) % (size + 1), size, proof, root) or size == 1
            assert not verify_inclusion(LEAVES[index], index, size, [*proof, root], root)


def test_every_size_proves_to_begin_every_later_one():
    tree = Tree(LEAVES)
    for size2 in range(1, len(LEAVES) + 1):
        for size1 in range(1, size2 + 1):
            proof = tree.consistency_proof(size1, size2)
            root1, root2 = tree.root(size1), tree.root(size2)
            assert verify_consistency(size1, size2, root1, root2, proof)
            assert not verify_consistency(size1, size2, root2, root1, proof) or size1 == size2
            assert not verify_consistency(size1, size2, root1, root2, [*proof, root1])
            for k in range(len(proof)):
                assert not verify_consistency(size1, size2, root1, root2, proof[:k] + proof[k + 1 :])
                assert not verify_consistency(size1, size2, root1, root2, [*proof[:k], EMPTY_ROOT, *proof[k + 1 :]])


@pytest.mark.parametrize(("index", "size"), [(-1, 1), (1, 1), (0, 0), (0, -1), (2**70, 2**70), (True, 3), ("0", "1")])
def test_a_bad_place_is_false_and_never_an_accident(index, size):
    assert not verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


@pytest.mark.parametrize(("size1", "size2"), [(0, 1), (2, 1), (-1, 3), (0, 0), (2**70, 2**70 + 1), (None, 1)])
def test_bad_sizes_are_false_and_never_an_accident(size1, size2):
    assert not verify_consistency(size1, size2, LEAVES[0], LEAVES[1], [])


def test_a_hash_of_another_length_is_false():
    assert not verify_inclusion(LEAVES[0][:31], 0, 1, [], LEAVES[0][:31])
    assert not verify_consistency(1, 2, LEAVES[0], LEAVES[1], [b"short"])


def test_a_tree_does_not_answer_beyond_its_leaves():
    tree = Tree(LEAVES[:3])
    for ask in (lambda: tree.root(4), lambda: tree.inclusion_proof(3), lambda: tree.consistency_proof(0)):
        with pytest.raises(ValueError, match="outside"):
            ask()
    with pytest.raises(ValueError, match="frontier"):
        CompactTree(3, [LEAVES[0]])
