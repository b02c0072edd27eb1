"""The sanctions list: fetched whole, believed under its signature and until its day, matched in this house."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from pavilion.kernel.clock import monotonic_s
from pavilion.provenance.registries import reading
from pavilion.provenance.registries.lines import Asked, Line, Said, Silent
from pavilion.provenance.registries.port import SANCTIONS, Answer, Claim, Reason, Status, plain_bytes

FRESH_S = 30  # a name put on the list is known within a minute
REMEMBERED = 10_000  # parties of one list
SHORT = 4  # in words of fewer letters one letter makes another name
_INITIALS = re.compile(r"\b(?:\w\.){2,}")  # S.A.R.L. is one word
# What companies are, not who they are.
_FORMS = frozenset(
    {"ab", "ag", "bv", "bvba", "co", "company", "corp", "corporation", "dmcc", "fze", "fzco", "gmbh", "group"}
    | {"holding", "holdings", "inc", "kg", "limited", "llc", "llp", "ltd", "ltda", "nv", "oao", "ooo", "oy", "plc"}
    | {"pte", "pty", "pvt", "sa", "sarl", "sas", "spa", "srl"}
)


@dataclass(frozen=True, slots=True)
class Entry:
    id: str
    names: tuple[tuple[str, ...], ...]  # each as its words in order of the alphabet


@dataclass(frozen=True, slots=True)
class SanctionsList:
    version: str
    issued: str
    valid_until: date
    by_id: Mapping[str, Entry]
    by_name: Mapping[tuple[str, ...], Entry]
    entries: tuple[Entry, ...]
    _looked_at: dict[tuple[str, str], Entry | None] = field(default_factory=dict, compare=False)

    def matched(self, party: str, name: str) -> bool:
        return folded_id(party) in self.by_id or words_of(name) in self.by_name or words_of(party) in self.by_name

    def near(self, party: str, name: str) -> Entry | None:
        """An entry so alike that a person must look."""
        if (party, name) not in self._looked_at:
            if len(self._looked_at) >= REMEMBERED:
                self._looked_at.clear()
            self._looked_at[party, name] = self._alike(party, name)
        return self._looked_at[party, name]

    def _alike(self, party: str, name: str) -> Entry | None:
        for told in {words_of(name), words_of(party)}:
            for entry in self.entries:
                if any(alike(told, listed) for listed in entry.names):
                    return entry
        return None


class SanctionsRegistry:
    """Nothing about our parties leaves the house; a list that has run out is no list."""

    def __init__(self, line: Line) -> None:
        self.name, self.address = SANCTIONS, line.address
        self._line = line
        self._list: SanctionsList | None = None
        self._said: Said | None = None
        self._fetched_at: float | None = None

    async def confirm(self, claim: Claim, now: datetime) -> Answer:
        try:
            listed = await self._in_force()
        except Silent as silent:
            return Answer(self.name, Status.UNAVAILABLE, now, reason=silent.reason, raw_sha256=silent.raw_sha256)
        assert self._said is not None and self._said.document is not None
        if listed.valid_until < now.date():
            return Answer(self.name, Status.UNAVAILABLE, now, reason=Reason.SCHEMA, raw_sha256=self._said.raw_sha256)
        parties = {party: str(name) for party, name in claim.fields.items()}
        matched = sorted(party for party, name in parties.items() if listed.matched(party, name))
        near = [(party, listed.near(party, name)) for party, name in sorted(parties.items()) if party not in matched]
        found = [{"party": party, "entry": entry.id} for party, entry in near if entry is not None]
        facts = {"version": listed.version, "issued": listed.issued, "matched": matched, "near": found}
        return Answer(
            self.name,
            Status.FOUND,
            now,
            raw_sha256=sha256(plain_bytes([self._said.raw_sha256, facts])).hexdigest(),
            signature=self._said.signature,
            simulated=self._said.document.get("simulated") is True,
            fields=facts,
        )

    async def close(self) -> None:
        await self._line.close()

    async def _in_force(self) -> SanctionsList:
        if self._list is None or self._fetched_at is None or monotonic_s() - self._fetched_at > FRESH_S:
            said = await self._line.ask(Asked("list"))
            if said.document is None:
                raise Silent(Reason.SCHEMA, said.raw_sha256)
            if self._said is None or said.raw_sha256 != self._said.raw_sha256:
                try:
                    self._list = read_list(said.document)
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise Silent(Reason.SCHEMA, said.raw_sha256) from None
            self._said, self._fetched_at = said, monotonic_s()
        assert self._list is not None
        return self._list


def read_list(document: Mapping[str, Any]) -> SanctionsList:
    """ValueError for what is no list."""
    entries = []
    for said in reading.objects(document, "entries"):
        names = (reading.word(said, "name"), *reading.words(said, "aliases"))
        entries.append(Entry(reading.word(said, "id"), tuple(filter(None, map(words_of, names)))))
    return SanctionsList(
        reading.word(document, "version"),
        reading.day(document, "issued"),
        date.fromisoformat(reading.day(document, "valid_until")),
        {folded_id(entry.id): entry for entry in entries},
        {name: entry for entry in entries for name in entry.names},
        tuple(entries),
    )


def folded_id(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def words_of(name: str) -> tuple[str, ...]:
    """A name without case, accents, punctuation, legal form and order."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    plain = _INITIALS.sub(lambda found: found[0].replace(".", ""), plain)
    letters = "".join(
        " " if unicodedata.category(char)[0] in "PSZC" else char for char in plain if unicodedata.category(char) != "Mn"
    )
    found = sorted(letters.split())
    return tuple([word for word in found if word not in _FORMS] or found)


def alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """All words of the shorter name stand in the longer one, up to a letter each, and are at least two or make up half
    of it."""
    short, long = sorted((one, other), key=len)
    if not short or len(short) * 2 < len(long):
        return False
    rest = list(long)
    for word in short:
        found = next((other_word for other_word in rest if _one_letter_off(word, other_word)), None)
        if found is None:
            return False
        rest.remove(found)
    return len(short) > 1 or len(short[0]) >= SHORT


def _one_letter_off(one: str, other: str) -> bool:
    """Equal, or one letter added, left out or changed, in words long enough for that to be a slip."""
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < SHORT or len(long) - len(short) > 1:
        return False
    at = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short[at + 1 :] == long[at + 1 :] if len(short) == len(long) else short[at:] == long[at + 1 :]
