"""Whose warranties are reconciled, and what came to it and left it: by chains, and by the house's invoices."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, NamedTuple, Protocol

from anyio import to_thread
from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts.models import Company
from pavilion.provenance import outcome_queries
from pavilion.provenance.models import ChainEvent, StoneVerdict
from pavilion.provenance.outcome_chains import masses_of
from pavilion.provenance.outcome_models import ChainParty, PartyName
from pavilion.provenance.table_versions import tables_in_force
from pavilion.provenance.tables import DATA
from pavilion.provenance.warranty_chains import KINDS, Told, last_sale, piece_of, steps_of
from pavilion.provenance.warranty_report import (
    Deed,
    Kind,
    Piece,
    Reconciliation,
    Statement,
    Step,
    Way,
    reconcile,
    text_hash,
    year_of,
)

AT_ONCE = 500
ROUNDED = range(-2, 10)  # how far a mass in mct lies from the carats of its report (GR-04)
LATE, LATER = 1 << 20, 1 << 21  # on one day the house's invoices follow what the chains tell


class InvoicedStone(NamedTuple):
    stone: str
    mct: int


class Invoiced(NamedTuple):
    """One consignor's diamonds on an issued invoice of the house, with the statement printed on it."""

    number: str
    day: date
    entity: str
    seller: str
    buyer_id: int
    consignor_id: int
    stones: tuple[InvoicedStone, ...]
    text: str | None
    text_sha256: str | None
    assessed: date | None


class Invoices(Protocol):
    """What the house itself sold; given from above, where invoices are."""

    def sellers(self) -> Mapping[str, str]:
        """The names of the house's selling entities by their codes."""
        ...

    async def rows(
        self, session: AsyncSession, *, company_id: int | None = None, entity: str | None = None
    ) -> Sequence[Invoiced]:
        """Bought or consigned by the company; or sold by the entity."""
        ...


class Subject(NamedTuple):
    """A company, or a selling entity of the house."""

    public_id: str
    name: str
    company_id: int | None
    entity: str | None
    parties: tuple[str, ...]


class Year(NamedTuple):
    subject: Subject
    year: int
    start: date
    end: date
    told: Reconciliation
    names: Mapping[str, str]  # of the companies that stand in it by their number
    table_sha256: str


async def subject_of(session: AsyncSession, name: str, invoices: Invoices) -> Subject | None:
    """By public id of a company, or by code of an entity."""
    if (seller := invoices.sellers().get(name)) is not None:
        return Subject(name, seller, None, name, ())
    company = await session.scalar(select(Company).where(Company.public_id == name))
    return None if company is None else await subject_for(session, company)


async def subject_for(session: AsyncSession, company: Company) -> Subject:
    parties = (await outcome_queries.parties_of(session, [company.id])).get(company.id, [])
    return Subject(company.public_id, company.name, company.id, None, tuple(parties))


async def subjects(session: AsyncSession, invoices: Invoices) -> list[tuple[str, str]]:
    """Who has something to reconcile, by name: the entities, companies that chains know, buyers and consignors."""
    ids = set(await session.scalars(select(PartyName.company_id)))
    for entity in invoices.sellers():
        for row in await invoices.rows(session, entity=entity):
            ids |= {row.buyer_id, row.consignor_id}
    rows = await session.execute(
        select(Company.public_id, Company.name).where(Company.id.in_(ids)).order_by(Company.name)
    )
    return [*invoices.sellers().items(), *((row.public_id, row.name) for row in rows)]


async def year(session: AsyncSession, subject: Subject, number: int, invoices: Invoices, today: date) -> Year:
    """The reconciliation of the year, as far as it has gone by."""
    rows = await invoices.rows(session, company_id=subject.company_id, entity=subject.entity)
    ids = {row.buyer_id for row in rows} | {row.consignor_id for row in rows}
    names = {f"company:{one}": name for one, name in (await outcome_queries.company_names(session, ids)).items()}
    raw = await _chains(session, subject.parties, {one.stone for row in rows for one in row.stones})
    doubts = await _doubted(session, sorted(raw))
    left_out = await _left_out(session, sorted(raw))
    tables, (start, end) = await tables_in_force(session), year_of(number, today)

    def counted() -> Reconciliation:
        chains = {
            stone: Told([json.loads(body) for body in bodies], doubts.get(stone, ()))
            for stone, bodies in raw.items()
            if stone not in left_out
        }
        steps = _ordered(steps_of(chains, subject.parties, text_hashes()), _invoiced(subject, rows, chains))
        return reconcile(steps, start, end, tables.warranties)

    told = await to_thread.run_sync(counted)  # some seconds for a large stock; pages of others go on meanwhile
    return Year(subject, number, start, end, told, names, tables.sha256["warranties"])


@cache
def text_hashes() -> dict[str, str]:
    """The hash of each statement's text, where the table has the text."""
    return {row["id"]: digest for row in _texts() if (digest := text_hash(row["text_en"])) is not None}


def text_rows(name: str) -> list[dict[str, Any]]:
    """The rows of the table about one statement: its scopes and days, its words and where they were seen."""
    return [row for row in _texts() if row["id"] == name]


