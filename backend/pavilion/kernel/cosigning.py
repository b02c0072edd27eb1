"""Cosignatures of checkpoints (C2SP tlog-cosignature, Ed25519) and the policy that says how many are enough. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pavilion.kernel.canon import document_hash
from pavilion.kernel.signing import (
    COSIGNER,
    BadNote,
    Note,
    Signature,
    SigningKey,
    VerifierKey,
    parse_note,
    parse_vkey,
    signature_line,
)

MOST_LINES = 200
NO_QUORUM = "none"
_LONGEST_TIME = 2**63 - 1
_THRESHOLD = re.compile(r"[1-9][0-9]{0,2}")
_PLAIN = re.compile(r"[\t\n\x20-\x7e\x80-\U0010ffff]*")


class BadPolicy(ValueError):
    """Not a policy; the text says which line."""


class LogKey(NamedTuple):
    key: VerifierKey
    url: str


class Witness(NamedTuple):
    name: str
    key: VerifierKey
    url: str


@dataclass(frozen=True, slots=True)
class Policy:
    """Whose checkpoints count, and whose cosignatures make them count."""

    logs: Sequence[LogKey] = ()
    witnesses: Sequence[Witness] = ()
    groups: Mapping[str, tuple[int, Sequence[str]]] = field(default_factory=dict)
    quorum: str = NO_QUORUM
    text: str = "quorum none\n"

    @property
    def sha256(self) -> str:
        """Of what decides: keys, groups and quorum. Another address or comment is the same policy."""
        witnesses = [[witness.name, str(witness.key)] for witness in self.witnesses]
        groups = [[name, count, *members] for name, (count, members) in self.groups.items()]
        decides = [[str(log.key) for log in self.logs], witnesses, groups, self.quorum]
        return document_hash(decides)

    @property
    def needed(self) -> int:
        """The fewest witnesses that can make a quorum."""
        return self._fewest(self.quorum)

    def satisfied_by(self, checkpoint: str) -> bool:
        """Whether this note is signed by a log of the policy and cosigned by a quorum; rubbish is simply false.
        A policy that names no log leaves the log's signature to whoever knows the log."""
        try:
            note = parse_note(checkpoint)
        except BadNote:
            return False
        return (not self.logs or self.signed_by(note) is not None) and self.enough(self.cosigners(note))

    def signed_by(self, note: Note) -> VerifierKey | None:
        """The log's key that signed the note as the origin it names."""
        origin = note.text.partition("\n")[0]
        for log in self.logs:
            if log.key.name == origin and any(
                (name, key_id) == (log.key.name, log.key.id) and log.key.verifies(signature, note.text.encode())
                for name, key_id, signature in note.signatures
            ):
                return log.key
        return None

    def cosigners(self, note: Note) -> dict[str, int]:
        """When each witness of the policy saw this checkpoint, in seconds since 1970; the latest, if twice."""
        seen: dict[str, int] = {}
        for witness in self.witnesses:
            times = [cosigned_at(note.text, signature, witness.key) for signature in note.signatures]
            if good := [at for at in times if at is not None]:
                seen[witness.name] = max(good)
        return seen

    def enough(self, names: Mapping[str, object]) -> bool:
        """Whether the witnesses of these names make a quorum."""
        return self.quorum == NO_QUORUM or self._met(self.quorum, names)

    def _met(self, name: str, names: Mapping[str, object]) -> bool:
        if name not in self.groups:
            return name in names
        threshold, members = self.groups[name]
        return sum(self._met(member, names) for member in members) >= threshold

    def _fewest(self, name: str) -> int:
        if name == NO_QUORUM:
            return 0
        if name not in self.groups:
            return 1
        threshold, members = self.groups[name]
        return sum(sorted(map(self._fewest, members))[:threshold])


NOBODY_ASKED = Policy()


def cosign(text: str, key: SigningKey, at_s: int) -> str:
    """The line by which this witness says that it saw the checkpoint at that second."""
    if key.verifier.kind != COSIGNER or not 0 <= at_s <= _LONGEST_TIME:
        raise ValueError("a cosignature needs a witness's key and a time")
    return signature_line(key.verifier, at_s.to_bytes(8) + key.sign(_message(text, at_s)))


