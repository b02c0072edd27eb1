"""The posting table (settlement spec 5), one function a row: what each act moves between the accounts. Pure.

Debit above zero, credit below; amounts in minor units, never below zero. An entry on what a buyer owes always
carries the number of its invoice: what is open of an invoice is read from there and from nowhere else.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pavilion.settlement.rules import LineKind

NOBODY = 0  # the company of an unknown payer, in an account's name
# How the names of the accounts of many begin; whose one is stands behind it.
DISPUTES = "expense:dispute"
BANKS, BUYERS, SELLERS = "asset:bank:", "asset:buyer:", "liability:seller:"
DEPOSITS, REFUNDS, UNALLOCATED = "liability:deposit:", "liability:refund:", "liability:unallocated:"
# Accounts that may never fall below zero for their creditor: an act that would do so fails as a whole.
GUARDED = (DEPOSITS, REFUNDS, UNALLOCATED)


class Move(NamedTuple):
    """Debit above zero, credit below, in minor units."""

    account: str
    amount_minor: int
    ref: str | None = None  # where it differs from that of the posting: what is open of an invoice is read by it


def bank(entity: str) -> str:
    return f"{BANKS}{entity}"


def stripe(entity: str) -> str:
    return f"asset:stripe:{entity}"


def buyer(company_id: int) -> str:
    return f"{BUYERS}{company_id}"


def deposit(company_id: int, sale: str) -> str:
    return f"{deposits_of(company_id)}{sale}"


def deposits_of(company_id: int) -> str:
    """How the names of the accounts of all its deposits begin."""
    return f"{DEPOSITS}{company_id}:"


def unallocated(company_id: int | None) -> str:
    return f"{UNALLOCATED}{company_id or NOBODY}"


def seller(company_id: int) -> str:
    return f"{SELLERS}{company_id}"


def tax(country: str, regime: str) -> str:
    return f"{taxes_of(country)}{regime}"


def taxes_of(country: str) -> str:
    """How the names of the accounts of its taxes begin."""
    return f"liability:tax:{country}:"


def refund(company_id: int | None) -> str:
    return f"{REFUNDS}{company_id or NOBODY}"


def fx(currency: str) -> str:
    return f"clearing:fx:{currency}"


def company_of(account: str) -> int | None:
    """Whose account it is, where it is a company's; `NOBODY` for that of an unknown payer."""
    named = account.split(":")
    of_company = account.startswith((BUYERS, SELLERS, *GUARDED)) and named[2].isdecimal()
    return int(named[2]) if of_company else None


class Billed(NamedTuple):
    """A line of an invoice, or the part of it that a credit note takes back."""

    kind: str
    amount_minor: int
    consignor: int | None = None  # whose stone it was; none: the house's own goods
    country: str = ""  # of the tax: where the selling entity pays it
    regime: str = ""


def deposit_received(house: str, company_id: int, sale: str, amount_minor: int) -> list[Move]:
    """`house`: where the money lies, `bank(entity)` or `stripe(entity)`."""
    return _pair(house, deposit(company_id, sale), amount_minor)


def provider_fee(entity: str, amount_minor: int) -> list[Move]:
    return _pair("expense:fee", stripe(entity), amount_minor)


def invoice_issued(
    company_id: int, number: str, lines: Iterable[Billed], *, memo_tax: Mapping[str, int] | None = None
) -> list[Move]:
    """The buyer owes the total; the hammer belongs to the consignors, or is the house's own income; the premium and the
    charges are the house's, the tax the country's. `memo_tax`: what the premium already contains, by tax account."""
    moves = [_earned(line) for line in lines if line.kind != LineKind.CREDIT]
    owed = -sum(move.amount_minor for move in moves)
    return [Move(buyer(company_id), owed, number), *moves, *memo_tax_in(memo_tax or {})]


def credit_note(
    company_id: int, number: str, lines: Iterable[Billed], *, memo_tax: Mapping[str, int] | None = None
) -> list[Move]:
    """The issue of these lines, or of these parts of them, the other way round."""
    return opposite(invoice_issued(company_id, number, lines, memo_tax=memo_tax))


def memo_tax_in(taxes: Mapping[str, int]) -> list[Move]:
    """A premium under `margin_included` contains this tax: it leaves the income for the tax account."""
    return [move for account, amount in taxes.items() for move in _pair("income:premium", account, amount)]


def deposit_applied(company_id: int, sale: str, number: str, amount_minor: int) -> list[Move]:
    return _pair(deposit(company_id, sale), buyer(company_id), amount_minor, credit_ref=number)


def payment(house: str, company_id: int, number: str, amount_minor: int) -> list[Move]:
    return _pair(house, buyer(company_id), amount_minor, credit_ref=number)


def unallocated_received(house: str, company_id: int | None, amount_minor: int) -> list[Move]:
    """More than was owed, or money whose purpose or payer nobody knows yet."""
    return _pair(house, unallocated(company_id), amount_minor)