@cache
def _texts() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(DATA.joinpath("warranties.json").read_bytes())["rows"]
    return rows


def _invoiced(subject: Subject, rows: Iterable[Invoiced], chains: Mapping[str, Told]) -> list[tuple[int, Step]]:
    """The house's invoices as seen from the subject. What the house sells came to it under the last statement that the
    stone's chain tells."""
    found: list[tuple[int, Step]] = []
    for row in rows:
        pieces = tuple(_piece(one, chains) for one in row.stones)
        said = Statement(row.text, row.seller, row.day, row.assessed, True, row.text_sha256)
        if subject.entity is not None:
            found += [(LATE, step) for step in _taken_in(row, pieces, chains)]
            buyer = f"company:{row.buyer_id}"
            deed = Deed(Way.OUT, Kind.INVOICE, row.day, row.number, buyer, pieces, False, said)
        elif row.buyer_id == subject.company_id:
            deed = Deed(Way.IN, Kind.INVOICE, row.day, row.number, row.seller, pieces, False, said)
        else:
            deed = Deed(Way.OUT, Kind.CONSIGNMENT, row.day, row.number, row.seller, pieces, False, said)
        found.append((LATER, deed))
    return found


def _taken_in(row: Invoiced, pieces: Sequence[Piece], chains: Mapping[str, Told]) -> Iterable[Step]:
    for piece in pieces:
        told = chains.get(piece.stone)
        sale = last_sale(told, piece.stone, text_hashes()) if told else None
        if sale is not None:
            _, event, said = sale
            reference = str(event.get("invoice") or "")
            consignor = f"company:{row.consignor_id}"
            yield Deed(Way.IN, Kind.CONSIGNMENT, row.day, reference, consignor, (piece,), False, said)


def _piece(one: InvoicedStone, chains: Mapping[str, Told]) -> Piece:
    """The stone by its name in the chain. Invoices state two decimals, as reports do: where that is the chain's mass,
    the chain's counts."""
    told = chains.get(one.stone)
    name = piece_of(told) if told else None
    weighed = masses_of(told.events).get(name or "") if told else None
    mct = weighed if weighed is not None and weighed - one.mct in ROUNDED else one.mct
    return Piece(name or one.stone, mct, one.stone)


def _ordered(chained: Sequence[Step], invoiced: Sequence[tuple[int, Step]]) -> list[Step]:
    found = [*enumerate(chained), *invoiced]
    return [step for _, step in sorted(found, key=lambda one: (one[1].day, one[0]))]


async def _chains(session: AsyncSession, parties: Sequence[str], stones: Iterable[str]) -> dict[str, list[str]]:
    """The chains that name the parties, and those of these stones, as they are kept."""
    wanted = select(ChainEvent.stone, ChainEvent.body).where(ChainEvent.kind.in_(KINDS))
    found: dict[str, list[str]] = {}
    if parties:
        named = select(ChainParty.stone).where(ChainParty.party.in_(parties))
        await _read(session, wanted.where(ChainEvent.stone.in_(named)), found)
    others = sorted(set(stones) - found.keys())
    for start in range(0, len(others), AT_ONCE):
        await _read(session, wanted.where(ChainEvent.stone.in_(others[start : start + AT_ONCE])), found)
    return found


async def _read(session: AsyncSession, wanted: Select[str, str], found: dict[str, list[str]]) -> None:
    for row in await session.execute(wanted.order_by(ChainEvent.stone, ChainEvent.seq)):
        found.setdefault(row.stone, []).append(row.body)


async def _doubted(session: AsyncSession, stones: Sequence[str]) -> dict[str, set[tuple[str, str]]]:
    """Statements that the register of companies did not bear out, as the verdicts found (WA-02)."""
    wanted = select(StoneVerdict.stone, StoneVerdict.findings).where(StoneVerdict.codes.contains(" WA-02 "))
    found: dict[str, set[tuple[str, str]]] = {}
    for start in range(0, len(stones), AT_ONCE):
        for row in await session.execute(wanted.where(StoneVerdict.stone.in_(stones[start : start + AT_ONCE]))):
            for one in row.findings:
                if one["code"] == "WA-02":
                    said = one["params"]
                    pair = str(said.get("seller", "")), str(said.get("assessed", ""))
                    found.setdefault(row.stone, set()).add(pair)
    return found


async def _left_out(session: AsyncSession, stones: Sequence[str]) -> frozenset[str]:
    """Stones that are no diamonds, which the System of Warranties is not about; and those whose chain is not signed or
    logged as it must be (SG-01 to SG-04): it says nothing against anybody."""
    species = StoneVerdict.claim["species"].as_string()
    wanted = select(StoneVerdict.stone).where(or_(species != "diamond", StoneVerdict.codes.contains(" SG-")))
    found: set[str] = set()
    for start in range(0, len(stones), AT_ONCE):
        found |= set(await session.scalars(wanted.where(StoneVerdict.stone.in_(stones[start : start + AT_ONCE]))))
    return frozenset(found)
