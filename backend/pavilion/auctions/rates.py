"""Amounts in other currencies, for the eye: "about HKD 195,000" beside the price that is bid in. Two persons set the
table; a day and a source stand with it. Nothing is ever reckoned with it."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import service as accounts
from pavilion.accounts.models import Person, Proposal
from pavilion.accounts.rules import Actor, Permission
from pavilion.auctions.rates_models import DisplayRates
from pavilion.kernel import events
from pavilion.kernel.canon import canonical, sha256_hex
from pavilion.kernel.errors import BadInput, NotAllowed
from pavilion.kernel.money import CURRENCIES, exponent, half_up

KIND = "rates.set"
BASE = "USD"
ONE = 1_000_000  # rates are micro-units for one unit of the base
COOKIE = "about"
FIGURES = 3  # significant ones: "about" claims no more
SOURCE_LEAST, SOURCE_MOST = 3, 120
_RATE = re.compile(r"([0-9]{1,8})(?:\.([0-9]{1,6}))?")


class About(NamedTuple):
    """The reader's second currency beside this one, and what may be chosen."""

    currency: str  # empty: none chosen
    frm: int
    to: int
    day: date
    source: str
    choices: tuple[str, ...]

    def words(self, minor: int, currency: str) -> str:
        """`HKD 195,000`; empty where nothing is chosen."""
        return f"{self.currency} {about(minor, currency, self.frm, self.to):,}" if self.currency else ""

    def for_script(self) -> dict[str, Any] | None:
        return {"currency": self.currency, "from": self.frm, "to": self.to} if self.currency else None


def about(minor: int, currency: str, frm: int, to: int) -> int:
    """Whole major units of the other currency, to three figures."""
    major = half_up(minor * to, 10 ** exponent(currency) * frm)
    unit: int = 10 ** max(0, len(str(abs(major))) - FIGURES)
    return half_up(major, unit) * unit


async def in_force(session: AsyncSession) -> DisplayRates | None:
    return await session.scalar(select(DisplayRates).order_by(DisplayRates.id.desc()).limit(1))


async def shown(session: AsyncSession, wanted: str | None, currency: str) -> About | None:
    """For a reader who may have chosen a currency; None where the house has set no rates for this one."""
    table = await in_force(session)
    if table is None or currency not in table.rates:
        return None
    choices = tuple(sorted(table.rates.keys() - {currency}))
    chosen = wanted if wanted in choices else ""
    return About(chosen, table.rates[currency], table.rates.get(chosen, ONE), table.day, table.source, choices)


async def propose(
    session: AsyncSession, *, day: str, source: str, typed: Mapping[str, str], actor: Actor, now: datetime
) -> Proposal:
    """Another person is asked; BadInput names the fields that are wrong."""
    if not (actor.may(Permission.SALE_BUILD) or actor.may(Permission.SETTING_EDIT)):
        raise NotAllowed(right=Permission.SALE_BUILD.value)
    rates, faults = read_rates(typed)
    on = _day(day)
    if on is None or on > now.date():
        faults["day"] = "rates_day"
    source = " ".join(source.split())
    if not SOURCE_LEAST <= len(source) <= SOURCE_MOST or not source.isprintable():
        faults["source"] = "missing"
    if faults or on is None:
        raise BadInput(fields=faults)
    facts: dict[str, Any] = {"day": on.isoformat(), "source": source, "rates": rates}
    facts["title_en"] = facts["title_zh"] = f"{on.isoformat()}, {source}"
    subject = f"rates {sha256_hex(canonical({'day': facts['day'], 'rates': rates, 'source': source}))[:16]}"
    return await accounts.propose(session, kind=KIND, subject=subject, facts=facts, reason="", actor=actor, now=now)


async def adopt(session: AsyncSession, proposal: Proposal, actor: Actor, now: datetime) -> None:
    """The table is in force from here on; who agreed stands in it."""
    proposer = await session.scalar(select(Person.public_id).where(Person.id == proposal.proposed_by))
    assert proposer is not None and actor.public_id is not None
    put(session, proposal.facts, proposer, actor.public_id, now)
    events.record(session, "rates:set", proposal.facts["day"], by=actor.public_id, at=now)


def put(session: AsyncSession, facts: Mapping[str, Any], proposer: str, approver: str, now: datetime) -> None:
    row = DisplayRates(day=date.fromisoformat(facts["day"]), source=facts["source"], rates=dict(facts["rates"]), at=now)
    row.proposed_by, row.approved_by = proposer, approver
    session.add(row)


def read_rates(typed: Mapping[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    """Micro-units by currency, the base among them, and the faults; an empty field leaves its currency out."""
    rates, faults = {BASE: ONE}, {}
    for currency, text in typed.items():
        if currency not in CURRENCIES or currency == BASE or not text.strip():
            continue
        match = _RATE.fullmatch(text.strip())
        micro = 0 if match is None else int(match[1]) * ONE + int((match[2] or "").ljust(6, "0"))
        if micro <= 0:
            faults[currency] = "rates_unknown"
        else:
            rates[currency] = micro
    return rates, faults


def rate_text(micro: int) -> str:
    """`7.7812`"""
    whole, part = divmod(micro, ONE)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


PROPOSAL_HANDLERS: dict[str, accounts.ProposalHandler] = {KIND: adopt}
