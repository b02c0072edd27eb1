"""Merkle trees as RFC 6962 defines them, word for word."""

from hashlib import sha256

from pavilion.kernel.merkle import node_hash


def plain_root(leaves):
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return node_hash(plain_root(leaves[:k]), plain_root(leaves[k:]))
