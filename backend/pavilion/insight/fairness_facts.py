"""What the fairness watch knows: the public lines of the books, who stood behind them, and what companies themselves
told the house. No maximum, no reserve and no sealed amount is among it. Pure."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

# Mailboxes anybody can have: sharing one tells nothing.
OPEN_TO_ALL = frozenset({
    "126.com", "139.com", "163.com", "aol.com", "foxmail.com", "gmail.com", "gmx.com", "gmx.de", "googlemail.com",
    "hotmail.com", "icloud.com", "live.com", "mail.com", "mail.ru", "me.com", "msn.com", "outlook.com", "proton.me",
    "protonmail.com", "qq.com", "rediffmail.com", "sina.com", "skynet.be", "sohu.com", "telenet.be", "yahoo.com",
    "yahoo.co.in", "yandex.ru", "yeah.net",
})  # fmt: skip


class Bid(NamedTuple):
    """One accepted bid as the room saw it, and whose it was. Instants are microseconds since 1970."""

    seq: int
    at: int
    company: int
    leader: int | None  # the company that led after it; none: the seller, or nobody
    price: int


class Retraction(NamedTuple):
    """A bid that was taken out at its bidder's wish, or that the bidder asked to have taken out."""

    company: int
    at: int
    seqs: tuple[int, ...]
    voided: bool = True  # false: only asked for; what the house answered is another matter


class Told(NamedTuple):
    """A bid that the book refused because bidder and consignor belong together."""

    company: int
    at: int


class Lot(NamedTuple):
    """The story of one lot that has ended."""

    lot: str
    sale: str
    number: str
    consignor: int
    band: int  # kind of goods: lots of about the same worth
    opened: int
    ended: int
    bids: tuple[Bid, ...]
    winner: int | None = None  # none: passed, or withdrawn
    retractions: tuple[Retraction, ...] = ()
    refused: tuple[Told, ...] = ()

    @property
    def bidders(self) -> frozenset[int]:
        return frozenset({bid.company for bid in self.bids})

    @property
    def second(self) -> int | None:
        """Who bid last against the winner, and so made the price."""
        return next((bid.company for bid in reversed(self.bids) if bid.company != self.winner), None)

    def of(self, *companies: int) -> tuple[int, ...]:
        return tuple(bid.seq for bid in self.bids if bid.company in companies)


class Firm(NamedTuple):
    """What a company told of itself, as far as two companies can have it in common."""

    owners: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    tax_no: str = ""


class SignedIn(NamedTuple):
    """One sign-in: from which browser, as it names itself, and from when until when it was used."""

    company: int
    browser: str
    begun: int
    ended: int


@dataclass(frozen=True)
class History:
    """The house's own past, up to a year and a little."""

    lots: Sequence[Lot]  # by their end
    paddles: Mapping[str, frozenset[int]]  # by sale the companies that could bid
    firms: Mapping[int, Firm] = field(default_factory=dict)
    sign_ins: Sequence[SignedIn] = ()

    @cached_property
    def bid_on(self) -> Mapping[int, Sequence[Lot]]:
        """By company the lots it bid on."""
        found: dict[int, list[Lot]] = defaultdict(list)
        for lot in self.lots:
            for company in lot.bidders:
                found[company].append(lot)
        return found

    @cached_property
    def open_to(self) -> Mapping[int, frozenset[str]]:
        """By company the sales in which it had a paddle."""
        found: dict[int, set[str]] = defaultdict(set)
        for sale, companies in self.paddles.items():
            for company in companies:
                found[company].add(sale)
        return {company: frozenset(sales) for company, sales in found.items()}

    @cached_property
    def offered(self) -> Mapping[str, Counter[int]]:
        """By sale how many lots each consignor offered."""
        found: dict[str, Counter[int]] = defaultdict(Counter)
        for lot in self.lots:
            found[lot.sale][lot.consignor] += 1
        return found

    @cached_property
    def meetings(self) -> Mapping[tuple[int, int], Sequence[Lot]]:
        """By pair of companies the lots on which both bid."""
        found: dict[tuple[int, int], list[Lot]] = defaultdict(list)
        for lot in self.lots:
            inside = sorted(lot.bidders)
            for place, one in enumerate(inside):
                for other in inside[place + 1 :]:
                    found[one, other].append(lot)
        return found


def spelled(name: str) -> str:
    """A person's name without case, accents, marks and order, so that "Oriel, Márc" is "marc oriel"."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    return " ".join(sorted(re.findall(r"\w+", plain.casefold())))


def domains_of(emails: Iterable[str]) -> frozenset[str]:
    """The own domains of these addresses; those of public mail services are left out."""
    return frozenset(email.rpartition("@")[2].lower() for email in emails) - OPEN_TO_ALL - {""}


def number_of(tax_no: str) -> str:
    """A tax number without spaces and marks."""
    return re.sub(r"\W", "", tax_no).upper()


def band_of(opening: int) -> int:
    """Lots within a factor of four of each other are one kind of goods."""
    return opening.bit_length() // 2
