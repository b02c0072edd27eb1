"""Who works at the demonstration house and who trades with it. All invented."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from pavilion.accounts import passwords, queries, service
from pavilion.accounts.models import Company, Person
from pavilion.accounts.rules import Actor, CompanyState, Role

PASSWORD = "grading-tray-at-noon"  # noqa: S105 - printed at the start: this house holds no secrets


class Firm(NamedTuple):
    name: str
    country: str
    city: str
    tax_no: str = ""
    state: CompanyState = CompanyState.APPROVED
    owners: tuple[str, ...] = ()  # beneficial owners, as the company spells them


STREETS = {  # of companies whose goods leave Belgium; the last of the rivals has not said its own yet
    "Lumen Trading": ("Room 1204, 12 Hollywood Road", ""),
    "Van Dael Diamonds": ("Hoveniersstraat 30", "2018"),
    "Scheldt Consignments": ("Rijfstraat 2", "2018"),
    "Meridian Gems": ("Almas Tower, office 3410", ""),
    "Oriel & Sons": ("31 Hatton Garden", "EC1N 8DH"),
    "Kestrel Stones": ("580 Fifth Avenue, suite 812", "NY 10036"),
}


class Colleague(NamedTuple):
    role: str  # as printed at the start
    email: str
    name: str
    roles: tuple[Role, ...]
    firm: str | None = None


LUMEN, VAN_DAEL, SCHELDT = "Lumen Trading", "Van Dael Diamonds", "Scheldt Consignments"
RIVALS = ("Meridian Gems", "Oriel & Sons", "Kestrel Stones", "Harbour Jewels")

FIRMS = (
    Firm(LUMEN, "HK", "Hong Kong"),
    Firm(VAN_DAEL, "BE", "Antwerp", "BE0412345678"),
    Firm(SCHELDT, "BE", "Antwerp", "BE0423456789"),
    Firm("Meridian Gems", "AE", "Dubai"),
    Firm("Oriel & Sons", "GB", "London", owners=("Marc Oriel",)),
    Firm("Kestrel Stones", "US", "New York"),
    Firm("Harbour Jewels", "SG", "Singapore", owners=("ORIEL, Marc",)),  # planted for the fairness watch
    Firm("Nouvelle Pierre", "FR", "Paris", "FR40303265045", CompanyState.APPLIED),
)

PEOPLE = (
    Colleague("buyer", "wen@lumen.example", "Wen Zhao", (Role.BUYER, Role.COMPANY_ADMIN), LUMEN),
    Colleague("buyer", "ilse@vandael.example", "Ilse Van Dael", (Role.BUYER,), VAN_DAEL),
    Colleague("viewer", "vera@lumen.example", "Vera Lau", (Role.VIEWER,), LUMEN),
    Colleague("supplier", "sam@scheldt.example", "Sam Peeters", (Role.SUPPLIER,), SCHELDT),
    Colleague("curator", "noor@pavilion.example", "Noor Haddad", (Role.CURATOR,)),
    Colleague("reserve", "rosa@pavilion.example", "Rosa Lindqvist", (Role.CURATOR, Role.RESERVE)),
    Colleague("registrar", "rita@pavilion.example", "Rita Claes", (Role.REGISTRAR,)),
    Colleague("auctioneer", "aron@pavilion.example", "Aron Weiss", (Role.AUCTIONEER,)),
    Colleague("lead", "lena@pavilion.example", "Lena Okafor", (Role.LEAD,)),
    Colleague("cashier", "tomas@pavilion.example", "Tomas Novak", (Role.CASHIER,)),
    Colleague("compliance", "cato@pavilion.example", "Cato Jensen", (Role.COMPLIANCE,)),
    Colleague("compliance", "imre@pavilion.example", "Imre Varga", (Role.COMPLIANCE,)),
    Colleague("auditor", "audra@pavilion.example", "Audra Petrauskas", (Role.AUDITOR,)),
    Colleague("admin", "adam@pavilion.example", "Adam Rossi", (Role.ADMIN,)),
    Colleague("viewings", "vic@pavilion.example", "Vic Maertens", (Role.VIEWINGS,)),
    Colleague("viewings", "joris@pavilion.example", "Joris Aerts", (Role.VIEWINGS,)),
    Colleague("viewings", "mei@pavilion.example", "Mei Kwok", (Role.VIEWINGS,)),
    Colleague("viewings", "omar@pavilion.example", "Omar Saleh", (Role.VIEWINGS,)),
    Colleague("viewings", "dana@pavilion.example", "Dana Whitfield", (Role.VIEWINGS,)),
    Colleague("viewings", "yael@pavilion.example", "Yael Ben-Ari", (Role.VIEWINGS,)),
)


async def settle_in(session: AsyncSession, now: datetime) -> None:
    """Everybody has a desk. Asked again nothing changes."""
    if await session.scalar(select(Person.id).limit(1)) is not None:
        return
    hashed = passwords.hash_now(PASSWORD)
    firms: dict[str, Company] = {}
    for firm in FIRMS:
        street, postcode = STREETS.get(firm.name, ("", ""))
        place = {"country": firm.country, "city": firm.city, "street": street, "postcode": postcode}
        company = await service.open_company(session, name=firm.name, tax_no=firm.tax_no, now=now, **place)
        if firm.state != CompanyState.APPLIED:
            await service.set_company_state(session, company=company, state=firm.state, by=None, now=now)
        company.owners = list(firm.owners)
        firms[firm.name] = company
    rivals = [Colleague("", f"desk@{_host(name)}.example", name, (Role.BUYER,), name) for name in RIVALS]
    for one in (*PEOPLE, *rivals):
        await service.add_person(
            session,
            email=one.email,
            name=one.name,
            password_hash=hashed,
            roles=list(one.roles),
            company=firms[one.firm] if one.firm else None,
            lang=None,
            now=now,
        )


async def actor(session: AsyncSession, email: str) -> Actor:
    """This person as the rules see them."""
    person_id = await session.scalar(select(Person.id).where(Person.email == email))
    assert person_id is not None, f"nobody is called {email}"
    person = await queries.person_with_rights(session, person_id)
    assert person is not None
    return queries.as_actor(person)


async def actor_for(session: AsyncSession, firm: str) -> Actor:
    """Somebody who may bid for this company."""
    wanted = select(Person.email).join(Company, Company.id == Person.company_id).where(Company.name == firm)
    emails = (await session.scalars(wanted.order_by(Person.id))).all()
    return await actor(session, emails[0])


def emails(role: str) -> list[str]:
    return [one.email for one in PEOPLE if one.role == role]


def role_email(role: str) -> str:
    return next(one.email for one in PEOPLE if one.role == role)


def _host(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalpha())
