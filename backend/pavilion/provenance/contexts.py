"""The contexts a credential of this house may name. They are known, never fetched: an unknown one is refused.

The texts ship in data/contexts, where README.md says where each is from and which one is known by its address alone."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from pavilion.kernel.canon import sha256_hex
from pavilion.provenance.proofs import BadCredential

W3C = "https://www.w3.org/ns/credentials/v2"
W3C_SHA256 = "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"  # as the recommendation prints it
UNTP = "https://test.uncefact.org/vocabulary/untp/dpp/working/"  # as of commit af6cd474, for this ruleset
STONE_PATH = "/contexts/stone/v1"
_BASE = re.compile(r"(https?://[^/?#\s]{1,255})/")


@cache
def stone_context() -> bytes:
    return (files("pavilion.provenance") / "data" / "contexts" / "stone-v1.json").read_bytes()


@cache
def w3c_context() -> bytes:
    """The text that the digest of the recommendation is of, to the byte."""
    text = (files("pavilion.provenance") / "data" / "contexts" / "credentials-v2.json").read_bytes()
    if sha256_hex(text) != W3C_SHA256:
        raise ValueError("the shipped context is not the W3C's")
    return text


def stone_sha256() -> str:
    return sha256_hex(stone_context())


def of_passport(base: str) -> list[str]:
    return [W3C, UNTP, f"{base}{STONE_PATH}"]


def of_countersignature(base: str) -> list[str]:
    return [W3C, f"{base}{STONE_PATH}"]


def check(document: Mapping[str, Any]) -> None:
    """BadCredential unless the list begins with the W3C's and holds nothing unknown. The context of the house is known
    by its path, at the address the document itself or its subject lives at."""
    named = document.get("@context")
    if not isinstance(named, Sequence) or isinstance(named, str) or not named or named[0] != W3C:
        raise BadCredential("CONTEXT", "the list does not begin with the W3C's")
    known = {W3C, UNTP, *(f"{base}{STONE_PATH}" for base in _bases(document))}
    for url in named:
        if not isinstance(url, str) or url not in known:
            raise BadCredential("CONTEXT", f"unknown context {str(url)[:80]}")
    if len(set(named)) != len(named):
        raise BadCredential("CONTEXT", "a context stands twice")


def _bases(document: Mapping[str, Any]) -> set[str]:
    subject = document.get("credentialSubject")
    ids = (document.get("id"), subject.get("id") if isinstance(subject, Mapping) else None)
    found = (_BASE.match(name) for name in ids if isinstance(name, str))
    return {match.group(1) for match in found if match is not None}
