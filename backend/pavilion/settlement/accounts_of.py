"""Account statements: what stood on an account, what moved, what stands there after it, of any account and currency."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.auctions.models import Sale
from pavilion.kernel.money import decimal_text
from pavilion.settlement import own_lines, postings
from pavilion.settlement.models import Entry, Posting
from pavilion.settlement.own_lines import About

UTC = ZoneInfo("UTC")
SHOWN = 500  # lines on a page; the file has them all
USUAL = timedelta(days=90)

# What a posting was, by how its key begins; the first that fits.
_KINDS = (
    ("reversal:", "reversal"), ("receipt.reversed:", "reversal"), ("reversed:", "reversal"),
    ("invoice:", "invoice"), ("receipt:", "receipt"), ("allocation:", "allocation"),
    ("unallocated:", "allocation"), ("credit_note:", "credit_note"), ("deposit:applied:", "deposit_applied"),
    ("deposit:forfeited:", "forfeit"), ("deposit", "deposit"), ("refund.owed:", "refund_owed"), ("refund:", "refund"),
    ("statement:", "statement"), ("seller_payout:", "seller_paid"), ("dispute", "dispute"), ("payout", "payout"),
    ("fee:", "fee"), ("conversion:", "conversion"), ("write_off:", "write_off"),
)  # fmt: skip
KINDS = (*dict.fromkeys(kind for _, kind in _KINDS), "posting")


class Line(NamedTuple):
    at: datetime
    txn: int
    entry: int
    kind: str
    key: str
    ref: str
    amount_minor: int
    balance_minor: int  # after it
    about: About | None = None  # on a company's own account: the lot or the money


class Statement(NamedTuple):
    """Debit above zero, credit below. `cut`: there are earlier lines in the span, which the opening contains."""

    account: str
    currency: str
    since: date
    until: date
    opening_minor: int
    lines: tuple[Line, ...]
    closing_minor: int
    cut: bool = False

    @property
    def debit_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines if line.amount_minor > 0)

    @property
    def credit_minor(self) -> int:
        return -sum(line.amount_minor for line in self.lines if line.amount_minor < 0)


class Standing(NamedTuple):
    account: str
    currency: str
    balance_minor: int


def kind_of(key: str) -> str:
    return next((kind for start, kind in _KINDS if key.startswith(start)), "posting")


async def statement(
    session: AsyncSession, account: str, currency: str, *, since: date, until: date, most: int | None = None
) -> Statement:
    """From the first to the last of these days, both included, as days of UTC. `most`: only so many of the newest
    lines, with the balance before them as opening."""
    begin, end = _midnight(since), _midnight(until + timedelta(days=1))
    wanted = select(Entry, Posting.key).join(Posting, Posting.id == Entry.txn_id)
    wanted = wanted.where(Entry.account == account, Entry.currency == currency, Entry.at >= begin, Entry.at < end)
    newest = wanted.order_by(Entry.at.desc(), Entry.id.desc())
    rows = (await session.execute(newest if most is None else newest.limit(most + 1))).all()
    cut = most is not None and len(rows) > most
    shown = list(reversed(rows[:most]))
    closing = await _sum(session, account, currency, before=end)
    balance = opening = closing - sum(entry.amount_minor for entry, _ in shown)
    lines = []
    for entry, key in shown:
        balance += entry.amount_minor
        lines.append(Line(entry.at, entry.txn_id, entry.id, kind_of(key), key, entry.ref, entry.amount_minor, balance))
    return Statement(account, currency, since, until, opening, tuple(lines), closing, cut)


async def currencies_of(session: AsyncSession, account: str) -> list[str]:
    """In which currencies anything ever moved on it."""
    wanted = select(Entry.currency).where(Entry.account == account).distinct().order_by(Entry.currency)
    return list(await session.scalars(wanted))


async def of_company(session: AsyncSession, company_id: int) -> list[Standing]:
    """Every account of this company with what stands there: what it owes, its deposits, money not yet allocated,
    refunds on their way, its proceeds. Nobody else's."""
    mine = (postings.buyer, postings.unallocated, postings.refund, postings.seller)
    names = [name(company_id) for name in mine]
    deposits = Entry.account.startswith(postings.deposits_of(company_id), autoescape=True)
    wanted = select(Entry.account, Entry.currency, func.sum(Entry.amount_minor)).where(
        Entry.account.in_(names) | deposits
    )
    rows = await session.execute(wanted.group_by(Entry.account, Entry.currency).order_by(Entry.account, Entry.currency))
    return [Standing(account, currency, int(amount)) for account, currency, amount in rows]


