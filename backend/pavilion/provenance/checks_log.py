"""The checks on the log: an object is what an entry commits to, the entry stands in the tree, the log's key
signed the tree and enough witnesses saw it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from pavilion.kernel.cosigning import Policy, parse_policy
from pavilion.kernel.merkle import leaf_hash, verify_inclusion
from pavilion.kernel.signing import Checkpoint, Note, VerifierKey, parse_checkpoint, parse_note
from pavilion.kernel.tlogproof import BadProof, TlogProof, parse_tlog_proof
from pavilion.provenance.checks import Passport
from pavilion.provenance.verifying_forms import opening
from pavilion.provenance.verifying_report import Examination

_ENTRY: Final = re.compile(
    rb'\{"commit":"([0-9a-f]{64})","issuer":"(did:[a-z0-9]+:[A-Za-z0-9._:%-]{1,400})","kind":"([a-z]{1,10})",'
    rb'"t":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)","v":1\}'
)


class Seen(NamedTuple):
    """What the log and its witnesses say of a checkpoint."""

    good: int
    of: int
    at: datetime | None  # when the last witness saw it


class Entry(NamedTuple):
    commit: str
    issuer: str
    kind: str
    at: str


@dataclass(frozen=True, slots=True)
class Logged:
    """One object and what came to show that it was logged. `content` is None for what may not be shown."""

    name: str
    kind: str | None  # what the entry must say it is; None: whatever it says
    content: bytes | None
    entry: bytes | None
    proof: str
    issuer: str | None = None


def leaves(exam: Examination, all_logged: list[Logged], passport: Passport | None) -> list[TlogProof]:
    """LEAF and INCLUSION over all of them; the proofs that could be read."""
    told = {} if passport is None else passport.events
    found: list[TlogProof] = []
    opened = closed = named = 0
    for one in all_logged:
        try:
            proof = parse_tlog_proof(one.proof)
            extra = opening(proof.extra)
            entry_bytes = one.entry if one.entry is not None else _made_again(one, extra, passport)
            entry = read_entry(entry_bytes)
            fault = _fault(one, entry, extra)
        except BadProof as refused:
            exam.fail("INCLUSION", "%(name)s: %(why)s", name=one.name, why=str(refused))
            return found
        except ValueError as refused:
            exam.fail("LEAF", "%(name)s: %(why)s", name=one.name, why=str(refused))
            return found
        leaf = leaf_hash(entry_bytes)
        if fault is None and told.get(proof.index, leaf.hex()) != leaf.hex():
            fault = "the passport names another leaf at this place"
        if fault is not None:
            exam.fail("LEAF", "%(name)s: %(why)s", name=one.name, why=fault)
            return found
        named += proof.index in told
        opened += extra is not None and one.content is not None
        closed += one.content is None
        checkpoint = _root(proof.checkpoint)
        if not verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root):
            exam.fail("INCLUSION", "%(name)s: the way does not lead to the signed root", name=one.name)
            return found
        found.append(proof)
    exam.ok(
        "LEAF",
        "%(opened)s commitments opened, %(closed)s stay closed; %(named)s of %(events)s events that the passport names",
        opened=opened,
        closed=closed,
        named=named,
        events=len(told),
    )
    exam.ok("INCLUSION", "%(count)s leaves lead to the signed root", count=len(found))
    return found


def checkpoints(
    exam: Examination, proofs: list[TlogProof], policy: Policy | None, passport: Passport | None
) -> Seen | None:
    """CHECKPOINT and WITNESS over every signed root that the proofs lead to; what is said of the weakest."""
    if policy is None or not policy.logs:
        exam.undecided("CHECKPOINT", "no policy says which log and which witnesses are to be believed")
        return None
    weakest: Seen | None = None
    size = 0
    for note in dict.fromkeys(proof.checkpoint for proof in proofs):
        seen = noted(note, policy.text)
        if isinstance(seen, Unsigned):
            where = "WITNESS" if seen.by_witnesses else "CHECKPOINT"
            (exam.undecided if seen.unknown else exam.fail)(where, seen.why, **seen.facts)
            return None
        origin, size, found = seen
        if passport is not None and origin != passport.log["origin"]:
            exam.fail("CHECKPOINT", "the passport names another log")
            return None
        weakest = found if weakest is None or found.good < weakest.good else weakest
    assert weakest is not None
    exam.ok("CHECKPOINT", "signed by the log %(origin)s at %(size)s leaves", origin=origin, size=size)
    if weakest.of == 0:
        exam.ok("WITNESS", "the policy asks for no witness")
    else:
        at = weakest.at.strftime("%Y-%m-%d %H:%M:%S") if weakest.at is not None else "–"
        exam.ok("WITNESS", "%(good)s of %(of)s saw it, last at %(at)s UTC", good=weakest.good, of=weakest.of, at=at)
    return weakest


class Unsigned(NamedTuple):
    """A checkpoint that the policy does not vouch for. `unknown`: it is of a log the policy does not speak of."""

    why: str
    facts: Mapping[str, object]
    unknown: bool = False
    by_witnesses: bool = False


@lru_cache(maxsize=256)
def noted(note: str, policy_text: str) -> Unsigned | tuple[str, int, Seen]:
    """Origin, size and witnesses of a signed checkpoint. One checkpoint covers many stones: it is checked once."""
    policy = _policy(policy_text)
    parsed, checkpoint = _note(note), _root(note)
    if not any(log.key.name == checkpoint.origin for log in policy.logs):
        return Unsigned("the log %(origin)s is not one of the policy", {"origin": checkpoint.origin[:80]}, unknown=True)
    if policy.signed_by(parsed) is None:
        return Unsigned("the log's signature does not hold", {})
    cosigners = policy.cosigners(parsed)
    known = {(witness.key.name, witness.key.id): witness.name for witness in policy.witnesses}
    wrong = [known.get((name, key_id)) for name, key_id, _ in parsed.signatures]
    if any(name is not None and name not in cosigners for name in wrong):
        return Unsigned("a witness's cosignature does not hold", {}, by_witnesses=True)
    if not policy.enough(cosigners):
        facts = {"good": len(cosigners), "of": len(policy.witnesses), "needed": policy.needed}
        return Unsigned("%(good)s of %(of)s saw it, %(needed)s are needed", facts, by_witnesses=True)
    at = datetime.fromtimestamp(max(cosigners.values()), UTC) if cosigners else None
    return checkpoint.origin, checkpoint.size, Seen(len(cosigners), len(policy.witnesses), at)


@lru_cache(maxsize=64)
def _root(note: str) -> Checkpoint:
    return parse_checkpoint(_note(note).text)


@lru_cache(maxsize=64)
def _note(text: str) -> Note:
    return parse_note(text)


@lru_cache(maxsize=16)
def _policy(text: str) -> Policy:
    return parse_policy(text)


def fingerprint(key: VerifierKey | bytes) -> str:
    """Sixteen digits by which people compare keys."""
    public = key if isinstance(key, bytes) else key.public
    return sha256(public).hexdigest()[:16]


def read_entry(data: bytes) -> Entry:
    """The entry, in its one spelling; a ValueError for anything else."""
    if (match := _ENTRY.fullmatch(data)) is None:
        raise ValueError("not an entry of the log")
    return Entry(*(part.decode() for part in match.groups()))


def _fault(one: Logged, entry: Entry, extra: tuple[str, bytes] | None) -> str | None:
    """Why the entry does not vouch for the object."""
    if one.kind is not None and entry.kind != one.kind:
        return "the entry is of another kind"
    if one.issuer is not None and entry.issuer != one.issuer:
        return "the entry is of another issuer"
    if extra is None:
        return None if one.content is None else "nothing opens its commitment"
    kind, salt = extra
    if kind != entry.kind:
        return "the proof is of another kind"
    if one.content is not None and sha256(salt + one.content).hexdigest() != entry.commit:
        return "the commitment is to something else"
    return None


def _made_again(one: Logged, extra: tuple[str, bytes] | None, passport: Passport | None) -> bytes:
    """The entry of a passport whose proof came without it: all of it follows from the passport and the salt."""
    if passport is None or passport.proof is None or extra is None or one.kind != "passport":
        raise ValueError("the entry that goes with the proof is missing")
    commit = sha256(extra[1] + passport.raw).hexdigest()
    created = passport.proof.get("created")
    return f'{{"commit":"{commit}","issuer":"{passport.did}","kind":"passport","t":"{created}","v":1}}'.encode()
