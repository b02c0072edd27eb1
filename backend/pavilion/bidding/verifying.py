"""`pavilion verify-sale`: whether the record of a sale is what its engine signed, and follows from its rules. Pure but
for reading the lines it is given.

Proved: every hash, chain, number, checkpoint and commitment; prices, ends, refusals and results by replay. Not in the
record, so not proved: that a bid never delivered existed; limits, viewings, eligibility and identity; edge stamps; nor
that no checkpoint and no opening of a winner's was left out, since the record does not say how many there are.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pavilion.bidding.altered import name_line
from pavilion.bidding.opened import Commits, Failed
from pavilion.bidding.reading import (
    BadLine,
    BidOpening,
    Event,
    Header,
    Leaf,
    Line,
    ReserveOpening,
    RuleSetLine,
    SignedRoot,
)
from pavilion.bidding.readlines import ReadLines
from pavilion.bidding.replaying import Replay, Undecided
from pavilion.bidding.rules import RuleSet
from pavilion.bidding.ruleset import parse_rules
from pavilion.bidding.tender_reading import EnvelopeLine, ShareLine, TenderLine, WeightLine
from pavilion.bidding.tender_replaying import Opened
from pavilion.kernel.canon import document_hash
from pavilion.kernel.signing import BadNote, VerifierKey, parse_checkpoint, parse_note, parse_vkey, verify_note
from pavilion.kernel.tlog import CompactTree

Lines = Callable[[], Iterator[bytes]]  # the record from its beginning, each line with its newline


class NotARecord(Exception):
    """Nothing in the input reads as a line of a record."""


@dataclass(frozen=True, slots=True)
class Verdict:
    events: int
    root: str
    lots: int
    hidden: int
    hidden_lots: tuple[str, ...]  # ids of published lots of which the record shows nothing yet
    keys: tuple[str, ...]


def verify(lines: Lines) -> Verdict:
    """The verdict on a good record; else Failed, NotARecord or Undecided."""
    log = _Log(lines)
    log.read()
    replay = log.replay()
    replay.finish_or_fail()
    shown = replay.replay
    unseen = tuple(sorted(shown.listing.keys() - shown.lots.keys()))
    return Verdict(log.tree.size, log.tree.root().hex(), len(shown.lots), shown.hidden, unseen, log.header.keys)


# -- what was signed --------------------------------------------------------------------------------------------------


class _Log:
    """One pass over the file: forms, numbers, tree, checkpoints, and the openings at its end."""

    def __init__(self, lines: Lines) -> None:
        self.lines = ReadLines(lines)
        self.header: Header
        self.rules: RuleSet
        self.documents: dict[str, RuleSet] = {}  # every rule set of the record, by its hash
        self.spare: dict[str, int] = {}  # those that no event has named yet, with their lines
        self.keys: list[VerifierKey] = []
        self.tree = CompactTree()
        self.batch: list[tuple[int, Event | Leaf]] = []
        self.wrong_root: Failed | None = None  # a checkpoint that is no good; the next one may show the events are
        self.used: set[str] = set()
        self.rules_hash: str | None = None
        self.openings: list[tuple[int, BidOpening | ReserveOpening]] = []
        self.tender: list[tuple[int, TenderLine]] = []
        self.last = self.events_end = 0  # the last line; the one after the last checkpoint

    def read(self) -> None:
        for number, line in self.lines.all():
            self.last = number
            try:
                if isinstance(line, BadLine):
                    raise line
                self._take(number, line)
            except BadLine as bad:
                if number == 1 and not _reads_as_record(self.lines):
                    raise NotARecord(f"{bad.rule}: {bad.fact}") from None
                raise Failed(number, bad.n, bad.rule, bad.fact) from None
        if self.last == 0:
            raise NotARecord("the file is empty")
        if self.wrong_root is not None:
            raise self.wrong_root
        if self.batch:
            raise Failed(self.batch[-1][0] + 1, self.batch[-1][1].n, "checkpoint", "the last events are not signed")
        if not self.tree.size:
            raise Failed(self.last + 1, None, "end", "the record holds no events")
        if unused := set(self.header.keys) - self.used:
            raise Failed(1, None, "keys", f"nothing is signed by {min(unused)}")
        if self.rules_hash is None or document_hash(self.header.rules) != self.rules_hash:
            raise Failed(1, None, "rules", "the rule set is not the one that was published")
        for number in self.spare.values():
            raise Failed(number, None, "rules", "no event names this rule set")

    def _take(self, number: int, line: Line) -> None:
        if (number == 1) != isinstance(line, Header):
            raise BadLine("order", "the header comes first, and once")
        match line:
            case Header():
                self._take_header(line)
            case RuleSetLine():
                self._take_rules(number, line)
            case Event() | Leaf():
                if self.openings or self.tender:
                    raise BadLine("order", "an event after the openings", line.n)
                self.batch.append((number, line))
            case SignedRoot():
                if self.openings or self.tender:
                    raise BadLine("order", "a checkpoint after the openings")
                self._take_root(number, line)
            case BidOpening() | ReserveOpening():
                if self.wrong_root is not None:
                    raise self.wrong_root
                if self.batch:
                    raise BadLine("order", "opened before the events are signed")
                if self.tender:
                    raise BadLine("order", "an opening after the envelopes")
                self.openings.append((number, line))
            case WeightLine() | EnvelopeLine() | ShareLine():
                if self.wrong_root is not None:
                    raise self.wrong_root
                if self.batch:
                    raise BadLine("order", "opened before the events are signed")
                self.tender.append((number, line))

    def _take_header(self, header: Header) -> None:
        self.header = header
        try:
            self.rules = parse_rules(header.rules)
        except ValueError as fault:
            raise BadLine("rules", str(fault)[:200]) from None
        self.documents[document_hash(header.rules)] = self.rules
        if header.openings != self.rules.openings:
            raise BadLine("openings", "not those of the rule set")
        try:
            self.keys = [parse_vkey(key) for key in header.keys]
        except BadNote as fault:
            raise BadLine("keys", str(fault)) from None
        if len(set(header.keys)) != len(header.keys) or not _any_signed(self.lines, self.keys, header.sale):
            raise BadLine("keys", "no checkpoint of this sale is signed by them")

    def _take_rules(self, number: int, line: RuleSetLine) -> None:
        if self.batch or self.tree.size:
            raise BadLine("order", "a rule set after the events")
        try:
            rules = parse_rules(line.rules)
        except ValueError as fault:
            raise BadLine("rules", str(fault)[:200]) from None
        name = document_hash(line.rules)
        if name in self.documents:
            raise BadLine("rules", "this rule set stands in the record twice")
        self.documents[name], self.spare[name] = rules, number

    def _take_root(self, number: int, line: SignedRoot) -> None:
        try:
            size, root = self._signed(line.text)
        except BadNote as fault:
            # The events before it may still be good, which the next checkpoint shows; then this line is the first bad.
            self.wrong_root = self.wrong_root or Failed(number, None, "checkpoint", str(fault))
            return
        tree = self.tree.copy()
        for _, one in self.batch:
            tree.append(one.hash)
        if (tree.size, tree.root()) != (size, root):
            where, rule, fact = name_line(
                self.lines.good(), self.tree, self.batch, number, size, root, self._replay_fault
            )
            n = next((one.n for at, one in self.batch if at == where), None)
            raise Failed(where, n, rule, fact)
        if self.wrong_root is not None:
            raise self.wrong_root
        for place, (at, one) in enumerate(self.batch, start=self.tree.size):
            if one.n != place:
                raise Failed(at, one.n, "order", f"n {place} is due")
            if isinstance(one, Event) and one.type == "sale.published":
                self.rules_hash = one.data["rules"]
                self.spare.pop(one.data["rules"], None)
            elif isinstance(one, Event) and one.type == "sale.amended":
                self.spare.pop(one.data["to"], None)
        self.tree, self.batch, self.events_end = tree, [], number + 1

    def _signed(self, text: str) -> tuple[int, bytes]:
        signatures = parse_note(text).signatures
        checkpoint = parse_checkpoint(verify_note(text, self.keys))
        known = {(key.name, key.id): str(key) for key in self.keys}
        if any((one.name, one.key_id) not in known for one in signatures):
            raise BadNote("signed by a key that the header does not name")
        names = {one.name for one in signatures}
        if not any(checkpoint.origin == f"{name}/sale/{self.header.sale}" for name in names):
            raise BadNote("the checkpoint is of another log")
        self.used |= {known[one.name, one.key_id] for one in signatures}
        return checkpoint.size, checkpoint.root

    # -- what it says -------------------------------------------------------------------------------------------------

    def replay(self) -> "_Replaying":
        """All events replayed with the openings, after the openings themselves were held against the events."""
        commits = Commits(self.header.sale, self.openings, self.last)
        for _, line in self.lines.good(self.last):
            commits.take(line)
        amounts, reserves = commits.open_all(losing=self.rules.openings == "losing")
        tender = Opened(self.header.sale, self.rules, self.tender)
        replay = Replay(self.header.sale, self.rules, amounts, reserves, tender, self.documents)
        replaying = _Replaying(replay, self.events_end)
        for number, line in self.lines.good(self.last):
            replaying.take(number, line)
        return replaying

    def _replay_fault(self, until: int) -> int | None:
        """The first line up to this one that does not follow by the rules, as far as an unproved record can tell."""
        amounts = {line.n: line for _, line in self.lines.good() if isinstance(line, BidOpening)}
        replaying = _Replaying(Replay(self.header.sale, self.rules, amounts, {}, documents=self.documents), until)
        try:
            for number, line in self.lines.good(until):
                replaying.take(number, line)
        except Failed as failed:
            # Of two times in the wrong order either may be the altered one.
            return None if failed.rule == "time" else failed.line
        except Undecided:
            return None
        return None


class _Replaying:
    def __init__(self, replay: Replay, end: int) -> None:
        self.replay, self.end = replay, end

    def take(self, number: int, line: Line) -> None:
        if isinstance(line, Event | Leaf):
            try:
                self.replay.take(line)
            except BadLine as bad:
                raise Failed(number, line.n, bad.rule, bad.fact) from None

    def finish_or_fail(self) -> None:
        try:
            self.replay.finish()
        except BadLine as bad:
            raise Failed(self.end, None, bad.rule, bad.fact) from None


def _any_signed(lines: ReadLines, keys: list[VerifierKey], sale: str) -> bool:
    for _, line in lines.good():
        if isinstance(line, SignedRoot):
            try:
                if parse_checkpoint(verify_note(line.text, keys)).origin.endswith(f"/sale/{sale}"):
                    return True
            except BadNote:
                continue
    return False


def _reads_as_record(lines: ReadLines) -> bool:
    """Whether anything after the first line is a line of a record: then the first one is merely broken."""
    return any(number > 1 for number, _ in lines.good(1000))