async def own(
    session: AsyncSession, company_id: int, *, since: date, until: date, most: int | None = None
) -> list[Statement]:
    """A statement of each of its accounts. What it consigned is sold on invoices of others: their numbers, and the
    house's own doings on them, are not told; the lots are, and the references of its own money."""
    found = []
    for account, currency, _ in await of_company(session, company_id):
        one = await statement(session, account, currency, since=since, until=until, most=most)
        if account == postings.seller(company_id):
            lots = await own_lines.sold(session, company_id, {line.txn for line in one.lines})
            one = one._replace(
                lines=tuple(
                    line._replace(ref=_told(line.ref), key="", about=lots.get(line.entry)) for line in one.lines
                )
            )
        else:
            money = await own_lines.received(session, company_id, [line.key for line in one.lines])
            one = one._replace(lines=tuple(line._replace(about=money.get(line.key)) for line in one.lines))
        found.append(one)
    return found


def _told(ref: str) -> str:
    return ref if ref.startswith("SST-") else ""


async def sale_titles(session: AsyncSession, company_id: int) -> dict[str, tuple[str, str]]:
    """By account: the sale of each deposit, in both languages."""
    start = postings.deposits_of(company_id)
    accounts = [one.account for one in await of_company(session, company_id) if one.account.startswith(start)]
    wanted = select(Sale.public_id, Sale.title_en, Sale.title_zh)
    rows = await session.execute(wanted.where(Sale.public_id.in_([one.removeprefix(start) for one in accounts])))
    return {f"{start}{sale}": (english, chinese) for sale, english, chinese in rows}


async def name_of(session: AsyncSession, account: str) -> str:
    """The company behind it; empty where there is none."""
    company = postings.company_of(account)
    return await session.scalar(select(Company.name).where(Company.id == company)) or "" if company else ""


def table(found: Statement) -> Iterable[Sequence[str]]:
    """The statement as rows of a sheet, amounts in major units."""
    unit = found.currency
    yield ("at", "txn", "entry", "act", "ref", "currency", "debit", "credit", "balance")
    yield (found.since.isoformat(), "", "", "opening", "", unit, "", "", decimal_text(found.opening_minor, unit))
    for line in found.lines:
        yield (
            line.at.isoformat(),
            str(line.txn),
            str(line.entry),
            line.kind,
            " · ".join(filter(None, (line.ref, line.about.ref if line.about else ""))),
            unit,
            decimal_text(line.amount_minor, unit) if line.amount_minor > 0 else "",
            decimal_text(-line.amount_minor, unit) if line.amount_minor < 0 else "",
            decimal_text(line.balance_minor, unit),
        )
    yield (found.until.isoformat(), "", "", "closing", "", unit, "", "", decimal_text(found.closing_minor, unit))


def tables(found: Iterable[Statement]) -> Iterable[Sequence[str]]:
    """Several statements in one sheet, each line with its account."""
    head = True
    for one in found:
        rows = iter(table(one))
        title = next(rows)
        if head:
            yield ("account", *title)
            head = False
        for row in rows:
            yield (kind_of_account(one.account), *row)


def kind_of_account(account: str) -> str:
    """`buyer`, `deposit`, `seller` …: the second part of its name."""
    return account.split(":")[1]


async def _sum(session: AsyncSession, account: str, currency: str, *, before: datetime) -> int:
    wanted: Select[tuple[int]] = select(func.coalesce(func.sum(Entry.amount_minor), 0))
    wanted = wanted.where(Entry.account == account, Entry.currency == currency, Entry.at < before)
    return int(await session.scalar(wanted) or 0)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
