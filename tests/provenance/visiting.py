"""Browsers at the door of a house."""

from contextlib import asynccontextmanager

from httpx2 import ASGITransport, AsyncClient

from pavilion import main
from pavilion.kernel.db import create_engine
from pavilion.provenance import issuing, log
from pavilion.settings import Settings
from tests import make
from tests.make import NOON, PASSWORD
from tests.provenance import issued

HOME = "http://pavilion.test"


@asynccontextmanager
async def a_house(database_url, folder, clock=lambda: NOON, **changes):
    """The house on this database, with the issuer of its passports."""
    engine = create_engine(database_url)
    settings = Settings(
        environment="test", public_url=HOME, data_dir=folder, host_name="pavilion.test", log_key="11" * 32,
        passport_key=issued.SEED.hex(), **changes,
    )  # fmt: skip
    app = main.build_house(settings, engine, clock)
    app.state.issuer = issuing.Issuer.of(settings)
    yield app
    await engine.dispose()


async def ticked(house, at=NOON):
    """Passports are issued and the log covers them."""
    while await issuing.tick(house.state.sessions, house.state.issuer, at):
        pass
    async with house.state.sessions.begin() as session:
        await log.sign(session, house.state.log_signer, at)


async def held(house, stone, name="Lumen Trading"):
    """The company to which the stone belongs to this company, by the house's records."""
    async with house.state.sessions.begin() as session:
        firm = await make.company(session, name)

    async def holder_of(_session, asked):
        return firm.id if asked == stone else None

    house.state.holder_of, house.state.firm = holder_of, firm
    return firm


def a_browser(house):
    return AsyncClient(transport=ASGITransport(house), base_url=HOME, headers={"origin": HOME})


@asynccontextmanager
async def signed_in(house, email):
    async with a_browser(house) as browser:
        assert (await browser.post("/sign-in", data={"email": email, "password": PASSWORD})).status_code == 303
        yield browser


@asynccontextmanager
async def newcomer(house, *roles, email, firm=None):
    """A person with these roles, who did not exist before, signed in."""
    async with house.state.sessions.begin() as session:
        await make.person(session, email, roles, firm)
    async with signed_in(house, email) as browser:
        yield browser