def verify_cosignature(text: str, signature: Signature, key: VerifierKey) -> bool:
    return cosigned_at(text, signature, key) is not None


def cosigned_at(text: str, signature: Signature, key: VerifierKey) -> int | None:
    """The second at which this key cosigned the checkpoint; None if it did not."""
    if (signature.name, signature.key_id) != (key.name, key.id) or key.kind != COSIGNER:
        return None
    if len(signature.signature) != 72:
        return None
    at_s = int.from_bytes(signature.signature[:8])
    if at_s > _LONGEST_TIME or not key.verifies(signature.signature[8:], _message(text, at_s)):
        return None
    return at_s


def policy_text(log: VerifierKey, url: str, witnesses: Sequence[Witness] = (), quorum: int = 0) -> str:
    """The policy file by which `quorum` of these witnesses are enough; 0 asks for none."""
    lines = [f"log {log} {url}".rstrip(), *(f"witness {one.name} {one.key} {one.url}".rstrip() for one in witnesses)]
    if quorum:
        lines.append(f"group witnesses {quorum} {' '.join(one.name for one in witnesses)}")
    return "\n".join([*lines, f"quorum {'witnesses' if quorum else NO_QUORUM}", ""])


def parse_policy(text: str) -> Policy:
    """The policy of a C2SP policy file; BadPolicy names the line that cannot be."""
    if _PLAIN.fullmatch(text) is None:
        raise BadPolicy("control characters")
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        raise BadPolicy(f"more than {MOST_LINES} lines")
    draft = _Draft()
    for number, line in enumerate(lines, start=1):
        words = re.split(r"[ \t]+", line.strip(" \t"))
        if words == [""] or words[0].startswith("#"):
            continue
        try:
            draft.take(words)
        except (BadNote, BadPolicy) as fault:
            raise BadPolicy(f"line {number}: {fault}") from None
    if draft.quorum is None:
        raise BadPolicy("no quorum line")
    return Policy(tuple(draft.logs), tuple(draft.witnesses), draft.groups, draft.quorum, text)


def _message(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


class _Draft:
    """A policy file as far as it was read."""

    def __init__(self) -> None:
        self.logs: list[LogKey] = []
        self.witnesses: list[Witness] = []
        self.groups: dict[str, tuple[int, Sequence[str]]] = {}
        self.quorum: str | None = None
        self.names: set[str] = {NO_QUORUM}
        self.members: set[str] = set()

    def take(self, words: Sequence[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                key = parse_vkey(vkey)
                self._no_twin(key, [log.key for log in self.logs])
                self.logs.append(LogKey(key, "".join(url)))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                key = parse_vkey(vkey, COSIGNER)
                self._no_twin(key, [witness.key for witness in self.witnesses])
                self._define(name)
                self.witnesses.append(Witness(name, key, "".join(url)))
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case ["quorum", name]:
                if self.quorum is not None:
                    raise BadPolicy("a second quorum")
                if name not in self.names:
                    raise BadPolicy(f"{name} is not defined before")
                self.quorum = name
            case _:
                raise BadPolicy("not a line of a policy")

    def _group(self, name: str, threshold: str, members: Sequence[str]) -> None:
        for member in members:
            if member not in self.names or member == NO_QUORUM or member in self.members:
                raise BadPolicy(f"{member} cannot be a member here")
            self.members.add(member)
        count = {"all": len(members), "any": 1}.get(threshold)
        if count is None:
            count = int(threshold) if _THRESHOLD.fullmatch(threshold) else 0
        if not 1 <= count <= len(members):
            raise BadPolicy("the group's number does not fit its members")
        self._define(name)
        self.groups[name] = (count, tuple(members))

    def _define(self, name: str) -> None:
        if name in self.names:
            raise BadPolicy(f"{name} is defined twice")
        self.names.add(name)

    @staticmethod
    def _no_twin(key: VerifierKey, others: Sequence[VerifierKey]) -> None:
        if any(key.public == other.public for other in others):
            raise BadPolicy("the same key stands twice")