def unallocated_matched(payer: int | None, company_id: int, number: str, amount_minor: int) -> list[Move]:
    return _pair(unallocated(payer), buyer(company_id), amount_minor, credit_ref=number)


def refund_decided(
    from_account: str, company_id: int | None, amount_minor: int, number: str | None = None
) -> list[Move]:
    """`from_account`: a deposit, unallocated money, or what the buyer has paid too much on invoice `number` after its
    credit note."""
    return _pair(from_account, refund(company_id), amount_minor, debit_ref=number)


def refund_confirmed(company_id: int | None, house: str, amount_minor: int) -> list[Move]:
    return _pair(refund(company_id), house, amount_minor)


def seller_charged(
    company_id: int, *, commission_minor: int, charges_minor: int, taxes: Mapping[str, int] | None = None
) -> list[Move]:
    """At the statement: commission, charges and the tax on them, by tax account, leave the consignor's proceeds."""
    taken = [Move("income:commission", -commission_minor), Move("income:charge", -charges_minor)]
    taken += [Move(account, -amount) for account, amount in (taxes or {}).items()]
    return [Move(seller(company_id), -sum(move.amount_minor for move in taken)), *taken]


def seller_paid(company_id: int, entity: str, amount_minor: int) -> list[Move]:
    return _pair(seller(company_id), bank(entity), amount_minor)


def forfeited(company_id: int, sale: str, amount_minor: int, sellers: Mapping[int, int] | None = None) -> list[Move]:
    """The defaulter's deposit is kept: `sellers` by the terms, what is left for the house."""
    shares = [Move(seller(one), -amount) for one, amount in (sellers or {}).items()]
    rest = amount_minor + sum(move.amount_minor for move in shares)
    assert rest >= 0, "the sellers' shares are more than the forfeit"
    return [Move(deposit(company_id, sale), amount_minor), *shares, Move("income:forfeit", -rest)]


def chargeback_opened(company_id: int, number: str, entity: str, amount_minor: int) -> list[Move]:
    """The provider takes the money back: the buyer owes again. A lost one posts nothing more, a won one is reversed."""
    return _pair(buyer(company_id), stripe(entity), amount_minor, debit_ref=number)


def dispute_borne(entity: str, amount_minor: int) -> list[Move]:
    """The provider's fee, or what of a disputed payment has left the house meanwhile."""
    return _pair(DISPUTES, stripe(entity), amount_minor)


def refund_charged_back(company_id: int | None, amount_minor: int) -> list[Move]:
    """What was still owed back of a payment lost in a dispute, its payer has from the bank: the house bears no loss."""
    return _pair(refund(company_id), DISPUTES, amount_minor)


def payout_left(shares: Mapping[str, int]) -> list[Move]:
    """`shares`: what of it was each selling entity's; below zero: more was refunded than paid to that one."""
    return [Move("clearing:payout", sum(shares.values())), *(Move(stripe(one), -part) for one, part in shares.items())]


def payout_arrived(shares: Mapping[str, int]) -> list[Move]:
    return [*(Move(bank(one), part) for one, part in shares.items()), Move("clearing:payout", -sum(shares.values()))]


def written_off(company_id: int, number: str, amount_minor: int) -> list[Move]:
    return _pair("expense:writeoff", buyer(company_id), amount_minor, credit_ref=number)


def converted_from(payer: int | None, currency: str, amount_minor: int) -> list[Move]:
    """The first of the two postings of a conversion, in the currency that was paid."""
    return _pair(unallocated(payer), fx(currency), amount_minor)


def converted_to(payer: int | None, currency: str, amount_minor: int) -> list[Move]:
    """The second one, in the currency of the invoice: by the recorded rate as much waits unallocated there."""
    return _pair(fx(currency), unallocated(payer), amount_minor)


def joined(moves: Iterable[Move]) -> list[Move]:
    """Several rows of the table as one posting: an account is named once for each reference."""
    sums: dict[tuple[str, str | None], int] = {}
    for account, amount, ref in moves:
        sums[account, ref] = sums.get((account, ref), 0) + amount
    return [Move(account, amount, ref) for (account, ref), amount in sums.items()]


def opposite(moves: Iterable[Move]) -> list[Move]:
    return [move._replace(amount_minor=-move.amount_minor) for move in moves]


def _pair(
    debit: str, credit: str, amount_minor: int, *, debit_ref: str | None = None, credit_ref: str | None = None
) -> list[Move]:
    assert amount_minor >= 0, "a posting names a sum, its sides say the direction"
    return [Move(debit, amount_minor, debit_ref), Move(credit, -amount_minor, credit_ref)]


def _earned(line: Billed) -> Move:
    match line.kind:
        case LineKind.HAMMER:
            account = "income:sales" if line.consignor is None else seller(line.consignor)
        case LineKind.PREMIUM:
            account = "income:premium"
        case LineKind.CHARGE:
            account = "income:charge"
        case LineKind.TAX:
            account = tax(line.country, line.regime)
        case other:
            raise AssertionError(f"no account for a line of kind {other}")
    return Move(account, -line.amount_minor)
