"""A whole sale by seed: the product's own rules, acts, draft and book; a hand for a clock and a list for a store."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from pavilion.bidding import acts, due, folding
from pavilion.bidding.acts import StaffAct
from pavilion.bidding.book import FINAL, BookRow, Line, PrivateLine, SignedRoot, Stored
from pavilion.bidding.closing import NEVER
from pavilion.bidding.deciding import Answer, Bidder, BidOrder, Facts, LotFacts, decide_bid
from pavilion.bidding.folding import Book, Draft
from pavilion.bidding.publication import LotPublication, Publication, publish, publishable
from pavilion.bidding.record import hidden_lots, record_lines
from pavilion.bidding.texts import canonical_text
from pavilion.bidding.vault import Vault
from pavilion.kernel.canon import document_hash, read_json
from pavilion.kernel.instants import from_micros, micros, stamp
from pavilion.kernel.signing import SigningKey, checkpoint_text, sign_note
from tests.luck import Random
from tests.make import NOON

S = 1_000_000
OPENS = micros(NOON)
SALE = "01SALE00000000000000000000"
TERMS = "cd" * 32
VAULT = Vault(bytes(range(32)))
SIGNER = SigningKey("auctions.example", bytes(range(32)))
TABLES = (
    [[0, 5000], [100_000, 10_000], [200_000, 25_000], [500_000, 50_000]],
    [[0, 1000], [50_000, 5000]],
    [[0, 200], [1200, 600], [11_200, 1200]],
    [[0, 1]],
)


@dataclass(frozen=True)
class Asked:
    """One request and what was answered, as a client would note it."""

    order: BidOrder
    t: int
    now: int
    answer: Answer
    at_n: int  # the next n of the book when it was decided
    batch: int


def rules_doc(rng: Random, lots: int) -> dict:
    first = OPENS + rng.choice((300, 1200, 3600)) * S
    interval = rng.choice((0, 30, 60, 300))
    hard = rng.choice((None, None, lots * interval + rng.choice((0, 90, 600))))
    window = rng.choice((0, 60, 120, 300))
    clerked = rng.random() < 0.15
    together = not clerked and rng.random() < 0.2  # all lots end, and move, as one
    if together:
        interval, hard = 0, rng.choice((None, None, 90, 600))
    return ({"clerked": {"final_call": rng.choice((1, 10, 30))}} if clerked else {}) | {
        "v": 1,
        "format": "clerked" if clerked else "timed",
        "currency": "USD",
        "zone": "Europe/Brussels",
        "opens_at": stamp(from_micros(OPENS)),
        "increments": rng.choice(TABLES),
        "mode": rng.choice(("add", "add", "snap")),
        "reserve_rule": rng.choice(("jump", "jump", "push", "house")),
        "reserve_publish": "at_record",
        "soft_close": {
            "window": window,
            "extension": rng.choice((60, 120, 180)),
            "mode": rng.choice(("reset", "reset", "add")),
            "scope": "group" if together else "lot",
            "hard_end": None if hard is None or clerked else stamp(from_micros(first + hard * S)),
        },
        "stagger": {
            "first": stamp(from_micros(first)),
            "interval": interval,
            "per": rng.choice((1, 2)),
            "breaks": rng.choice(([], [], [[1, 45]])) if hard is None and not together else [],
        },
        "hold_results": False,
        "edge_delay_ms": 2000,
        "close_wait_extend_ms": 500,
        "outage": {"min": 10, "span": 600, "grant": 600},
        "premium": {"bands": [[None, 2500]], "early_bands": None, "early_before_hours": 48},
        "limits": {"required": True, "include_fees": rng.random() < 0.5},
        "viewing_gate": None,
        "retraction": {"slip_factor": 10, "within_minutes": 15, "before_end_hours": 12},
        "jump_confirm": {"factor": 3, "steps": 10},
        "openings": "losing",
        "passed_offer_days": 5,
        "terms": TERMS,
    }


def lot_id(number: int) -> str:
    return f"01LOT{number:021d}"


class House:
    """One sale from publication to close. `run` plays it; `asked` and `lines` are its history."""

    def __init__(self, seed: int, lots: int | None = None, bidders: int | None = None, staff: float = 0.03) -> None:
        self.staff = staff  # how often staff act
        self.rng = rng = Random(seed)
        count = lots or rng.choice((1, 1, 2, 3))
        doc = rules_doc(rng, count)
        self.doc, self.rules_hash = doc, document_hash(doc)
        opening = rng.choice((1000, 50_000, 95_500))
        reserves = [rng.choice((None, opening, opening * 2, opening * 5)) for _ in range(count)]
        listed = [
            LotPublication(lot_id(k), str(k), "USD", opening, reserve, "ab" * 32)
            for k, reserve in enumerate(reserves, start=1)
        ]
        self.publication = Publication(canonical_text(doc), self.rules_hash, listed)
        many = bidders or rng.choice((2, 3, 5, 8))
        self.people = {
            n: Bidder(n, 100 + n, "approved", rng.choice((None, opening * 4, opening * 200)), "HK", TERMS)
            for n in range(1, many + 1)
        }
        barred = frozenset({many}) if rng.random() < 0.3 else frozenset()
        self.facts = Facts(self.people, {one.lot: LotFacts(one.lot, barred) for one in listed})
        vault, wrapped = VAULT.new_sale(SALE)
        self.row = BookRow(SALE, self.publication.rules, self.rules_hash, wrapped, "unpublished", 0)
        self.book = Book(self.row, vault)
        self.now = OPENS - S // 2
        self.lines: list[Line] = []
        self.private: list[PrivateLine] = []
        self.roots: list[SignedRoot] = []
        self.published = None
        self.asked: list[Asked] = []
        self.acted: list[tuple[StaffAct, int, str | None]] = []
        self.outages: list[tuple[int, int, int]] = []  # from, to, next n
        self.publish_again()

    # -- one batch ----------------------------------------------------------------------------------------------------

    def batch(self, orders: list[tuple[BidOrder, int]], staff: list[StaffAct] = (), drained=lambda end: True) -> None:
        """What the engine does between two commits."""
        draft = Draft(self.book, self.now)
        due.open_due(draft)
        for order, t in sorted(orders, key=lambda one: one[1]):
            at_n = draft.n
            answer = decide_bid(draft, self.facts, order, t)
            self.asked.append(Asked(order, t, self.now, answer, at_n, len(self.roots)))
        for act in staff:
            self.acted.append((act, self.now, acts.carry_out(draft, self.facts, act)))
        due.close_due(draft, drained)
        if draft.lines:
            self._commit(draft)

    def publish_again(self) -> None:
        draft = Draft(self.book, self.now)
        publish(draft, self.publication)
        self._commit(draft)

    def outage(self, since: int) -> None:
        """No engine ran from `since` until now."""
        self.outages.append((since, self.now, self.book.n))
        draft = Draft(self.book, self.now)
        due.after_outage(draft, since)
        if draft.lines:
            self._commit(draft)

    def reload(self) -> None:
        """Memory is dropped and read again from what is stored."""
        row = replace(self.row, state=self.book.state, size=len(self.lines))
        stored = Stored(row, self.lines, self.private, dict(self.book.reserves), dict(self.book.staff))
        self.book = folding.load(stored, self.book.vault)

    def _commit(self, draft: Draft) -> None:
        text = checkpoint_text(f"{SIGNER.name}/sale/{SALE}", draft.tree.size, draft.tree.root())
        self.lines += draft.lines
        self.private += draft.private
        self.roots.append(SignedRoot(draft.n, draft.at, text))
        if draft.state == "closed":
            self.published = publishable(draft)
        self.book.settle(draft)

    # -- the story ----------------------------------------------------------------------------------------------------

    def run(self, steps: int) -> "House":
        """So many batches, then time alone until the sale is closed."""
        for _ in range(steps):
            if self.book.closed:
                break
            self._step()
        for _ in range(2000):
            if self.book.closed:
                return self
            paused = [lot.lot for lot in self.book.lots.values() if lot.state == "paused"]
            sale = [StaffAct(SALE, "resume", by="Ada")] if self.book.state == "paused" else []
            self.now = max(self.now + 60 * S, min((lot.end for lot in self._ending()), default=self.now))
            self.batch([], self._called() + sale + [StaffAct(SALE, "resume", lot, by="Ada") for lot in paused])
        raise AssertionError("the sale never ends")

    def _ending(self) -> list:
        """Open lots that end by time alone."""
        return [lot for lot in self._open() if lot.end != NEVER]

    def _called(self) -> list[StaffAct]:
        """What a clerk does at the end of the day: every lot is opened, and every open one is called."""
        if "clerked" not in self.doc or self.book.state != "open":
            return []
        acts = {"listed": "open", "open": "final_call"}
        lots = [lot for lot in self.book.lots.values() if lot.end == NEVER and lot.state in acts]
        return [StaffAct(SALE, acts[lot.state], lot.lot, by="Ada") for lot in lots]

    def _open(self) -> list:
        return [lot for lot in self.book.lots.values() if lot.state == "open"]

    def _step(self) -> None:
        rng = self.rng
        self._pass_time()
        dice = rng.random()
        if "clerked" in self.doc and (not self._open() or dice < 0.12):
            self.batch([], [self._clerk()])
        elif dice < 0.01:
            since = self.now
            self.now += rng.choice((5, 15, 120, 900)) * S
            self.outage(since)
        elif dice < 0.01 + self.staff:
            self.batch([], [self._act()])
        elif dice < 0.4 and (stopped := self._stopped()):
            self.batch([], stopped)
        else:
            orders = [self._order() for _ in range(rng.choice((1, 1, 1, 2, 3)))]
            self.batch(orders, drained=lambda end: rng.random() < 0.8)

    def _stopped(self) -> list[StaffAct]:
        """What makes a paused room run again."""
        if self.book.state == "paused":
            return [StaffAct(SALE, "resume", by="Noor")]
        return [StaffAct(SALE, "resume", lot.lot, by="Ada") for lot in self.book.lots.values() if lot.state == "paused"]

    def _clerk(self) -> StaffAct:
        lot = self.rng.choice([one for one in self.book.lots.values() if one.state not in FINAL])
        acts = ("open",) if lot.state == "listed" else ("final_call", "final_call", "final_call", "pass", "open")
        return StaffAct(SALE, self.rng.choice(acts), lot.lot, by="Ada")

    def _pass_time(self) -> None:
        """Mostly a moment; often to the very edge of an end."""
        rng, near = self.rng, self._ending()
        if near and rng.random() < 0.08:
            end = min(lot.end for lot in near)
            self.now = max(self.now + 1, end + rng.choice((-2 * S, -S, -1, -1, 0, 1)))
        else:
            self.now += rng.choice((1, 1000, 400_000, S, 5 * S))

    def _order(self) -> tuple[BidOrder, int]:
        rng = self.rng
        if self.asked and rng.random() < 0.06:
            former = rng.choice(self.asked[-6:]).order
            if (dice := rng.random()) < 0.2:
                former = replace(former, max=former.max + 1)
            elif dice < 0.4:  # another bidder's browser made the same key
                former = replace(former, company_id=rng.choice(list(self.people)))
            return former, self.now
        near = self._open() if rng.random() < 0.97 else []
        lot = rng.choice(near or list(self.book.lots.values()))
        company = rng.choice(list(self.people))
        amount = self._amount(lot)
        order = BidOrder(
            SALE, lot.lot, company, f"{rng.getrandbits(128):032x}", amount,
            "EUR" if rng.random() < 0.01 else "USD",
            "ef" * 32 if rng.random() < 0.01 else self.rules_hash,
            amount if rng.random() < 0.9 else None,
        )  # fmt: skip
        return order, self.now - rng.choice((0, 0, 0, 1, S, 2 * S))

    def _amount(self, lot) -> int:
        rng, ask = self.rng, lot.stands.ask
        table = lot.terms.increments
        rungs = table.ladder(ask, 6)
        usual = rng.choice(rungs)
        held = [amount for amount, _ in lot.best.values()] or [ask]
        return rng.choice((
            usual, usual, usual, usual, usual, ask, ask, ask - 1, ask + 1, rng.choice(held), rng.choice(held) + 1,
            lot.terms.reserve or ask, rng.choice((0, -5, 10**15, 10**15 - 1, usual * 2)),
        ))  # fmt: skip

    def _act(self) -> StaffAct:
        rng = self.rng
        lot = rng.choice(list(self.book.lots.values()))
        two = ("Ada", "Noor")
        live = [one.seq for one in lot.live]
        end = self.now if lot.end == NEVER else lot.end
        lower = rng.choice((lot.terms.opening, lot.terms.opening, (lot.terms.reserve or 2) - 1, 1, 10**9))
        return rng.choice((
            StaffAct(SALE, "pause", lot.lot, by="Ada", reason="clock"),
            StaffAct(SALE, "resume", lot.lot, by="Ada"),
            StaffAct(SALE, "resume", lot.lot, by="Ada"),
            StaffAct(SALE, "extend", lot.lot, by="Noor", to=end + rng.choice((-S, 0, 1, 300 * S))),
            StaffAct(SALE, "lower_reserve", lot.lot, ok=two, amount=lower),
            StaffAct(SALE, "lower_reserve", lot.lot, ok=two, amount=lower),
            StaffAct(SALE, "incident", ok=two, to=self.now - rng.choice((9, 10, 60, 700)) * S),
            StaffAct(SALE, "void", lot.lot, ok=two, reason="typo", seqs=tuple(live[-1:])),
            StaffAct(SALE, "void", lot.lot, ok=two, reason="shill", paddle=rng.choice(list(lot.aliases) or [0])),
            StaffAct(SALE, "notice", lot.lot, by="Ada", text_en="Please read.", text_zh="请阅读。"),
            StaffAct(SALE, "pause", by="Noor", reason="incident"),
            StaffAct(SALE, "resume", by="Noor"),
            StaffAct(SALE, "withdraw", lot.lot, ok=two, by="Ada", reason="typo")
            if rng.random() < 0.05
            else StaffAct(SALE, "reopen", lot.lot, ok=two, to=self.now + 60 * S),
        ))  # fmt: skip

    # -- afterwards ---------------------------------------------------------------------------------------------------

    def events(self) -> list[dict]:
        return [read_json(line.body) for line in self.lines]

    def hidden(self, days: int = 0) -> set[str]:
        opened = {n for n, *_ in self.published.bids}
        return hidden_lots(self.lines, self.doc, opened, self.now + days * 86_400 * S)

    def record(self, days: int = 0, withheld: Collection[str] = ()) -> list[bytes]:
        """The public record so many days after the close, without the lots whose stones lost the verdict."""
        assert self.published is not None
        hidden = self.hidden(days) | set(withheld)
        roots = [replace(root, text=sign_note(root.text, SIGNER)) for root in self.roots]
        return list(
            record_lines(
                SALE, self.doc, [str(SIGNER.verifier)], self.lines, roots, self.published.bids,
                self.published.reserves, hidden,
            )
        )  # fmt: skip
